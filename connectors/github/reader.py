"""The context of all sections of an organization."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

from connectors.core.contract import Meter, SectionReading
from connectors.core.reading import ListingReader
from connectors.github.client.api import Api
from connectors.github.client.requests import GithubRequest, names
from connectors.github.identities.place import GithubScope
from connectors.github.settings import GithubSettings

T = TypeVar("T")


class GithubReader(ListingReader[GithubRequest]):
    """Reads sections of one organization.

    ``whole``: complete listings: paths of requests, and the section of repositories.
    """

    def __init__(self, api: Api, place: GithubScope, meter: Meter, settings: GithubSettings) -> None:
        super().__init__(place.scope, meter, settings.workers)
        self.api = api
        self.place = place
        self.settings = settings
        self.whole: set[str] = set()

    @property
    def org(self) -> str:
        """The organization's login, for the path of a request."""
        return self.place.organization.login

    def rows(self, section: SectionReading, request: GithubRequest, row: type[T], **places: Any) -> Iterator[T]:
        """See ``ListingReader``. ``places``: besides the organization."""
        yield from self.api.rows(request, row, section, org=self.org, **places)
        self.whole.add(request.path)

    def of_repository(self, section: SectionReading, request: GithubRequest, row: type[T], full_name: str) -> list[T]:
        """All rows of a listing of a repository. Raises SourceError."""
        return list(self.api.rows(request, row, section, **names(full_name)))
