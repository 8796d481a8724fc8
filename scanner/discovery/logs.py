"""Reads new units of audit logs into the store, on all cores, with one process that writes.

A reader lists all units of the log's window and reads them one at a time. What the store has is kept by unit: the
counts of a unit, its digest and its files are written in one transaction, and units whose digest is there are skipped.
So a reading can be interrupted at any moment and repeated, and what comes late is found whenever it comes. Until a unit
was read, its days are a gap. An unreadable unit is a gap of its days, and does not affect the others.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import date, datetime, timedelta
from typing import Protocol, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from connectors.core.contract import own_words
from connectors.logs import LogReader, PlannedLog
from connectors.logs.parts import base_of, missing
from scanner.config.settings import Since
from scanner.discovery.engine import Observer
from scanner.discovery.log_coverage import gap_places
from scanner.discovery.log_units import Failure, clean_day, read_units
from scanner.errors import SourceError, with_fix
from scanner.model import EVERY_SCOPE, Coverage
from scanner.model.activity import (
    LOG_SECTION,
    LogDay,
    LogUnit,
    UnitReading,
)
from scanner.store.activity.care import Damage
from scanner.store.activity.counts import Planned
from scanner.store.activity.store import NO_DAMAGE, ActivityStore
from scanner.store.activity.units import OF_UNIT, REPLACED, LogHead, LogState
from scanner.text import printable

log = logging.getLogger(__name__)

WRITE_EVERY = 2.0
"""Seconds between two writes, and so the most that a kill loses."""
WRITE_AT = 20_000
"""Days of callers that are held in memory before they are written."""


class Log(Struct, frozen=True, kw_only=True):
    """A log to read. ``source``: the name of the source of its identities; None: any source of the provider.

    ``cluster``: the address of a cluster whose workers can reach it.
    """

    name: str
    type: str
    source: str | None
    since: Since
    reader: LogReader
    cluster: str | None = None

    @property
    def head(self) -> LogHead:
        """The log's record in the store."""
        spec = self.reader.spec
        return LogHead(
            type=self.type,
            provider=spec.provider,
            source=self.source,
            unlogged=spec.unlogged,
            sees_all_use_of=spec.sees_all_use_of,
            sees_sign_ins_of=spec.sees_sign_ins_of,
            also_called=spec.also_called,
            names_people=spec.names_people,
        )


class LogObserver(Protocol):
    """Watches a reading, to show progress. Called from one thread."""

    def units_planned(self, name: str, units: int) -> None:
        """``units`` more units of this log will be read."""

    def unit_read(self, reading: UnitReading) -> None:
        """A unit was read. An unreadable unit has only gaps."""


class FullObserver(Observer, LogObserver, Protocol):
    """Watches a scan that reads logs first."""


Who: TypeAlias = tuple[str, str, str, str]
"""Log, scope, caller and unique id."""


class LogsRead(Struct, kw_only=True):
    """The result of one run. ``faults``: logs that could not be listed.

    ``new_gaps``: log, scope and section of days that are a gap since this run.
    """

    events: int = 0
    units: int = 0
    failed: int = 0
    callers: set[Who] = set()
    days: set[date] = set()
    faults: list[Coverage] = []
    new_gaps: set[tuple[str, str, str]] = set()

    @property
    def is_nothing(self) -> bool:
        """Whether nothing could be read, not even the list of units."""
        return not self.units and (bool(self.faults) or self.failed > 0)


class Window(Struct, frozen=True, kw_only=True):
    """The days requested on the command line; None: new ones."""

    since: Since | None = None
    until: Since | None = None


ALL_NEW = Window()


def read_logs(
    logs: Sequence[Log],
    store: ActivityStore,
    observer: LogObserver,
    now: datetime,
    *,
    window: Window = ALL_NEW,
    damage: Damage = NO_DAMAGE,
    keep_days: int,
) -> LogsRead:
    """Read new units of each log into the store. Raises StoreError; a log that cannot be read is a fault.

    ``now``: a time before the listing, so that a day that ends meanwhile does not count as over.
    """
    read = LogsRead()
    before = store.logs(damage)
    states = store.states([one.name for one in logs], damage)
    for one in logs:
        state, past = states[one.name], before.get(one.name)
        since, until = _span(one, state, window, keep_days, now.date())
        if since <= until:
            oldest = max(state.merged_until, now.date().toordinal() - keep_days)
            _LogReading(one, store, observer, state, past.covered if past else {}, oldest, read, now).run(since, until)
    known = {place for name, past in before.items() for place in gap_places(name, past)}
    after = {place for name, past in store.logs(damage).items() for place in gap_places(name, past)}
    read.new_gaps = (after - known) | {(one.source, one.scope, one.section) for one in read.faults}
    return read


# --- One log ---


def _day(since: Since, today: date) -> date:
    return since if isinstance(since, date) else today - timedelta(days=since)


def _span(one: Log, state: LogState, window: Window, keep_days: int, today: date) -> tuple[date, date]:
    """The first and last day to list, both included: the requested days, or the log's window.

    The window begins where the log's ``since`` says, or where a reading was ever requested to begin, as far as counts
    are kept: what an interrupted reading left, a scope that joined and a late file may be of any of its days.
    """
    until = today if window.until is None else min(_day(window.until, today), today)
    if window.since is not None:
        first = _day(window.since, today)
    else:
        first = _day(one.since, today)
        if state.since is not None:
            first = min(first, max(date.fromordinal(state.since), today - timedelta(days=keep_days)))
    return max(first, date.fromordinal(max(state.merged_until, 1))), until


class _LogReading:
    """The reading of one log."""

    def __init__(
        self,
        one: Log,
        store: ActivityStore,
        observer: LogObserver,
        state: LogState,
        covered: Mapping[str, frozenset[int]],
        oldest: int,
        read: LogsRead,
        now: datetime,
    ) -> None:
        self._log = one
        self._head = one.head
        self._store = store
        self._observer = observer
        self._state = state
        self._covered = covered
        self._oldest = oldest
        self._read = read
        self._now = now
        self._gaps: dict[str, tuple[LogDay, ...]] = {}
        self._digests: dict[str, str] = {}
        self._noted = set[str]()
        self._warned = set[str]()
        self._batch: list[UnitReading] = []
        self._weight = 0
        self._written = time.monotonic()

    def run(self, since: date, until: date) -> None:
        """Read new units of these days, both included."""
        listed, due = set[str](), dict[str, LogUnit]()
        fault = self._list(since, until, listed, due)
        new = tuple(due.values())
        self._plan(new, since, until, listed if fault is None else None)
        if new:
            self._observer.units_planned(self._log.name, len(new))
        if isinstance(self._log.reader, PlannedLog):
            self._log.reader.plan(new)
        with closing(read_units(self._log.reader, new, cluster=self._log.cluster)) as outcomes:
            try:
                for unit, outcome in outcomes:
                    self._take(unit, outcome, since)
            except KeyboardInterrupt:
                self._write()  # units read so far are kept
                raise
        if fault is not None:
            self._fault(fault)
        else:
            # Remove gaps that were not found again although all their days were read.
            for name, days in self._state.gaps.items():
                if name not in self._noted and all(since <= one.day <= until for one in days):
                    self._gaps[name] = ()
            if not listed and not self._noted and self._state.newest is None:
                log.warning(
                    "log %s: there is nothing from %s to %s; --since reads what is older", self._log.name, since, until
                )
        if self._batch or self._gaps:
            self._write()

    def _list(self, since: date, until: date, listed: set[str], due: dict[str, LogUnit]) -> SourceError | None:
        """Add the names of all units, and by name those that are to be read.

        Returns the error that ended the listing early.
        """
        try:
            for found in self._log.reader.units(since, until):
                if isinstance(found, LogDay):
                    self._listed_as_gap(clean_day(found))
                    continue
                listed.add(found.name)
                due.pop(found.name, None)
                if (unit := self._due(found)) is not None:
                    due[unit.name] = unit
        except SourceError as error:
            return error
        except Exception as error:  # a plugin may raise anything; the other logs are read
            log.debug("log %s", self._log.name, exc_info=True)
            return SourceError(f"{type(error).__name__}: {own_words(error)}")
        return None

    def _due(self, unit: LogUnit) -> LogUnit | None:
        """The unit, or that part of it, which is to be read; None for one that stays as it was read."""
        state, read = self._state, self._read
        if unit.replaces:
            former = [name for name in unit.replaces if state.known.get(name, REPLACED) != REPLACED]
            unit = replace(unit, replaces=() if unit.name in state.known else tuple(former))
        if state.known.get(unit.name) == unit.digest:
            is_unread = unit.name in state.unread
            if unit.name in state.left:
                self._noted.add(f"{OF_UNIT}{unit.name}")
            read.failed += is_unread
            read.units += not is_unread
            return None
        found = missing(unit, state.marks)
        if isinstance(found, LogUnit):
            return found
        read.units += found is None
        if found is not None:
            self._left(unit, tuple(replace(day, status="failed", detail=found) for day in unit.days))
        return None

    def _plan(self, new: Sequence[LogUnit], since: date, until: date, listed: set[str] | None) -> None:
        """Store which units will be read, before any is: an interruption leaves the days of the others as gaps.

        Earlier plans stay for units that could not be listed now. ``listed``: all units of these days, if known.
        """
        first, last = since.toordinal(), until.toordinal()
        if self._state.since is None or first < self._state.since:
            self._head = replace(self._head, since=first)
        else:
            self._head = replace(self._head, since=self._state.since)
        planned: dict[str, Planned] = {
            one[0]: one
            for one in self._state.planned
            if base_of(one[0]) not in (listed or ())
            and (listed is None or not any(first <= day <= last for _, day in one[1]))
            and any(day >= self._oldest for _, day in one[1])
        }
        for unit in new:
            planned[unit.name] = unit.name, tuple((day.scope, day.day.toordinal()) for day in unit.days)
        if new or tuple(planned.values()) != self._state.planned:
            self._store.plan(self._log.name, self._head, list(planned.values()), self._now)

    def _listed_as_gap(self, day: LogDay) -> None:
        """Note a day that cannot be listed, or has no file, unless it was read: files do not stay for ever."""
        if day.day.toordinal() not in self._covered.get(day.scope, ()):
            name = f"day {day.scope} {day.day}"
            if self._state.gaps.get(name) == (day,):
                self._noted.add(name)
            else:
                self._note(name, day)

    def _note(self, name: str, *days: LogDay) -> None:
        self._gaps[name] = (*self._gaps.get(name, ()), *days)
        self._noted.add(name)

    def _left(self, unit: LogUnit, days: tuple[LogDay, ...]) -> None:
        """Note that of a unit what was read before stays; with this digest it is not read again."""
        name = f"{OF_UNIT}{unit.name}"
        self._digests[name] = unit.digest
        self._note(name, *map(clean_day, days))

    def _take(self, unit: LogUnit, outcome: UnitReading | Failure, since: date) -> None:
        read = self._read
        if isinstance(outcome, Failure):
            self._warn(f"{printable(unit.name)} could not be read: {outcome.words}", outcome.words)
            read.failed += 1
            # If its days are unknown, it is a gap of the first day.
            name = f"{OF_UNIT}{unit.name}"
            for day in unit.days or (LogDay(scope=EVERY_SCOPE, day=since),):
                gap = replace(day, status=outcome.status, detail=outcome.words, permission=outcome.permission)
                self._note(name, clean_day(gap))
            self._observer.unit_read(UnitReading(unit=unit, coverage=self._gaps.get(name, ())))
        else:
            self._observer.unit_read(outcome)
            read.failed += outcome.is_unread
            read.units += not outcome.is_unread
            read.events += outcome.events
            for one in outcome.callers:
                read.callers.add((self._log.name, one.scope, one.caller, one.unique_id))
                read.days.add(one.day)
            read.days.update(one.day for one in outcome.coverage if one.status == "complete")
            if (unread := next((one for one in outcome.coverage if one.status != "complete"), None)) is not None:
                why = printable(unread.detail or f"{unread.day} is {unread.status}")
                self._warn(why, why)
            if self._is_less(outcome):
                self._left(outcome.unit, outcome.coverage if outcome.is_unread else ())
            else:
                self._batch.append(outcome)
                self._weight += len(outcome.callers)
        if self._weight >= WRITE_AT or time.monotonic() - self._written >= WRITE_EVERY:
            self._write()

    def _is_less(self, outcome: UnitReading) -> bool:
        """Whether more was read of the unit before: it is damaged now, or the provider has removed a part.

        Of a unit that is known by its files, what they hold now counts.
        """
        name, state = outcome.unit.name, self._state
        before = state.events.get(name)
        if name in state.marks:
            return outcome.is_unread
        return before is not None and (outcome.is_unread or outcome.events < before)

    def _warn(self, words: str, reason: str) -> None:
        """Log a warning for the first of the days with the same reason."""
        if reason not in self._warned:
            self._warned.add(reason)
            log.warning("log %s: %s", self._log.name, words)

    def _write(self) -> None:
        self._store.write(self._log.name, self._head, self._batch, self._gaps, self._now, self._digests)
        self._batch, self._weight, self._gaps, self._digests = [], 0, {}, {}
        self._written = time.monotonic()

    def _fault(self, error: SourceError) -> None:
        words = own_words(error)
        log.warning("log %s cannot be read: %s", self._log.name, words)
        self._read.faults.append(
            Coverage(
                source=self._log.name,
                provider=self._log.reader.spec.provider,
                scope=EVERY_SCOPE,
                section=LOG_SECTION,
                status=error.status,
                detail=with_fix(words, error.hint),
                permission=error.permission,
            )
        )
