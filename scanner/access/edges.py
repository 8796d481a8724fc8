"""All edges by which one identity becomes another: trusts across scopes, assignments, tokens and takeovers. Pure.

They are resolved once everything has been read. :mod:`scanner.access.attack_paths` answers questions about them,
:mod:`scanner.access.raised_privileges` raises privileges by them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from msgspec import Struct

from scanner.access.assignments import Held, by_right, with_assignments, with_unknown_rights
from scanner.access.clusters import with_named
from scanner.access.execution import by_execution
from scanner.access.federation import by_token_if, with_federation
from scanner.access.trusts import across_scopes, across_scopes_if, with_links, with_trusts
from scanner.access.workloads import by_takeover, with_roles
from scanner.model import Coverage, Edge, Identity, Link, Workload


class Resolved(Struct, frozen=True, kw_only=True):
    """The resolved identities, and all edges, including those of identities known from earlier scans.

    An unconditional edge is also a ``can_assume`` link of its source.
    """

    identities: tuple[Identity, ...]
    edges: tuple[Edge, ...]


def resolve(
    identities: Sequence[Identity],
    held: Held,
    workloads: Sequence[Workload],
    coverage: Sequence[Coverage],
    others: Sequence[Identity] = (),
) -> Resolved:
    """Resolve which identity can become which. The identities also get their assignments, or an unknown privilege.

    ``others``: last known identities of scopes that were not read this time; they stay unchanged. If several edges
    lead to one target, an existing link wins, then a trust, an assignment, a token, an execution identity, a takeover.
    """
    trusting = with_named(with_trusts(with_roles(identities, others), others, places=coverage), others)
    entitled = with_unknown_rights(with_assignments(trusting, held), coverage, held)
    federated, by_token = with_federation(entitled, others, workloads, coverage)
    known = (*federated, *others)
    found = chain(
        across_scopes(federated, others),
        by_right(known, held),
        by_token,
        by_execution(known),
        by_takeover(known, workloads, held),
    )
    conditional: list[Edge] = []
    links: defaultdict[str, list[Link]] = defaultdict(list)
    for edge in found:
        if edge.conditional:
            conditional.append(edge)
        else:
            links[edge.source].append(Link(relation="can_assume", target=edge.target, evidence=edge.evidence))
    linked = federated
    if links:
        linked = tuple(with_links(one, links[one.key]) if one.key in links else one for one in federated)
    return Resolved(identities=linked, edges=(*_linked_edges(chain(linked, others)), *conditional))


def conditional_edges(identities: Sequence[Identity], held: Held, workloads: Sequence[Workload]) -> Iterator[Edge]:
    """Yield the conditional edges alone, of identities that were resolved before: no link keeps these."""
    found = chain(
        across_scopes_if(identities),
        by_right(identities, held),
        by_token_if(identities, workloads),
        by_execution(identities),
        by_takeover(identities, workloads, held),
    )
    return (edge for edge in found if edge.conditional)


def _linked_edges(identities: Iterable[Identity]) -> Iterable[Edge]:
    """Yield the edges of ``can_assume`` links."""
    for identity in identities:
        for link in identity.links:
            if link.relation == "can_assume":
                yield Edge(identity.key, link.target, link.evidence)
