"""Maintenance of audit log rows: damage, repair and pruning."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Connection, and_, delete, func, select, update

from scanner.errors import DamagedRow
from scanner.model.activity import DayCounts, LogDay
from scanner.store import schema
from scanner.store.activity.counts import body_of, counts_in, coverage_text, merged
from scanner.store.activity.units import (
    EMPTIED,
    OF_UNIT,
    Unit,
    batches,
    current_units,
    merged_until,
    next_number,
    settled,
    worse,
)
from scanner.store.bodies import text_of
from scanner.store.engine import bulk_insert, damaged, plain_rows
from scanner.store.integrity import ACTIVITY, checksum, named
from scanner.text import printable

KEPT_WEEKS = 400
"""Days for which weeks and coverage are kept."""
REPLACED_KEPT = 7
"""Days for which replaced units are kept: reports of earlier scans show what was known then."""
LOST = "a record of it was damaged in the store"


Lost: TypeAlias = tuple[str, tuple[LogDay, ...]]
"""A log, and days of it."""


class Damage(Struct, frozen=True, kw_only=True):
    """Damage. ``words``: messages. ``units``, ``callers``: affected numbers.

    ``days``: by unit, its log and the days with losses. ``heads``: numbers of rows of ``audit_log``.
    """

    words: tuple[str, ...] = ()
    units: frozenset[int] = frozenset()
    callers: frozenset[int] = frozenset()
    heads: frozenset[int] = frozenset()
    days: Mapping[int, Lost] = {}


def find_damage(connection: Connection) -> Damage:
    """Verify every row. Damage in replaced units is ignored."""
    bad = {table: damaged(connection, table) for table in ACTIVITY}
    current = {one.number: one for one in current_units(connection)}
    broken = [row for row in bad[schema.log_unit] if row[0] in current]
    callers = {row[0] for table in (schema.log_caller, schema.log_feature) for row in bad[table]}
    numbers = callers | _gapped(connection)
    of_callers = _units_of(connection, numbers)
    words = [f"{named(table, row)} does not match its checksum" for table in (schema.audit_log,) for row in bad[table]]
    words += [f"{named(schema.log_unit, row)} does not match its checksum" for row in broken]
    for table in (schema.log_caller, schema.log_feature):
        # Ignored once all its activity was read again, under another number.
        words += [
            f"{named(table, row)} does not match its checksum"
            for row in bad[table]
            if of_callers.get(row[0], set()) & current.keys()
        ]
    words += [
        f"caller {number} of an audit log has lost a feature"
        for number in sorted(numbers - callers)
        if of_callers.get(number, set()) & current.keys()
    ]
    units = {row[0] for row in broken}.union(*of_callers.values()) & current.keys()
    for table, place in ((schema.log_day, 2), (schema.log_change, 0), (schema.log_note, 0)):
        rows = [row for row in bad[table] if row[place] in current]
        words += [f"{named(table, row)} does not match its checksum" for row in rows]
        units |= {row[place] for row in rows}
    for number, what in dict.fromkeys(lacking(connection)):
        words += [] if what in words else [what]
        units |= {number} - {0}
    return Damage(
        words=tuple(map(printable, words)),
        units=frozenset(units),
        callers=frozenset(numbers),
        heads=frozenset(row[0] for row in bad[schema.audit_log]),
        days=_days_of(connection, units, current),
    )


def _gapped(connection: Connection) -> set[int]:
    """Callers with a missing feature number."""
    feature = schema.log_feature.c
    counted = select(feature.caller).group_by(feature.caller)
    return set(connection.execute(counted.having(func.count() != func.max(feature.number) + 1)).scalars())


def _without_row(connection: Connection) -> set[int]:
    """Callers that have days but no row."""
    known = select(schema.log_caller.c.number)
    day = schema.log_day.c
    return set(connection.execute(select(day.caller).where(day.caller.not_in(known)).distinct()).scalars())


def _units_of(connection: Connection, callers: Iterable[int]) -> dict[int, set[int]]:
    day, found = schema.log_day.c, dict[int, set[int]]()
    for some in batches(sorted(callers)):
        for caller, unit in plain_rows(connection, select(day.caller, day.unit).where(day.caller.in_(some))):
            found.setdefault(caller, set()).add(unit)
    return found


def lacking(connection: Connection) -> Iterator[tuple[int, str]]:
    """Numbers of units without all rows that they were stored with (0: a log), with a message."""
    current = {one.number: one for one in current_units(connection)}
    logs = set(connection.execute(select(schema.audit_log.c.name)).scalars())
    for log in sorted({one.log for one in current.values()} - logs):
        yield 0, f"audit log {log} has lost its row"
    for caller, of_caller in _units_of(connection, _without_row(connection)).items():
        yield from ((unit, f"caller {caller} of an audit log is lost") for unit in sorted(of_caller & current.keys()))
    for table, place in ((schema.log_day, "days"), (schema.log_change, "changes")):
        there: dict[int, int] = dict(plain_rows(connection, select(table.c.unit, func.count()).group_by(table.c.unit)))
        for number, unit in current.items():
            expected = getattr(unit, place)
            if there.get(number, 0) != expected:
                yield number, f"{unit.what} was stored with {expected} {place}; the store has {there.get(number, 0)}"
        if table is schema.log_day:
            stored = set(connection.execute(select(schema.log_unit.c.number)).scalars())
            yield from ((number, f"unit {number} of an audit log is lost") for number in there.keys() - stored)


def _days_of(connection: Connection, units: Iterable[int], current: Mapping[int, Unit]) -> dict[int, Lost]:
    """The days of units: covered days, as far as readable, and days of their callers."""
    found: dict[int, tuple[str, set[tuple[str, int]]]] = {}
    day, caller = schema.log_day, schema.log_caller
    both = day.join(caller, caller.c.number == day.c.caller)
    for some in batches(sorted(units)):
        for unit in (current[number] for number in some if number in current):
            days = found.setdefault(unit.number, (unit.log, set()))[1]
            with suppress(DamagedRow):
                days.update((one.scope, ordinal) for ordinal, one in unit.covers)
        rows = select(caller.c.log, caller.c.scope, day.c.day, day.c.unit).select_from(both).distinct()
        for log, scope, ordinal, number in plain_rows(connection, rows.where(day.c.unit.in_(some))):
            is_week = number in current and current[number].sort == "week"
            days = found.setdefault(number, (log, set()))[1]
            days.update((scope, ordinal + more) for more in range(7 if is_week else 1))
    return {
        number: (log, tuple(_lost(scope, ordinal) for scope, ordinal in sorted(days)))
        for number, (log, days) in found.items()
    }


def _lost(scope: str, ordinal: int) -> LogDay:
    day = date.fromordinal(min(max(ordinal, 1), date.max.toordinal()))
    return LogDay(scope=scope, day=day, status="failed", detail=LOST)


def repair(connection: Connection, now: datetime) -> tuple[tuple[str, str], ...]:
    """Remove damaged units, so that their days are gaps. Returns each problem with its repair."""
    damage, unit = find_damage(connection), schema.log_unit
    current = {one.number: one for one in current_units(connection)}
    going = set(damage.units)
    for one in (current[number] for number in damage.units if number in current):
        older = select(unit.c.number).where(unit.c.log == one.log, unit.c.sort == one.sort, unit.c.name == one.name)
        going.update(connection.execute(older).scalars())
    _remove(connection, going)
    number, moment = next_number(connection, unit), text_of(now)
    gaps = [
        (place, log, "gap", f"lost {lost}", "", moment, 0, 0, 0, coverage_text(days))
        for place, (lost, (log, days)) in enumerate(sorted(damage.days.items()), start=number)
    ]
    bulk_insert(connection, unit, gaps)
    for table, column, numbers in (
        (schema.log_day, schema.log_day.c.caller, damage.callers),
        (schema.log_feature, schema.log_feature.c.caller, damage.callers),
        (schema.log_caller, schema.log_caller.c.number, damage.callers),
        (schema.audit_log, schema.audit_log.c.number, damage.heads),
    ):
        for some in batches(sorted(numbers)):
            connection.execute(delete(table).where(column.in_(some)))
    callers = select(schema.log_caller.c.number)
    for table in (schema.log_day, schema.log_feature):
        connection.execute(delete(table).where(table.c.caller.not_in(callers)))
    known = select(schema.audit_log.c.name)
    _remove(connection, connection.execute(select(unit.c.number).where(unit.c.log.not_in(known))).scalars().all())
    done = "removed; its days, if it has any, count as not read until they are read again"
    return tuple((what, done) for what in damage.words)


def _remove(connection: Connection, units: Iterable[int]) -> None:
    """Remove units with all rows that belong to them."""
    for some in batches(sorted(units)):
        _remove_days(connection, some)
        connection.execute(delete(schema.log_unit).where(schema.log_unit.c.number.in_(some)))


def _remove_days(connection: Connection, units: Sequence[int]) -> None:
    """Remove the rows that belong to units."""
    for table in (schema.log_day, schema.log_change, schema.log_note):
        connection.execute(delete(table).where(table.c.unit.in_(units)))


def _rewrite(connection: Connection, unit: Unit) -> None:
    table = schema.log_unit
    values = dict(zip(Unit._fields, unit, strict=True)) | {"checksum": checksum(table, unit[:-1])}
    connection.execute(update(table).where(table.c.number == unit.number).values(values))


# --- Forgetting ---


class StoredAmount(Struct, frozen=True, kw_only=True):
    """The amount of stored data of a log. ``days``: of callers, in all readings."""

    units: int
    callers: int
    days: int


def held(connection: Connection, log: str) -> StoredAmount | None:
    """The amount of stored data; None for an unknown log."""
    unit, caller = schema.log_unit.c, schema.log_caller.c
    known = connection.execute(select(func.count()).where(schema.audit_log.c.name == log)).scalar_one()
    units = connection.execute(select(func.count(), func.sum(unit.days)).where(unit.log == log)).one()
    callers = connection.execute(select(func.count()).where(caller.log == log)).scalar_one()
    return StoredAmount(units=units[0], callers=callers, days=units[1] or 0) if known or units[0] else None


def forget(connection: Connection, log: str) -> None:
    """Remove all data of a log."""
    unit, caller = schema.log_unit.c, schema.log_caller.c
    _remove(connection, connection.execute(select(unit.number).where(unit.log == log)).scalars().all())
    of_log = select(caller.number).where(caller.log == log)
    connection.execute(delete(schema.log_feature).where(schema.log_feature.c.caller.in_(of_log)))
    connection.execute(delete(schema.log_caller).where(caller.log == log))
    connection.execute(delete(schema.audit_log).where(schema.audit_log.c.name == log))


# --- Pruning ---


def prune(connection: Connection, today: date, keep_days: int) -> None:
    """Merge days older than ``keep_days`` to weeks, and remove replaced units and weeks older than 400 days.

    Does nothing while a row is damaged, which would be merged into others.
    """
    current = current_units(connection)
    begin = _monday(today.toordinal() - keep_days)
    replaced = _replaced(connection, current, today)
    if not replaced and not any(day < begin for one in current if one.sort != "week" for day, _ in one.covers):
        return
    if find_damage(connection).words:
        return
    for unit in replaced:
        _remove_days(connection, [unit.number])
        _rewrite(connection, unit._replace(digest=EMPTIED, days=0, changes=0))
    for log in sorted({one.log for one in current}):
        _merge(connection, [one for one in current if one.log == log], log, begin)
    rows = map(Unit._make, plain_rows(connection, select(schema.log_unit)))
    forgotten = today.toordinal() - max(KEPT_WEEKS, keep_days)
    numbers = {one.number for one in current_units(connection)}
    old = []
    for one in rows:
        if one.sort == "plan":
            old += [one.number] if one.digest == EMPTIED else []
            continue
        last = max((day for day, _ in one.covers), default=None if one.sort == "gap" else one.read_on)
        oldest = forgotten if one.number in numbers else begin
        if last is None or last < oldest:
            old.append(one.number)
    _remove(connection, old)
    used = select(schema.log_day.c.caller)
    connection.execute(delete(schema.log_feature).where(schema.log_feature.c.caller.not_in(used)))
    connection.execute(delete(schema.log_caller).where(schema.log_caller.c.number.not_in(used)))


def _replaced(connection: Connection, current: Sequence[Unit], today: date) -> list[Unit]:
    """Units with rows that were replaced so long ago that no earlier report needs them."""
    by_name = {(one.log, one.sort, one.name): one for one in current}
    by_name |= {(one.log, "gap", OF_UNIT + one.name): one for one in current if one.sort == "unit"} | by_name
    found = []
    for row in plain_rows(connection, select(schema.log_unit)):
        unit = Unit(*row)
        newer = by_name[unit.log, unit.sort, unit.name]
        old = newer.read_on < today.toordinal() - REPLACED_KEPT
        if newer.number != unit.number and unit.digest != EMPTIED and old:
            found.append(unit)
    return found


def _merge(connection: Connection, units: Sequence[Unit], log: str, begin: int) -> None:
    """Replace the log's days before ``begin``, a Monday's ordinal, with weeks. Existing weeks stay."""
    since = merged_until(units, log)
    sources = {one.number: one for one in units if one.sort != "week"}
    covered: dict[int, dict[tuple[str, int], LogDay]] = {}
    for unit in sources.values():
        for ordinal, one in settled(unit):
            if since <= ordinal < begin:
                days = covered.setdefault(_monday(ordinal), {})
                days[one.scope, ordinal] = worse(days.get((one.scope, ordinal)), one)
    first = next_number(connection, schema.log_unit)
    numbers = {monday: number for number, monday in enumerate(sorted(covered), start=first)}
    callers, gone = Counter[int](), Counter[int]()
    day, caller = schema.log_day, schema.log_caller.c
    of_log = connection.execute(select(caller.number).where(caller.log == log).order_by(caller.number)).scalars().all()
    for some in batches(of_log):
        old = and_(day.c.caller.in_(some), day.c.day >= since, day.c.day < begin)
        weeks: dict[tuple[int, int], DayCounts] = {}
        for number, ordinal, unit_number, body, _ in plain_rows(connection, select(day).where(old)):
            if unit_number not in sources:
                continue
            week = number, _monday(ordinal)
            counts = counts_in(body, f"activity of caller {number}")
            weeks[week] = merged(weeks[week], counts) if week in weeks else replace(counts, days=7)
            numbers.setdefault(week[1], first + len(numbers))
            gone[unit_number] += 1
        connection.execute(delete(day).where(old))
        callers.update(monday for _, monday in weeks)
        rows = [(number, monday, numbers[monday], body_of(one)) for (number, monday), one in sorted(weeks.items())]
        bulk_insert(connection, day, rows)
    made = []
    for monday, number in numbers.items():
        coverage = coverage_text(covered.get(monday, {}).values())
        # As if it had been read when it ended, so that reports of later scans show it.
        moment = f"{date.fromordinal(monday + 7)}T00:00:00+00:00"
        made.append((number, log, "week", str(monday), "", moment, 0, callers[monday], 0, coverage))
    bulk_insert(connection, schema.log_unit, made)
    _shrink(connection, sources.values(), gone, begin)


def _shrink(connection: Connection, units: Iterable[Unit], gone: Mapping[int, int], begin: int) -> None:
    """Remove merged days from their units, and units without other days."""
    for unit in units:
        covers = unit.covers
        left = [one for ordinal, one in covers if ordinal >= begin]
        if len(left) == len(covers) and not gone.get(unit.number):
            continue
        days = unit.days - gone.get(unit.number, 0)
        if not left and not days:
            _remove(connection, [unit.number])
            continue
        _rewrite(connection, unit._replace(days=days, coverage=coverage_text(left)))


def _monday(ordinal: int) -> int:
    return ordinal - (ordinal - 1) % 7  # Mondays have ordinals 1, 8, 15 …
