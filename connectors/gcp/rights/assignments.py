"""Bindings as assignments, and the identities that only bindings name (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import structs

from connectors.core.reading import unread_facts
from connectors.federation import links_of
from connectors.gcp.keys import service_agent_key
from connectors.gcp.rights.bindings import Accounts, Binding
from connectors.gcp.rights.conditions import Outlook
from connectors.gcp.rights.judging import Holdings, Judgement, judge
from connectors.gcp.rights.members import AGENTS, GcpMember, account_of
from connectors.gcp.rights.tree import Tree
from connectors.gcp.rights.trusts import GKE, POOLED, UNREAD, Pools, external_principals
from scanner.model import Assignment, Grant, Identity, Privilege
from scanner.model.attributes import LISTED_IN

PROVIDER = "gcp"
POLICIES = "iam.policies"
DIRECT, ELIGIBLE = "direct", "eligible"
"""The ``via`` of grants: of a role that the holder has itself, and of one that it may request."""


def assignments_of(
    bindings: Iterable[Binding], holdings: Holdings, accounts: Accounts, *, source: str, scope: str
) -> Iterator[Assignment]:
    """An assignment for each binding that counts. ``scope``: of bindings on resources outside of our projects."""
    tree = holdings.tree
    for binding in bindings:
        if binding.counts:
            project = binding.resource.project
            own = project if project is not None and tree.knows(project) else scope
            for holder, via in _holders(binding.member, accounts, tree):
                yield from _assignments(binding, holdings, accounts, source=source, scope=own, holder=holder, via=via)


def _holders(member: GcpMember, accounts: Accounts, tree: Tree) -> Iterator[tuple[str, str]]:
    """The holders that a member represents, and through what they have its roles."""
    if member.kind == "resource_set" and not member.is_deleted:
        yield from ((email, f"set:{member.id}") for email in accounts.within(member, tree))
    yield holder_of(member, tree), DIRECT


def holder_of(member: GcpMember, tree: Tree) -> str:
    """The name of a holder: its e-mail, the unique id of a deleted account, its key, or its principal string."""
    if member.is_deleted and member.uid:
        return member.uid
    return agent_key(member, tree) if member.kind == "agent" else member.id


def agent_key(member: GcpMember, tree: Tree) -> str:
    """The key of the agent that a principal represents: that of the resource in the principal's name."""
    service, _, path = (member.subject or "").partition("/")
    return tree.resource(f"//{service}.googleapis.com/{path}").name


def _assignments(
    binding: Binding, holdings: Holdings, accounts: Accounts, *, source: str, scope: str, holder: str, via: str
) -> Iterator[Assignment]:
    member, tree = binding.member, holdings.tree
    held = holdings.held(binding)
    verdict = Judgement(privilege=Privilege(level="normal")) if member.is_deleted else judge(binding, holdings)
    through = ELIGIBLE if binding.entitlement else via
    grant = Grant(
        name=binding.role, via=through, resource=binding.resource.short, admin=verdict.privilege.level == "admin"
    )
    first = Assignment(
        key=f"{binding.key} {holder}" if via != DIRECT else binding.key,
        provider=PROVIDER,
        source=source,
        scope=scope,
        holder=holder,
        holder_kind=member.kind,
        holder_name=member.id,
        gone=_is_gone(member, accounts, tree),
        grant=grant,
        privilege=verdict.privilege,
        becomes=verdict.becomes or verdict.becomes_if,
        takes_over=verdict.takes_over,
        consequences=verdict.consequences,
        conditional=held.outlook.standing != "always" or bool(verdict.becomes_if and not verdict.becomes),
        attributes=_attributes(binding, held.outlook, tree),
    )
    yield first
    if verdict.becomes and verdict.becomes_if:  # one that is certain and one that is not are two
        yield structs.replace(
            first,
            key=f"{first.key} maybe",
            becomes=verdict.becomes_if,
            takes_over=(),
            consequences=(),
            conditional=True,
        )


def _attributes(binding: Binding, met: Outlook, tree: Tree) -> dict[str, Any]:
    """Facts without a field of their own: full names, the end of the condition, and the holder's project."""
    member = binding.member
    ends = "expired_at" if met.standing == "never" else "expires_at"
    home = tree.project_of(member.id) if member.kind == "service_account" else None
    facts: dict[str, Any] = {
        "resource": binding.resource.name,
        "member": str(member),
        ends: None if met.until is None else met.until.isoformat(),
        "condition": None if binding.condition is None else binding.condition.expression,
        "holder_project": home if home != binding.resource.project else None,
        "entitlement": binding.entitlement or None,
        "granted": binding.granted or None,
        "external": (tree.outsider(member.id) if member.kind == "service_account" else None) or None,
    }
    return {name: fact for name, fact in facts.items() if fact is not None}


def _is_gone(member: GcpMember, accounts: Accounts, tree: Tree) -> bool | None:
    """Whether the holder was deleted; None if unknown, because its project was not listed."""
    if member.is_deleted:
        return True
    return accounts.lacks(member, tree)


# --- Identities that only bindings name: service agents, and principals of workload identity pools (pure) ---


def identities_in(
    bindings: Iterable[Binding], tree: Tree, pools: Pools, *, source: str, scope: str, known: Iterable[str] = ()
) -> Iterator[Identity]:
    """Each identity once. ``scope``: of identities outside of our projects; ``known``: principals that were listed."""
    seen = set(known)
    for binding in bindings:
        member = binding.member
        if member.is_deleted or member.id in seen:
            continue
        seen.add(member.id)
        if member.kind in POOLED:
            yield _pool_principal(member, tree, pools, source, scope)
        elif member.kind == "service_account" and account_of(member.id).kind in AGENTS:
            yield _service_agent(member, tree, source, scope)


def _service_agent(member: GcpMember, tree: Tree, source: str, scope: str) -> Identity:
    project = tree.project_of(member.id)
    name = member.id.partition(".")[0]
    service = name.partition("@")[2]
    return Identity(
        key=service_agent_key(member.id),
        provider=PROVIDER,
        source=source,
        scope=project if project is not None and tree.knows(project) else scope,
        kind="service_agent",
        name=name,
        aliases=(member.id,),
        managed_by=f"a service agent, created and managed by Google for {service}",
        privilege=Privilege(level="normal"),
        consequences=(),
    )


def _pool_principal(member: GcpMember, tree: Tree, pools: Pools, source: str, scope: str) -> Identity:
    pool = member.pool or ""
    project = pool.removesuffix(GKE) if member.kind == "kubernetes" else pool.split("/")[1]
    project = tree.project_id(project)
    subject = member.subject or "*"
    chosen = subject if member.selector in ("subject", "*") else f"{member.selector}/{subject}"
    bearers = tuple(external_principals(member, tree, pools))
    is_unread = any(one.how == UNREAD for one in bearers)
    facts: dict[str, Any] = {"pool": pool, "selector": member.selector or "*", "subject": subject}
    if pool.endswith(GKE):  # no pool lists the pods of clusters
        facts[LISTED_IN] = [POLICIES]
    trusts = () if is_unread else tuple(one.trust(one.restriction, "it represents them") for one in bearers)
    return Identity(
        key=member.id,
        provider=PROVIDER,
        source=source,
        scope=project if tree.knows(project) else scope,
        kind="workload_identity",
        name=f"{pool.rpartition('/')[2]}/{chosen}",
        attributes=facts,
        privilege=Privilege(level="normal"),
        consequences=(),
        links=links_of(trusts, "it represents"),
        trusts=trusts,
        unread=unread_facts(trusts=is_unread),
    )
