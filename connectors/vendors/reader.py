"""The context of all sections of a vendor's organization: coverage, listings, and requests in parallel."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from msgspec.structs import replace

from connectors.core.contract import Check, Meter, SectionReading
from connectors.core.reading import ReadSection, SectionReader, each_of
from connectors.vendors.api import Api
from connectors.vendors.records import VendorOrganization
from connectors.vendors.sections import Request, VendorSection
from scanner.errors import SourceError
from scanner.model import Coverage

T = TypeVar("T")
R = TypeVar("R")


class VendorReader(SectionReader):
    """Reads sections of one organization. ``gaps`` includes sections that are off.

    ``apis``: by setting, the APIs for its keys: one for each part of the organization, by its id.
    """

    def __init__(
        self, place: VendorOrganization, apis: Mapping[str, Mapping[str, Api]], meter: Meter, workers: int
    ) -> None:
        super().__init__(place.scope, meter)
        self.place = place
        self._apis, self._workers = apis, workers

    @property
    def api(self) -> Api:
        """The API for the admin key."""
        return self._apis["token"][""]

    def opened(self, setting: str) -> Mapping[str, Api]:
        """The APIs for the keys of a setting, by the id of their part."""
        return self._apis.get(setting, {})

    def off(self, name: str) -> Coverage:
        """The coverage of a section without a key in the source."""
        self.gaps.add(name)
        return self.scope.coverage(name, "off")

    def listed(
        self, section: SectionReading, request: Request, row: type[T], api: Api | None = None, **places: str
    ) -> list[T]:
        """All rows of a listing; rows before a failure are kept."""
        found: list[T] = []
        try:
            found.extend(self.rows(section, request, row, api, **places))
        except SourceError as error:
            section.lost(error, partial=bool(found))
        return found

    def rows(
        self, section: SectionReading, request: Request, row: type[T], api: Api | None = None, **places: str
    ) -> Iterator[T]:
        """The rows of a listing. Raises SourceError."""
        return (api or self.api).rows(request, row, section, **places)

    def each(
        self, section: SectionReading, what: str, read: Callable[[T], R], items: Sequence[T], name: Callable[[T], str]
    ) -> Iterator[tuple[T, R]]:
        """Call ``read`` for every item, several in parallel. Failures are a gap that names the unread items."""
        yield from each_of(section, what, read, items, self._workers, name)

    def section_of(self, name: str, request: Request, row: type[T]) -> ReadSection[list[T]]:
        """Read a section that is one listing with the admin key."""
        found: list[T] = []
        with self.section(name) as section:
            found = self.listed(section, request, row)
            section.found(len(found))
        yield self.done(section)
        return found


def checked(folder: Path | None, requests: Iterator[Check], *, rights: str) -> Iterator[Check]:
    """All checks for ``doctor``. ``requests``: see ``tried``. ``rights``: what the API reports on those of its keys.

    ``folder``: of a source that reads files, and sends no requests.
    """
    if folder is not None:
        is_there = folder.is_dir()
        fix = None if is_there else "write the API's answers into it"
        yield Check(name="files", ok=is_there, detail=f"{folder} {'is' if is_there else 'is not'} there", fix=fix)
        return
    try:
        yield from requests
    except SourceError as error:
        yield Check(name="token", ok=False, detail=str(error), fix=error.hint)
        return
    yield Check(name="token's rights", ok=True, detail=rights)


def tried(
    readings: Sequence[VendorSection], apis: Mapping[str, Mapping[str, Api]], span: Mapping[str, str]
) -> Iterator[Check]:
    """Check each section for ``doctor``: its first request without parameters in its path, once for each key.

    ``span``: the parameters that requests for usage need.
    """
    for one in readings:
        request = next((request for request in one.requests if "{" not in request.path), None)
        if request is None:
            continue
        for part, api in apis.get(one.needs or "token", {}).items():
            name = f"{one.name} {part}".strip()
            try:
                api.one(replace(request, params={**request.params, **span}) if request.spanned else request, dict)
            except SourceError as error:
                fix = error.permission or error.hint
                yield Check(name=name, ok=False, detail=str(error), fix=fix and f"it takes {fix}")
            else:
                yield Check(name=name, ok=True, detail="can be read")
