"""Reads audit logs into the store: what is new, in all cores, written by one process.

A reader lists units and reads one at a time. Units whose digest the store knows are skipped, so that a reading may be
interrupted at any moment and repeated. What cannot be read is a gap of its days, and never ends the rest.
"""

from __future__ import annotations

import hashlib
import logging
import multiprocessing
import os
import pickle
import signal
import time
from collections import deque
from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Protocol, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from connectors.base import own_words
from connectors.logs import LogReader, PlannedLog
from scanner.config.settings import Since
from scanner.discovery.engine import Observer
from scanner.errors import SourceError
from scanner.model import EVERY_SCOPE, Coverage, CoverageStatus
from scanner.model.activity import (
    LOG_SECTION,
    CallerDay,
    Feature,
    LogDay,
    LogPast,
    LogUnit,
    NamedChange,
    UnitReading,
    feature_of,
)
from scanner.redaction.gate import cleared
from scanner.redaction.redact import without_resolved
from scanner.redaction.shapes import public_id
from scanner.store.activity.care import Damage
from scanner.store.activity.past import NO_DAMAGE, ActivityStore
from scanner.store.activity.units import LogHead, LogState
from scanner.text import printable, without_surrogates

log = logging.getLogger(__name__)

PATIENCE = 2.0
"""Seconds that one process reads alone; what is left then is worth starting others for."""
WRITE_EVERY = 2.0
"""Seconds of reading that a kill may cost."""
WRITE_AT = 20_000
"""Days of callers that are held in memory before they are written."""
AHEAD = 2
"""Units given to each process before it asks for more."""
LONGEST = 500
"""Characters of a caller's or an action's name; longer ones are cut and told apart by a hash."""


class Log(Struct, frozen=True, kw_only=True):
    """A log made ready. ``source``: the name of the source whose identities it is about; None: any of the provider."""

    name: str
    type: str
    source: str | None
    since: Since
    reader: LogReader

    @property
    def head(self) -> LogHead:
        """What the store keeps of it."""
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
        """So many more units of this log are to be read."""

    def unit_read(self, reading: UnitReading) -> None:
        """A unit has been read; one that could not be has nothing but gaps."""


class FullObserver(Observer, LogObserver, Protocol):
    """Watches a scan that reads logs first."""


Who: TypeAlias = tuple[str, str, str, str]
"""Log, scope, caller and unique id."""


class LogsRead(Struct, kw_only=True):
    """What one run read. ``faults``: logs that could not be listed.

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
        """Whether nothing could be read at all: not even to find that there is nothing new."""
        return not self.units and (bool(self.faults) or self.failed > 0)


class Window(Struct, frozen=True, kw_only=True):
    """Which days are asked for on the command line; None: what is new."""

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
    """Read what is new of each log into the store. Raises StoreError; a log that cannot be read is a fault.

    ``now``: before anything was listed, so that no day that ends meanwhile counts as over.
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
    """What reports show of logs: for each scope the days that were read, and those of the last that were not."""
    rows = []
    oldest = today - timedelta(days=keep_days)
    for name, one in past.items():
        for scope, covered in one.covered.items():
            days = sorted(day for day in covered if day >= oldest.toordinal())
            whole = Coverage(source=name, provider=one.provider, scope=scope, section=LOG_SECTION, status="complete")
            if days:
                first, last = date.fromordinal(days[0]), date.fromordinal(days[-1])
                rows.append(replace(whole, detail=f"{len(days)} days read in full, {first} to {last}"))
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
    """From which day to which, both included: what was asked for, else what is new.

    That is all after the newest day; the day before it, for files that come late; and days that were a gap.
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
    """Reads one log."""

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
        """Read what is new between these days, both included."""
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
        with closing(read_units(self._log.reader, new)) as outcomes:
            try:
                for unit, outcome in outcomes:
                    self._take(unit, outcome, since)
            except KeyboardInterrupt:
                self._write()  # what was read by then stays
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
        """Put what there is to read into ``units``, by name; returns what ended the listing early."""
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
            # Where nobody can tell which days it is needed for, it is a gap of the first.
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
        """Of many days with one reason the first is reported."""
        if reason not in self._warned:
            self._warned.add(reason)
            log.warning("log %s: %s", self._log.name, words)

    def _write(self) -> None:
        self._store.write(self._log.name, self._log.head, self._batch, self._gaps, self._now)
        self._batch, self._weight, self._gaps = [], 0, {}
        self._written = time.monotonic()

    def _clear(self, since: date, until: date) -> None:
        """What was a gap, and was not found to be one again although all its days were asked for, is none any more."""
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
                detail=f"{words}: {error.hint}" if error.hint else words,
                permission=error.permission,
            )
        )


# --- Reading units, here or in other processes ---


class Failure(Struct, frozen=True):
    """Why a unit could not be read. Errors of others may not pickle."""

    status: CoverageStatus
    words: str
    permission: str | None = None


Outcome: TypeAlias = tuple[LogUnit, UnitReading | Failure]


def read_units(reader: LogReader, units: Sequence[LogUnit], patience: float = PATIENCE) -> Generator[Outcome]:
    """Each unit with what was read of it, as it is done; by other processes what is left after ``patience`` seconds.

    A reader that does not pickle is read by threads: it asks a provider, and waits more than it computes.
    """
    left = deque(units)
    begin = time.monotonic()
    while left and (time.monotonic() - begin < patience or len(left) == 1):
        unit = left.popleft()
        yield unit, _read_unit(reader, unit)
    cores = _cores()
    while left:
        try:
            pickle.dumps(reader)
        except Exception:  # noqa: BLE001  # whatever a reader of somebody else's holds
            with ThreadPoolExecutor(cores * AHEAD, thread_name_prefix="log") as threads:
                yield from _spread(threads, reader, left, cores * AHEAD)
            return
        children = set(multiprocessing.active_children())
        processes = ProcessPoolExecutor(
            min(cores, len(left)), mp_context=multiprocessing.get_context("spawn"), initializer=_leave_interrupts
        )
        try:
            yield from _spread(processes, reader, left, cores * AHEAD)
            processes.shutdown()
        except BaseException:
            # What they are reading is lost anyway; they would be waited for at the end.
            processes.shutdown(wait=False, cancel_futures=True)
            for child in set(multiprocessing.active_children()) - children:
                child.terminate()
            raise


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _leave_interrupts() -> None:
    """Ctrl-C reaches every process of a terminal; the first one decides what becomes of the others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _spread(executor: Executor, reader: LogReader, left: deque[LogUnit], ahead: int) -> Iterator[Outcome]:
    """Take units from ``left`` until there are none, or the executor is broken: then only its own are lost."""
    pending: dict[Future[UnitReading | Failure], LogUnit] = {}
    while left or pending:
        try:
            while left and len(pending) < ahead:
                pending[executor.submit(_read_unit, reader, left[0])] = left[0]
                left.popleft()
        except BrokenProcessPool:
            if not pending:
                return
        done, _ = wait(pending, return_when=FIRST_COMPLETED)
        is_broken = False
        for future in done:
            unit = pending.pop(future)
            try:
                yield unit, future.result()
            except BrokenProcessPool:
                is_broken = True
                yield unit, Failure("failed", "the process that read it ended: there may be too little memory")
            except Exception as error:  # noqa: BLE001  # pickling runs a plugin's code
                yield unit, Failure("failed", own_words(error))
        if is_broken and not pending:
            return


def _read_unit(reader: LogReader, unit: LogUnit) -> UnitReading | Failure:
    """What the reader gives, cleaned; any failure is the unit's own."""
    try:
        return clean(reader.read(unit))
    except SourceError as error:
        words = own_words(error)
        return Failure(error.status, f"{words}: {error.hint}" if error.hint else words, error.permission)
    except Exception as error:  # a plugin may raise anything; the other units are read
        log.debug("unit %s", unit.name, exc_info=True)
        return Failure("failed", f"{type(error).__name__}: {own_words(error)}")


# --- The gate that every record passes: no secret, no text without end, none that no database takes ---


def clean(reading: UnitReading) -> UnitReading:
    """The reading as it may be kept."""
    return replace(
        reading,
        callers=tuple(map(_clean_caller, reading.callers)),
        changes=tuple(map(_clean_change, reading.changes)),
        coverage=tuple(map(clean_day, reading.coverage)),
    )


def clean_day(day: LogDay) -> LogDay:
    """The day with a detail that is safe to show."""
    scope = _short(day.scope)
    if scope is day.scope and day.detail is None:
        return day
    return replace(day, scope=scope, detail=None if day.detail is None else own_words(day.detail))


def _clean_change(change: NamedChange) -> NamedChange:
    texts = ("scope", "target", "action", "by", "event_id")
    return cleared(replace(change, **{name: _short(getattr(change, name)) for name in texts}))


def _clean_caller(day: CallerDay) -> CallerDay:
    counts = {_clean_feature(text): numbers for text, numbers in day.counts.items()}
    return replace(
        day,
        scope=_short(day.scope),
        caller=_short(day.caller),
        unique_id=_short(day.unique_id),
        counts=counts,
        samples={_clean_feature(text): _short(event) for text, event in day.samples.items()},
    )


@lru_cache(maxsize=100_000)
def _clean_feature(text: str) -> str:
    feature = feature_of(text)
    return str(Feature(feature.sort, _short(feature.value)))


@lru_cache(maxsize=100_000)
def _short(text: str) -> str:
    safe = public_id(without_resolved(without_surrogates(text)))
    if len(safe) <= LONGEST:
        return safe
    return f"{safe[: LONGEST - 17]}…{hashlib.sha256(safe.encode()).hexdigest()[:16]}"
