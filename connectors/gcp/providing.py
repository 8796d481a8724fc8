"""Pools and providers as they are noted for what follows: rights, and the identities that IAM manages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from connectors.base import SectionReading
from connectors.gcp.keys import last_segment
from connectors.gcp.places import ProjectRef
from connectors.gcp.pools import Pool, numbered, open_providers, provider_in
from connectors.gcp.reader import Reader
from connectors.gcp.rights.providers import Provider, ProviderPayload


def note_pools(
    reader: Reader,
    section: SectionReading,
    pools: Iterable[tuple[ProjectRef, Pool]],
    rows: Iterable[tuple[ProjectRef, ProviderPayload]],
) -> None:
    """All pools of a unit and their providers. If one of them is not known, none of any pool are taken for all."""
    off = set()
    for project, pool in pools:
        reader.found.pools[project.id].append(pool)
        if not pool.is_enabled:
            off.add(numbered(project, pool.name))
    providers = list(_providers(section, rows, off))
    if count := sum(map(len, reader.found.pools.values())):
        section.note(f"{count} pools with {len(providers)} providers")
    if unguarded := sorted(_short(reader, one) for one in open_providers(providers)):
        section.note(f"open to anybody at their issuer unless a binding narrows them: {', '.join(unguarded)}")
    reader.found.providers = None if section.coverage.is_gap else providers


def _providers(
    section: SectionReading, rows: Iterable[tuple[ProjectRef, ProviderPayload]], off: set[str]
) -> Iterator[Provider]:
    for project, row in rows:
        try:
            yield provider_in(project, row, off)
        except ValueError as error:
            section.malformed(row.name, str(error))


def _short(reader: Reader, provider: Provider) -> str:
    """``PROJECT/POOL/PROVIDER``."""
    number = provider.name.split("/")[1]
    project = reader.project(number)
    return f"{project.id if project else number}/{last_segment(provider.pool)}/{last_segment(provider.name)}"
