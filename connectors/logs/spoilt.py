"""Records of a unit that are not as expected: each costs itself, and makes the days that it may be of partial.

Their number is kept, and of the first one the place, never its content.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec
from msgspec import Struct, field

from connectors.core.contract import own_words
from connectors.core.offline import Unreadable
from scanner.text import counted

T = TypeVar("T")
WRONG = (ValueError, OverflowError, TypeError, RecursionError, msgspec.MsgspecError)
"""Errors that a wrong record causes; Unreadable is a ValueError."""
_MOST_SPANS = 1_000
_ANY_DAY = ("", "~")
_MILLISECONDS = 1e11
"""Numbers above are milliseconds since 1970, others seconds."""


def words_of(error: Exception) -> str:
    """What is wrong with content, without the content."""
    return str(error) if isinstance(error, Unreadable) else f"it is not as expected: {own_words(error)}"


class _Timed(Struct, gc=False):
    """The time of a record, under each log's name for it, whatever else is wrong with it."""

    aws: Any = field(default=None, name="eventTime")
    azure: Any = field(default=None, name="eventTimestamp")
    entra: Any = field(default=None, name="createdDateTime")
    summary: Any = field(default=None, name="firstSignInDateTime")
    kubernetes: Any = field(default=None, name="requestReceivedTimestamp")
    openai: Any = field(default=None, name="effective_at")
    github: Any = field(default=None, name="@timestamp")
    time: Any = None
    timestamp: Any = None
    created_at: Any = None


_timed = msgspec.json.Decoder(_Timed)


def days_of(record: bytes) -> tuple[str, ...]:
    """The days (UTC) that a wrong record says it is of, sorted; none if it cannot be told."""
    try:
        times = msgspec.structs.astuple(_timed.decode(record))
    except WRONG:
        return ()
    return tuple(sorted({day for time in times if (day := _day(time))}))


def _day(time: object) -> str:
    with suppress(*WRONG, OSError):
        if isinstance(time, str):
            at = datetime.fromisoformat(time)
            return (at if at.tzinfo is None else at.astimezone(UTC)).date().isoformat()
        if isinstance(time, int | float) and not isinstance(time, bool):
            return datetime.fromtimestamp(time / 1000 if time > _MILLISECONDS else time, UTC).date().isoformat()
    return ""


class Spoilt:
    """The wrong records of one unit. ``records``: their number. ``example``, ``why``: place and error of the first.

    Whoever decodes a file passes all of its records through, good and wrong ones in order, so that places can be named.
    """

    def __init__(self) -> None:
        self.records = 0
        self.example = self.why = ""
        self._name = ""
        self._before = self._passed = 0
        self._at_hand: Sequence[Any] = ()
        self._spans: Counter[tuple[str, str]] = Counter()
        self._untold = 0

    def begin(self, name: str) -> None:
        """Begin a file, or another source of records."""
        self._name, self._passed, self._at_hand = name, 0, ()

    def next(self, records: list[T]) -> list[T]:
        """Pass the next records of the file, which are those at hand then."""
        self._at_hand, self._before = records, self._passed
        self._passed += len(records)
        return records

    def undecoded(self, record: bytes, error: Exception) -> None:
        """Pass, and count, a record that cannot be decoded."""
        self._passed += 1
        self._count(self._passed, error)
        if days := days_of(record):
            self._add((days[0], days[-1]), 1)
        else:
            self._untold += 1

    def refused(self, record: object, error: Exception, time: str = "") -> None:
        """Count a record of those at hand that its reader refuses."""
        if day := _day(time):
            self._add((day, day), 1)
        else:
            self._untold += 1
        places = (place for place, one in enumerate(self._at_hand, start=self._before + 1) if one is record)
        self._count(0 if self.example else next(places, 0), error)

    def end(self, days: Collection[str]) -> None:
        """End a file. ``days``: those of its other records, which the wrong ones lie among."""
        if self._untold:
            self._add((min(days), max(days)) if days else _ANY_DAY, self._untold)
            self._untold = 0

    def by_day(self, days: Collection[str]) -> Mapping[str, int]:
        """How many may be of each of these days: of those that it was told, or that its file has, else of each."""
        found: Counter[str] = Counter()
        for (first, last), number in self._spans.items():
            for day in [one for one in days if first <= one <= last] or days:
                found[day] += number
        return found

    def said(self, records: int) -> str:
        """A number of them, with the place of one."""
        return f"{counted(records, 'record', 'records')} that could not be read, such as {self.example}"

    def _count(self, number: int, error: Exception) -> None:
        self.records += 1
        if not self.example:
            self.example = f"record {number:,} of {self._name}" if number else f"one of {self._name}"
            self.why = f"{self._name}: {words_of(error)}"

    def _add(self, span: tuple[str, str], number: int) -> None:
        self._spans[span if len(self._spans) < _MOST_SPANS or span in self._spans else _ANY_DAY] += number
