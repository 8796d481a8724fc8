"""Which identity can become which, once everything has been read and filled in: the one resolution. Pure.

Trusts across scopes, rights by assignment, tokens and takeovers each tell edges; here they are put together.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import chain

from msgspec import Struct

from scanner.links.assignments import Held, by_right, with_assignments, with_doubt
from scanner.links.federation import with_federation
from scanner.links.linking import with_links
from scanner.links.takeovers import by_takeover
from scanner.links.trusts import across_scopes, with_trusts
from scanner.model import Coverage, Edge, Identity, Link, Workload


class Resolved(Struct, frozen=True, kw_only=True):
    """The identities with what the resolution adds to them, and every edge: certain and conditional, known of old too.

    A certain edge is a ``can_assume`` link of its source as well; a conditional one makes no link.
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
    """Whom each identity can become; the identities get rights that they hold, and doubt where these are not known.

    ``others``: known of old, from places that were not read this time; they keep what they have, their links included.
    Where several ways lead to one target, a link that is there stands, then a trust, a right, a token, a takeover.
    """
    trusting = with_trusts(identities, others, places=coverage)
    entitled = with_doubt(with_assignments(trusting, held), coverage, held)
    federated, by_token = with_federation(entitled, others)
    known = (*federated, *others)
    found = chain(
        across_scopes(federated, others), by_right(known, held), by_token, by_takeover(known, workloads, held)
    )
    conditional: list[Edge] = []
    links: defaultdict[str, list[Link]] = defaultdict(list)
    for edge in found:
        if edge.conditional:
            conditional.append(edge)
        else:
            links[edge.source].append(Link(relation="can_assume", target=edge.target, evidence=edge.evidence))
    linked = tuple(with_links(one, links[one.key]) if one.key in links else one for one in federated)
    return Resolved(identities=linked, edges=(*_told(chain(linked, others)), *conditional))


def _told(identities: Iterable[Identity]) -> Iterable[Edge]:
    """The edges that links tell."""
    for one in identities:
        for link in one.links:
            if link.relation == "can_assume":
                yield Edge(one.key, link.target, link.evidence)
