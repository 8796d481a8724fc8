"""Listings that are asked for at each location."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from connectors.base import SectionReading
from connectors.gcp.reader import Reader
from scanner.errors import NotOffered, SourceError

T = TypeVar("T")


def at_each_location(reader: Reader, section: SectionReading, ask: Callable[[str], Iterable[T]]) -> Iterator[T]:
    """The rows of all locations. One that fails is a gap; an API that is off in the project ends it."""
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
