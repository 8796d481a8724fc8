"""Counts events into profiles. Most events repeat others except for their time.

So a reader counts *raw keys*, the few texts of an event that matter, and explains each distinct one only once:
:class:`RawCounts`. The result goes into a :class:`LogTally`, whose limits keep a hostile log from using too much of the
memory.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, NamedTuple, TypeAlias

from msgspec.structs import replace

from connectors.core.offline import Unreadable
from connectors.logs.spoilt import Spoilt
from scanner.model import EVERY_SCOPE
from scanner.model.activity import MALFORMED, TIMED, CallerDay, LeftOut, LogDay, LogUnit, NamedChange, UnitReading
from scanner.text import counted

MOST_RAW = 50_000
"""Distinct raw keys that are held before their meaning is worked out."""
MOST_CALLERS = 50_000
"""Maximum callers and days of one unit; others count as one caller, :data:`MORE`, and make their day a gap."""
MOST_CHANGES = 10_000
"""Maximum changes in one unit; others make their day a gap."""
MOST_LEFT_OUT = 1_000_000
"""Maximum callers and days beyond a limit that are counted exactly; above, their number is a lower bound."""
MORE = "(more)"
"""The name for everything beyond a limit."""
_MOST_VALUES = {"read": 1000, "write": 1000, "network": 1000}
_MOST_OTHER_VALUES = 250
"""Values of one kind of one caller and day, at some 280 bytes each: a fleet's role comes from hundreds of networks."""

NO_TIME = "the time of a record is not a time"
HOURS = {f"{hour:02}": 1 << hour for hour in range(24)}


class Counted(NamedTuple):
    """The count of a raw key. Times are texts in UTC that sort, such as ``2026-11-28T10:00:00Z``.

    ``hours``: a bit for each hour. ``first``, ``last``: when. ``event_id``: of the first one. ``held``: whatever its
    reader needs to explain it.
    """

    events: int
    hours: int
    first: str
    last: str
    event_id: str
    held: Any


Row: TypeAlias = list[Any]
"""The members of :class:`Counted`, while they are counted."""


class RawCounts:
    """Counts of raw keys by day; distinct keys are explained in batches.

    A raw key is all that matters of an event except its time; the counts have its hash. The same key may be explained
    again later. A reader of very many events asks for the rows of a day, and does what :meth:`add` does itself.
    """

    def __init__(self, explain: Callable[[Counted], None]) -> None:
        self._explain = explain
        self._days: dict[str, dict[int, Row]] = {}
        self._day = ""
        self._touched: set[str] = set()

    def add(self, key: Hashable, time: str, event_id: str, held: Any) -> None:
        """Count one event. Raises Unreadable for an invalid time."""
        day = time[:10]
        rows = self._days.get(day) or self.rows_of(time)
        if day != self._day:
            self._day = day
            self._touched.add(day)
        row = rows.get(at := hash(key))
        try:
            if row is None:
                rows[at] = [1, HOURS[time[11:13]], time, time, event_id, held]
                return
            row[0] += 1
            row[1] |= HOURS[time[11:13]]
        except KeyError:
            raise Unreadable(NO_TIME) from None
        if time > row[3]:
            row[3] = time
        elif time < row[2]:
            row[2], row[4] = time, event_id

    def rows_of(self, time: str) -> dict[int, Row]:
        """The rows of a time's day, by the hash of the key. Raises Unreadable for an invalid time."""
        day = time[:10]
        found = self._days.get(day)
        if found is None:
            if not (_TIME.fullmatch(time) and _is_day(day)):
                raise Unreadable(NO_TIME)
            found = self._days[day] = {}
        self._touched.add(day)
        return found

    def touched(self) -> set[str]:
        """The days of the events since the last call."""
        days, self._touched, self._day = self._touched, set(), ""
        return days

    def relieve(self) -> None:
        """Explain the counted keys if there are many."""
        if sum(map(len, self._days.values())) > MOST_RAW:
            self.settle()

    def settle(self) -> None:
        """Explain all counted keys."""
        days, self._days = self._days, {}
        for counts in days.values():
            for row in counts.values():
                self._explain(Counted(*row))


_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z", re.ASCII)


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


_FIRST, _EVENT, _LAST = 3, 4, 5
"""The places of a feature's times and event in its row, after the three counts."""


class LogProfile:
    """The profile of one caller on one day, while it is being counted."""

    __slots__ = ("beyond", "counts", "denied", "events", "first", "hours", "last", "seen_first", "seen_last", "values")

    def __init__(self) -> None:
        self.first = self.last = ""
        """Of its own events."""
        self.seen_first = self.seen_last = ""
        """Of any event that counts, such as those in which others assumed it."""
        self.hours = self.events = self.denied = self.beyond = 0
        self.counts: dict[str, list[Any]] = {}
        """By feature's text the three counts, when it was first, in which event, and when it was last."""
        self.values: dict[str, int] = {}

    def acted(self, counted: Counted, outcome: int) -> None:
        """Count the caller's own activity."""
        if not self.first or counted.first < self.first:
            self.first = counted.first
        self.last = max(self.last, counted.last)
        self.hours |= counted.hours
        self.events += counted.events
        if outcome == DENIED:
            self.denied += counted.events

    def count(self, features: Iterable[str], counted: Counted, outcome: int) -> None:
        """Count features by their texts. ``outcome``: :data:`DONE`, :data:`DENIED` or :data:`FAILED`."""
        first, last, counts = counted.first, counted.last, self.counts
        if not self.seen_first or first < self.seen_first:
            self.seen_first = first
        self.seen_last = max(self.seen_last, last)
        for text in features:
            slots = counts.get(text)
            if slots is None:
                slots = self._new(text, counted)
            slots[outcome] += counted.events
            if first < slots[_FIRST]:
                slots[_FIRST:_LAST] = first, counted.event_id
            slots[_LAST] = max(slots[_LAST], last)

    def _new(self, text: str, counted: Counted) -> list[Any]:
        sort = text.partition("=")[0]
        number = self.values.get(sort, 0)
        if number >= _MOST_VALUES.get(sort, _MOST_OTHER_VALUES):
            self.beyond += 1
            text = f"{sort}={MORE}"
        else:
            self.values[sort] = number + 1
        return self.counts.setdefault(text, [0, 0, 0, counted.first, counted.event_id, counted.last])

    def join(self, other: LogProfile) -> None:
        """Add the counts of another profile."""
        self.first = min(filter(None, (self.first, other.first)), default="")
        self.last = max(self.last, other.last)
        self.seen_first, self.seen_last = min(self.seen_first, other.seen_first), max(self.seen_last, other.seen_last)
        self.hours |= other.hours
        self.events += other.events
        self.denied += other.denied
        self.beyond += other.beyond
        for text, slots in other.counts.items():
            mine = self.counts.setdefault(text, [0, 0, 0, *slots[_FIRST:]])
            sums = [one + more for one, more in zip(mine[:_FIRST], slots, strict=False)]
            mine[:] = [*sums, *min(mine[_FIRST:_LAST], slots[_FIRST:_LAST]), max(mine[_LAST], slots[_LAST])]

    def day(self, scope: str, caller: str, unique_id: str) -> CallerDay:
        """The profile as a record."""
        first_at, last_at = _moment(self.first or self.seen_first), _moment(self.last or self.seen_last)
        counts = sorted(self.counts.items())
        times = {
            text: (_moment(slots[_FIRST]), _moment(slots[_LAST]))
            for text, slots in counts
            if text.partition("=")[0] in TIMED
        }
        return CallerDay(
            scope=scope,
            day=_moment(self.seen_first).date(),
            caller=caller,
            unique_id=unique_id,
            first_at=first_at,
            last_at=last_at,
            hours=self.hours,
            events=self.events,
            denied=self.denied,
            counts={text: (slots[0], slots[1], slots[2]) for text, slots in counts},
            samples={text: slots[_EVENT] for text, slots in counts if slots[_EVENT]},
            times={text: span for text, span in times.items() if span != (first_at, last_at)},
        )


DONE, DENIED, FAILED = range(3)


class LogTally:
    """The profiles of one unit, by scope, day (``2026-11-28``), caller and its unique id.

    ``left_out``: by scope and day, how many callers have no profile of their own.
    """

    def __init__(self) -> None:
        self.left_out: Counter[tuple[str, str]] = Counter()
        self._seen_left_out: set[int] = set()
        self._profiles: dict[tuple[str, str, str, str], LogProfile] = {}

    def of(self, scope: str, day: str, caller: str, unique_id: str = "") -> LogProfile:
        """The profile to count into."""
        at = scope, day, caller, unique_id
        found = self._profiles.get(at)
        if found is None:
            if len(self._profiles) >= MOST_CALLERS:
                # Hashes take a tenth of the memory of the names.
                mark = hash(at)
                if mark not in self._seen_left_out and len(self._seen_left_out) < MOST_LEFT_OUT:
                    self._seen_left_out.add(mark)
                    self.left_out[at[:2]] += 1
                at = scope, day, MORE, ""
            found = self._profiles.setdefault(at, LogProfile())
        return found

    def crowded(self) -> Mapping[tuple[str, str], str]:
        """By scope and day, what callers did beyond the limits for one caller, which is counted as :data:`MORE`."""
        beyond: Counter[tuple[str, str]] = Counter()
        callers: Counter[tuple[str, str]] = Counter()
        for (scope, day, _, _), one in self._profiles.items():
            if one.beyond:
                beyond[scope, day] += one.beyond
                callers[scope, day] += 1
        told = "{} of more actions or places by {}"
        return {
            at: told.format(counted(number, "use", "uses"), counted(callers[at], "caller", "callers"))
            for at, number in beyond.items()
        }

    @property
    def is_lower_bound(self) -> bool:
        """Whether more callers may be left out than are counted."""
        return len(self._seen_left_out) >= MOST_LEFT_OUT

    def profiles(self) -> tuple[CallerDay, ...]:
        """The profiles of callers by day, sorted.

        Events of a caller without a unique id belong to the only caller of that name with one.
        """
        self._join_without_id()
        return tuple(
            one.day(scope, caller, unique_id)
            for (scope, _, caller, unique_id), one in sorted(self._profiles.items(), key=lambda each: each[0])
        )

    def _join_without_id(self) -> None:
        ids: dict[tuple[str, str, str], list[str]] = {}
        for scope, day, caller, unique_id in self._profiles:
            ids.setdefault((scope, day, caller), []).append(unique_id)
        for at, found in ids.items():
            known = list(filter(None, found))
            if "" in found and len(known) == 1:
                self._profiles[*at, known[0]].join(self._profiles.pop((*at, "")))


def _moment(text: str) -> datetime:
    """A time that was counted: its day and hour are valid; without valid minutes it is the hour's beginning."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return datetime.fromisoformat(f"{text[:13]}:00:00Z")


def valid_time(time: str) -> str:
    """A time of a log as sortable text, in UTC. Raises Unreadable."""
    if time.endswith("Z"):
        if not (_TIME.fullmatch(time) and _is_day(time[:10]) and time[11:13] in HOURS):
            raise Unreadable(NO_TIME)
        return time
    return utc_text(time)


def utc_text(time: str) -> str:
    """A time of a log as sortable text, in UTC. Raises Unreadable."""
    try:
        at = datetime.fromisoformat(time)
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Unreadable(NO_TIME) from error
    return at.isoformat(timespec="microseconds").replace("+00:00", "Z")


class Counting(ABC):
    """Counts the records of one unit.

    ``raw``: what was counted and not yet explained. ``events``: how many there were, each once; ``by_provider``: those
    of the provider itself, which are in no profile. ``counted``: by scope, how many are in profiles. ``left_out``: by
    scope (empty: not told) and class, those that are in none, of the provider included. ``spoilt``: records that are
    not as expected.
    ``days``: scope and day (``2026-11-28``) of each event. ``changes_left_out``: how many changes, by scope and day.
    """

    def __init__(self) -> None:
        self.events = self.by_provider = 0
        self.counted: Counter[str] = Counter()
        self.left_out: Counter[tuple[str, str]] = Counter()
        self.spoilt = Spoilt()
        self.raw = RawCounts(self._explain)
        self.tally = LogTally()
        self.days: set[tuple[str, str]] = set()
        self.changes: dict[tuple[str, str, str, str, str], NamedChange] = {}
        self.changes_left_out: Counter[tuple[str, str]] = Counter()

    def begin(self, name: str) -> None:
        """Called before the records of a file, for logs that need its name."""
        del name

    @abstractmethod
    def take(self, records: Sequence[Any]) -> None:
        """Count records. One that is not as expected costs itself; raises Unreadable where all are of another log."""
        ...

    @abstractmethod
    def _explain(self, counted: Counted) -> None:
        """Explain equal events."""
        ...

    def finish(self) -> None:
        """Explain everything that was counted. Raises Unreadable."""
        self.raw.settle()

    def reading(self, unit: LogUnit, coverage: tuple[LogDay, ...], calls: int) -> UnitReading:
        """The result of the unit, after ``finish``. Raises Unreadable if no record of it is as expected."""
        spoilt = self.spoilt
        if spoilt.records and not self.events and not self.left_out:
            raise Unreadable(spoilt.why)
        scopes = {day.scope for day in unit.days}
        untold = scopes.pop() if len(scopes) == 1 else EVERY_SCOPE
        classes: Counter[tuple[str, str]] = Counter()
        for (scope, what), number in self.left_out.items():
            classes[scope or untold, what] += number
        lost = (LeftOut(scope=untold, what=MALFORMED, records=spoilt.records, example=spoilt.example),)
        return UnitReading(
            unit=unit,
            callers=self.tally.profiles(),
            changes=tuple(sorted(self.changes.values(), key=lambda change: (change.at, change.target))),
            coverage=coverage,
            events=self.events,
            by_provider=self.by_provider,
            counted=dict(self.counted),
            left_out=(
                *(LeftOut(scope=scope, what=what, records=one) for (scope, what), one in sorted(classes.items())),
                *(lost if spoilt.records else ()),
            ),
            calls=calls,
        )

    def covered(self, days: Iterable[LogDay]) -> tuple[LogDay, ...]:
        """Return days that were read completely, as gaps where records, callers or changes are left out."""
        found = list(days)
        crowded = self.tally.crowded()
        spoilt = self.spoilt.by_day({str(day.day) for day in found}) if self.spoilt.records else {}
        return tuple(
            replace(day, status="partial", detail=f"left out: {left_out}")
            if (left_out := self._left_out(day.scope, day.day.isoformat(), crowded, spoilt))
            else replace(day, detail=None)
            for day in found
        )

    def left_out_besides(self, scope: str, day: str) -> str:
        """What a log left out of a day beyond limits of its own; empty for nothing."""
        del scope, day
        return ""

    def _left_out(self, scope: str, day: str, crowded: Mapping[tuple[str, str], str], spoilt: Mapping[str, int]) -> str:
        callers, changes = self.tally.left_out[scope, day], self.changes_left_out[scope, day]
        bound = "at least " if self.tally.is_lower_bound else ""
        said = (
            f"{bound}{counted(callers, 'caller', 'callers')} beyond the first {MOST_CALLERS:,}" if callers else "",
            f"{counted(changes, 'change', 'changes')} beyond the first {MOST_CHANGES:,}" if changes else "",
            f"{crowded[scope, day]} than are counted for one" if (scope, day) in crowded else "",
            self.left_out_besides(scope, day),
            self.spoilt.said(spoilt[day]) if day in spoilt else "",
        )
        return " and ".join(filter(None, said))

    def changed(self, scope: str, target: str, action: str, by: str, counted: Counted) -> None:
        """Record a change of an identity or a workload.

        One of each kind is kept per hour, because the number does not matter.
        """
        at = scope, target, action, by, counted.first[:13]
        known = self.changes.get(at)
        if known is None and len(self.changes) >= MOST_CHANGES:
            self.changes_left_out[scope, counted.first[:10]] += 1
            return
        first = _moment(counted.first)
        if known is None or first < known.at:
            self.changes[at] = NamedChange(
                scope=scope, at=first, target=target, action=action, by=by, event_id=counted.event_id
            )
