"""A vendor's audit log, read live: one organization, a day at a time, the newest events first."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import ClassVar

from msgspec import Raw, Struct

from connectors.core.contract import Meter
from connectors.core.reading import decoded
from connectors.logs.live import Ask, LiveSource, Span
from connectors.vendors.api import HttpApi
from connectors.vendors.records import Time, moment
from connectors.vendors.sections import Request
from scanner.errors import SourceError


class _Timed(Struct):
    """The time of an event, under each vendor's name for it."""

    effective_at: Time = None
    created_at: Time = None

    @property
    def at(self) -> datetime | None:
        """The time; None if it is missing."""
        return moment(self.effective_at if self.effective_at is not None else self.created_at)


class VendorLog(LiveSource):
    """See ``LiveSource``. ``request``: the listing of events; ``kept``: days that are relied on."""

    settles: ClassVar[timedelta] = timedelta(hours=2)
    request: ClassVar[Request]
    kept: ClassVar[int]

    def __init__(self, api: HttpApi, meter: Meter) -> None:
        self._api, self._meter = api, meter

    @property
    def calls(self) -> int:
        """See ``LiveSource``."""
        return self._meter.calls

    @abstractmethod
    def organization(self) -> str:
        """The scope of the source. Raises SourceError."""
        ...

    @abstractmethod
    def asked_of(self, span: Span) -> Mapping[str, str]:
        """The parameters that limit a listing to a span."""
        ...

    def scopes(self) -> Iterator[str | tuple[str, SourceError]]:
        """See ``LiveSource``: the organization."""
        yield self.organization()

    @property
    def ways(self) -> Sequence[Ask]:
        """See ``LiveSource``."""
        return (self._events,)

    def days_kept(self, scope: str, age: timedelta) -> int:
        """See ``LiveSource``."""
        del scope, age
        return self.kept

    def _events(self, _: str, span: Span) -> Iterator[Sequence[Raw]]:
        """The events of the span. The first page that is entirely before it ends the listing.

        Events without a time are left for the reader to refuse.
        """
        for page in self._api.pages(self.request, self.asked_of(span)):
            times = [decoded(raw, _Timed).at for raw in page.rows]
            yield [raw for raw, at in zip(page.rows, times, strict=True) if at is None or span.since <= at < span.until]
            if times and all((at or span.since) < span.since for at in times):
                return
