"""Pools of workload identities that another unit reads: the policies of this one name their principals all the same."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

from connectors.gcp import requests as r
from connectors.gcp.places import ProjectRef
from connectors.gcp.pools import Pool, numbered, provider_in
from connectors.gcp.projects.pools import POOLS
from connectors.gcp.reader import Reader
from connectors.gcp.rights.bindings import Binding
from connectors.gcp.rights.library import Library
from connectors.gcp.rights.providers import Provider, ProviderPayload
from connectors.gcp.rights.several import several
from connectors.gcp.rights.strangers import GKE, POOLED, Pools
from connectors.gcp.rights.tree import Tree
from scanner.errors import SourceError


def pools_named(reader: Reader, library: Library, tree: Tree, bindings: Iterable[Binding]) -> Pools:
    """The pools of this unit, and those of our other projects that the bindings name.

    Where these cannot be read, whom accounts let in is not known in full; why, their own unit tells.
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

    answers = several(ask, sorted(others), reader.settings.workers)
    elsewhere = {name: told for name, told in answers if told is not None and not isinstance(told, SourceError)}
    return Pools(reader.found.providers, elsewhere)


def _named(bindings: Iterable[Binding]) -> set[str]:
    """The pools that have providers of ours: those of clusters are Google's."""
    members = (binding.member for binding in bindings)
    pools = {one.pool or "" for one in members if one.kind in POOLED and not one.is_deleted}
    return {pool for pool in pools if not pool.endswith(GKE)}


def _pools(reader: Reader, project: ProjectRef) -> dict[str, Pool]:
    """All pools of a project, by name with its number. Raises SourceError where one of them is not known."""
    section = reader.scope.section(POOLS)
    found = {
        numbered(project, pool.name): pool for pool in reader.rows(section, r.WORKLOAD_POOLS, Pool, project=project.id)
    }
    if section.coverage.is_gap:
        raise SourceError(f"not all pools of {project.id} could be read")
    return found


def _providers(reader: Reader, project: ProjectRef, pool: Pool) -> tuple[Provider, ...]:
    """All providers of a pool. Raises SourceError where one of them is not known."""
    section = reader.scope.section(POOLS)
    off = () if pool.is_enabled else (numbered(project, pool.name),)
    rows = reader.rows(section, r.POOL_PROVIDERS, ProviderPayload, project=project.id, pool=pool.id)
    parsed = [reader.parsed(section, row.name, provider_in, project, row, off) for row in rows]
    if section.coverage.is_gap:
        raise SourceError(f"not all providers of {pool.id} could be read")
    return tuple(one for one in parsed if one is not None)
