"""The tables of config.toml as records, with validation."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import date, datetime
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, TypeAlias
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct

from connectors.core.address import is_loopback
from scanner.errors import ConfigError, did_you_mean
from scanner.matching.globs import is_pattern, names_something
from scanner.model import ActivityPolicy, Exemption, Ownership, OwnershipRule, Policy
from scanner.model.reviews import ReviewPolicy
from scanner.strict import Document


def check_scheduler(address: str, *, insecure_tcp: bool) -> None:
    """Validate the address of a Dask scheduler. Raises ValueError, also for plain TCP to another machine."""
    if re.fullmatch(r"local(:[1-9][0-9]{0,2})?", address, re.ASCII):
        return
    parts = urlsplit(address)
    if parts.scheme not in ("tcp", "tls") or not parts.hostname or parts.port is None or parts.username is not None:
        raise ValueError('dask is "local", "local:4", or a scheduler such as "tls://scheduler.internal:8786"')
    if parts.scheme == "tcp" and not insecure_tcp and not is_loopback(parts.hostname):
        raise ValueError(
            "anyone who reaches a Dask scheduler over tcp:// can run code where the secrets are: use tls://, or set "
            "insecure_tcp = true if a network policy restricts access"
        )


# --- The tables of config.toml ---

DEFAULT_STORE = "sqlite:///muster.db"
MOST_DAYS = 36_500
"""A hundred years, for "never"."""


class StoreSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[store]``. ``keep_days``: age in days at which a scan is pruned after the next one; None: never."""

    url: str = DEFAULT_STORE
    keep_days: int | None = None

    def __post_init__(self) -> None:
        if self.keep_days is not None and not 1 <= self.keep_days <= MOST_DAYS:
            raise ValueError(f"keep_days is a number of days from 1 to {MOST_DAYS}")


class MatchingSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[matching]``. ``tag_keys``: tags whose value is the id of the identity's registry entry."""

    tag_keys: tuple[str, ...] = ("muster:entry",)


class OwnershipRuleSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[[ownership.rule]]``."""

    match: str
    owner: str
    reason: str | None = None

    def __post_init__(self) -> None:
        if not self.owner.strip():
            raise ValueError("a rule needs an owner")
        if not names_something(self.match):
            raise ValueError(f"match {self.match!r} is too broad or empty: it would match every identity, or none")


class OwnershipSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[ownership]``: how likely owners are found; see :class:`scanner.model.Ownership`."""

    tag_keys: Mapping[str, float] | None = None
    machines: tuple[str, ...] = ()
    platforms: Mapping[str, str] = {}
    rule: tuple[OwnershipRuleSettings, ...] = ()

    def __post_init__(self) -> None:
        for key, score in (self.tag_keys or {}).items():
            if not 0 < score <= 1:
                raise ValueError(f"the score of the tag {key} is a number above 0, at most 1")
        if nothing := next((text for text in self.machines if not names_something(text)), None):
            raise ValueError(f"the machine {nothing!r} is too broad or empty: it would match every name, or none")

    @property
    def as_declared(self) -> Ownership:
        """As a record of scanner.model."""
        return Ownership(
            tag_keys=self.tag_keys,
            machines=self.machines,
            platforms=self.platforms,
            rules=tuple(OwnershipRule(match=one.match, owner=one.owner, reason=one.reason) for one in self.rule),
        )


MOST_PROCESSES = 256
"""More than the cores of nearly every machine."""


class EngineSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[engine]``. ``workers``: scopes read at once. ``scope_deadline``: seconds for one scope.

    ``processes``: see ``scanner.processes.using``.
    ``dask``: a scheduler's address, or ``local`` or ``local:4`` for processes on this machine.
    """

    workers: int = 8
    scope_deadline: int = 3600
    processes: Annotated[int, Meta(ge=1, le=MOST_PROCESSES)] | None = None
    dask: str | None = None
    insecure_tcp: bool = False

    def __post_init__(self) -> None:
        if self.dask is not None:
            check_scheduler(self.dask, insecure_tcp=self.insecure_tcp)
        if self.workers < 1:
            raise ValueError("workers is a number, at least 1")
        if self.scope_deadline < 1:
            raise ValueError("scope_deadline is a number of seconds, at least 1")


class ExemptSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[[exempt]]``."""

    match: str
    reason: str
    by: str | None = None
    until: date | None = None

    def __post_init__(self) -> None:
        if not self.reason.strip():
            raise ValueError("an exemption needs a reason")
        if not self.match.strip() or (is_pattern(self.match) and not names_something(self.match)):
            raise ValueError(f"match {self.match!r} is too broad or empty: it would exempt every identity, or none")

    @property
    def as_declared(self) -> Exemption:
        """As a record of scanner.model."""
        return Exemption(match=self.match, reason=self.reason, by=self.by, until=self.until)


class ReportSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[[report]]``. ``{date}`` in the path is the scan's day."""

    format: str
    path: Path
    view: str | None = None


class PolicySettings(Policy, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[policy]``, in days."""

    def __post_init__(self) -> None:
        for name in msgspec.structs.asdict(self):
            if not 0 <= getattr(self, name) <= MOST_DAYS:
                raise ValueError(f"{name} is a number of days from 0 to {MOST_DAYS}")


class ActivitySettings(ActivityPolicy, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[activity]``."""

    def __post_init__(self) -> None:
        for name in ("baseline_days", "minimum_days", "keep_days"):
            if not 1 <= getattr(self, name) <= MOST_DAYS:
                raise ValueError(f"{name} is a number of days from 1 to {MOST_DAYS}")
        if self.minimum_events < 0:
            raise ValueError("minimum_events is a number of events, 0 or more")
        if not 0 <= self.explained_within_hours <= 24 * MOST_DAYS:
            raise ValueError(f"explained_within_hours is a number of hours from 0 to {24 * MOST_DAYS}")
        if self.minimum_days > self.baseline_days:
            raise ValueError("minimum_days is at most baseline_days")
        for addresses, name in self.networks.items():
            try:
                ip_network(addresses)
            except ValueError as error:
                raise ValueError(f'networks: {addresses!r} is not an address range, such as "10.0.0.0/8"') from error
            if not name.strip():
                raise ValueError(f"networks: {addresses} needs a name")


class AgentSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[agents]``. ``lock``: the file that says what each agent was approved with."""

    lock: Path | None = None


class ReviewSettings(ReviewPolicy, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[review]``."""

    def __post_init__(self) -> None:
        if not 1 <= self.days <= MOST_DAYS:
            raise ValueError(f"days is a number of days from 1 to {MOST_DAYS}")


Since: TypeAlias = int | date
"""A number of days before today, or a day."""
FIRST_READING = 90
"""Days that the first reading of a log goes back."""
_DAYS = re.compile(r"([1-9][0-9]{0,5})d")


def since_of(value: object) -> Since:
    """``90d``, ``2026-09-01`` or TOML's own date. Raises ValueError."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if isinstance(value, str):
        if (days := _DAYS.fullmatch(value)) and int(days[1]) <= MOST_DAYS:
            return int(days[1])
        with suppress(ValueError):
            return date.fromisoformat(value)
    raise ValueError('give a number of days, such as "90d", or a day, such as 2026-09-01')


class LogTable(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[[log]]`` as it is written. ``path``: a file, a folder, a pattern, ``s3://bucket/prefix``; None: ask live."""

    type: str
    name: str | None = None
    path: str | None = None
    source: str | None = None
    since: Any = f"{FIRST_READING}d"

    def __post_init__(self) -> None:
        since_of(self.since)
        for key in ("name", "path", "source"):
            if (text := getattr(self, key)) is not None and not text.strip():
                raise ValueError(f"{key} is empty")


class LogEntry(Struct, frozen=True, kw_only=True):
    """An audit log: its table, with a name and an absolute path. ``document``: where it is written."""

    name: str
    type: str
    path: str | None = None
    source: str | None = None
    since: Since = FIRST_READING
    document: Document


def log_entry(table: LogTable, document: Document, base: Path, name: str) -> LogEntry:
    """The table with its path taken from that folder, unless it is an address."""
    path = table.path
    if path is not None and "://" not in path:
        path = str(base / Path(path).expanduser())
    return LogEntry(
        name=name, type=table.type, path=path, source=table.source, since=since_of(table.since), document=document
    )


def unknown_source(entry: LogEntry, known: Collection[str]) -> ConfigError | None:
    """The error of a log with an unknown source; None if no source is known at all."""
    if entry.source is None or not known or entry.source in known:
        return None
    return entry.document.problem(
        f"there is no source called {entry.source}",
        (*entry.document.path, "source"),
        did_you_mean(entry.source, sorted(known)) or f"there are: {', '.join(sorted(known))}",
    )


class SourceSettings(Struct, frozen=True, kw_only=True):
    """``[[source]]``: a name, the type of connector, and that connector's settings."""

    name: str
    type: str
    settings: Mapping[str, Any]
    document: Document
    base: Path | None = None
    strict: bool = True
