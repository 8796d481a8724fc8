"""Workload identity pools: those of the unit, and those of other projects that its policies name.

Source: the IAM API's WorkloadIdentityPool.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from functools import partial

from msgspec import structs

from connectors.core.reading import read_all
from connectors.gcp.client import requests as r
from connectors.gcp.client.payloads import Pool
from connectors.gcp.reader import GcpReader
from connectors.gcp.rights.bindings import Binding
from connectors.gcp.rights.providers import Provider, ProviderPayload, provider_of
from connectors.gcp.rights.roles import Library
from connectors.gcp.rights.tree import Tree
from connectors.gcp.rights.trusts import GKE, POOLED, Pools
from connectors.gcp.units import ProjectRef
from scanner.errors import SourceError

POOLS = "iam.workload_identity_pools"


def numbered(project: ProjectRef, name: str) -> str:
    """The resource name with the project's number, as in members of policies."""
    parts = name.split("/", 2)
    return "/".join(("projects", project.number, *parts[2:]))


def provider_in(project: ProjectRef, row: ProviderPayload, off: Container[str]) -> Provider:
    """The provider; ``off``: names of disabled pools. Raises ValueError if the name is not that of a provider."""
    provider = provider_of(structs.replace(row, name=numbered(project, row.name)))
    return structs.replace(provider, is_enabled=provider.is_enabled and provider.pool not in off)


# --- Pools of other projects ---


def pools_named(reader: GcpReader, library: Library, tree: Tree, bindings: Iterable[Binding]) -> Pools:
    """The pools of this unit, and those of our other projects that the bindings name.

    If these cannot be read, trusts of accounts are not fully known; their own unit reports the gap.
    """
    own = {one.id for one in reader.place.projects}
    others: dict[str, ProjectRef] = {}
    for name in _named(bindings):
        number = name.split("/")[1]
        project = tree.project_id(number)
        if project not in own and tree.is_ours(project):
            others[name] = ProjectRef(id=project, number=number)

    def ask(name: str) -> Sequence[Provider] | None:
        project = others[name]
        pools = library.once(("pools", project.id), partial(_pools, reader, project))
        pool = pools.get(name)
        if pool is None or not pool.has_providers:
            return None
        return library.once(("providers", name), partial(_providers, reader, project, pool))

    answers = read_all(ask, sorted(others), reader.settings.workers)
    elsewhere = {
        name: reported for name, reported in answers if reported is not None and not isinstance(reported, SourceError)
    }
    return Pools(reader.found.pools.providers, elsewhere)


def _named(bindings: Iterable[Binding]) -> set[str]:
    """The names of the pools in bindings, without those of GKE clusters, whose providers Google manages."""
    members = (binding.member for binding in bindings)
    pools = {one.pool or "" for one in members if one.kind in POOLED and not one.is_deleted}
    return {pool for pool in pools if not pool.endswith(GKE)}


def _pools(reader: GcpReader, project: ProjectRef) -> dict[str, Pool]:
    """All pools of a project, by name with its number. Raises SourceError if they are not fully known."""
    section = reader.scope.section(POOLS)
    found = {
        numbered(project, pool.name): pool for pool in reader.rows(section, r.WORKLOAD_POOLS, Pool, project=project.id)
    }
    if section.coverage.is_gap:
        raise SourceError(f"not all pools of {project.id} could be read")
    return found


def _providers(reader: GcpReader, project: ProjectRef, pool: Pool) -> tuple[Provider, ...]:
    """All providers of a pool. Raises SourceError if they are not fully known."""
    section = reader.scope.section(POOLS)
    off = () if pool.is_enabled else (numbered(project, pool.name),)
    rows = reader.rows(section, r.POOL_PROVIDERS, ProviderPayload, project=project.id, pool=pool.id)
    parsed = [reader.parsed(section, row.name, provider_in, project, row, off) for row in rows]
    if section.coverage.is_gap:
        raise SourceError(f"not all providers of {pool.id} could be read")
    return tuple(one for one in parsed if one is not None)
