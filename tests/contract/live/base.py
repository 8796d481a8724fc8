"""A provider with an audit log that is read live, as the contract of live logs needs it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from connectors.logs.live import LiveReader
from scanner.model.activity import LogUnit

NOW = datetime(2026, 11, 28, 14, 30, tzinfo=UTC)
TODAY = NOW.date()


def ago(days: int, time: str = "10:00:00") -> str:
    """A time so many days before today."""
    return f"{TODAY - timedelta(days)}T{time}Z"


class Live(ABC):
    """A provider with a log. ``permission``: what reading it takes. ``kept``: days. ``page``: records on one."""

    scope: str
    caller: str
    permission: ClassVar[str]
    kept: ClassVar[int]
    page: ClassVar[int] = 1_000

    @abstractmethod
    def reader(self) -> LiveReader:
        """Reads it through a source, its session being new."""

    @abstractmethod
    def act(self, at: str, **facts: Any) -> None:
        """A workload does something then. ``facts``: of the record."""

    @abstractmethod
    def asked(self) -> int:
        """How often the log itself was asked for."""

    @abstractmethod
    def refuse(self, status: int, *, times: int, retry_after: str | None = None) -> None:
        """The log is refused, so many times."""

    @abstractmethod
    def go_in_circles(self) -> None:
        """Each page links to itself."""


def units(reader: LiveReader, since: int, until: int = 0, now: datetime = NOW) -> list[LogUnit]:
    """What there is to read from so many days ago to so many."""
    listed = reader.units(TODAY - timedelta(since), TODAY - timedelta(until), now)
    return [one for one in listed if isinstance(one, LogUnit)]
