"""The API of a vendor, over HTTP or from files with its responses.

Only the requests in a connector's table are sent, all of them GET, and responses are decoded into the fields of its
records.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from connectors.ai_vendors.sections import Request
from connectors.ai_vendors.settings import ApiSettings
from connectors.core.contract import Malformed, Meter, SectionReading, own_words
from connectors.core.offline import converted, file_at, pages_in, route_of
from connectors.core.paging import Page, Paging, cursor, last_id
from connectors.core.rates import RateLimit
from connectors.core.reading import decoded
from connectors.core.refusals import is_throttled, refusal
from scanner.errors import Denied, SourceError
from scanner.text import printable

if TYPE_CHECKING:
    from requests import Response

    from connectors.core.http import Client

T = TypeVar("T")

RATE = 5.0
"""Requests a second after the API has throttled."""
_REFUSED = (401, 403)


class Api(Protocol):
    """See ``HttpApi`` and ``FileApi``."""

    def one(self, request: Request, shape: type[T], **places: str) -> T:
        """A single response. Raises SourceError."""
        ...

    def rows(self, request: Request, row: type[T], section: SectionReading, **places: str) -> Iterator[T]:
        """The rows of a listing. A malformed row is a gap in the section. Raises SourceError."""
        ...

    def close(self) -> None:
        """Release resources."""
        ...


class HttpApi:
    """The API over HTTP, signed in by ``headers``. Safe to share between threads."""

    def __init__(self, settings: ApiSettings, headers: Mapping[str, str], meter: Meter) -> None:
        from connectors.core.http import Client

        self.client = Client(
            settings.address,
            headers={"User-Agent": "muster", **headers},
            meter=meter,
            rate=RateLimit(RATE, burst=RATE),
            attempts=settings.max_attempts,
            backoff=settings.backoff,
            timeout=settings.timeout,
            ca_file=settings.ca_file,
            insecure_http=settings.insecure_http,
            workers=settings.workers,
        )

    def one(self, request: Request, shape: type[T], **places: str) -> T:
        """See ``Api``."""
        return self._for(request).get(request.path, shape, params=request.params, **places)

    def rows(self, request: Request, row: type[T], section: SectionReading, **places: str) -> Iterator[T]:
        """See ``Api``."""
        paging = _paging(request)
        yield from self._for(request).rows(
            request.path, row, section, at="/data", paging=paging, params=request.params, **places
        )

    def pages(self, request: Request, params: Mapping[str, str | tuple[str, ...]]) -> Iterator[Page]:
        """The rows of a listing, not decoded, page by page. Raises SourceError."""
        asked = {**request.params, **params}
        yield from self._for(request).pages(request.path, at="/data", paging=_paging(request), params=asked)

    def close(self) -> None:
        """See ``Api``."""
        self.client.close()

    def _for(self, request: Request) -> Client:
        return self.client.with_options(refusal=partial(_refusal, request))


def _paging(request: Request) -> Paging:
    return last_id(request.turns) if request.cursor is None else cursor(request.cursor, request.turns)


def _refusal(request: Request, response: Response) -> SourceError:
    error = refusal(response)
    if response.status_code not in _REFUSED or is_throttled(response):
        return error
    return Denied(f"{request.path}: {own_words(error)}", permission=request.permission, hint=error.hint)


class Unopened:
    """See ``Api``: a way whose key is missing. Every request is refused, with what is missing."""

    def __init__(self, error: SourceError) -> None:
        self._error = error

    def one(self, request: Request, shape: type[T], **places: str) -> T:
        """See ``Api``."""
        del request, shape, places
        raise self._error

    def rows(self, request: Request, row: type[T], section: SectionReading, **places: str) -> Iterator[T]:
        """See ``Api``."""
        del request, row, section, places
        raise self._error

    def close(self) -> None:
        """Nothing is held."""


def opened(make: Callable[[], HttpApi]) -> HttpApi | Unopened:
    """The API for a key. A missing key must only end the sections that need it, so errors are raised on use."""
    try:
        return make()
    except SourceError as error:
        return Unopened(error)


class FileApi:
    """Responses from a folder: ``v1/organization/projects.json`` has the output of ``curl`` for that path.

    A file has the pages of a listing one after the other.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def has(self, request: Request) -> bool:
        """Whether there is a file for a request without parameters in its path."""
        return (self.folder / f"{route_of(request.path, {})}.json").is_file()

    def one(self, request: Request, shape: type[T], **places: str) -> T:
        """See ``Api``."""
        values = self._pages(route_of(request.path, places))
        found: T = decoded(json.dumps(values[0]).encode(), shape)
        return found

    def rows(self, request: Request, row: type[T], section: SectionReading, **places: str) -> Iterator[T]:
        """See ``Api``."""
        route = route_of(request.path, places)
        last: dict[str, Any] = {}

        def listed() -> Iterator[Any]:
            nonlocal last
            for page in self._pages(route):
                rows = page.get("data") if isinstance(page, dict) else None
                if not isinstance(page, dict) or not isinstance(rows, list):
                    raise Malformed(f"{printable(route)}.json holds no list")
                last = page
                yield from rows

        yield from converted(listed(), row, section, f"{route}.json")
        if last.get("has_more") is True or (request.cursor and last.get(request.cursor.strip("/"))):
            raise SourceError(f"the last page of {printable(route)} is missing", hint="write all pages into the file")

    def close(self) -> None:
        """Nothing is held."""

    def _pages(self, route: str) -> list[Any]:
        file = file_at(self.folder, route, "the connector's page has the command")
        return pages_in(file, f"{printable(route)}.json")
