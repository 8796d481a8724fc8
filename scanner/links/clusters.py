"""Clusters whose own tokens are trusted: what runs in one can be made to run as whoever takes these. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from msgspec.structs import replace

from scanner.links.federation import issuer_of
from scanner.links.linking import with_links
from scanner.model import Identity, Link, Trust, Workload
from scanner.model.attributes import SIGNS_TOKENS_AS


def with_clusters(
    identities: Sequence[Identity], workloads: Iterable[Workload]
) -> tuple[tuple[Identity, ...], tuple[Workload, ...]]:
    """The identities, linked to the clusters whose tokens they take, and the workloads with whom clusters run as.

    A cluster that was seen is no outsider, whichever of its accounts a trust is in.
    """
    workloads = tuple(workloads)
    clusters: defaultdict[str, list[str]] = defaultdict(list)
    for one in workloads:
        for url in _signing(one):
            clusters[issuer_of(url)].append(one.key)
    if not clusters:
        return tuple(identities), workloads
    running: defaultdict[str, set[str]] = defaultdict(set)
    settled = []
    for identity in identities:
        links = [
            Link(relation="federates", target=key, evidence=trust.evidence)
            for trust in identity.trusts
            for key in _taken(trust, clusters)
        ]
        for link in links:
            running[link.target].add(identity.key)
        settled.append(_linked(identity, links, clusters) if links else identity)
    return tuple(settled), tuple(
        replace(one, runs_as=tuple(sorted({*one.runs_as, *running[one.key]}))) if one.key in running else one
        for one in workloads
    )


def _linked(identity: Identity, links: Iterable[Link], clusters: defaultdict[str, list[str]]) -> Identity:
    trusts = tuple(
        replace(trust, external=False) if any(_taken(trust, clusters)) else trust for trust in identity.trusts
    )
    return replace(with_links(identity, links), trusts=trusts)


def _taken(trust: Trust, clusters: defaultdict[str, list[str]]) -> Iterator[str]:
    """The clusters whose tokens a trust takes; some share an issuer."""
    if trust.kind == "federated" and trust.issuer is not None and (issuer := issuer_of(trust.issuer)) in clusters:
        yield from clusters[issuer]


def _signing(workload: Workload) -> Iterator[str]:
    given = workload.attributes.get(SIGNS_TOKENS_AS)
    for one in given if isinstance(given, (list, tuple)) else (given,):
        if isinstance(one, str) and one:
            yield one
