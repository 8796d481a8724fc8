"""Federation across providers: identities that can present a token, and those that trust its issuer. Pure.

A federated trust names the issuer and the subject of tokens, and further claims; an identity names the subjects and
claims of the tokens that it can obtain (see :class:`scanner.model.reach.TokenSubject`). Both can be of any provider.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import to_builtins
from msgspec.structs import replace

from scanner.access.clusters import issuers_beside
from scanner.access.guards import guarded
from scanner.access.known_tenants import KnownTenants
from scanner.access.subjects import is_exact
from scanner.access.token_holders import TokenHolders
from scanner.access.trusts import with_links
from scanner.model import Coverage, Edge, Identity, Link, Presented, Privilege, Trust, Workload
from scanner.model.attributes import FEDERATES_TO, GUARDED_BY, SHARED_SUBJECTS

_CLAIMS_DECIDE = "further claims of the token decide"


def with_federation(
    identities: Sequence[Identity],
    others: Sequence[Identity] = (),
    workloads: Iterable[Workload] = (),
    coverage: Iterable[Coverage] = (),
) -> tuple[tuple[Identity, ...], tuple[Edge, ...]]:
    """Return the identities with ``federates`` links to the identities whose tokens they accept, and the edges.

    An account of a cluster has tokens of all issuers of that cluster.

    ``others``: last known identities of scopes that were not read this time; they stay unchanged. A trust in exactly
    one subject that is a known identity is not external. A trust in every subject gives no edges; it is a finding of
    its own. An edge is conditional if the trust needs a claim that is missing among those reported for the token.
    ``workloads``, ``coverage``: they say which trusts no token fits, see :attr:`scanner.model.Trust.presented`.
    """
    workloads = tuple(workloads)
    unread = _unread((*identities, *others))
    holders = TokenHolders((*identities, *others), issuers_beside(workloads))
    tenants = KnownTenants(workloads, coverage)
    if not (holders or tenants):
        return tuple(_with_unknown(one, unread) for one in identities) if unread else tuple(identities), ()
    edges: list[Edge] = []
    links: defaultdict[str, list[Link]] = defaultdict(list)
    own: set[Trust] = set()
    having: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for edge, trust in _admitted(holders, (*identities, *others)):
        own.add(trust)
        edges.append(edge)
        if is_exact(trust.subject):
            having[edge.target, f"{trust.subject} of {trust.issuer}"].add(edge.source)
        links[edge.target].append(Link(relation="federates", target=edge.source, evidence=trust.evidence))
    guards = guarded((*identities, *others), edges, workloads)
    shared = _shared(having, (*identities, *others))

    def settled(identity: Identity) -> Identity:
        linked = with_links(identity, links[identity.key]) if identity.key in links else identity
        trusts = tuple(_settled(trust, own, holders, tenants) for trust in linked.trusts)
        linked = linked if trusts == linked.trusts else replace(linked, trusts=trusts)
        if (rules := guards.get(identity.key)) is not None:
            linked = replace(linked, attributes={**linked.attributes, GUARDED_BY: to_builtins(rules)})
        if (several := shared.get(identity.key)) is not None:
            linked = replace(linked, attributes={**linked.attributes, SHARED_SUBJECTS: several})
        return _with_unknown(linked, unread)

    return tuple(map(settled, identities)), tuple(edges)


def by_token_if(identities: Sequence[Identity], workloads: Iterable[Workload] = ()) -> Iterator[Edge]:
    """Yield the conditional edges alone: those by trusts that need a claim which is not known of the token."""
    saying = (one for one in identities if any(token.claims for token in one.token_subjects))
    holders = TokenHolders(saying, issuers_beside(workloads))
    if holders:
        yield from (edge for edge, _ in _admitted(holders, identities) if edge.conditional)


def _admitted(holders: TokenHolders, targets: Iterable[Identity]) -> Iterator[tuple[Edge, Trust]]:
    """Yield an edge for each identity whose token a trust accepts, and the trust."""
    for target in targets:
        for trust in target.trusts:
            for holder, is_certain in holders.admitted_by(trust):
                if holder != target.key:
                    evidence = trust.evidence if is_certain else f"{_CLAIMS_DECIDE}; {trust.evidence}"
                    yield Edge(holder, target.key, evidence, conditional=not is_certain), trust


def _shared(
    having: Mapping[tuple[str, str], set[str]], identities: Iterable[Identity]
) -> Mapping[str, list[dict[str, Any]]]:
    """Return, by target, the subjects that identities of several scopes have. ``having``: by target and subject."""
    several = {key for keys in having.values() if len(keys) > 1 for key in keys}
    scope_of = {one.key: (one.source, one.scope) for one in identities if one.key in several} if several else {}
    found: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for (target, subject), keys in sorted(having.items()):
        if len({scope_of[key] for key in keys if key in scope_of}) > 1:
            found[target].append({"subject": subject, "identities": sorted(keys)})
    return found


def _unread(identities: Sequence[Identity]) -> frozenset[str]:
    """Return the unknown identities elsewhere that others name."""
    wanted = {name for one in identities if FEDERATES_TO in one.attributes for name in _named_elsewhere(one)}
    if not wanted:
        return frozenset()
    return frozenset(wanted.difference(*((one.key, *one.aliases) for one in identities)))


def _named_elsewhere(identity: Identity) -> list[str]:
    given = identity.attributes.get(FEDERATES_TO)
    return [one for one in given if isinstance(one, str)] if isinstance(given, (list, tuple)) else []


def _with_unknown(identity: Identity, missing: frozenset[str]) -> Identity:
    """Return the identity, of unknown privilege if it names one that is missing."""
    unread = [one for one in _named_elsewhere(identity) if one in missing] if missing else []
    if not unread or identity.privilege.level not in ("normal", "unknown"):
        return identity
    evidence = tuple(
        dict.fromkeys((*identity.privilege.evidence, *(f"what {one} may do was not read" for one in unread)))
    )
    return replace(identity, privilege=Privilege(level="unknown", evidence=evidence))


def _settled(trust: Trust, own: set[Trust], holders: TokenHolders, tenants: KnownTenants) -> Trust:
    """Return the trust; a known holder of its one subject is not external."""
    is_ours = trust in own
    presented: Presented | None = "presented" if is_ours else None
    sent_as = None
    if not is_ours and tenants and trust.kind == "federated" and (presented := tenants.presented(trust)) is not None:
        sent_as = holders.sent_instead(trust)
        presented = "other_form" if sent_as else presented
    external = False if is_ours and is_exact(trust.subject) else trust.external
    if (external, presented, sent_as) == (trust.external, trust.presented, trust.sent_as):
        return trust
    return replace(trust, external=external, presented=presented, sent_as=sent_as)
