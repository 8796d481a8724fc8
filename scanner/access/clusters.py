"""Clusters: their issuers, the trusts in these, and their service accounts. Pure.

A cloud lists a cluster as a workload with its issuers (:attr:`scanner.model.Workload.signs_tokens_as`); the cluster's
own source lists its accounts, whose tokens have one of these issuers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from msgspec.structs import replace

from scanner.access.trusts import compiled, with_links
from scanner.model import POWERFUL, Identity, Link, TokenSubject, Trust, Workload
from scanner.model.attributes import NOT_TRUSTED_BY
from scanner.text import is_shared_issuer, issuer_name

MOST_ACCOUNTS: Final = 1_000
"""Maximum accounts of a cluster that each get an edge.

In a larger cluster only the privileged ones and those that can become others get one: through these, the rest is within
reach.
"""
_ACCOUNT: Final = "system:serviceaccount:"


def is_account(token: TokenSubject) -> bool:
    """Whether the token is of a service account in a cluster."""
    return token.subject.startswith(_ACCOUNT)


class Placed(NamedTuple):
    """An account of a cluster. ``places``: the cluster's key, and that of its namespace in it."""

    key: str
    cluster: Workload
    places: tuple[str, str]


def accounts_in(clusters: Iterable[Workload], identities: Iterable[Identity]) -> Iterator[Placed]:
    """Yield the accounts of clusters, as far as these were read themselves."""
    if not (signing := _signing(clusters)):
        return
    found: defaultdict[str, list[tuple[Identity, str]]] = defaultdict(list)
    for identity in identities:
        for token in identity.token_subjects:
            name = issuer_name(token.issuer)
            if is_account(token) and len(signing.get(name, ())) == 1:
                found[name].append((identity, token.subject.removeprefix(_ACCOUNT).partition(":")[0]))
    for name, accounts in found.items():
        (cluster,) = signing[name]
        for identity, namespace in accounts:
            if len(accounts) <= MOST_ACCOUNTS or _leads_on(identity):
                yield Placed(identity.key, cluster, (cluster.key, f"{cluster.key}/namespaces/{namespace}"))


def _leads_on(account: Identity) -> bool:
    if account.privilege.level in POWERFUL or account.reach:
        return True
    return any(link.relation == "can_assume" for link in account.links)


def issuers_beside(clusters: Iterable[Workload]) -> Mapping[str, tuple[str, ...]]:
    """Return by a cluster's own issuer its others, such as the pool that the clusters of a project share."""
    signing = _signing(clusters)
    found: dict[str, tuple[str, ...]] = {}
    for name, of in signing.items():
        if len(of) == 1 and len(of[0].signs_tokens_as) > 1:
            found[name] = tuple(other for other in map(issuer_name, of[0].signs_tokens_as) if other != name)
    return found


def _signing(clusters: Iterable[Workload]) -> Mapping[str, list[Workload]]:
    """Clusters by issuer, without names that any cluster may have."""
    found: defaultdict[str, list[Workload]] = defaultdict(list)
    for cluster in clusters:
        for name in dict.fromkeys(map(issuer_name, cluster.signs_tokens_as)):
            if not is_shared_issuer(name):
                found[name].append(cluster)
    return found


# --- The identity elsewhere that an account names, for example in an annotation. Pure ---


def with_named(identities: Sequence[Identity], others: Iterable[Identity] = ()) -> tuple[Identity, ...]:
    """Return the identities, linked to the identities elsewhere that they name.

    An account becomes an identity elsewhere only if that trusts it, as far as known. An identity named by another id is
    linked by its key.
    """
    naming = [
        one for one in identities if one.links and any(map(is_account, one.token_subjects)) and any(_elsewhere(one))
    ]
    if not naming:
        return tuple(identities)
    wanted = {link.target.casefold() for one in naming for link in _elsewhere(one)}
    named: dict[str, Identity] = {}
    for one in (*others, *identities):
        for name in (*one.aliases, one.unique_id or "", one.key):
            if name.casefold() in wanted:
                named[name.casefold()] = one
    settled = {one.key: _with_named(one, named) for one in naming}
    return tuple(settled.get(one.key, one) for one in identities)


def _elsewhere(account: Identity) -> Iterator[Link]:
    """Yield the links to identities outside clusters."""
    for link in account.links:
        if link.relation == "can_assume" and not link.target.startswith("kubernetes:"):
            yield link


def _with_named(account: Identity, named: Mapping[str, Identity]) -> Identity:
    subjects = [token.subject for token in account.token_subjects]
    links: list[Link] = []
    refused: list[str] = []
    theirs = set(_elsewhere(account))
    for link in account.links:
        target = named.get(link.target.casefold()) if link in theirs else None
        if target is None:
            links.append(link)
        elif "trusts" in target.unread or any(_may_take(trust, subjects) for trust in target.trusts):
            links.append(replace(link, target=target.key))
        else:
            refused.append(target.key)
    attributes = {**account.attributes, NOT_TRUSTED_BY: sorted(refused)} if refused else account.attributes
    return replace(account, links=tuple(links), attributes=attributes)


def _may_take(trust: Trust, subjects: Iterable[str]) -> bool:
    """Whether a trust may accept these tokens; its issuer may be unknown."""
    if trust.kind == "anyone":
        return True
    wanted = trust.subject
    return trust.kind == "federated" and (wanted is None or any(compiled(wanted).match(one) for one in subjects))


# --- Their workloads can run as the identities that trust their tokens. Pure ---


def with_clusters(
    identities: Sequence[Identity], workloads: Iterable[Workload], others: Iterable[Identity] = ()
) -> tuple[tuple[Identity, ...], tuple[Workload, ...]]:
    """Return the identities linked to the clusters whose tokens they accept, and the clusters running as them.

    A trust in a discovered cluster is not external, whichever of its service accounts it names. ``others``: last known
    identities of scopes that were not read this time; clusters run as them, too, and they stay unchanged.
    """
    workloads = tuple(workloads)
    clusters = {name: [one.key for one in of] for name, of in _signing(workloads).items()}
    if not clusters:
        return tuple(identities), workloads
    running: defaultdict[str, set[str]] = defaultdict(set)
    settled = tuple(_linked(identity, clusters, running) for identity in identities)
    for other in others:
        _linked(other, clusters, running)
    return settled, tuple(
        replace(workload, runs_as=tuple(sorted({*workload.runs_as, *running[workload.key]})))
        if workload.key in running
        else workload
        for workload in workloads
    )


def _linked(identity: Identity, clusters: Mapping[str, Sequence[str]], running: defaultdict[str, set[str]]) -> Identity:
    """Return the identity with links to these clusters (by issuer); adds it to ``running`` of each."""
    trusts, links = [], []
    for trust in identity.trusts:
        taken = clusters.get(issuer_name(trust.issuer), ()) if trust.kind == "federated" and trust.issuer else ()
        trusts.append(replace(trust, external=False) if taken else trust)
        links += [Link(relation="federates", target=key, evidence=trust.evidence) for key in taken]
    for link in links:
        running[link.target].add(identity.key)
    return replace(with_links(identity, links), trusts=tuple(dict.fromkeys(trusts))) if links else identity
