"""The context of all sections: their coverage, and parallel requests that fail independently."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from connectors.core.contract import Meter, SectionReading
from connectors.core.reading import ReadSection, SectionReader, each_of
from connectors.github.client.api import Api
from connectors.github.client.requests import Request, names
from connectors.github.identities.place import GithubScope
from connectors.github.settings import GithubSettings
from scanner.errors import SourceError

T = TypeVar("T")
R = TypeVar("R")


class GithubReader(SectionReader):
    """Reads sections of one organization.

    ``whole``: complete listings: paths of requests, and the section of repositories.
    """

    def __init__(self, api: Api, place: GithubScope, meter: Meter, settings: GithubSettings) -> None:
        self.api = api
        super().__init__(place.scope, meter)
        self.place = place
        self.settings = settings
        self.whole: set[str] = set()

    @property
    def org(self) -> str:
        """The organization's login, for the path of a request."""
        return self.place.organization.login

    def listed(self, section: SectionReading, request: Request, row: type[T], **places: str) -> list[T]:
        """All rows of a listing of the organization; rows before a failure are kept."""
        found: list[T] = []
        try:
            found.extend(self.api.rows(request, row, section, org=self.org, **places))
            self.whole.add(request.path)
        except SourceError as error:
            section.lost(error, partial=bool(found))
        return found

    def read_listed(self, name: str, request: Request, row: type[T]) -> ReadSection[list[T]]:
        """Read a section that is one listing of the organization."""
        found: list[T] = []
        with self.section(name) as section:
            found = self.listed(section, request, row)
            section.found(len(found))
        yield self.done(section)
        return found

    def of_repository(self, section: SectionReading, request: Request, row: type[T], full_name: str) -> list[T]:
        """All rows of a listing of a repository. Raises SourceError."""
        return list(self.api.rows(request, row, section, **names(full_name)))

    def each(
        self, section: SectionReading, what: str, read: Callable[[T], R], items: Sequence[T], name: Callable[[T], str]
    ) -> Iterator[tuple[T, R]]:
        """Call ``read`` for every item, several in parallel. Failures are a gap that names the unread items."""
        yield from each_of(section, what, read, items, self.settings.workers, name)
