"""The tables of config.toml as records, with validation."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from connectors.address import is_loopback
from scanner.matching.globs import is_pattern, names_something
from scanner.model import Exemption, Ownership, OwnershipRule, Policy
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


class EngineSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[engine]``. ``workers``: scopes read at once. ``scope_deadline``: seconds for one scope.

    ``dask``: a scheduler's address, or ``local`` or ``local:4`` for processes on this machine.
    """

    workers: int = 8
    scope_deadline: int = 3600
    dask: str | None = None
    insecure_tcp: bool = False

    def __post_init__(self) -> None:
        if self.dask is not None:
            check_scheduler(self.dask, insecure_tcp=self.insecure_tcp)
        if self.workers < 1:
            raise ValueError("at least one worker is needed")
        if self.scope_deadline < 1:
            raise ValueError("a scope needs at least one second")


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


class SourceSettings(Struct, frozen=True, kw_only=True):
    """``[[source]]``: a name, the type of connector, and that connector's settings."""

    name: str
    type: str
    settings: Mapping[str, Any]
    document: Document
    base: Path | None = None
    strict: bool = True
