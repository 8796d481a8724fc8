"""Reads a subscription, or a management group: role assignments, managed identities, workloads and key vaults."""

from __future__ import annotations

from collections.abc import Iterator

from connectors.azure import sections as s
from connectors.azure.identities.managed import managed_identities, read_federation
from connectors.azure.reader import AzureReader
from connectors.azure.rights.assignments import read_assignments
from connectors.azure.workloads.records import workload
from connectors.azure.workloads.rows import Estate, Resource, ask_resource_graph, resources_of
from connectors.azure.workloads.vaults import read_vaults
from connectors.core.contract import DiscoveredRecord

_NOTHING = "no resource can be seen: there is none, or the right to read them is missing"


def read_resources(reader: AzureReader) -> Iterator[DiscoveredRecord]:
    """Read everything in one subscription except role assignments."""
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


def _read_workloads(reader: AzureReader, estate: Estate, resources: list[Resource]) -> Iterator[DiscoveredRecord]:
    """Read workloads that run as an identity; adds every resource to ``resources``."""
    with reader.section(s.WORKLOADS) as section:
        for row in resources_of(reader, section, s.WORKLOADS, estate):
            resources.append(row)
            found = workload(reader.scope, reader.unit.tenant, row)
            if found is not None:
                section.found()
                yield found
    yield reader.done(section)


def read_subscription(reader: AzureReader) -> Iterator[DiscoveredRecord]:
    """Read the role assignments at a subscription and below, and its resources."""
    yield from read_assignments(reader)
    yield from read_resources(reader)


def read_management_group(reader: AzureReader) -> Iterator[DiscoveredRecord]:
    """Read the role assignments at a management group, without those of its ancestors and children."""
    yield from read_assignments(reader)
