"""Joins callers in logs with identities, and lists what an identity did by day."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import accumulate

from msgspec import Struct

from scanner.matching.keys import as_compared, fold, is_email, provider_key
from scanner.model import EVERY_SCOPE, Identity
from scanner.model.activity import (
    ACTIONS,
    ActivityPast,
    Caller,
    CallerPast,
    DayCounts,
    Feature,
    LogPast,
    feature_of,
)

_NOT_A_USE = frozenset({"sts:GetCallerIdentity"})
"""An action that succeeds for everybody and has no effect."""

# --- Callers and identities ---


class Joined(Struct, frozen=True, kw_only=True):
    """Callers joined with identities. ``callers``: by identity's key; ``unknown``: callers without an identity."""

    callers: Mapping[str, Sequence[Caller]]
    unknown: Sequence[Caller]


def join(identities: Iterable[Identity], past: ActivityPast) -> Joined:
    """Join callers with the identities of their log's source, or provider.

    By key, unique id or alias. An identity whose unique id differs from the caller's is another identity, which was
    deleted and created again. A text that names two identities is ignored.
    """
    index = _index(identities)
    callers: defaultdict[str, list[Caller]] = defaultdict(list)
    unknown: list[Caller] = []
    for caller in past.callers:
        log = past.logs.get(caller.log)
        found = None if log is None else _identity_of(caller, log, index)
        if found is None:
            unknown.append(caller)
        else:
            callers[found.key].append(caller)
    return Joined(callers=callers, unknown=unknown)


_Index = Mapping[tuple[str, str], Identity | None]
"""By provider and text, as compared; None for a text that names two identities."""


def _index(identities: Iterable[Identity]) -> _Index:
    index: dict[tuple[str, str], Identity | None] = {}
    keys: dict[tuple[str, str], Identity] = {}
    for identity in identities:
        provider = provider_key(identity.provider) or ""
        keys[provider, as_compared(identity.key, provider)] = identity
        for text in {identity.unique_id or identity.key, *identity.aliases}:
            at = provider, _compared(text, provider)
            known = index.setdefault(at, identity)
            if known is not None and known.key != identity.key:
                index[at] = None
    return index | keys


def _compared(text: str, provider: str) -> str:
    return fold(text) if is_email(text) else as_compared(text, provider)


def _identity_of(caller: Caller, log: LogPast, index: _Index) -> Identity | None:
    provider = provider_key(log.provider) or ""
    for text in (caller.unique_id, caller.caller):
        identity = index.get((provider, _compared(text, provider))) if text else None
        if identity is None or not _is_of(log, identity):
            continue
        ids = (identity.unique_id, *identity.aliases)
        differs = caller.unique_id and identity.unique_id and caller.unique_id not in ids
        return None if differs else identity
    return None


def _is_of(log: LogPast, identity: Identity) -> bool:
    return log.source is None or log.source == identity.source or log.source in identity.sources


# --- Days that were read ---


class Covered(Struct, frozen=True, kw_only=True):
    """Days that were read in full. ``days``: their ordinals, sorted, and in ``every`` as a set.

    ``scored``: days that may be compared with a baseline. ``conclusive``: days of logs that record any use of such an
    identity, so that no event means no use. ``unlogged``: patterns of actions that no log records. ``also_called``:
    other names of actions. ``names_people``: one of the logs names the person for whom an identity acts.
    """

    days: tuple[int, ...] = ()
    scored: frozenset[int] = frozenset()
    every: frozenset[int] = frozenset()
    conclusive: frozenset[int] = frozenset()
    unlogged: tuple[str, ...] = ()
    also_called: Mapping[str, tuple[str, ...]] = {}
    names_people: bool = False

    def before(self, day: int, count: int) -> int:
        """The first of the last ``count`` covered days before a day; the first of all where there are fewer."""
        place = bisect_left(self.days, day)
        return self.days[max(0, place - count)] if self.days else day

    def is_conclusive(self, start: int, end: int) -> bool:
        """Whether every day from ``start`` up to the day before ``end`` is conclusive."""
        return self.conclusive.issuperset(range(start, end))

    def between(self, start: int, end: int) -> int:
        """The number of covered days from ``start`` up to the day before ``end``."""
        return bisect_left(self.days, end) - bisect_left(self.days, start)


class Coverages:
    """The covered days of each identity: of its own scope, in any of its logs.

    ``scanned_at``: when the identities were scanned, if not now. A log counts as a baseline only after a scan that
    followed its first reading.
    """

    def __init__(self, past: ActivityPast, *, now: datetime, scanned_at: datetime | None = None) -> None:
        self._logs = past.logs
        self._today = now.date().toordinal()
        self._scanned_at = scanned_at or now
        self._known: dict[tuple[str, tuple[tuple[str, str], ...]], Covered] = {}

    def of(self, identity: Identity, callers: Sequence[Caller]) -> Covered | None:
        """The covered days of an identity; None if there is no log of it."""
        places = [(caller.log, caller.scope) for caller in callers]
        for name, log in self._logs.items():
            if provider_key(log.provider) == provider_key(identity.provider) and _is_of(log, identity):
                places += [
                    (name, scope)
                    for scope in (identity.scope, EVERY_SCOPE)
                    if scope in log.covered or scope in log.gaps
                ]
        if not places:
            return None
        key = identity.kind, tuple(sorted(set(places)))
        if key not in self._known:
            self._known[key] = self._covered(*key)
        return self._known[key]

    def _covered(self, kind: str, places: Sequence[tuple[str, str]]) -> Covered:
        every: set[int] = set()
        scored: set[int] = set()
        conclusive: set[int] = set()
        for name, scope in places:
            days = {day for day in self._logs[name].covered.get(scope, ()) if day < self._today}
            every |= days
            if self._logs[name].first_read_at < self._scanned_at:
                scored |= days
            if not {"*", kind}.isdisjoint(self._logs[name].sees_all_use_of):
                conclusive |= days
        unlogged = [frozenset(self._logs[name].unlogged) for name, _ in places]
        return Covered(
            days=tuple(sorted(every)),
            scored=frozenset(scored),
            every=frozenset(every),
            conclusive=frozenset(conclusive),
            unlogged=tuple(sorted(frozenset.intersection(*unlogged))),
            also_called={action: names for log, _ in places for action, names in self._logs[log].also_called.items()},
            names_people=any(self._logs[name].names_people for name, _ in places),
        )


# --- What one identity did ---


class Timeline(Struct, frozen=True, kw_only=True):
    """The activity of one identity. ``days``: ordinal and counts per day, oldest first; ``weeks``: merged ones before.

    ``features``: by number, as the counts name them. ``uses``: the numbers of actions that are a use if they succeed.
    """

    features: tuple[Feature, ...]
    uses: frozenset[int]
    days: tuple[tuple[int, DayCounts], ...]
    weeks: tuple[tuple[int, DayCounts], ...]
    covered: Covered

    def is_used(self, counts: DayCounts) -> bool:
        """Whether any action that is a use succeeded."""
        uses = self.uses
        return any(one[0] in uses and len(one) > 1 and one[1] for one in counts.counts)

    def names(self, numbers: Iterable[int]) -> list[str]:
        """Values of features, sorted."""
        return sorted({self.features[number].value for number in numbers})

    def used(self, counts: DayCounts) -> Iterator[tuple[int, Feature, int]]:
        """Number, action and count of each action that succeeded and is a use."""
        return (
            (number, self.features[number], count) for number, count in successes(counts).items() if number in self.uses
        )

    def event_ids(self, counts: DayCounts, numbers: Iterable[int]) -> Iterator[str]:
        """Ids of events of that day with any of these features."""
        wanted = set(numbers)
        own = {one[0]: sum(one[1:]) for one in counts.counts if self.features[one[0]].sort != "assumed_by"}
        if any(own.get(number, 0) >= counts.events > 0 for number in wanted):  # all of its activity
            wanted |= own.keys()
        return (event for number, event in counts.samples if number in wanted)


def successes(counts: DayCounts) -> dict[int, int]:
    """Number of successes by feature, without zeros."""
    return {one[0]: one[1] for one in counts.counts if len(one) > 1 and one[1]}


def timeline(pasts: Sequence[CallerPast], covered: Covered) -> Timeline:
    """The activity of one identity from the activity of its callers."""
    if len(pasts) == 1:
        features, every = pasts[0].features, pasts[0].days
        ordinals = [day for day, counts in every if counts.days == 1]
        if len(set(ordinals)) == len(ordinals):
            return _split(tuple(map(feature_of, features)), every, covered)
    numbers: dict[str, int] = {}
    merged: dict[tuple[int, int], DayCounts] = {}
    for past in pasts:
        renumbered = [numbers.setdefault(text, len(numbers)) for text in past.features]
        for day, counts in past.days:
            own = _renumbered(counts, renumbered)
            at = day, counts.days
            merged[at] = own if at not in merged else merge(merged[at], own)
    every = tuple((day, merged[day, days]) for day, days in sorted(merged))
    return _split(tuple(map(feature_of, numbers)), every, covered)


def _split(features: tuple[Feature, ...], every: Sequence[tuple[int, DayCounts]], covered: Covered) -> Timeline:
    days = tuple(one for one in every if one[1].days == 1)
    weeks = () if len(days) == len(every) else tuple(one for one in every if one[1].days > 1)
    uses = {
        number for number, one in enumerate(features) if one.sort in ACTIONS and one.value not in _NOT_A_USE
    }  # fmt: skip
    return Timeline(features=features, uses=frozenset(uses), days=days, weeks=weeks, covered=covered)


def _renumbered(counts: DayCounts, numbers: Sequence[int]) -> DayCounts:
    return DayCounts(
        first=counts.first,
        last=counts.last,
        hours=counts.hours,
        events=counts.events,
        denied=counts.denied,
        counts=tuple((numbers[one[0]], *one[1:]) for one in counts.counts),
        samples=tuple((numbers[number], event) for number, event in counts.samples),
        days=counts.days,
        times=tuple(one if place % 3 else numbers[one] for place, one in enumerate(counts.times)),
    )


def merge(one: DayCounts, other: DayCounts) -> DayCounts:
    """The merged counts of two days, or of two weeks, with the same numbering."""
    sums: dict[int, list[int]] = {}
    for counts in (*one.counts, *other.counts):
        so_far = sums.setdefault(counts[0], [0, 0, 0])
        for place, count in enumerate(counts[1:]):
            so_far[place] += count
    first, last = min(one.first, other.first), max(one.last, other.last)
    spans: dict[int, tuple[int, int]] = {}
    for day in (one, other):
        own = day.spans()
        for number, *_ in day.counts:
            begin, end = own.get(number, (day.first, day.last))
            known = spans.get(number, (begin, end))
            spans[number] = min(begin, known[0]), max(end, known[1])
    return DayCounts(
        first=first,
        last=last,
        hours=one.hours | other.hours,
        events=one.events + other.events,
        denied=one.denied + other.denied,
        counts=tuple((number, *_without_zeros(sums[number])) for number in sorted(sums)),
        samples=tuple(sorted(dict((*other.samples, *one.samples)).items())),
        days=max(one.days, other.days),
        times=tuple(
            value
            for number, (begin, end) in sorted(spans.items())
            if (begin, end) != (first, last)
            for value in (number, begin - first, last - end)
        ),
    )


def _without_zeros(counts: Sequence[int]) -> Sequence[int]:
    last = max((place for place, count in enumerate(counts) if count), default=-1)
    return counts[: last + 1]


# --- Times ---


def hours_of(days: Iterable[tuple[int, DayCounts]]) -> list[int]:
    """Number of days with activity, by hour."""
    hours = [0] * 24
    for bits, count in Counter(counts.hours for _, counts in days).items():  # most days have the same hours
        for hour in range(24):
            if bits >> hour & 1:
                hours[hour] += count
    return hours


def last_use(line: Timeline) -> datetime | None:
    """The time of the last successful event, on the last day with one."""
    for _, counts in reversed((*line.weeks, *line.days)):
        if used := [number for number, _, _ in line.used(counts)]:
            return moment(span_of(counts, used)[1])
    return None


def span_of(counts: DayCounts, numbers: Iterable[int]) -> tuple[int, int]:
    """When any of these features was first and last on that day, in seconds; of the day for none."""
    own, whole = counts.spans(), (counts.first, counts.last)
    spans = [own.get(number, whole) for number in numbers] or [whole]
    return min(first for first, _ in spans), max(last for _, last in spans)


def moment(seconds: int) -> datetime:
    """A time in the form of the model."""
    return datetime.fromtimestamp(seconds, UTC)


def running_totals(days: Sequence[tuple[int, DayCounts]]) -> list[int]:
    """Number of events before each day, and the total at the end."""
    return [0, *accumulate(counts.events for _, counts in days)]
