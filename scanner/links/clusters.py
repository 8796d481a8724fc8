"""Clusters whose own tokens are trusted: what runs in one can be made to run as whoever takes these. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec.structs import replace

from scanner.links.linking import with_links
from scanner.model import Identity, Link, Workload
from scanner.model.attributes import SIGNS_TOKENS_AS
from scanner.text import issuer_name


def with_clusters(
    identities: Sequence[Identity], workloads: Iterable[Workload], others: Iterable[Identity] = ()
) -> tuple[tuple[Identity, ...], tuple[Workload, ...]]:
    """The identities, linked to the clusters whose tokens they take, and the workloads with whom clusters run as.

    A cluster that was seen is no outsider, whichever of its accounts a trust is in. ``others``: known of old, from
    places that were not read this time; clusters run as them, too, and they keep what they have.
    """
    workloads = tuple(workloads)
    clusters: defaultdict[str, list[str]] = defaultdict(list)
    for one in workloads:
        for url in _signing(one):
            clusters[issuer_name(url)].append(one.key)
    if not clusters:
        return tuple(identities), workloads
    running: defaultdict[str, set[str]] = defaultdict(set)
    settled = tuple(_linked(one, clusters, running) for one in identities)
    for other in others:
        _linked(other, clusters, running)
    return settled, tuple(
        replace(one, runs_as=tuple(sorted({*one.runs_as, *running[one.key]}))) if one.key in running else one
        for one in workloads
    )


def _linked(identity: Identity, clusters: Mapping[str, Sequence[str]], running: defaultdict[str, set[str]]) -> Identity:
    """The identity as it stands to these clusters, by issuer; adds it to what is ``running`` in each."""
    trusts, links = [], []
    for trust in identity.trusts:
        taken = clusters.get(issuer_name(trust.issuer), ()) if trust.kind == "federated" and trust.issuer else ()
        trusts.append(replace(trust, external=False) if taken else trust)
        links += [Link(relation="federates", target=key, evidence=trust.evidence) for key in taken]
    for link in links:
        running[link.target].add(identity.key)
    return replace(with_links(identity, links), trusts=tuple(dict.fromkeys(trusts))) if links else identity


def _signing(workload: Workload) -> Iterator[str]:
    given = workload.attributes.get(SIGNS_TOKENS_AS)
    for one in given if isinstance(given, (list, tuple)) else (given,):
        if isinstance(one, str) and one:
            yield one
