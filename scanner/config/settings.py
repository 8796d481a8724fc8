"""The address of a Dask scheduler: what is refused before anything is sent there."""

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
    """Raises ValueError for what is no scheduler's address, or one that would give everybody on the way control."""
    if re.fullmatch(r"local(:[1-9][0-9]{0,2})?", address, re.ASCII):
        return
    parts = urlsplit(address)
    if parts.scheme not in ("tcp", "tls") or not parts.hostname or parts.port is None or parts.username is not None:
        raise ValueError('dask is "local", "local:4", or a scheduler such as "tls://scheduler.internal:8786"')
    if parts.scheme == "tcp" and not insecure_tcp and not is_loopback(parts.hostname):
        raise ValueError(
            "whoever reaches a Dask scheduler over tcp:// runs code where the secrets are: use tls://, or say "
            "insecure_tcp = true where a network policy keeps others away"
        )


# --- The tables of config.toml as records; each says what it takes, and refuses what makes no sense ---

DEFAULT_STORE = "sqlite:///muster.db"
MOST_DAYS = 36_500
"""A hundred years of them, for "never"."""


class StoreSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[store]``. ``keep_days``: scans older than that are forgotten after the next one; None: none ever is."""

    url: str = DEFAULT_STORE
    keep_days: int | None = None

    def __post_init__(self) -> None:
        if self.keep_days is not None and not 1 <= self.keep_days <= MOST_DAYS:
            raise ValueError(f"keep_days is a number of days from 1 to {MOST_DAYS}")


class MatchingSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[matching]``. ``tag_keys``: tags whose value names the registry entry they belong to."""

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
            raise ValueError(f"match {self.match!r} names nothing: it would speak for everything, or nothing")


class OwnershipSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[ownership]``: how this organisation tells who owns what; see :class:`scanner.model.Ownership`."""

    tag_keys: Mapping[str, float] | None = None
    machines: tuple[str, ...] = ()
    platforms: Mapping[str, str] = {}
    rule: tuple[OwnershipRuleSettings, ...] = ()

    def __post_init__(self) -> None:
        for key, score in (self.tag_keys or {}).items():
            if not 0 < score <= 1:
                raise ValueError(f"the score of the tag {key} is a number above 0, at most 1")
        if nothing := next((text for text in self.machines if not names_something(text)), None):
            raise ValueError(f"the machine {nothing!r} names nothing: it would be everybody, or nobody")

    @property
    def as_declared(self) -> Ownership:
        """As the core takes it."""
        return Ownership(
            tag_keys=self.tag_keys,
            machines=self.machines,
            platforms=self.platforms,
            rules=tuple(OwnershipRule(match=one.match, owner=one.owner, reason=one.reason) for one in self.rule),
        )


class EngineSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[engine]``. ``workers``: scopes read at once. ``scope_deadline``: seconds one scope may take.

    ``dask``: a scheduler's address, or ``local`` or ``local:4`` for so many processes of this machine's.
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
            raise ValueError(f"match {self.match!r} names nothing: it would exempt everything, or nothing")

    @property
    def as_declared(self) -> Exemption:
        """As the core takes it."""
        return Exemption(match=self.match, reason=self.reason, by=self.by, until=self.until)


class ReportSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[[report]]``; ``{date}`` in the path is the scan's day."""

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
    """``[[source]]``: a name, a connector's type, and what that connector alone understands."""

    name: str
    type: str
    settings: Mapping[str, Any]
    document: Document
    base: Path | None = None
    strict: bool = True
