"""Service accounts of one project."""

from __future__ import annotations

from collections.abc import Iterator

from connectors.base import DiscoveredRecord
from connectors.gcp.payloads import ServiceAccount
from connectors.gcp.reader import Reader


def list_accounts(reader: Reader) -> Iterator[DiscoveredRecord]:
    """Notes them, by Google's own client for IAM."""
    project = reader.place.project
    with reader.section("iam.service_accounts") as section:
        for row in reader.decoded(section, reader.api.service_accounts(project.id), ServiceAccount):
            section.found()
            reader.found.note_account(project.id, row)
    yield from reader.done(section)
