"""Reads what a subscription holds: managed identities, what runs as them, and key vaults.

One query of Resource Graph serves all of it.
"""

from __future__ import annotations

from collections.abc import Iterator

from connectors.azure import sections as s
from connectors.azure.reader import Reader
from connectors.azure.subscription.federation import read_federation
from connectors.azure.subscription.identities import managed_identities
from connectors.azure.subscription.rows import Estate, Resource, ask_resource_graph, resources_of
from connectors.azure.subscription.vaults import read_vaults
from connectors.azure.subscription.workloads import workload
from connectors.base import DiscoveredRecord

_NOTHING = "no resource can be seen: there is none, or the right to read them is missing"


def read_resources(reader: Reader) -> Iterator[DiscoveredRecord]:
    """Everything of one subscription but its role assignments."""
    users: list[Resource] = []
    with reader.section(s.MANAGED_IDENTITIES) as section:
        estate = ask_resource_graph(reader, section)
        for row in resources_of(reader, section, s.MANAGED_IDENTITIES, estate):
            users.append(row)
            section.found()
        if not estate.rows and not users:
            section.note(_NOTHING)
    yield reader.done(section)
    resources: list[Resource] = []
    yield from _read_workloads(reader, estate, resources)
    federation = yield from read_federation(reader, users)
    yield from managed_identities(reader.scope, users, resources, federation)
    yield from read_vaults(reader, estate)


def _read_workloads(reader: Reader, estate: Estate, resources: list[Resource]) -> Iterator[DiscoveredRecord]:
    """What runs as something; every resource that was read is added to ``resources``."""
    with reader.section(s.WORKLOADS) as section:
        for row in resources_of(reader, section, s.WORKLOADS, estate):
            resources.append(row)
            found = workload(reader.scope, reader.unit.tenant, row)
            if found is not None:
                section.found()
                yield found
    yield reader.done(section)
