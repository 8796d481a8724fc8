"""Service accounts of all projects below."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from connectors.base import DiscoveredRecord
from connectors.gcp.accounts import tell_accounts
from connectors.gcp.assets.listing import list_assets
from connectors.gcp.payloads import ServiceAccount
from connectors.gcp.reader import Reader

TYPE = "iam.googleapis.com/ServiceAccount"


def list_accounts(reader: Reader) -> Iterator[DiscoveredRecord]:
    """Notes them, each with its own project."""
    found: Counter[str] = Counter()
    with reader.section("iam.service_accounts") as section:
        for project, _, row in list_assets(reader, section, (TYPE,), ServiceAccount):
            section.found()
            found[project.id] += 1
            reader.found.accounts[project.id].append(row)
    yield from reader.done(section, found)


def read_accounts(reader: Reader) -> Iterator[DiscoveredRecord]:
    """The same as identities, with what was found for them before."""
    yield from list_accounts(reader)
    yield from tell_accounts(reader)
