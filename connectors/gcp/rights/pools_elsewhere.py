"""Pools of workload identities that another unit reads: the policies of this one name their principals all the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial

from connectors.gcp import requests as r
from connectors.gcp.places import ProjectRef
from connectors.gcp.pools import Pool, numbered, provider_in
from connectors.gcp.reader import Reader
from connectors.gcp.rights.bindings import Binding
from connectors.gcp.rights.library import Library
from connectors.gcp.rights.providers import Provider, ProviderPayload
from connectors.gcp.rights.several import several
from connectors.gcp.rights.strangers import Pools
from connectors.gcp.rights.tree import Tree
from scanner.errors import SourceError

POOLS = "iam.workload_identity_pools"
_POOLED = frozenset({"pool_principal", "pool_set"})


def pools_named(reader: Reader, library: Library, tree: Tree, bindings: Iterable[Binding]) -> Pools:
    """The pools of this unit, and those of our other projects that the bindings name.

    Where these cannot be read, whom accounts let in is not known in full; why, their own unit tells.
    """
    own = {one.id for one in reader.place.projects}
    named = {
        tree.project_id(number): number
        for binding in bindings
        if binding.member.kind in _POOLED and not binding.member.is_deleted
        for number in [(binding.member.pool or "").split("/")[1]]
    }
    others = sorted(project for project in named if project not in own and tree.is_ours(project))

    def ask(project: str) -> Mapping[str, tuple[Provider, ...]]:
        asked = ProjectRef(id=project, number=named[project])
        return library.once(("pools", project), partial(_read, reader, asked))

    elsewhere: dict[str, tuple[Provider, ...]] = {}
    for _, answer in several(ask, others, reader.settings.workers):
        elsewhere.update({} if isinstance(answer, SourceError) else answer)
    return Pools(reader.found.providers, elsewhere)


def _read(reader: Reader, project: ProjectRef) -> Mapping[str, tuple[Provider, ...]]:
    """All providers of a project, by their pool. Raises SourceError where one of them is not known."""
    section = reader.scope.section(POOLS)
    pools = list(reader.rows(section, r.WORKLOAD_POOLS, Pool, project=project.id))
    off = {numbered(project, pool.name) for pool in pools if not pool.is_enabled}
    found: dict[str, tuple[Provider, ...]] = {}
    for pool in pools:
        if pool.has_providers:
            rows = reader.rows(section, r.POOL_PROVIDERS, ProviderPayload, project=project.id, pool=pool.id)
            parsed = (reader.parsed(section, row.name, provider_in, project, row, off) for row in rows)
            found[numbered(project, pool.name)] = tuple(one for one in parsed if one is not None)
    if section.coverage.is_gap:
        raise SourceError(f"not all pools of {project.id} could be read")
    return found
