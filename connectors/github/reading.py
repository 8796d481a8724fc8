"""What all sections share: their coverage, and many requests at once; each may fail by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from connectors.base import Meter, SectionReading
from connectors.github.client.api import Api
from connectors.github.client.requests import Request
from connectors.github.identities.place import Place
from connectors.github.settings import GithubSettings
from connectors.reading import each_of
from scanner.errors import SourceError
from scanner.model import Coverage

T = TypeVar("T")
R = TypeVar("R")


class Reader:
    """Reads sections of one organization. ``gaps``: the names of those that ended as one.

    ``whole``: what was listed to its end: paths of requests, and the section of repositories.
    """

    def __init__(self, api: Api, place: Place, meter: Meter, settings: GithubSettings) -> None:
        self.api = api
        self.place = place
        self.settings = settings
        self.gaps: set[str] = set()
        self.whole: set[str] = set()
        self._meter = meter

    @property
    def org(self) -> str:
        """The organization's login, for the path of a request."""
        return self.place.organization.login

    def section(self, name: str) -> SectionReading:
        """Begin a section."""
        return self.place.scope.section(name, meter=self._meter)

    def done(self, section: SectionReading) -> Coverage:
        """The section's coverage; to be yielded."""
        coverage = section.coverage
        if coverage.is_gap:
            self.gaps.add(coverage.section)
        return coverage

    def listed(self, section: SectionReading, request: Request, row: type[T], **places: str) -> list[T]:
        """All rows of a listing of the organization; what came before a failure is kept."""
        found: list[T] = []
        try:
            found.extend(self.api.rows(request, row, section, org=self.org, **places))
            self.whole.add(request.path)
        except SourceError as error:
            section.lost(error, partial=bool(found))
        return found

    def each(
        self, section: SectionReading, what: str, read: Callable[[T], R], items: Sequence[T], name: Callable[[T], str]
    ) -> Iterator[tuple[T, R]]:
        """``read`` of every item, several at a time. What failed is a gap that names what is left."""
        yield from each_of(section, what, read, items, self.settings.workers, name)
