"""Stored units of logs: written completely, the newest of each name is current, others are ignored."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Literal, NamedTuple, TypeAlias, TypeVar

from msgspec import Struct
from msgspec.json import Decoder
from msgspec.structs import replace
from sqlalchemy import Column, Connection, Table, func, select

from scanner.model.activity import SILENT, CallerDay, LogDay, NamedChange, UnitReading
from scanner.model.coverage import GAPS, UNREAD
from scanner.store import schema
from scanner.store.activity.counts import (
    Note,
    Planned,
    body_of,
    counts_of,
    coverage_in,
    coverage_text,
    joined,
    note_in,
    note_text,
    plan_in,
    plan_text,
)
from scanner.store.bodies import encode, moment_of, text_of
from scanner.store.database import Values
from scanner.store.engine import bulk_insert, plain_rows
from scanner.store.integrity import is_sound, verify

Sort: TypeAlias = Literal["unit", "gap", "week", "plan"]
Who: TypeAlias = tuple[str, str, str]
"""Scope, caller and unique id."""
T = TypeVar("T")

REPLACED = "="
"""The digest of a unit whose content another one has."""
EMPTIED = "-"
"""The digest of a replaced unit that pruning has reduced to its row."""
ASKED_AT_ONCE = 500
"""Maximum values in the list of one query."""


class LogHead(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A log at its last reading. ``source``: the source of its identities; None: any.

    ``unlogged``, ``sees_all_use_of``, ``sees_sign_ins_of``, ``also_called``, ``names_people``: as its reader
    declares. ``since``: the ordinal of the first day that was ever requested.
    """

    type: str
    provider: str
    source: str | None = None
    since: int | None = None
    unlogged: tuple[str, ...] = ()
    sees_all_use_of: tuple[str, ...] = ()
    sees_sign_ins_of: tuple[str, ...] = ()
    also_called: Mapping[str, tuple[str, ...]] = {}
    names_people: bool = False


class Unit(NamedTuple):
    """A row of ``log_unit``."""

    number: int
    log: str
    sort: Sort
    name: str
    digest: str
    read_at: str
    events: int
    days: int
    changes: int
    coverage: str
    checksum: str

    @property
    def what(self) -> str:
        """Its name in messages."""
        return f"{self.sort} {self.name} of the log {self.log}"

    @property
    def read_on(self) -> int:
        """The ordinal of the day (UTC) on which it was read."""
        return moment_of(self.read_at).date().toordinal()

    @property
    def covers(self) -> tuple[tuple[int, LogDay], ...]:
        """Its days, each with the ordinal; none of a plan. Raises DamagedRow."""
        return () if self.sort == "plan" else coverage_in(self.coverage, self.what)

    @property
    def planned(self) -> tuple[Planned, ...]:
        """Of a plan, the units that were to be read. Raises DamagedRow."""
        return plan_in(self.coverage, self.what) if self.sort == "plan" else ()


class LogState(Struct, frozen=True, kw_only=True):
    """The state of a log for reading new units.

    ``known``: digests by name of units that are read again only if their digest changes. ``unread``: those of which
    nothing could be read. ``left``: those whose digest is known of a gap. ``events``: by name, how many events
    units have that were read. ``marks``: by name, those of the files that a unit was read from. ``since``: the
    first day that was ever requested, ``newest``: the last one that was read, as ordinals. ``merged_until``: earlier
    days are no longer accepted. ``gaps``: by name, unreadable parts with their days. ``planned``: units that were to be
    read, and were not.
    """

    known: Mapping[str, str] = {}
    unread: frozenset[str] = frozenset()
    left: frozenset[str] = frozenset()
    events: Mapping[str, int] = {}
    marks: Mapping[str, bytes] = {}
    since: int | None = None
    newest: int | None = None
    merged_until: int = 0
    gaps: Mapping[str, tuple[LogDay, ...]] = {}
    planned: tuple[Planned, ...] = ()


heads = Decoder(LogHead)
changes = Decoder(NamedChange)


def batches(values: Iterable[T]) -> Iterator[list[T]]:
    """The items in batches for one query."""
    left = iter(values)
    while some := list(islice(left, ASKED_AT_ONCE)):
        yield some


_REFERRING: Mapping[Table, tuple[Column[int], ...]] = {
    schema.log_unit: (schema.log_day.c.unit, schema.log_change.c.unit, schema.log_note.c.unit),
    schema.log_caller: (schema.log_day.c.caller, schema.log_feature.c.caller),
}


def next_number(connection: Connection, table: Table) -> int:
    """The number of the next row, above those of lost rows.

    No other process adds a row before this transaction ends.
    """
    columns = (table.c.number, *_REFERRING.get(table, ()))
    return 1 + max(int(connection.execute(select(func.coalesce(func.max(one), 0))).scalar_one()) for one in columns)


def current_units(
    connection: Connection, *, but: Collection[int] = (), strict: bool = False, as_of: datetime | None = None
) -> list[Unit]:
    """The newest unit of each log, sort and name, by number; without gaps of units that were read after them.

    Rows in ``but`` are left out, with those that they replaced. ``as_of``: at that time; for a row that pruning has
    emptied, its replacement. Raises DamagedRow for a damaged row, if ``strict``.
    """
    newest: dict[tuple[str, str, str], Unit] = {}
    latest = None if as_of is None else text_of(as_of)
    for row in plain_rows(connection, select(schema.log_unit).order_by(schema.log_unit.c.number)):
        if strict:
            verify(schema.log_unit, row)
        unit = Unit(*row)
        name = unit.log, unit.sort, unit.name
        if latest is None or unit.read_at <= latest or (name in newest and newest[name].digest == EMPTIED):
            newest[name] = unit
    return sorted(one for one in newest.values() if one.number not in but and not _is_closed(one, newest))


OF_UNIT = "unit "
"""So begins the name of a gap that is a unit's; the unit's name follows."""


def _is_closed(one: Unit, newest: Mapping[tuple[str, str, str], Unit]) -> bool:
    """Whether it is the gap of a unit that was read after it."""
    if one.sort != "gap" or not one.name.startswith(OF_UNIT):
        return False
    unit = newest.get((one.log, "unit", one.name.removeprefix(OF_UNIT)))
    return unit is not None and unit.number > one.number


NOT_YET_READ = "it is not read yet"


def left_to_read(units: Iterable[Unit]) -> dict[str, list[Planned]]:
    """By log, the units that were to be read, and that neither a unit nor a gap written since then is about."""
    units, found = list(units), dict[str, list[Planned]]()
    since = {(one.log, one.name if one.sort == "unit" else one.name.removeprefix(OF_UNIT)): one.number
             for one in units if one.sort in ("unit", "gap")}  # fmt: skip
    for plan in units:
        left = [one for one in plan.planned if since.get((plan.log, one[0]), 0) < plan.number]
        if left:
            found[plan.log] = left
    return found


NOT_YET_OVER = "it was read before it had ended, and not again"


def settled(unit: Unit) -> Iterator[tuple[int, LogDay]]:
    """The unit's days with their ordinals; one that was read before it had ended is not complete. Raises DamagedRow."""
    for ordinal, day in unit.covers:
        if day.status == "complete" and ordinal >= unit.read_on:
            yield ordinal, replace(day, status="failed", detail=NOT_YET_OVER)
        else:
            yield ordinal, day


def worse(one: LogDay | None, other: LogDay) -> LogDay:
    """The worse of two units' coverage of a day: a gap outweighs complete; of two gaps, one is reported.

    A day is silent if it is so in both.
    """
    if one is None or (one.status not in GAPS and (other.status in GAPS or one.detail == SILENT)):
        return other
    return one if other.status not in GAPS else min(one, other, key=lambda day: (day.status, day.detail or ""))


def merged_until(units: Iterable[Unit], log: str) -> int:
    """The ordinal of the first day of the log that is not merged to weeks; 0 if none is."""
    return max((int(one.name) + 7 for one in units if one.sort == "week" and one.log == log), default=0)


def state_of(units: Sequence[Unit], log: str, notes: Mapping[int, Note], since: int | None) -> LogState:
    """The state of a log from its current units. A unit that was read before its days ended is read again.

    A gap with a digest is that of a unit whose earlier reading stays: with that digest it is not read again.
    """
    mine = [one for one in units if one.log == log]
    known, unread, newest = dict[str, str](), set[str](), list[int]()
    left, events, marks = set[str](), dict[str, int](), dict[str, bytes]()
    for unit in mine:
        covers = unit.covers
        days = [day for day, _ in covers]
        if unit.sort != "gap":
            newest += days
        if unit.sort != "unit":
            continue
        is_unread = bool(covers) and all(day.status in UNREAD for _, day in covers)
        if not is_unread and (note := notes.get(unit.number)) is not None and note.files:
            marks[unit.name] = note.files
        if max(days, default=0) < unit.read_on:
            known[unit.name] = unit.digest
            if is_unread:
                unread.add(unit.name)
            else:
                events[unit.name] = unit.events
    for gap in mine:
        if gap.sort == "gap" and gap.digest not in ("", EMPTIED):
            name = gap.name.removeprefix(OF_UNIT)
            known[name] = gap.digest
            left.add(name)
            if gap.covers:
                unread.add(name)
    return LogState(
        known=known,
        unread=frozenset(unread),
        left=frozenset(left),
        events=events,
        marks=marks,
        since=since,
        newest=max(newest, default=None),
        merged_until=merged_until(mine, log),
        gaps={one.name: tuple(day for _, day in one.covers) for one in mine if one.sort == "gap" and one.covers},
        planned=tuple(left_to_read(mine).get(log, ())),
    )


def notes_of(connection: Connection, units: Iterable[Unit], *, strict: bool = False) -> dict[int, Note]:
    """The notes of units, by number. Damaged ones are left out; raises DamagedRow, if ``strict``."""
    wanted, table = {one.number for one in units}, schema.log_note
    found = {}
    for row in plain_rows(connection, select(table)):
        if row[0] in wanted:
            if strict:
                verify(table, row)
            elif not is_sound(table, row):
                continue
            found[row[0]] = note_in(row[1], "note on a unit of an audit log")
    return found


# --- Writing ---


def write(
    connection: Connection,
    log: str,
    head: LogHead,
    readings: Sequence[UnitReading],
    gaps: Mapping[str, Sequence[LogDay]],
    at: datetime,
    callers_known: Callers,
    digests: Mapping[str, str],
) -> None:
    """Add the readings of units, replacing those of the same names, and of the names that these replace.

    ``gaps``: by name, days that could not be read; without days, the gap is removed. ``digests``: by name of a gap,
    that of the unit whose earlier reading stays.
    """
    callers_known.forget_if_outdated(connection)
    _keep_head(connection, log, head, at)
    begin = merged_until(map(Unit._make, _weeks(connection, log)), log)
    latest = {one.unit.name: one for one in readings}
    taken = [(one, _by_caller(one.callers, begin)) for one in latest.values()]
    known = _known(connection, log, taken, callers_known)
    number, moment = next_number(connection, schema.log_unit), text_of(at)
    units, days, changed, notes = list[Values](), list[Values](), list[Values](), list[Values]()
    for unit, (reading, callers) in enumerate(taken, start=number):
        for (who, day), one in callers.items():
            caller = known[who]
            days.append((caller.number, day, unit, body_of(counts_of(one, caller.features))))
        for position, change in enumerate(reading.changes):
            changed.append((unit, position, encode(change, "change").decode()))
        coverage = coverage_text([one for one in reading.coverage if one.day.toordinal() >= begin])
        counted = (reading.events, len(callers), len(reading.changes), coverage)
        units.append((unit, log, "unit", reading.unit.name, reading.unit.digest, moment, *counted))
        note = Note(files=reading.unit.marks, counted=reading.counted, left_out=reading.left_out)
        if note != Note():
            notes.append((unit, note_text(note)))
    for name in sorted({name for one in latest.values() for name in one.unit.replaces} - latest.keys()):
        units.append((number + len(units), log, "unit", name, REPLACED, moment, 0, 0, 0, coverage_text(())))
    for name, missing in gaps.items():
        row = (number + len(units), log, "gap", name, digests.get(name, ""), moment, 0, 0, 0, coverage_text(missing))
        units.append(row)
    bulk_insert(connection, schema.log_unit, units)
    bulk_insert(connection, schema.log_day, days)
    bulk_insert(connection, schema.log_change, changed)
    bulk_insert(connection, schema.log_note, notes)
    callers_known.keep(connection)


def plan(connection: Connection, log: str, head: LogHead, units: Iterable[Planned], at: datetime) -> None:
    """Add which units will be read. Until they are, or are a gap, their days count as not read yet."""
    _keep_head(connection, log, head, at)
    number = next_number(connection, schema.log_unit)
    row = (number, log, "plan", "", "", text_of(at), 0, 0, 0, plan_text(units))
    bulk_insert(connection, schema.log_unit, [row])


def _keep_head(connection: Connection, log: str, head: LogHead, at: datetime) -> None:
    table = schema.audit_log
    body = encode(head, f"log {log}").decode()
    rows = plain_rows(connection, select(table).where(table.c.name == log).order_by(table.c.number))
    if not rows or rows[-1][3] != body or not is_sound(table, rows[-1]):
        bulk_insert(connection, table, [(next_number(connection, table), log, text_of(at), body)])


def _weeks(connection: Connection, log: str) -> list[Values]:
    unit = schema.log_unit
    return plain_rows(connection, select(unit).where(unit.c.sort == "week", unit.c.log == log))


def _by_caller(days: Iterable[CallerDay], begin: int) -> dict[tuple[Who, int], CallerDay]:
    found: dict[tuple[Who, int], CallerDay] = {}
    for one in days:
        if (day := one.day.toordinal()) >= begin:
            key = (one.scope, one.caller, one.unique_id), day
            found[key] = joined(found[key], one) if key in found else one
    return found


class _Caller(Struct):
    number: int
    features: dict[str, int]
    """By text, its number."""


class Callers:
    """A cache of callers in one process, valid until another process writes.

    Every addition of a caller or a feature adds a unit as well, and every removal removes or empties a unit.
    """

    MOST = 20_000

    def __init__(self) -> None:
        self.known: dict[tuple[str, Who], _Caller] = {}
        self._state: Values | None = None

    def forget_if_outdated(self, connection: Connection) -> None:
        """Clear the cache if another process has written, or it is too large."""
        if self._state != _state(connection) or len(self.known) > self.MOST:
            self.known.clear()

    def keep(self, connection: Connection) -> None:
        """Record that this process has written."""
        self._state = _state(connection)


def _state(connection: Connection) -> Values:
    unit = schema.log_unit.c
    return tuple(connection.execute(select(func.count(), func.max(unit.number), func.sum(unit.days))).one())


def _known(
    connection: Connection,
    log: str,
    taken: Iterable[tuple[UnitReading, Mapping[tuple[Who, int], CallerDay]]],
    callers_known: Callers,
) -> dict[Who, _Caller]:
    """Every caller with its number and the numbers of all its features; missing ones are added."""
    needed: dict[Who, set[str]] = {}
    for _, callers in taken:
        for (who, _), day in callers.items():
            needed.setdefault(who, set()).update(day.counts)
    known = {who: found for who in needed if (found := callers_known.known.get((log, who))) is not None}
    known |= _stored(connection, log, needed.keys() - known.keys())
    first = next_number(connection, schema.log_caller) if needed.keys() - known.keys() else 0
    new, features = list[Values](), list[Values]()
    for who in sorted(needed):
        if who not in known:
            known[who] = _Caller(first + len(new), {})
            new.append((known[who].number, log, *who, _hash(log, who)))
        its = known[who].features
        for text in sorted(needed[who] - its.keys()):
            features.append((known[who].number, len(its), text))
            its[text] = len(its)
    bulk_insert(connection, schema.log_caller, new)
    bulk_insert(connection, schema.log_feature, features)
    callers_known.known.update(((log, who), caller) for who, caller in known.items())
    return known


def _stored(connection: Connection, log: str, needed: Collection[Who]) -> dict[Who, _Caller]:
    """The stored callers. A caller with a damaged row is left out, and gets another number."""
    caller, feature = schema.log_caller, schema.log_feature
    found: dict[Who, _Caller] = {}
    for hashes in batches(sorted(_hash(log, who) for who in needed)):
        numbers: dict[int, Who] = {}
        for row in plain_rows(connection, select(caller).where(caller.c.hash.in_(hashes))):
            who = row[2], row[3], row[4]
            if is_sound(caller, row) and row[1] == log and who in needed:
                numbers[row[0]] = who
        by_caller = features_of(connection, numbers, lambda row: is_sound(feature, row))
        for number, who in sorted(numbers.items()):
            its = by_caller.get(number)
            if its is not None:
                found[who] = _Caller(number, {text: place for place, text in enumerate(its)})
    return found


def features_of(
    connection: Connection, callers: Iterable[int], sound: Callable[[Values], bool]
) -> dict[int, tuple[str, ...]]:
    """By caller, its features in the order of their numbers; callers with a missing or damaged feature are left out."""
    feature = schema.log_feature
    found: dict[int, list[str]] = {}
    broken = set[int]()
    for some in batches(sorted(callers)):
        rows = select(feature).where(feature.c.caller.in_(some)).order_by(feature.c.caller, feature.c.number)
        for row in plain_rows(connection, rows):
            its = found.setdefault(row[0], [])
            if row[1] != len(its) or not sound(row):
                broken.add(row[0])
            its.append(row[2])
    return {number: tuple(its) for number, its in found.items() if number not in broken and len(set(its)) == len(its)}


def _hash(log: str, who: Who) -> str:
    text = "\x1f".join((log, *who))
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
