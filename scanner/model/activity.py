"""What identities did, by audit logs: counts for an identity and a day. No event and no request parameter is kept.

A *log* is a configured audit log. It is read in *units*, each a set of files or calls that is read as a whole or not
at all; usually a scope (an account, a project, a tenant) and a day. A unit gives one :class:`CallerDay` for each
*caller* (what the log calls the actor) and day. The store keeps them; :class:`CallerPast`
is what it gives back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Literal, NamedTuple, TypeAlias

from msgspec import Struct

from scanner.model.terms import GAPS, CoverageStatus

LOG_SECTION = "activity"
"""The section of coverage that says what a log was read of; a day that is a gap has one of its own behind a colon."""

FeatureSort: TypeAlias = Literal[
    "read", "write", "secret", "become", "region", "network", "client", "assumed_by", "credential", "tool", "mark"
]
"""What a feature is.

``read``, ``write``, ``secret`` (reads a secret's value) and ``become`` (takes another identity's permissions) are
actions, as ``service:Action``. ``tool``: what an agent uses: a model, a gateway target, an MCP server. ``mark``: one of
:data:`MARKS`.
"""
ACTIONS: frozenset[FeatureSort] = frozenset({"read", "write", "secret", "become"})
CONSEQUENTIAL: frozenset[FeatureSort] = frozenset({"write", "secret", "become"})
"""Actions whose first use is reported. The first use of another action is only shown."""
MARKS = ("interactive", "off_host")
"""``interactive``: a person's client. ``off_host``: temporary credentials of a host, used on another."""


class Feature(NamedTuple):
    """One way of acting, written ``sort=value``, such as ``write=iam:PutRolePolicy``."""

    sort: FeatureSort
    value: str

    @property
    def service(self) -> str:
        """Of an action, its service."""
        return self.value.partition(":")[0]

    @property
    def action(self) -> str:
        """Of an action, its name without its service."""
        return self.value.partition(":")[2]

    def __str__(self) -> str:
        return f"{self.sort}={self.value}"


def feature_of(text: str) -> Feature:
    """The feature that :class:`Feature` wrote."""
    sort, _, value = text.partition("=")
    return Feature(sort, value)  # type: ignore[arg-type]  # the store's rows are checked as they are read


class CallerDay(Struct, frozen=True, kw_only=True, gc=False):
    """What one caller did on one day (UTC), as one unit says.

    ``caller``: the provider's key or name of the actor, an ARN or an e-mail, say. ``unique_id``: the provider's
    immutable id of it, empty where the log has none. ``hours``: bit n is set if it acted in hour n. ``events``: what it
    did itself; 0 where others became it, and it did nothing. ``counts``: by
    feature's text, how often it succeeded, was denied, failed. ``samples``: by feature's text, the id of its first
    event.
    """

    scope: str
    day: date
    caller: str
    unique_id: str = ""
    first_at: datetime
    last_at: datetime
    hours: int
    events: int
    denied: int = 0
    counts: Mapping[str, tuple[int, int, int]]
    samples: Mapping[str, str] = {}


class NamedChange(Struct, frozen=True, kw_only=True, gc=False):
    """A write that changed what an identity is or runs, as the log says: its permissions, credentials, code.

    ``target``: key, alias or name of the identity or the workload that was changed.
    """

    scope: str
    at: datetime
    target: str
    action: str
    by: str
    event_id: str


class LogDay(Struct, frozen=True, kw_only=True, gc=False):
    """How completely one scope of a log was read for one day. ``detail``: why it is a gap."""

    scope: str
    day: date
    status: CoverageStatus = "complete"
    detail: str | None = None
    permission: str | None = None


class LogUnit(Struct, frozen=True, kw_only=True):
    """What is read as a whole, or not at all. It pickles, so that another process can read it.

    ``name``: the same every time, such as ``111122223333/eu-west-1/2026-11-28``. ``digest``: changes when its content
    does, e.g. when a late file arrives; a unit whose digest is known is not read again. ``files``: what it consists
    of, for the reader alone. ``days``: which days of which scope it is needed for, where that is known beforehand.
    """

    log: str
    name: str
    digest: str
    files: tuple[str, ...] = ()
    days: tuple[LogDay, ...] = ()


class UnitReading(Struct, frozen=True, kw_only=True):
    """All that one unit gave. Of a unit that could not be read in full ``callers`` and ``changes`` are empty.

    ``coverage``: the days it covers, and those of which it is a gap. ``events``: how many it has, those left out of
    the profiles included; ``by_provider``: those of the provider itself, which are in no profile. ``calls``: requests
    sent.
    """

    unit: LogUnit
    callers: tuple[CallerDay, ...] = ()
    changes: tuple[NamedChange, ...] = ()
    coverage: tuple[LogDay, ...] = ()
    events: int = 0
    by_provider: int = 0
    calls: int = 0

    @property
    def is_unread(self) -> bool:
        """Whether it gave nothing but gaps."""
        return bool(self.coverage) and all(one.status in GAPS for one in self.coverage)


class DayCounts(Struct, frozen=True, array_like=True, gc=False):
    """A :class:`CallerDay` as the store keeps it: features by their number among the caller's.

    ``first``, ``last``: seconds since 1970. ``counts``: feature's number, successes, denials, failures; what ends in
    zeros is left out. ``samples``: feature's number, event id. ``days``: 7 in a week that was merged, ``hours`` and
    ``counts`` being those of all its days.
    """

    first: int
    last: int
    hours: int
    events: int
    denied: int = 0
    counts: tuple[tuple[int, ...], ...] = ()
    samples: tuple[tuple[int, str], ...] = ()
    days: int = 1


class Caller(Struct, frozen=True, kw_only=True, gc=False):
    """The actor, as a log calls it. ``number``: the store's own."""

    number: int
    log: str
    scope: str
    caller: str
    unique_id: str = ""


class CallerPast(Struct, frozen=True, kw_only=True, gc=False):
    """What a log has of one caller in one scope, oldest day first.

    ``days``: the day's ordinal (``date.toordinal``), and what it counted; a day may stand twice, from two units.
    """

    caller: Caller
    features: tuple[str, ...]
    days: tuple[tuple[int, DayCounts], ...]


class LogPast(Struct, frozen=True, kw_only=True):
    """What is known of one log. ``source``: whose identities it is about; None: any of ``provider``.

    ``first_read_at``: when its first unit had been read. ``covered``: by scope, the ordinals of the days that were
    read in full; ``gaps``: by scope, those that were not, with what is wrong. ``unlogged``, ``sees_all_use_of``,
    ``also_called``: as in :class:`connectors.logs.LogSpec`.
    """

    log: str
    provider: str
    source: str | None
    first_read_at: datetime
    covered: Mapping[str, frozenset[int]]
    gaps: Mapping[str, Mapping[int, LogDay]] = {}
    unlogged: tuple[str, ...] = ()
    sees_all_use_of: tuple[str, ...] = ()
    also_called: Mapping[str, tuple[str, ...]] = {}


class ActivityPast(Struct, frozen=True, kw_only=True):
    """What the store knows of activity. ``changes``: oldest first.

    ``read``: the past of callers, by their numbers. A hundred thousand callers with 90 days each do not fit into
    memory at once, so it is asked for batches.
    """

    logs: Mapping[str, LogPast] = {}
    callers: Sequence[Caller] = ()
    changes: Sequence[NamedChange] = ()
    read: Callable[[Sequence[int]], Iterable[CallerPast]] = lambda _: ()


class ServiceUse(Struct, frozen=True, kw_only=True, gc=False):
    """One service that an identity used. ``actions``: names of successful ones, sorted. ``service``: e.g. ``s3``."""

    service: str
    actions: tuple[str, ...]
    events: int
    first_at: datetime
    last_at: datetime


class Activity(Struct, frozen=True, kw_only=True, gc=False):
    """What one identity did, over the days that the store keeps. ``covered_days``: how many were read in full.

    ``granted_services``: None where its permissions are unknown or name no services.
    """

    covered_from: date | None
    covered_to: date | None
    covered_days: int
    first_event_at: datetime | None = None
    last_event_at: datetime | None = None
    events: int = 0
    denied: int = 0
    services: tuple[ServiceUse, ...] = ()
    networks: tuple[str, ...] = ()
    clients: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    assumed_by: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    hours: tuple[int, ...] = ()
    """How many covered days it acted on in each of the 24 hours (UTC); empty without events."""
    granted_services: tuple[str, ...] | None = None
    used_services: tuple[str, ...] = ()
    unlogged_services: tuple[str, ...] = ()
    """Granted services with actions that no log of it records: they are never called unused."""

    @property
    def granted_used(self) -> int | None:
        """How many of the granted services it used; None where these are unknown."""
        granted = self.granted_services
        return None if granted is None else len(set(granted).intersection(self.used_services))

    @property
    def granted_unseen(self) -> int:
        """How many of the granted services it may use without a log showing it, and was not seen to use."""
        unseen = set(self.unlogged_services).difference(self.used_services)
        return len(unseen.intersection(self.granted_services or ()))

    @property
    def use_of_grants(self) -> str | None:
        """How many of the granted services it used, in words; None where its permissions name no services."""
        granted = self.granted_services
        if granted is None:
            return None
        services = f"{len(granted):,} granted service{'' if len(granted) == 1 else 's'}"
        said = f"used {self.granted_used} of {services} in {self.covered_days} days"
        unseen = [one for one in self.unlogged_services if one not in self.used_services]
        return f"{said}; no log shows all use of {', '.join(unseen)}" if unseen else said


class Deviation(Struct, frozen=True, kw_only=True, gc=False):
    """A rule about activity that fires for one identity and day; its finding's fingerprint has the day in it.

    ``reasons``: names as in interface, e.g. ``new_service``. ``facts``: what the finding's evidence says besides.
    ``event_ids``: at most five. ``explained``: None where it cannot be known.
    """

    rule: str
    day: date
    reasons: tuple[str, ...] = ()
    facts: Mapping[str, Any] = {}
    event_ids: tuple[str, ...] = ()
    explained: bool | None = None
    explained_by: str | None = None
