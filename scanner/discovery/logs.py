"""Reads new units of audit logs into the store, on all cores, with one process that writes.

A reader lists units and reads them one at a time. Units whose digest is in the store are skipped, so a reading can be
interrupted at any moment and repeated. An unreadable unit is a gap of its days, and does not affect the others.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import date, datetime, timedelta
from typing import Protocol, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from connectors.core.contract import own_words
from connectors.logs import LogReader, PlannedLog
from scanner.config.settings import Since
from scanner.discovery.engine import Observer
from scanner.discovery.log_units import Failure, clean_day, read_units
from scanner.errors import SourceError, with_fix
from scanner.model import EVERY_SCOPE, Coverage
from scanner.model.activity import (
    LOG_SECTION,
    LogDay,
    LogPast,
    LogUnit,
    UnitReading,
)
from scanner.store.activity.care import Damage
from scanner.store.activity.store import NO_DAMAGE, ActivityStore
from scanner.store.activity.units import LogHead, LogState
from scanner.text import counted, printable

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
            also_called=spec.also_called,
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
        since, until = _span(one, states[one.name], before.get(one.name), window, keep_days, now.date())
        if since <= until:
            _Reading(one, store, observer, states[one.name], read, now).run(since, until)
    known = {place for name, past in before.items() for place in gap_places(name, past)}
    after = {place for name, past in store.logs(damage).items() for place in gap_places(name, past)}
    read.new_gaps = (after - known) | {(one.source, one.scope, one.section) for one in read.faults}
    return read


def gap_places(name: str, past: LogPast) -> Iterator[tuple[str, str, str]]:
    """Log, scope and section of each day that is a gap."""
    for scope, days in past.gaps.items():
        for day in days.values():
            yield name, scope, f"{LOG_SECTION}:{day.day}"


def is_day_before(section: str, day: date) -> bool:
    """Whether a section is a log's day before that one."""
    name, colon, text = section.partition(":")
    return name == LOG_SECTION and bool(colon) and text < day.isoformat()


def coverage_of(past: Mapping[str, LogPast], today: date, keep_days: int) -> tuple[Coverage, ...]:
    """The coverage of logs for reports: for each scope the days that were read, and recent days that were not."""
    rows = []
    oldest = today - timedelta(days=keep_days)
    for name, one in past.items():
        for scope, covered in one.covered.items():
            days = sorted(day for day in covered if day >= oldest.toordinal())
            whole = Coverage(source=name, provider=one.provider, scope=scope, section=LOG_SECTION, status="complete")
            if days:
                first, last = date.fromordinal(days[0]), date.fromordinal(days[-1])
                rows.append(
                    replace(whole, detail=f"{counted(len(days), 'day', 'days')} read in full, {first} to {last}")
                )
            rows += [
                replace(
                    whole,
                    section=f"{LOG_SECTION}:{day.day}",
                    status=day.status,
                    detail=day.detail,
                    permission=day.permission,
                )
                for day in one.gaps.get(scope, {}).values()
                if day.day >= oldest
            ]
    return tuple(rows)


# --- One log ---


def _day(since: Since, today: date) -> date:
    return since if isinstance(since, date) else today - timedelta(days=since)


def _span(
    one: Log, state: LogState, past: LogPast | None, window: Window, keep_days: int, today: date
) -> tuple[date, date]:
    """The first and last day to read, both included: the requested days, or the new ones.

    New are all days after the newest; the day before it, for late files; and days that were a gap.
    """
    until = today if window.until is None else min(_day(window.until, today), today)
    if window.since is not None:
        first = _day(window.since, today)
    elif state.newest is None:
        first = _day(one.since, today)
    else:
        gaps = [day for days in past.gaps.values() for day in days] if past else []
        oldest = today.toordinal() - keep_days
        first = date.fromordinal(min([state.newest - 1, *(day for day in gaps if day >= oldest)]))
    return max(first, date.fromordinal(max(state.merged_until, 1))), until


class _Reading:
    """The reading of one log."""

    def __init__(
        self, one: Log, store: ActivityStore, observer: LogObserver, state: LogState, read: LogsRead, now: datetime
    ) -> None:
        self._log = one
        self._store = store
        self._observer = observer
        self._state = state
        self._read = read
        self._now = now
        self._gaps: dict[str, tuple[LogDay, ...]] = {}
        self._noted = set[str]()
        self._warned = set[str]()
        self._batch: list[UnitReading] = []
        self._weight = 0
        self._written = time.monotonic()

    def run(self, since: date, until: date) -> None:
        """Read new units of these days, both included."""
        units: dict[str, LogUnit] = {}
        fault = self._list(since, until, units)
        new = tuple(unit for unit in units.values() if self._state.known.get(unit.name) != unit.digest)
        for name in units.keys() - {unit.name for unit in new}:
            self._read.failed += name in self._state.unread
            self._read.units += name not in self._state.unread
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
            self._clear(since, until)
            if not units and not self._noted and self._state.newest is None:
                log.warning(
                    "log %s: there is nothing from %s to %s; --since reads what is older", self._log.name, since, until
                )
        if self._batch or self._gaps or (self._state.newest is None and units):
            self._write()

    def _list(self, since: date, until: date, units: dict[str, LogUnit]) -> SourceError | None:
        """Add the units to read to ``units``, by name; returns the error that ended the listing early."""
        try:
            for found in self._log.reader.units(since, until):
                if isinstance(found, LogDay):
                    self._note(f"day {found.scope} {found.day}", clean_day(found))
                else:
                    units[found.name] = found
        except SourceError as error:
            return error
        except Exception as error:  # a plugin may raise anything; the other logs are read
            log.debug("log %s", self._log.name, exc_info=True)
            return SourceError(f"{type(error).__name__}: {own_words(error)}")
        return None

    def _note(self, name: str, *days: LogDay) -> None:
        self._gaps[name] = (*self._gaps.get(name, ()), *days)
        self._noted.add(name)

    def _take(self, unit: LogUnit, outcome: UnitReading | Failure, since: date) -> None:
        read = self._read
        if isinstance(outcome, Failure):
            self._warn(f"{printable(unit.name)} could not be read: {outcome.words}", outcome.words)
            read.failed += 1
            # If its days are unknown, it is a gap of the first day.
            for day in unit.days or (LogDay(scope=EVERY_SCOPE, day=since),):
                gap = replace(day, status=outcome.status, detail=outcome.words, permission=outcome.permission)
                self._note(f"unit {unit.name}", clean_day(gap))
            self._observer.unit_read(UnitReading(unit=unit, coverage=self._gaps.get(f"unit {unit.name}", ())))
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
            self._batch.append(outcome)
            self._weight += len(outcome.callers)
        if self._weight >= WRITE_AT or time.monotonic() - self._written >= WRITE_EVERY:
            self._write()

    def _warn(self, words: str, reason: str) -> None:
        """Log a warning for the first of the days with the same reason."""
        if reason not in self._warned:
            self._warned.add(reason)
            log.warning("log %s: %s", self._log.name, words)

    def _write(self) -> None:
        self._store.write(self._log.name, self._log.head, self._batch, self._gaps, self._now)
        self._batch, self._weight, self._gaps = [], 0, {}
        self._written = time.monotonic()

    def _clear(self, since: date, until: date) -> None:
        """Remove gaps that were not found again although all their days were read."""
        for name, days in self._state.gaps.items():
            if name not in self._noted and all(since <= one.day <= until for one in days):
                self._gaps[name] = ()

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
