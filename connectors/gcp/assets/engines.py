"""Agent engines of all projects below, in one listing where Cloud Asset knows of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from connectors.base import DiscoveredRecord
from connectors.gcp.assets.listing import list_assets
from connectors.gcp.each import instead_in_each
from connectors.gcp.engines import ReasoningEngine, note_engine
from connectors.gcp.errors import Rejected
from connectors.gcp.projects.engines import NAME
from connectors.gcp.projects.engines import list_engines as list_engines_of_project
from connectors.gcp.reader import Reader

TYPE = "aiplatform.googleapis.com/ReasoningEngine"


def list_engines(reader: Reader) -> Iterator[DiscoveredRecord]:
    """Notes them; a type that Cloud Asset has not got is refused, and each project is asked instead."""
    found: Counter[str] = Counter()
    is_known = True
    with reader.section(NAME) as section:
        try:
            for project, _, row in list_assets(reader, section, (TYPE,), ReasoningEngine):
                if note_engine(reader, section, project, row):
                    section.found()
                    found[project.id] += 1
        except Rejected:
            is_known = False
            section.note("Cloud Asset does not list them: each project was asked, at each location")
    if is_known:
        yield from reader.done(section, found)
    else:
        yield from instead_in_each(reader, section.coverage, list_engines_of_project)
