"""Audit logs that are read live: a scope and a day at a time, through the session of a source.

What a provider lists for a day may still grow for a while after its end. So a day counts as covered once it has
settled; until then it is read again every hour, up to the last full hour. A day that the provider no longer keeps is a
gap, and is not requested.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from itertools import islice
from typing import Any, ClassVar, NamedTuple

from msgspec import Raw
from msgspec.structs import replace

from connectors.core.budget import AnswerTooLarge, spending
from connectors.core.contract import Connector, Malformed, own_words
from connectors.core.offline import Unreadable
from connectors.logs import LogSettings
from connectors.logs.content import Records
from connectors.logs.events import EventCounting
from connectors.logs.files import FileLog, days_between
from connectors.logs.names import Networks
from scanner.errors import DeadlineExceeded, Denied, NotOffered, SourceError, Throttled, Unreachable
from scanner.model import EVERY_SCOPE, Coverage
from scanner.model.activity import LogDay, LogUnit, UnitReading
from scanner.text import counted

LONGEST = 3600.0
"""Seconds that reading one scope and day may take."""
WHOLE = "whole"
"""The digest of a day that has settled: it is read once."""
LOOKED_AT = 5
"""Number of scopes whose permission is checked beforehand."""
_DAY, _HOUR = timedelta(days=1), timedelta(hours=1)
_OF_ONE_DAY = (Unreachable, DeadlineExceeded, AnswerTooLarge, Malformed)
"""Errors that concern one day only. Any other error ends the scope; throttling ends the log for this run."""


class TooMuch(Exception):
    """A day has too many records for one way of reading."""


class Span(NamedTuple):
    """A time span; the end is not included."""

    since: datetime
    until: datetime


Ask = Callable[[str, Span], Iterator[Sequence[Raw]]]
"""The records of a scope, page by page. Raises SourceError, TooMuch."""


class LiveSource(ABC):
    """A provider's log. Creating it does no I/O; threads share it.

    ``settles``: how long after its end a day is complete. ``kept_by``: who sets the retention, for a message.
    """

    settles: ClassVar[timedelta]
    kept_by: ClassVar[str]

    @property
    @abstractmethod
    def calls(self) -> int:
        """Requests sent so far."""
        ...

    @abstractmethod
    def scopes(self) -> Iterator[str | tuple[str, SourceError]]:
        """The scopes that have such a log, and those that could not be looked up. Raises SourceError without any."""
        ...

    def plan(self, units: Iterable[tuple[str, Span]]) -> None:
        """Receive the scopes and spans that will be read, so that several can be requested together."""
        del units

    @property
    @abstractmethod
    def ways(self) -> Sequence[Ask]:
        """The ways of reading records; a later way is for days with too many records for the earlier ones."""
        ...

    def missing(self, scope: str, span: Span) -> str | None:
        """The gap in the log for a span that was read, as text; None if there is none."""
        del scope, span
        return None

    @abstractmethod
    def days_kept(self, scope: str, age: timedelta) -> int:
        """Days that the provider keeps. ``age``: of the oldest requested record. Raises SourceError."""
        ...


class LiveReader:
    """Lists and reads the units of a live log.

    ``records``: decodes lists of its records; ``counting``: creates the counter of one unit.
    """

    def __init__(
        self, log: str, source: LiveSource, records: Records[Any], counting: Callable[[], EventCounting[Any]]
    ) -> None:
        self._log = log
        self._source = source
        self._records = records
        self._counting = counting
        self._refused: dict[str, SourceError] = {}
        self._way = 0

    def units(self, since: date, until: date, now: datetime) -> Iterator[LogUnit | LogDay]:
        """A unit is a scope and a day (UTC), up to the last full hour. See ``LogReader.units``."""
        hour = now.replace(minute=0, second=0, microsecond=0)
        days = [day for day in days_between(since, until) if _midnight(day) < hour]
        scopes: list[str] = []
        for found in self._source.scopes():
            if isinstance(found, str):
                scopes.append(found)
            else:
                yield from _gaps(*found, days)
        yield from (self._unit(scope, day, hour) for day in days for scope in scopes)

    def _unit(self, scope: str, day: date, hour: datetime) -> LogUnit:
        end = _midnight(day) + _DAY
        return LogUnit(
            log=self._log,
            name=f"{scope}/{day}",
            digest=WHOLE if hour >= end + self._source.settles else f"by {hour:%Y-%m-%dT%H}",
            files=(min(end, hour).isoformat(),),
            days=(LogDay(scope=scope, day=day),),
        )

    def plan(self, units: Iterable[LogUnit]) -> None:
        """See ``PlannedLog``."""
        self._source.plan((one.days[0].scope, _span(one)) for one in units)

    def read(self, unit: LogUnit, now: datetime) -> UnitReading:
        """See ``LogReader.read``. What is no longer kept is a gap for good. Raises Malformed for wrong records."""
        (day,), before = unit.days, self._source.calls
        for scope in (day.scope, EVERY_SCOPE):
            if scope in self._refused:
                raise self._refused[scope]
        span = _span(unit)
        try:
            with spending(LONGEST):
                kept = self._source.days_kept(day.scope, now - span.since)
                if span.since < now - timedelta(days=kept):
                    gap = replace(
                        day, status="failed", detail=f"{self._source.kept_by} keeps {counted(kept, 'day', 'days')}"
                    )
                    return UnitReading(unit=unit, coverage=(gap,), calls=self._source.calls - before)
                counting = self._counted(day.scope, span)
            missing = self._source.missing(day.scope, span)
            found = (replace(day, status="partial", detail=missing),) if missing else counting.covered((day,))
            covered = found if unit.digest == WHOLE else ()
            return counting.reading(unit, covered, self._source.calls - before)
        except Unreadable as error:
            raise Malformed(f"the response is not a log: {error}") from error
        except _OF_ONE_DAY:
            raise
        except SourceError as error:
            refused = _as_gap(error)
            self._refused[EVERY_SCOPE if isinstance(error, Throttled) else day.scope] = refused
            raise refused from error

    def check(self, now: datetime) -> None:
        """Read the last hour of some scopes. Raises SourceError if that fails."""
        for scope in islice((one for one in self._source.scopes() if isinstance(one, str)), LOOKED_AT):
            try:
                with spending(LONGEST):
                    self._source.days_kept(scope, _HOUR)
                    next(self._source.ways[0](scope, Span(now - _HOUR, now)), None)
            except NotOffered as error:
                raise _as_gap(error) from error

    def _counted(self, scope: str, span: Span) -> EventCounting[Any]:
        """Count all records of the span. A way that was not enough for one day is not tried for others."""
        for number, ask in enumerate(self._source.ways[self._way :], start=self._way):
            counting = self._counting()
            counting.only_scope = scope
            counting.spoilt.begin(f"the response for {own_words(scope)}")
            try:
                for rows in ask(scope, span):
                    for some in self._records.of((b"[%b]" % b",".join(map(bytes, rows)),), counting.spoilt):
                        counting.take(some)
                    counting.raw.relieve()
                counting.spoilt.end(())
                counting.finish()
            except TooMuch:
                self._way = number + 1
                continue
            if strange := {day for _, day in counting.days} - {str(span.since.date())}:
                raise Unreadable(f"it has records of other days, such as {min(strange)}")
            return counting
        raise Unreadable("it has too many records")


class LiveLog(FileLog):
    """A log in files, which is read live without a path. A subclass returns the live source."""

    def __init__(self, settings: LogSettings, source: Connector | None) -> None:
        self._live: LiveReader | None = None
        if settings.path is not None:
            super().__init__(settings, source)
            return
        networks = Networks(settings.networks, truncate=settings.truncate_addresses)
        self._live = LiveReader(settings.log, self.live(source), self.records, partial(self.counting, networks))

    def __reduce__(self) -> tuple[type[FileLog], tuple[LogSettings, Connector | None]]:
        """A live log is read by threads, which share the rate limit and failures, and does not pickle."""
        if self._live is not None:
            raise TypeError("a log that is asked for live does not pickle")
        return super().__reduce__()

    @abstractmethod
    def live(self, source: Connector | None) -> LiveSource:
        """The live source. Raises UsageError for a source of another type."""
        ...

    @abstractmethod
    def counting(self, networks: Networks) -> EventCounting[Any]:
        """See ``FileLog``."""
        ...

    def units(self, since: date, until: date) -> Iterator[LogUnit | LogDay]:
        """See ``FileLog`` and ``LiveReader``."""
        return super().units(since, until) if self._live is None else self._live.units(since, until, _now())

    def read(self, unit: LogUnit) -> UnitReading:
        """See ``LogReader``."""
        return super().read(unit) if self._live is None else self._live.read(unit, _now())

    def plan(self, units: Iterable[LogUnit]) -> None:
        """See ``PlannedLog``."""
        if self._live is not None:
            self._live.plan(units)

    def check(self) -> None:
        """See ``CheckedLog``."""
        if self._live is not None:
            self._live.check(_now())


def _now() -> datetime:
    return datetime.now(UTC)


def refusal_of(coverage: Coverage) -> SourceError:
    """The reason why a section was not read completely."""
    kind = Denied if coverage.status == "denied" else SourceError
    return kind(coverage.detail or coverage.status, permission=coverage.permission)


def _as_gap(error: SourceError) -> SourceError:
    """The error with a status that makes a gap: a log that is not offered leaves days unread."""
    if not isinstance(error, NotOffered):
        return error
    return SourceError(own_words(error), hint=error.hint)


def _gaps(scope: str, error: SourceError, days: Iterable[date]) -> Iterator[LogDay]:
    for day in days:
        yield LogDay(scope=scope, day=day, status=error.status, detail=own_words(error), permission=error.permission)


def _span(unit: LogUnit) -> Span:
    return Span(_midnight(unit.days[0].day), datetime.fromisoformat(unit.files[0]))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
