"""Registered agents and MCP servers of one project, at each location."""

from __future__ import annotations

from collections.abc import Iterator

from connectors.base import DiscoveredRecord
from connectors.gcp import requests as r
from connectors.gcp.projects.locations import at_each_location
from connectors.gcp.reader import Reader
from connectors.gcp.registered import Registered, Sort, note_registration, parse_registered
from connectors.gcp.request import Request

NAME = "agentregistry.agents"
_LISTINGS: tuple[tuple[Sort, Request], ...] = (("agent", r.REGISTERED_AGENTS), ("mcp_server", r.MCP_SERVERS))


def read_registered(reader: Reader) -> Iterator[DiscoveredRecord]:
    """Those that are no engine that was listed before; an engine only learns that it is registered."""
    project = reader.place.project

    def at(location: str) -> Iterator[tuple[Sort, Registered]]:
        for sort, request in _LISTINGS:
            for row in reader.rows(section, request, Registered, project=project.id, location=location):
                yield sort, row

    with reader.section(NAME) as section:
        for sort, row in at_each_location(reader, section, at):
            if note_registration(reader, row):
                continue
            identity = reader.parsed(section, row.name, parse_registered, reader, project, sort, row)
            if identity is not None:
                section.found()
                yield identity
    yield from reader.done(section)
