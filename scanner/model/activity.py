"""The activity of identities in audit logs: counts per identity and day. No event and no request parameter is kept.

A *log* is a configured audit log. It is read in *units*, each a set of files or calls that is read as a whole or not at
all; usually a scope (an account, a project, a tenant) and a day. A unit yields one :class:`CallerDay` for each *caller*
(the log's name of the actor) and day. The store keeps them, and returns them as :class:`CallerPast`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Literal, NamedTuple, TypeAlias

from msgspec import Struct

from scanner.model.coverage import UNREAD, CoverageStatus

LOG_SECTION = "activity"
"""The section of a log's coverage; a day that is a gap has its own section, after a colon."""

FeatureSort: TypeAlias = Literal[
    "read",
    "write",
    "secret",
    "become",
    "region",
    "network",
    "client",
    "assumed_by",
    "credential",
    "tool",
    "mark",
    "on_behalf_of",
    "sign_in",
    "host",
]
"""The type of a feature.

``read``, ``write``, ``secret`` (reads a secret's value) and ``become`` (takes another identity's permissions) are
actions, as ``service:Action``. ``tool``: what an agent uses: a model, a gateway target, an MCP server. ``mark``: one of
:data:`MARKS`. ``on_behalf_of``: for whom it acted, as the log says: :data:`PERSON`, :data:`AGENT` or
:data:`OTHER_SUBJECT` with an id, or :data:`NOBODY`. ``sign_in``: what it signed in with or as, if a refused sign-in
names nothing else: the hash of an id, or the key of a role. ``host``: where refused calls came from.
"""
TIMED: frozenset[FeatureSort] = frozenset(
    {"read", "write", "secret", "become", "network", "client", "credential", "mark", "on_behalf_of"}
)
"""The features whose first and last event of a day are kept."""
ACTIONS: frozenset[FeatureSort] = frozenset({"read", "write", "secret", "become"})
CONSEQUENTIAL: frozenset[FeatureSort] = frozenset({"write", "secret", "become"})
"""Actions whose first use is reported. The first use of another action is only shown."""
MARKS = ("interactive", "off_host")
"""``interactive``: a person's client. ``off_host``: temporary credentials of a host, used on another."""
PERSON, AGENT, OTHER_SUBJECT = "person:", "agent:", "other:"
"""Prefixes of whom an identity acted for. The id follows, after its issuer or directory and ``#`` if there is one."""
NOBODY = "nobody"
"""The log says that the identity acted for nobody but itself. Where a log is silent about it, there is no feature."""


class Feature(NamedTuple):
    """One type of activity, written ``sort=value``, such as ``write=iam:PutRolePolicy``."""

    sort: FeatureSort
    value: str

    @property
    def service(self) -> str:
        """The service of an action."""
        return self.value.partition(":")[0]

    @property
    def action(self) -> str:
        """The name of an action without its service."""
        return self.value.partition(":")[2]

    def __str__(self) -> str:
        return f"{self.sort}={self.value}"


def feature_of(text: str) -> Feature:
    """Parse the text of a :class:`Feature`."""
    sort, _, value = text.partition("=")
    return Feature(sort, value)  # type: ignore[arg-type]  # the store's rows are checked as they are read


class CallerDay(Struct, frozen=True, kw_only=True, gc=False):
    """The activity of one caller on one day (UTC) in one unit.

    ``caller``: the provider's key or name of the actor, such as an ARN or an e-mail address. ``unique_id``: the
    provider's immutable id, empty if the log has none. ``hours``: bit n is set if it acted in hour n. ``events``: its
    own events; 0 if others assumed it, and it did nothing. ``counts``: by feature's text, how often it succeeded, was
    denied, failed. ``samples``: by feature's text, the id of its first event. ``first_at``, ``last_at``: of its own
    events, if there are any. ``times``: by feature's text, when it was first and last, if not at these two.
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
    times: Mapping[str, tuple[datetime, datetime]] = {}


class NamedChange(Struct, frozen=True, kw_only=True, gc=False):
    """A write in a log that changed an identity or its workload: permissions, credentials, code.

    ``target``: key, alias or name of the identity or the workload that was changed.
    """

    scope: str
    at: datetime
    target: str
    action: str
    by: str
    event_id: str


SILENT = "no event"
"""The detail of a day that was read completely and has no event of anybody: nothing happened, or lines are missing."""


class LogDay(Struct, frozen=True, kw_only=True, gc=False):
    """How completely one scope of a log was read for one day. ``detail``: why it is a gap, or :data:`SILENT`."""

    scope: str
    day: date
    status: CoverageStatus = "complete"
    detail: str | None = None
    permission: str | None = None


class LogUnit(Struct, frozen=True, kw_only=True):
    """A part of a log that is read completely or not at all. It can be pickled, to be read by another process.

    ``name``: stable, such as ``111122223333/eu-west-1/2026-11-28``. ``digest``: changes with its content, e.g. when a
    late file arrives; a unit with a known digest is not read again. ``files``: its parts, for the reader only.
    ``marks``: eight bytes for each of these, by which they are known again (``connectors/logs/parts.py``); empty for
    a unit that is known by its digest alone. ``days``: the days by scope that it belongs to, if known before reading.
    ``replaces``: names of other units that have the same content.
    """

    log: str
    name: str
    digest: str
    files: tuple[str, ...] = ()
    marks: bytes = b""
    days: tuple[LogDay, ...] = ()
    replaces: tuple[str, ...] = ()


MALFORMED = "could not be read"
BY_PROVIDER = "by the provider itself"
"""Classes of records that are in no profile; each log has further ones."""


class LeftOut(Struct, frozen=True, kw_only=True, gc=False, array_like=True):
    """Records of a unit that are in no profile. ``scope``: empty where the records do not name theirs.

    ``what``: a class that is left out by design, or :data:`MALFORMED`. ``example``: file and number of a malformed one.
    """

    scope: str
    what: str
    records: int
    example: str = ""


class UnitReading(Struct, frozen=True, kw_only=True):
    """The result of reading one unit. ``callers`` and ``changes`` are empty if it could not be read completely.

    ``coverage``: the days it covers, and the days with gaps. ``events``: the number of its events, including
    those in no profile; ``by_provider``: events of the provider itself, which are in no profile. ``counted``: by scope,
    events in profiles; ``left_out``: all other records. ``calls``: requests sent.
    """

    unit: LogUnit
    callers: tuple[CallerDay, ...] = ()
    changes: tuple[NamedChange, ...] = ()
    coverage: tuple[LogDay, ...] = ()
    events: int = 0
    by_provider: int = 0
    counted: Mapping[str, int] = {}
    left_out: tuple[LeftOut, ...] = ()
    calls: int = 0

    @property
    def is_unread(self) -> bool:
        """Whether nothing of it was read."""
        return bool(self.coverage) and all(one.status in UNREAD for one in self.coverage)


class DayCounts(Struct, frozen=True, array_like=True, gc=False):
    """A :class:`CallerDay` as the store keeps it: features by their number among the caller's.

    ``first``, ``last``: seconds since 1970. ``counts``: feature's number, successes, denials, failures; trailing zeros
    are left out. ``samples``: feature's number, event id. ``days``: 7 for a merged week, with the ``hours`` and
    ``counts`` of all its days. ``times``: in threes, feature's number, seconds from ``first`` to its first
    event, and from its last event to ``last``; left out where both are 0, for features that are not :data:`TIMED`, and
    in a week.
    """

    first: int
    last: int
    hours: int
    events: int
    denied: int = 0
    counts: tuple[tuple[int, ...], ...] = ()
    samples: tuple[tuple[int, str], ...] = ()
    days: int = 1
    times: tuple[int, ...] = ()

    def spans(self) -> dict[int, tuple[int, int]]:
        """The times of the features that do not have those of the day: first and last, in seconds since 1970."""
        given = iter(self.times)
        threes = zip(given, given, given, strict=True)
        return {number: (self.first + after, self.last - before) for number, after, before in threes}


class Caller(Struct, frozen=True, kw_only=True, gc=False):
    """The actor under its name in a log. ``number``: assigned by the store."""

    number: int
    log: str
    scope: str
    caller: str
    unique_id: str = ""


class CallerPast(Struct, frozen=True, kw_only=True, gc=False):
    """The past of one caller in one scope of a log, oldest day first.

    ``days``: the day's ordinal (``date.toordinal``) and its counts; a day may occur twice, from two units.
    """

    caller: Caller
    features: tuple[str, ...]
    days: tuple[tuple[int, DayCounts], ...]


class LogPast(Struct, frozen=True, kw_only=True):
    """The past of one log. ``source``: the source of its identities; None: any of ``provider``.

    ``first_read_at``: when its first unit was read. ``covered``: by scope, the ordinals of completely read days;
    ``gaps``: by scope, the other days with the reason; ``silent``: by scope, covered days of which the log's files have
    no event at all, so that they cannot tell a quiet day from a removed one. ``counted``: by scope, the number of
    events in profiles, as far as all of its units say it; ``left_out``: by scope, records that are in none.
    ``unlogged``, ``sees_all_use_of``, ``sees_sign_ins_of``, ``also_called``, ``names_people``: as in
    :class:`connectors.logs.LogSpec`.
    """

    log: str
    provider: str
    source: str | None
    first_read_at: datetime
    covered: Mapping[str, frozenset[int]]
    gaps: Mapping[str, Mapping[int, LogDay]] = {}
    silent: Mapping[str, frozenset[int]] = {}
    counted: Mapping[str, int] = {}
    left_out: Mapping[str, tuple[LeftOut, ...]] = {}
    unlogged: tuple[str, ...] = ()
    sees_all_use_of: tuple[str, ...] = ()
    sees_sign_ins_of: tuple[str, ...] = ()
    also_called: Mapping[str, tuple[str, ...]] = {}
    names_people: bool = False


class ActivityPast(Struct, frozen=True, kw_only=True):
    """The activity in the store. ``changes``: oldest first. ``read``: returns the past of callers, by their numbers.

    A hundred thousand callers with 90 days each do not fit into memory, so it is called with batches. ``signed_in``:
    returns the numbers of callers by the value of a ``sign_in`` feature.
    """

    logs: Mapping[str, LogPast] = {}
    callers: Sequence[Caller] = ()
    changes: Sequence[NamedChange] = ()
    read: Callable[[Sequence[int]], Iterable[CallerPast]] = lambda _: ()
    signed_in: Callable[[], Mapping[str, Sequence[int]]] = dict


class ServiceUse(Struct, frozen=True, kw_only=True, gc=False):
    """One service that an identity used. ``actions``: names of successful actions, sorted. ``service``: e.g. ``s3``.

    ``last_days``: by action that is a use, the last day on which it succeeded.
    """

    service: str
    actions: tuple[str, ...]
    events: int
    first_at: datetime
    last_at: datetime
    last_days: Mapping[str, date] = {}


class Activity(Struct, frozen=True, kw_only=True, gc=False):
    """The activity of one identity, over the days in the store. ``covered_days``: number of completely read days.

    ``granted_services``: None if its permissions are unknown or name no services.
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
    on_behalf_of: tuple[str, ...] = ()
    """For whom it acted successfully, as far as the logs say: see :data:`FeatureSort`."""
    hours: tuple[int, ...] = ()
    """The number of covered days with activity in each of the 24 hours (UTC); empty without events."""
    granted_services: tuple[str, ...] | None = None
    used_services: tuple[str, ...] = ()
    unlogged_services: tuple[str, ...] = ()
    """Granted services with actions that no log records: these are never reported as unused."""

    @property
    def granted_used(self) -> int | None:
        """The number of granted services that it used; None if unknown."""
        granted = self.granted_services
        return None if granted is None else len(set(granted).intersection(self.used_services))

    @property
    def granted_unseen(self) -> int:
        """The number of granted services without recorded use that no log covers completely."""
        unseen = set(self.unlogged_services).difference(self.used_services)
        return len(unseen.intersection(self.granted_services or ()))

    @property
    def use_of_grants(self) -> str | None:
        """The number of granted services that it used, as text; None if its permissions name no services."""
        granted = self.granted_services
        if granted is None:
            return None
        services = f"{len(granted):,} granted service{'' if len(granted) == 1 else 's'}"
        said = (
            f"used {self.granted_used} of {services} in {self.covered_days} day{'' if self.covered_days == 1 else 's'}"
        )
        unseen = [one for one in self.unlogged_services if one not in self.used_services]
        return f"{said}; no log shows all use of {', '.join(unseen)}" if unseen else said


class Deviation(Struct, frozen=True, kw_only=True, gc=False):
    """A rule about activity that fires for one identity and day; its finding's fingerprint has the day in it.

    ``lasts``: of a condition that lasts for days, what it is about besides the identity, such as a credential's id, or
    nothing. Its fingerprint has that in place of the day; ``day`` is the last one so far, of ``days``. ``reasons``:
    published names, e.g. ``new_service``. ``facts``: further facts for the finding's evidence. ``event_ids``: at most
    five. ``explained``: None if unknown.
    """

    rule: str
    day: date
    lasts: str | None = None
    days: tuple[date, ...] = ()
    reasons: tuple[str, ...] = ()
    facts: Mapping[str, Any] = {}
    event_ids: tuple[str, ...] = ()
    explained: bool | None = None
    explained_by: str | None = None


class SharedChange(Struct, frozen=True, kw_only=True, gc=False):
    """A network or client that took the place of another for many identities of a provider.

    ``value``: the new one; ``instead_of``: those that they used mainly before. ``first_day``, ``last_day``: on which
    they began to use it. ``identities``: keys, sorted.
    """

    provider: str
    sort: FeatureSort
    value: str
    instead_of: tuple[str, ...]
    first_day: date
    last_day: date
    identities: tuple[str, ...]
