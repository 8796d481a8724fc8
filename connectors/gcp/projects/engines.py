"""Agent engines of one project, at each location."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from connectors.base import DiscoveredRecord
from connectors.gcp import requests as r
from connectors.gcp.engines import ReasoningEngine, note_engine
from connectors.gcp.projects.locations import at_each_location
from connectors.gcp.reader import Reader

NAME = "aiplatform.reasoning_engines"


def list_engines(reader: Reader) -> Iterator[DiscoveredRecord]:
    """Notes them, to be told once it is known which are registered."""
    project = reader.place.project

    def at(location: str) -> Iterable[ReasoningEngine]:
        return reader.rows(section, r.REASONING_ENGINES, ReasoningEngine, project=project.id, location=location)

    with reader.section(NAME) as section:
        for row in at_each_location(reader, section, at):
            section.found(note_engine(reader, section, project, row))
    yield from reader.done(section)
