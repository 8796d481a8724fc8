"""API keys of one project."""

from __future__ import annotations

from collections.abc import Iterator

from connectors.base import DiscoveredRecord
from connectors.gcp import requests as r
from connectors.gcp.api_keys import ApiKey, note_api_key
from connectors.gcp.reader import Reader

NAME = "apikeys.keys"


def list_api_keys(reader: Reader) -> Iterator[DiscoveredRecord]:
    """Notes them, or puts them with the accounts that they are bound to, which were listed before."""
    project = reader.place.project
    with reader.section(NAME) as section:
        for row in reader.rows(section, r.API_KEYS, ApiKey, project=project.id):
            section.found(note_api_key(reader, project, row))
    yield from reader.done(section)
