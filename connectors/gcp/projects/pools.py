"""Workload identity pools and providers of one project, and the identities that IAM manages in them."""

from __future__ import annotations

from collections.abc import Iterator

from connectors.base import DiscoveredRecord, SectionReading
from connectors.gcp import requests as r
from connectors.gcp.keys import last_segment
from connectors.gcp.pools import TRUST_DOMAIN, ManagedIdentity, Namespace, Pool, parse_managed_identity
from connectors.gcp.providing import note_pools
from connectors.gcp.reader import Reader
from connectors.gcp.rights.providers import ProviderPayload
from scanner.model import Identity

POOLS = "iam.workload_identity_pools"
MANAGED = "iam.managed_identities"


def list_pools(reader: Reader) -> Iterator[DiscoveredRecord]:
    """Notes them for what follows; a trust domain has no providers."""
    project = reader.place.project
    with reader.section(POOLS) as section:
        pools = list(reader.rows(section, r.WORKLOAD_POOLS, Pool, project=project.id))
        rows = [
            (project, row)
            for pool in pools
            if pool.has_providers
            for row in reader.rows(section, r.POOL_PROVIDERS, ProviderPayload, project=project.id, pool=pool.id)
        ]
        note_pools(reader, section, [(project, pool) for pool in pools], rows)
    yield from reader.done(section)


def read_managed_identities(reader: Reader) -> Iterator[DiscoveredRecord]:
    """Those in the trust domains of one project whose pools were listed before."""
    project = reader.place.project
    if reader.lacks(project, POOLS):
        yield reader.skipped(MANAGED, "pools were not listed")
        return
    with reader.section(MANAGED) as section:
        for pool in reader.found.pools.get(project.id, ()):
            if pool.mode == TRUST_DOMAIN:
                yield from _in_pool(reader, section, pool)
    yield from reader.done(section)


def _in_pool(reader: Reader, section: SectionReading, pool: Pool) -> Iterator[Identity]:
    project = reader.place.project
    namespaces = reader.rows(section, r.POOL_NAMESPACES, Namespace, project=project.id, pool=pool.id)
    for namespace in list(namespaces):
        name = last_segment(namespace.name)
        rows = reader.rows(
            section, r.MANAGED_IDENTITIES, ManagedIdentity, project=project.id, pool=pool.id, namespace=name
        )
        for row in rows:
            identity = parse_managed_identity(reader.scope.source, project, pool, namespace, row)
            reader.found.principals.add(identity.key)
            section.found()
            yield identity
