"""Service accounts of all projects below."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from connectors.base import DiscoveredRecord
from connectors.gcp.accounts import parse_account
from connectors.gcp.assets.listing import list_assets
from connectors.gcp.payloads import ServiceAccount
from connectors.gcp.reader import Reader

TYPE = "iam.googleapis.com/ServiceAccount"


def read_accounts(reader: Reader) -> Iterator[DiscoveredRecord]:
    """Identities, each in its own project's scope."""
    found: Counter[str] = Counter()
    with reader.section("iam.service_accounts") as section:
        for project, _, row in list_assets(reader, section, (TYPE,), ServiceAccount):
            section.found()
            found[project.id] += 1
            yield parse_account(reader, project, row)
    yield from reader.done(section, found)
