"""What can only be asked project by project, for all projects of a unit, several at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

from connectors.base import DiscoveredRecord
from connectors.gcp.places import ProjectRef
from connectors.gcp.reader import Reader

T = TypeVar("T")


def each_project(reader: Reader, read: Callable[[Reader], Iterator[T]]) -> Iterator[tuple[ProjectRef, T]]:
    """What ``read`` yields for each project of the unit, in their order. ``read`` ends every section as Coverage."""
    waiting: deque[tuple[ProjectRef, Reader, Future[list[T]]]] = deque()
    ahead = iter(reader.place.projects)
    with ThreadPoolExecutor(reader.settings.workers) as pool:

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


def in_each(read: Callable[[Reader], Iterator[DiscoveredRecord]]) -> Callable[[Reader], Iterator[DiscoveredRecord]]:
    """A project's reading as one of a bulk unit."""

    def read_all(reader: Reader) -> Iterator[DiscoveredRecord]:
        for _, record in each_project(reader, read):
            yield record

    return read_all
