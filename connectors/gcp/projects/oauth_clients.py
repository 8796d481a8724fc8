"""OAuth clients of one project."""

from __future__ import annotations

from collections.abc import Iterator

from connectors.base import DiscoveredRecord
from connectors.gcp import requests as r
from connectors.gcp.oauth_clients import OauthClient, parse_oauth_client
from connectors.gcp.reader import Reader

NAME = "iam.oauth_clients"


def read_oauth_clients(reader: Reader) -> Iterator[DiscoveredRecord]:
    """Identities."""
    project = reader.place.project
    with reader.section(NAME) as section:
        for row in reader.rows(section, r.OAUTH_CLIENTS, OauthClient, project=project.id):
            client = reader.parsed(section, row.name, parse_oauth_client, reader.scope.source, project, row)
            if client is not None:
                section.found()
                yield client
    yield from reader.done(section)
