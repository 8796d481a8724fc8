"""Readings of each project of a unit, requests for each of many names or locations, and listings in bulk."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from itertools import islice
from typing import TypeAlias, TypeVar

from msgspec import structs

from connectors.core.budget import Pool
from connectors.core.contract import DiscoveredRecord, SectionReading
from connectors.core.reading import read_all
from connectors.gcp.client import requests as r
from connectors.gcp.client.payloads import Asset
from connectors.gcp.reader import GcpReader
from connectors.gcp.units import ProjectRef
from scanner.errors import Denied, NotOffered, SourceError
from scanner.model import Coverage

T = TypeVar("T")


ProjectReading: TypeAlias = Callable[[GcpReader], Iterator[DiscoveredRecord]]


def each_project(reader: GcpReader, read: Callable[[GcpReader], Iterator[T]]) -> Iterator[tuple[ProjectRef, T]]:
    """The records that ``read`` yields for each project of the unit, in order.

    ``read`` ends every section with a Coverage.
    """
    waiting: deque[tuple[ProjectRef, GcpReader, Future[list[T]]]] = deque()
    ahead = iter(reader.place.projects)
    with Pool(reader.settings.workers) as pool:

        def submit(count: int) -> None:
            for project in islice(ahead, count):
                one = reader.of_project(project)
                waiting.append((project, one, pool.submit(lambda one: list(read(one)), one)))

        submit(reader.settings.workers)
        while waiting:
            project, one, future = waiting.popleft()
            found = future.result()
            reader.take_gaps(one)
            submit(1)
            for item in found:
                yield project, item


def of_each(reader: GcpReader, names: Sequence[str], ask: Callable[[str], T]) -> Iterator[tuple[str, T | SourceError]]:
    """The answer for each name, several in parallel, or the error.

    If the first is denied, the others are not requested.
    """
    for part in (names[:1], names[1:]):
        for name, answer in read_all(ask, part, reader.settings.workers):
            yield name, answer
            if isinstance(answer, Denied) and part == names[:1]:
                return


def in_each(read: ProjectReading) -> ProjectReading:
    """A project's reading as one of a bulk unit."""

    def read_all(reader: GcpReader) -> Iterator[DiscoveredRecord]:
        for _, record in each_project(reader, read):
            yield record

    return read_all


def if_wanted(name: str, read: ProjectReading) -> ProjectReading:
    """The reading of an optional section, which is off unless the settings ask for it."""

    def read_or_say_so(reader: GcpReader) -> Iterator[DiscoveredRecord]:
        return read(reader) if reader.wants(name) else reader.off(name)

    return read_or_say_so


def instead_in_each(reader: GcpReader, own: Coverage, read: ProjectReading) -> Iterator[DiscoveredRecord]:
    """A project's reading for all projects of a unit whose bulk listing failed.

    ``own``: the coverage of that listing, reported with the project's if the unit is a single project.
    """
    if own.scope not in {project.id for project in reader.place.projects}:
        yield own
    for record in in_each(read)(reader):
        if isinstance(record, Coverage) and record.scope == own.scope:
            yield structs.replace(record, calls=record.calls + own.calls)
        else:
            yield record


# --- Listings by location ---


def at_each_location(reader: GcpReader, section: SectionReading, ask: Callable[[str], Iterable[T]]) -> Iterator[T]:
    """The rows of all locations.

    A failed location is a gap; an API that is disabled in the project ends the reading.
    """
    locations = reader.settings.named_locations
    failed: list[SourceError] = []
    for location in locations:
        try:
            yield from ask(location)
        except NotOffered:
            raise
        except SourceError as error:
            failed.append(error)
    for each in {str(error): error for error in failed}.values():
        section.lost(each, partial=len(failed) < len(locations))


def rows_at_each_location(reader: GcpReader, section: SectionReading, request: r.Request, row: type[T]) -> Iterator[T]:
    """The rows of a listing of the reader's project, of all locations."""
    project = reader.place.project.id
    return at_each_location(
        reader, section, lambda at: reader.rows(section, request, row, project=project, location=at)
    )


# --- Assets below a unit, each with its project ---


def list_assets(
    reader: GcpReader, section: SectionReading, types: tuple[str, ...], row: type[T]
) -> Iterator[tuple[ProjectRef, Asset, T]]:
    """Project, asset and its resource as ``row``. Assets of projects that the unit does not read are passed over."""
    for asset in reader.rows(section, r.ASSETS, Asset, {"assetTypes": types}, parent=reader.place.name):
        project = next(filter(None, map(reader.project, asset.ancestors)), None)
        data = None if project is None else reader.row(section, asset.resource.data, row, asset.name)
        if project is not None and data is not None:
            yield project, asset, data
