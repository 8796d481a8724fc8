"""What can only be asked project by project, for all projects of a unit, several at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from itertools import islice
from typing import TypeAlias, TypeVar

from msgspec import structs

from connectors.base import DiscoveredRecord
from connectors.budget import Pool
from connectors.gcp.places import ProjectRef
from connectors.gcp.reader import Reader
from connectors.gcp.rights.several import several
from scanner.errors import Denied, SourceError
from scanner.model import Coverage

T = TypeVar("T")
Reading: TypeAlias = Callable[[Reader], Iterator[DiscoveredRecord]]


def each_project(reader: Reader, read: Callable[[Reader], Iterator[T]]) -> Iterator[tuple[ProjectRef, T]]:
    """What ``read`` yields for each project of the unit, in their order. ``read`` ends every section as Coverage."""
    waiting: deque[tuple[ProjectRef, Reader, Future[list[T]]]] = deque()
    ahead = iter(reader.place.projects)
    with Pool(reader.settings.workers) as pool:

        def submit(count: int) -> None:
            for project in islice(ahead, count):
                one = reader.of_project(project)
                waiting.append((project, one, pool.submit(_listed, read, one)))

        submit(reader.settings.workers)
        while waiting:
            project, one, future = waiting.popleft()
            found = future.result()
            reader.take_gaps(one)
            submit(1)
            for item in found:
                yield project, item


def _listed(read: Callable[[Reader], Iterator[T]], reader: Reader) -> list[T]:
    return list(read(reader))


def of_each(reader: Reader, names: Sequence[str], ask: Callable[[str], T]) -> Iterator[tuple[str, T | SourceError]]:
    """What is asked of each name, several at a time, or why it is not told; of none but the first if it is denied."""
    for part in (names[:1], names[1:]):
        for name, answer in several(ask, part, reader.settings.workers):
            yield name, answer
            if isinstance(answer, Denied) and part == names[:1]:
                return


def in_each(read: Reading) -> Reading:
    """A project's reading as one of a bulk unit."""

    def read_all(reader: Reader) -> Iterator[DiscoveredRecord]:
        for _, record in each_project(reader, read):
            yield record

    return read_all


def if_wanted(name: str, read: Reading) -> Reading:
    """The reading of an optional section, which is off unless the settings ask for it."""

    def read_or_say_so(reader: Reader) -> Iterator[DiscoveredRecord]:
        return read(reader) if reader.wants(name) else reader.off(name)

    return read_or_say_so


def instead_in_each(reader: Reader, own: Coverage, read: Reading) -> Iterator[DiscoveredRecord]:
    """A project's reading for all projects of a unit that could not be asked at once.

    ``own``: how that went, which is told with its project's where the unit is a single project.
    """
    if own.scope not in {project.id for project in reader.place.projects}:
        yield own
    for record in in_each(read)(reader):
        if isinstance(record, Coverage) and record.scope == own.scope:
            yield structs.replace(record, calls=record.calls + own.calls)
        else:
            yield record
