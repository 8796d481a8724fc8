"""What agents of one project have credentials for, at each location."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from connectors.base import DiscoveredRecord
from connectors.gcp import requests as r
from connectors.gcp.auth_providers import AuthProvider, parse_auth_provider
from connectors.gcp.projects.locations import at_each_location
from connectors.gcp.reader import Reader

NAME = "agentidentity.auth_providers"


def read_auth_providers(reader: Reader) -> Iterator[DiscoveredRecord]:
    """Stored secrets; deleted ones are left out."""
    project = reader.place.project

    def at(location: str) -> Iterable[AuthProvider]:
        return reader.rows(section, r.AUTH_PROVIDERS, AuthProvider, project=project.id, location=location)

    with reader.section(NAME) as section:
        for row in at_each_location(reader, section, at):
            secret = reader.parsed(section, row.name, parse_auth_provider, reader.scope.source, project, row)
            if secret is not None and not row.deleted:
                section.found()
                yield secret
    yield from reader.done(section)
