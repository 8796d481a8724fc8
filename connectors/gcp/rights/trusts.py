"""External principals in members of bindings, their issuers, and how far conditions restrict them (pure)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal, TypeAlias

from msgspec import Struct

from connectors.federation import Restriction, is_by_name, narrowest
from connectors.gcp.rights.bindings import Binding
from connectors.gcp.rights.judging import UNDER_A_CONDITION, BindingRights, Holdings
from connectors.gcp.rights.members import GcpMember
from connectors.gcp.rights.providers import Provider, is_implied, narrows, token_claims, token_subject
from connectors.gcp.rights.tree import GcpResource, Tree
from connectors.gcp.rights.vocabulary import Method, methods_met, vocabulary
from scanner.model import Claim, Trust

Kind: TypeAlias = Literal["anyone", "principal", "federated"]

GKE = ".svc.id.goog"
POOLED = frozenset({"kubernetes", "pool_principal", "pool_set"})
UNREAD = "the providers of its pool could not be read"
FOREIGN = "the providers of its pool belong to another organization"


class ExternalPrincipal(Struct, frozen=True, kw_only=True, gc=False):
    """A principal of a binding. ``issuer``: of its tokens; ``subject``: of its tokens, or None.

    ``claims``, ``implied``: see ``Trust``. ``how``: by what it is trusted, in words; ``UNREAD`` if it is unknown
    whether anyone is trusted, and how far that is restricted.
    """

    principal: str
    kind: Kind
    external: bool | None
    restriction: Restriction
    issuer: str | None = None
    subject: str | None = None
    claims: tuple[Claim, ...] = ()
    implied: bool = False
    how: str = ""

    def trust(self, restriction: Restriction, evidence: str) -> Trust:
        """The trust in this principal; ``evidence``: the binding that gives it."""
        return Trust(
            principal=self.principal,
            kind=self.kind,
            external=self.external,
            restriction=restriction,
            issuer=self.issuer,
            subject=self.subject,
            claims=self.claims,
            implied=self.implied,
            by_name=is_by_name(self.issuer or "", None if self.implied else self.subject, self.claims),
            evidence=f"{evidence}; {self.how}" if self.how else evidence,
        )


class Pools:
    """The providers of each pool. ``providers``: of this unit's pools; None if they could not be read.

    ``elsewhere``: of pools that other units read, by the pool's name.
    """

    def __init__(
        self, providers: Iterable[Provider] | None, elsewhere: Mapping[str, Sequence[Provider]] | None = None
    ) -> None:
        self.were_read = providers is not None
        self._elsewhere = elsewhere or {}
        self._providers: defaultdict[str, list[Provider]] = defaultdict(list)
        for provider in providers or ():
            self._providers[provider.pool].append(provider)

    def of(self, pool: str) -> Sequence[Provider] | None:
        """The providers of a pool; None if they are unknown."""
        return self._providers.get(pool, self._elsewhere.get(pool))


def external_principals(member: GcpMember, tree: Tree, pools: Pools) -> Iterator[ExternalPrincipal]:
    """The external principals that the member represents; none for people and for our own accounts."""
    if member.kind == "anyone":
        yield ExternalPrincipal(principal=member.id, kind="anyone", external=True, restriction="none")
    elif member.kind == "service_account":
        external = tree.outsider(member.id)
        if external is not False:
            yield ExternalPrincipal(principal=member.id, kind="principal", external=external, restriction="none")
    elif member.kind in POOLED:
        yield from _pooled(member, tree, pools)


def _pooled(member: GcpMember, tree: Tree, pools: Pools) -> Iterator[ExternalPrincipal]:
    pool = (member.pool or "").rpartition("/")[2]
    if pool.endswith(GKE):
        yield _of_clusters(member, tree, pool)
    elif (providers := pools.of(member.pool or "")) is None:
        project = tree.project_id((member.pool or "").split("/")[1])
        if not (pools.were_read and tree.knows(project)):  # else no one signs for it
            yield _unvouched(member, UNREAD if tree.is_ours(project) else FOREIGN)
    else:
        yield from (_vouched(member, provider) for provider in providers if provider.is_enabled)


def _of_clusters(member: GcpMember, tree: Tree, pool: str) -> ExternalPrincipal:
    """Pods of a project's GKE clusters, whose pool Google manages."""
    project = pool.removesuffix(GKE)
    return ExternalPrincipal(
        principal=member.id,
        kind="federated",
        external=False if tree.is_ours(project) else None,
        restriction="exact" if member.selector == "subject" else "loose",
        issuer=pool,
        subject=_kubernetes_subject(member),
        how=f"Kubernetes clusters of project {project}",
    )


def _kubernetes_subject(member: GcpMember) -> str | None:
    """The subject in tokens of the cluster's issuer, from ``NAMESPACE/NAME`` or ``ns/NAMESPACE/sa/NAME``."""
    if member.selector == "namespace":
        return f"system:serviceaccount:{member.subject}:*"
    if member.selector != "subject":
        return None
    parts = (member.subject or "").split("/")
    named = parts if member.kind == "kubernetes" else parts[1::2]
    return f"system:serviceaccount:{':'.join(named)}"


def _unvouched(member: GcpMember, why: str) -> ExternalPrincipal:
    """The principal of a pool whose issuers are unknown."""
    restriction: Restriction = "loose" if member.selector == "*" else "exact"
    return ExternalPrincipal(principal=member.id, kind="federated", external=None, restriction=restriction, how=why)


def _vouched(member: GcpMember, provider: Provider) -> ExternalPrincipal:
    condition = f" if {provider.condition}" if provider.condition else " without a condition"
    selector = member.selector or "*"
    return ExternalPrincipal(
        principal=member.id,
        kind="federated",
        external=True if provider.shared else None,
        restriction=narrows(provider, selector),
        issuer=provider.issuer,
        subject=token_subject(provider, selector, member.subject),
        claims=token_claims(provider, selector, member.subject),
        implied=is_implied(provider, selector),
        how=f"{provider.name.rpartition('/')[2]} takes tokens of {provider.issuer}{condition}",
    )


# --- External principals that can impersonate service accounts (pure) ---
#
# Our own service accounts that may become others are reported as assignments. Here are workload identity pools,
# including GKE's, accounts of external projects, and all users.


def trusts_of(
    bindings: Iterable[Binding],
    holdings: Holdings,
    emails: Mapping[str, Iterable[str]],
    pools: Pools,
) -> tuple[dict[str, tuple[Trust, ...]], frozenset[str]]:
    """The principals that each service account trusts, by e-mail, and the accounts whose trusts are not fully known.

    ``emails``: by project id.
    """
    listed = {project: tuple(each) for project, each in emails.items()}
    found: defaultdict[str, set[Trust]] = defaultdict(set)
    unread: set[str] = set()
    for binding in bindings:
        held = holdings.held(binding)
        methods = _impersonation_methods(held)
        if not binding.member.is_deleted and (methods or not held.is_known):
            reached = tuple(_reached(binding.resource, holdings.tree, listed))
            if not reached:
                continue
            for trusted in external_principals(binding.member, holdings.tree, pools):
                if trusted.how == UNREAD or not methods:
                    unread.update(reached)
                    continue
                is_sure = any(held.certain.issuperset(method) for method in methods)
                restriction = trusted.restriction if is_sure else narrowest((trusted.restriction, "loose"))
                qualifier = "" if is_sure else f", {UNDER_A_CONDITION}"
                trust = trusted.trust(restriction, f"{binding.role} on {binding.resource.short}{qualifier}")
                for email in reached:
                    found[email].add(trust)
    return {email: tuple(sorted(each, key=_order)) for email, each in sorted(found.items())}, frozenset(unread)


def _order(trust: Trust) -> tuple[str, str, str]:
    return trust.principal, trust.restriction, trust.evidence


def _impersonation_methods(held: BindingRights) -> tuple[Method, ...]:
    """The methods with which a holder can impersonate the service accounts there, without any other permission."""
    met = methods_met(held.possible)
    families = (each for each in vocabulary().family if each.leads == "accounts" and each.name in met)
    return tuple(method for each in families if not (each.attaches or each.chained) for method in met[each.name])


def _reached(resource: GcpResource, tree: Tree, emails: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    if resource.account is not None:
        yield resource.account
    elif resource.container is not None:
        for project in tree.projects(resource.place):
            yield from emails.get(project, ())
