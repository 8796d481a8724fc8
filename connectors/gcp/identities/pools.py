"""Workload identity pools, their issuers, and the managed identities in them.

Source: the IAM API's WorkloadIdentityPool, and the documentation of managed workload identities.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import Struct

from connectors.core.contract import DiscoveredRecord, SectionReading
from connectors.gcp.client import requests as r
from connectors.gcp.client.payloads import ACTIVE, TRUST_DOMAIN, Pool
from connectors.gcp.keys import last_segment
from connectors.gcp.reader import GcpReader
from connectors.gcp.rights.pools import POOLS, numbered, provider_in
from connectors.gcp.rights.providers import Provider, ProviderPayload, narrows
from connectors.gcp.units import ProjectRef, tags_of
from scanner.model import Identity, Privilege
from scanner.text import counted


class _Owner(Struct, kw_only=True, rename="camel"):
    principal_subject: str = ""


class Namespace(Struct, kw_only=True, rename="camel"):
    """A namespace of a trust domain. ``owner_service``: the service of Google's that it belongs to."""

    name: str
    state: str = ACTIVE
    disabled: bool = False
    owner_service: _Owner | None = None


class ManagedIdentity(Struct, kw_only=True):
    """A managed workload identity."""

    name: str
    description: str | None = None
    state: str = ACTIVE
    disabled: bool = False


def open_providers(providers: Iterable[Provider]) -> list[Provider]:
    """Providers that accept the token of any account at their issuer."""
    return [one for one in providers if one.is_enabled and one.shared and narrows(one, "*") == "none"]


def principal_of(name: str) -> str:
    """A managed identity as members of policies name it; ``name``: with the project's number."""
    pool, _, rest = name.partition("/namespaces/")
    namespace, _, identity = rest.partition("/managedIdentities/")
    return f"principal://iam.googleapis.com/{pool}/subject/ns/{namespace}/sa/{identity}"


def parse_managed_identity(
    source: str, project: ProjectRef, pool: Pool, namespace: Namespace, row: ManagedIdentity
) -> Identity:
    """A managed workload identity: it has certificates that IAM renews, and no credential to lose."""
    name = numbered(project, row.name)
    subject = f"ns/{last_segment(namespace.name)}/sa/{last_segment(row.name)}"
    owner = namespace.owner_service
    attributes: dict[str, Any] = {"pool": numbered(project, pool.name), "selector": "subject", "subject": subject}
    domain = f"{pool.id}.global.{project.number}.workload.id.goog"
    return Identity(
        key=principal_of(name),
        provider="gcp",
        source=source,
        scope=project.id,
        kind="workload_identity",
        name=subject,
        description=row.description or None,
        aliases=(f"spiffe://{domain}/{subject}",),
        enabled=pool.is_enabled and all(one.state == ACTIVE and not one.disabled for one in (namespace, row)),
        managed_by=f"its namespace belongs to a service of Google: {owner.principal_subject}" if owner else None,
        tags=tags_of(project),
        attributes=attributes,
        privilege=Privilege(level="normal"),
        consequences=(),
    )


# --- Pools and providers, kept for rights and managed workload identities ---


def note_pools(
    reader: GcpReader,
    section: SectionReading,
    pools: Iterable[tuple[ProjectRef, Pool]],
    rows: Iterable[tuple[ProjectRef, ProviderPayload]],
) -> None:
    """All pools of a unit and their providers.

    If any of them is unknown, the providers of no pool count as complete.
    """
    off = set()
    for project, pool in pools:
        reader.found.pools.listed[project.id].append(pool)
        if not pool.is_enabled:
            off.add(numbered(project, pool.name))
    providers = list(_providers(section, rows, off))
    if count := sum(map(len, reader.found.pools.listed.values())):
        section.note(f"{counted(count, 'pool', 'pools')} with {counted(len(providers), 'provider', 'providers')}")
    if unguarded := sorted(_short(reader, one) for one in open_providers(providers)):
        section.note(f"open to every identity of their issuer unless a binding restricts them: {', '.join(unguarded)}")
    reader.found.pools.providers = None if section.coverage.is_gap else providers


def _providers(
    section: SectionReading, rows: Iterable[tuple[ProjectRef, ProviderPayload]], off: set[str]
) -> Iterator[Provider]:
    for project, row in rows:
        try:
            yield provider_in(project, row, off)
        except ValueError as error:
            section.malformed(row.name, str(error))


def _short(reader: GcpReader, provider: Provider) -> str:
    """``PROJECT/POOL/PROVIDER``."""
    number = provider.name.split("/")[1]
    project = reader.project(number)
    return f"{project.id if project else number}/{last_segment(provider.pool)}/{last_segment(provider.name)}"


# --- Workload identity pools, providers and managed identities of one project ---

MANAGED = "iam.managed_identities"


def list_pools(reader: GcpReader) -> Iterator[DiscoveredRecord]:
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


def read_managed_identities(reader: GcpReader) -> Iterator[DiscoveredRecord]:
    """Those in the trust domains of one project whose pools were listed before."""
    project = reader.place.project
    if reader.lacks(project, POOLS):
        yield reader.skipped(MANAGED, "pools were not listed")
        return
    with reader.section(MANAGED) as section:
        for pool in reader.found.pools.listed.get(project.id, ()):
            if pool.mode == TRUST_DOMAIN:
                yield from _in_pool(reader, section, pool)
    yield from reader.done(section)


def _in_pool(reader: GcpReader, section: SectionReading, pool: Pool) -> Iterator[Identity]:
    project = reader.place.project
    namespaces = reader.rows(section, r.POOL_NAMESPACES, Namespace, project=project.id, pool=pool.id)
    for namespace in list(namespaces):
        name = last_segment(namespace.name)
        rows = reader.rows(
            section, r.MANAGED_IDENTITIES, ManagedIdentity, project=project.id, pool=pool.id, namespace=name
        )
        for row in rows:
            identity = parse_managed_identity(reader.scope.source, project, pool, namespace, row)
            reader.found.pools.principals.add(identity.key)
            section.found()
            yield identity
