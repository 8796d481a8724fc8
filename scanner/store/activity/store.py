"""The stored activity for judging: metadata at once, the days of callers in batches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from functools import partial

from msgspec.structs import replace
from sqlalchemy import Connection, Engine, func, select

from scanner.errors import DamagedRow
from scanner.model.activity import (
    SILENT,
    ActivityPast,
    Caller,
    CallerPast,
    DayCounts,
    LeftOut,
    LogDay,
    LogPast,
    NamedChange,
    UnitReading,
)
from scanner.model.coverage import GAPS
from scanner.model.decisions import Act
from scanner.store import schema
from scanner.store.activity.care import Damage, StoredAmount, find_damage, forget, held, lacking, prune
from scanner.store.activity.counts import Note, Planned, counts_in
from scanner.store.activity.units import (
    NOT_YET_OVER,
    NOT_YET_READ,
    Callers,
    LogHead,
    LogState,
    Unit,
    batches,
    changes,
    current_units,
    features_of,
    heads,
    left_to_read,
    merged_until,
    notes_of,
    plan,
    settled,
    state_of,
    worse,
    write,
)
from scanner.store.bodies import decode, moment_of
from scanner.store.decisions import log as log_decisions
from scanner.store.engine import plain_rows, reading, retrying, writing
from scanner.store.integrity import HINT, is_sound, verify

NO_DAMAGE = Damage()
HOLE = "nothing was read of this day, though days before and after it were read"


class ActivityStore:
    """Activity from audit logs. Any method may raise StoreError."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._callers = Callers()

    def damage(self) -> Damage:
        """Verify every row and return the damage."""
        with reading(self._engine) as connection:
            return find_damage(connection)

    def states(self, logs: Iterable[str], damage: Damage = NO_DAMAGE) -> dict[str, LogState]:
        """The state of each log by name. Damaged units count as not read."""
        with reading(self._engine) as connection:
            units = current_units(connection, but=damage.units)
            notes = notes_of(connection, units)
            since = {log: head.since for log, (_, head) in _heads(connection, strict=False).items()}
        return {log: state_of(units, log, notes, since.get(log)) for log in logs}

    def logs(self, damage: Damage = NO_DAMAGE) -> dict[str, LogPast]:
        """Every log with its covered days and gaps, as in :meth:`past`."""
        with reading(self._engine) as connection:
            return _logs(connection, current_units(connection, but=damage.units), damage, strict=False)

    def mark(self) -> tuple[int, int]:
        """Two numbers that change when anything is read or removed."""
        table = schema.log_unit
        with reading(self._engine) as connection:
            newest, number = connection.execute(select(func.max(table.c.number), func.count())).one()
        return newest or 0, number

    def write(
        self,
        log: str,
        head: LogHead,
        readings: Sequence[UnitReading],
        gaps: Mapping[str, Sequence[LogDay]],
        at: datetime,
        digests: Mapping[str, str] | None = None,
    ) -> None:
        """Add the readings of units, all in one transaction: see :func:`scanner.store.activity.units.write`."""

        def attempt() -> None:
            known, self._callers = self._callers, Callers()  # valid only once stored
            with writing(self._engine) as connection:
                write(connection, log, head, readings, gaps, at, known, digests or {})
            self._callers = known

        retrying(self._engine, attempt)  # may run twice: the second replaces the first

    def plan(self, log: str, head: LogHead, units: Sequence[Planned], at: datetime) -> None:
        """Add which units will be read: see :func:`scanner.store.activity.units.plan`."""

        def attempt() -> None:
            with writing(self._engine) as connection:
                plan(connection, log, head, units, at)

        retrying(self._engine, attempt)

    def prune(self, today: date, keep_days: int) -> None:
        """Merge old days to weeks, and remove even older weeks. Only for a role that may prune."""
        with writing(self._engine) as connection:
            prune(connection, today, keep_days)

    def held(self, log: str) -> StoredAmount | None:
        """The amount of stored data of a log; None for an unknown log."""
        with reading(self._engine) as connection:
            return held(connection, log)

    def forget(self, log: str, decided: Sequence[Act] = ()) -> None:
        """Remove all data of a log. Only for a role that may prune. ``decided``: what the log of decisions says."""
        with writing(self._engine) as connection:
            forget(connection, log)
            log_decisions(connection, decided)
        self._callers = Callers()

    def past(self, damage: Damage | None = None, *, as_of: datetime | None = None) -> ActivityPast:
        """All stored activity, or that of the time ``as_of``.

        With ``damage``, days with losses are gaps; otherwise DamagedRow is raised.
        """
        with reading(self._engine) as connection:
            if damage is None and (missing := next(lacking(connection), None)):
                raise DamagedRow(f"the store's {missing[1]}", hint=HINT)  # other rows are verified as they are read
            lost = damage or NO_DAMAGE
            units = current_units(connection, but=lost.units, strict=damage is None, as_of=as_of)
            callers = _callers(connection, units, lost, strict=damage is None)
            return ActivityPast(
                logs=_logs(connection, units, lost, strict=damage is None),
                callers=callers,
                changes=_changes(connection, units),
                read=_Reader(self._engine, units, callers),
                signed_in=partial(self._signed_in, frozenset(one.number for one in callers)),
            )

    def _signed_in(self, callers: frozenset[int]) -> dict[str, tuple[int, ...]]:
        """The callers by what they signed in with or as."""
        table, found = schema.log_feature, dict[str, list[int]]()
        begin = "sign_in="
        chosen = select(table).where(table.c.feature.startswith(begin)).order_by(table.c.caller, table.c.number)
        with reading(self._engine) as connection:
            for row in plain_rows(connection, chosen):
                if row[0] in callers and is_sound(table, row):
                    found.setdefault(row[2].removeprefix(begin), []).append(row[0])
        return {text: tuple(numbers) for text, numbers in found.items()}


def _heads(connection: Connection, *, strict: bool) -> dict[str, tuple[datetime, LogHead]]:
    """By log, when it was first read, and its latest head."""
    table = schema.audit_log
    found: dict[str, tuple[datetime, LogHead]] = {}
    for row in plain_rows(connection, select(table).order_by(table.c.number)):
        if strict:
            verify(table, row)
        elif not is_sound(table, row):
            continue
        _, log, at, body, _ = row
        found[log] = found[log][0] if log in found else moment_of(at), decode(heads, body, f"log {log}")
    return found


def _logs(connection: Connection, units: Sequence[Unit], damage: Damage, *, strict: bool) -> dict[str, LogPast]:
    found = _heads(connection, strict=strict)
    notes, left = notes_of(connection, units, strict=strict), left_to_read(units)
    lost: dict[str, list[LogDay]] = {}
    for log, days in damage.days.values():
        lost.setdefault(log, []).extend(days)
    by_log: dict[str, list[Unit]] = {}
    for unit in units:
        by_log.setdefault(unit.log, []).append(unit)
    return {
        log: _log(log, since, head, by_log.get(log, []), lost.get(log, ()), left.get(log, ()), notes)
        for log, (since, head) in sorted(found.items())
    }


def _log(
    log: str,
    first: datetime,
    head: LogHead,
    units: Sequence[Unit],
    lost: Iterable[LogDay],
    left: Iterable[Planned],
    notes: Mapping[int, Note],
) -> LogPast:
    begin = merged_until(units, log)
    days: dict[str, dict[int, LogDay]] = {}
    for unit in units:
        for ordinal, day in settled(unit):
            if unit.sort == "week" or ordinal >= begin:
                of_scope = days.setdefault(day.scope, {})
                of_scope[ordinal] = worse(of_scope.get(ordinal), day)
    for scope, ordinal in (place for _, places in left for place in places if place[1] >= begin):
        unread = LogDay(scope=scope, day=date.fromordinal(ordinal), status="partial", detail=NOT_YET_READ)
        of_scope = days.setdefault(scope, {})
        of_scope[ordinal] = worse(of_scope.get(ordinal), unread)
    for day in lost:
        of_scope = days.setdefault(day.scope, {})
        of_scope[day.day.toordinal()] = day
    gaps: dict[str, dict[int, LogDay]] = {}
    covered: dict[str, frozenset[int]] = {}
    silent: dict[str, frozenset[int]] = {}
    for scope, of_scope in sorted(days.items()):
        covered[scope] = frozenset(ordinal for ordinal, day in of_scope.items() if day.status == "complete")
        silent[scope] = frozenset(ordinal for ordinal in covered[scope] if of_scope[ordinal].detail == SILENT)
        gaps[scope] = dict(sorted(_gaps(scope, of_scope)))
    return LogPast(
        log=log,
        provider=head.provider,
        source=head.source,
        first_read_at=first,
        covered=covered,
        gaps=gaps,
        silent=silent,
        counted=_counted(units, notes),
        left_out=_left_out(units, notes),
        unlogged=head.unlogged,
        sees_all_use_of=head.sees_all_use_of,
        sees_sign_ins_of=head.sees_sign_ins_of,
        also_called=head.also_called,
        names_people=head.names_people,
    )


def _counted(units: Iterable[Unit], notes: Mapping[int, Note]) -> dict[str, int]:
    """By scope, how many events are in profiles; nothing if a unit does not say it."""
    found: Counter[str] = Counter()
    for unit in units:
        note = notes.get(unit.number)
        if note is not None and note.counted is not None:
            found.update(note.counted)
        elif unit.events and unit.sort == "unit":
            return {}
    return dict(sorted(found.items()))


def _left_out(units: Iterable[Unit], notes: Mapping[int, Note]) -> dict[str, tuple[LeftOut, ...]]:
    """By scope, records that are in no profile, by class."""
    found: dict[str, dict[str, LeftOut]] = {}
    for unit in units:
        note = notes.get(unit.number)
        for one in note.left_out if note else ():
            classes = found.setdefault(one.scope, {})
            known = classes.get(one.what)
            classes[one.what] = one if known is None else replace(known, records=known.records + one.records)
    return {scope: tuple(one for _, one in sorted(classes.items())) for scope, classes in sorted(found.items())}


def _gaps(scope: str, days: Mapping[int, LogDay]) -> Iterator[tuple[int, LogDay]]:
    """Days that could not be read, and missing days between others; the last day may not be over."""
    over = [ordinal for ordinal, day in days.items() if day.detail != NOT_YET_OVER]
    for ordinal in range(min(over, default=0), max(over, default=-1) + 1):
        day = days.get(ordinal)
        if day is None:
            yield ordinal, LogDay(scope=scope, day=date.fromordinal(ordinal), status="failed", detail=HOLE)
        elif day.status in GAPS:
            yield ordinal, day


def _callers(connection: Connection, units: Sequence[Unit], damage: Damage, *, strict: bool) -> tuple[Caller, ...]:
    """Callers with activity in a current unit, by number."""
    table, day = schema.log_caller, schema.log_day.c
    current = {one.number for one in units}
    rows = plain_rows(connection, select(table).order_by(table.c.number))
    # Nearly always all units are current, so only callers of other units are looked up.
    replaced = set(connection.execute(select(schema.log_unit.c.number)).scalars()) - current
    maybe = set[int]()
    for some in batches(sorted(replaced)):
        maybe.update(connection.execute(select(day.caller).where(day.unit.in_(some)).distinct()).scalars())
    active = set[int]()
    for some in batches(sorted(maybe)):
        pairs = plain_rows(connection, select(day.caller, day.unit).where(day.caller.in_(some)))
        active.update(number for number, unit in pairs if unit in current)
    callers = []
    for row in rows:
        if strict:
            verify(table, row)
        number, log, scope, caller, unique_id = row[:5]
        if number not in damage.callers and (number in active or number not in maybe):
            callers.append(Caller(number=number, log=log, scope=scope, caller=caller, unique_id=unique_id))
    return tuple(callers)


def _changes(connection: Connection, units: Sequence[Unit]) -> tuple[NamedChange, ...]:
    current, table = {one.number for one in units}, schema.log_change
    found = []
    for row in plain_rows(connection, select(table)):
        if row[0] in current:
            verify(table, row)
            found.append(decode(changes, row[2], "change in an audit log"))
    return tuple(sorted(found, key=lambda one: (one.at, one.scope, one.target, one.action, one.event_id)))


class _Reader:
    """Reads the days of callers. Raises DamagedRow, naming the row."""

    def __init__(self, engine: Engine, units: Sequence[Unit], callers: Sequence[Caller]) -> None:
        self._engine = engine
        self._units = frozenset(one.number for one in units)
        self._callers = {one.number: one for one in callers}

    def __call__(self, numbers: Sequence[int]) -> Iterator[CallerPast]:
        for some in batches(number for number in numbers if number in self._callers):
            with reading(self._engine) as connection:
                pasts = self._read(connection, some)
            yield from pasts

    def _read(self, connection: Connection, numbers: Sequence[int]) -> list[CallerPast]:
        table = schema.log_day
        features = features_of(connection, numbers, lambda row: is_sound(schema.log_feature, row))
        days: dict[int, list[tuple[int, DayCounts]]] = {number: [] for number in numbers}
        rows = select(table).where(table.c.caller.in_(numbers))
        for row in plain_rows(connection, rows.order_by(table.c.caller, table.c.day, table.c.unit)):
            number, ordinal, unit, body, _ = row
            if unit not in self._units:
                continue
            verify(table, row)
            what = f"activity of {self._callers[number].caller}"
            counts = counts_in(body, what)
            used = [feature for feature, *_ in counts.counts] + [feature for feature, _ in counts.samples]
            if used and not 0 <= min(used) <= max(used) < len(features.get(number, ())):
                raise DamagedRow(f"the store's {what} has lost a feature", hint=HINT)
            days[number].append((ordinal, counts))
        return [
            CallerPast(caller=self._callers[number], features=features.get(number, ()), days=tuple(days[number]))
            for number in numbers
        ]
