"""All edges by which one identity becomes another: trusts across scopes, assignments, tokens and takeovers. Pure.

They are resolved once everything has been read. :mod:`scanner.access.control` decides by them who can become an admin,
:mod:`scanner.access.attack_paths` answers questions about them.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Sequence
from itertools import chain

from msgspec import Struct

from scanner.access.assignments import AssignmentsByHolder, by_right, with_assignments, with_unknown_rights
from scanner.access.becoming import Candidates, needed_of_judged
from scanner.access.clusters import with_named
from scanner.access.control import BECOMES, Method, Targets, methods_in
from scanner.access.federation import by_token_if, with_federation
from scanner.access.trusts import WILD, across_scopes, across_scopes_if, scope_named, with_links, with_trusts
from scanner.access.workloads import by_takeover, with_roles
from scanner.matching.keys import habits
from scanner.model import REACH, Coverage, Edge, Identity, Link, Trust, Workload, with_typed
from scanner.redaction.masking import mask
from scanner.text import few, issuer_name

MOST_MISFITS = 3
"""Maximum number of records that a gap of attack paths names."""


class Resolved(Struct, frozen=True, kw_only=True):
    """The resolved identities, all edges and all methods, including those of identities known from earlier scans.

    An unconditional edge is also a ``can_assume`` link of its source, unless it leads to what was not read.
    """

    identities: tuple[Identity, ...]
    edges: tuple[Edge, ...]
    methods: tuple[Method, ...]


def resolve(
    identities: Sequence[Identity],
    held: AssignmentsByHolder,
    workloads: Sequence[Workload],
    coverage: Sequence[Coverage],
    others: Sequence[Identity] = (),
) -> Resolved:
    """Resolve which identity can become which, or make which an admin. The identities also get their assignments.

    ``others``: last known identities of scopes that were not read this time; they stay unchanged. If several edges
    lead to one target, an existing link wins, then a trust, an assignment, a token, an execution identity, a right to
    become it, a takeover.
    """
    trusting = with_named(with_trusts(with_roles(identities, others), others, places=coverage), others)
    entitled = with_unknown_rights(with_assignments(trusting, held), coverage, held)
    federated, by_token = with_federation(entitled, others, workloads, coverage)
    known = (*federated, *others)
    found = [*across_scopes(federated, others), *by_right(known, held), *by_token, *by_execution(known)]
    targets = Targets(known)
    methods = methods_in(known, targets)
    takeovers = tuple(by_takeover(known, workloads, held))
    candidates = Candidates(known, lambda: (*linked_edges(known), *found, *takeovers), methods, targets)
    conditional: list[Edge] = []
    links: defaultdict[str, list[Link]] = defaultdict(list)
    for edge in (*found, *candidates.becoming(), *candidates.needed(takeovers)):
        if edge.conditional:
            conditional.append(edge)
        else:
            links[edge.source].append(Link(relation="can_assume", target=edge.target, evidence=edge.evidence))
    linked = federated
    if links:
        linked = tuple(with_links(one, links[one.key]) if one.key in links else one for one in federated)
    edges = (*linked_edges(chain(linked, others)), *conditional, *to_unread(known, coverage))
    return Resolved(identities=linked, edges=edges, methods=methods)


def conditional_edges(
    identities: Sequence[Identity],
    held: AssignmentsByHolder,
    workloads: Sequence[Workload],
    leading: Container[str],
    methods: Sequence[Method],
    targets: Targets,
) -> Iterator[Edge]:
    """Yield the conditional edges alone, of identities that were resolved before: no link keeps these.

    ``leading``: keys of identities that were judged to lead to an admin, for certain or under a condition.
    """
    found = chain(
        across_scopes_if(identities),
        by_right(identities, held),
        by_token_if(identities, workloads),
        by_execution(identities),
        by_takeover(identities, workloads, held),
    )
    yield from (edge for edge in found if edge.conditional)
    for one in identities:
        for way in one.reach:
            if way.kind == "become" and way.conditional and one.privilege.level != "admin":
                for key in needed_of_judged(targets.of(one.provider, way), leading, methods):
                    if key != one.key:
                        yield Edge(one.key, key, way.by, conditional=True)


def linked_edges(identities: Iterable[Identity]) -> Iterator[Edge]:
    """Yield the edges of links by which an identity acts as another."""
    for identity in identities:
        for link in identity.links:
            if link.relation in BECOMES:
                yield Edge(identity.key, link.target, link.evidence)


def to_unread(identities: Sequence[Identity], coverage: Iterable[Coverage]) -> Iterator[Edge]:
    """Yield an edge for each identity of a scope that was not read which the policies of another name.

    Whether that one lets it in is unknown, and so is what it may then do: no link is made of it.
    """
    ways = [(one, way) for one in identities for way in one.reach if way.kind == "assume" and not way.conditional]
    if not ways:
        return
    read = {(one.provider, one.scope) for one in identities} | {(one.provider, one.scope) for one in coverage}
    named = {pattern for _, way in ways for pattern in way.on}
    named.difference_update([one.key for one in identities if one.key in named])  # whose key has another scope
    for one, way in ways:
        for pattern in way.on:
            scope = scope_named(pattern)
            if (
                pattern in named
                and scope not in ("", pattern)
                and not WILD.search(scope)
                and (one.provider, scope) not in read
            ):
                yield Edge(one.key, pattern, "its policies allow to assume it, and whether it agrees was not read")


def misfits(records: Iterable[Identity | Workload], *, part: str | None = None) -> Iterator[Coverage]:
    """A gap for each scope of records with attributes that do not have the shape of their published names.

    ``part``: of the scope that was read. The gap hides no identity.
    """
    named: defaultdict[tuple[str, str, str], list[str]] = defaultdict(list)
    for one in records:
        try:
            with_typed(one)
        except ValueError as error:
            named[one.source, one.provider, one.scope].append(f"{one.key}: {error}")
    for (source, provider, scope), rows in sorted(named.items()):
        gap = Coverage(
            source=source,
            provider=provider,
            scope=scope,
            section=REACH if part is None else f"{REACH}:{part}",
            status="partial",
            detail=f"attack paths through these are unknown: {few(rows, MOST_MISFITS, '; ')}",
        )
        yield mask(gap)


# --- Agents that run as an identity of another provider, if its trusts admit their platform. Pure ---

_AUDIENCE = "aud"
_CLAIMS_DECIDE = "further claims of its token decide"


def by_execution(identities: Sequence[Identity]) -> Iterator[Edge]:
    """Yield an edge for each agent and role of another provider that it names, if a trust of the role agrees.

    The provider's facts have the names of its platform in trusts elsewhere: a service, or an issuer of tokens. The
    claims of its tokens are unknown, so a trust that requires more than the audience gives a conditional edge, unless
    it names the agent by its id.
    """
    known = {identity.key: identity for identity in identities} if any(one.links for one in identities) else {}
    for agent in known.values():
        if not agent.links or not (names := habits(agent.provider).trusted_as):
            continue
        for link in agent.links:
            role = known.get(link.target) if link.relation == "federates" else None
            if role is None or role.provider == agent.provider:
                continue
            agreed = [(_is_certain(trust, agent), trust) for trust in role.trusts if _names(trust, names)]
            if agreed:
                certain, trust = min(agreed, key=lambda one: (not one[0], one[1].evidence))
                evidence = trust.evidence if certain else f"{_CLAIMS_DECIDE}; {trust.evidence}"
                yield Edge(agent.key, role.key, evidence, conditional=not certain)


def _names(trust: Trust, patterns: Sequence[str]) -> bool:
    """Whether a trust admits a platform with these names."""
    if trust.kind == "service":
        named = trust.principal
    elif trust.kind == "federated" and trust.issuer is not None:
        named = issuer_name(trust.issuer)
    else:
        return False
    return any(re.fullmatch(pattern, named) for pattern in patterns)


def _is_certain(trust: Trust, agent: Identity) -> bool:
    if trust.kind == "service":
        return True
    asked = [value for claim in trust.claims if claim.name != _AUDIENCE for value in claim.values or ("",)]
    asked += [] if trust.subject is None or not trust.subject.strip("*") else [trust.subject]
    return all(agent.unique_id is not None and agent.unique_id in value for value in asked)
