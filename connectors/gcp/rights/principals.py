"""Identities that no API lists and bindings name: service agents, and principals of workload identity pools (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from connectors.federation import links_of
from connectors.gcp.keys import service_agent_key
from connectors.gcp.rights.assignments import PROVIDER
from connectors.gcp.rights.bindings import Binding
from connectors.gcp.rights.emails import AGENTS, account_of
from connectors.gcp.rights.members import Member
from connectors.gcp.rights.strangers import GKE, POOLED, UNREAD, Pools, strangers
from connectors.gcp.rights.tree import Tree
from connectors.unread import unread_facts
from scanner.model import Identity, Privilege


def identities_in(
    bindings: Iterable[Binding], tree: Tree, pools: Pools, *, source: str, scope: str, known: Iterable[str] = ()
) -> Iterator[Identity]:
    """Each of them once. ``scope``: where those belong whose project is none of ours; ``known``: who is listed."""
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


def _service_agent(member: Member, tree: Tree, source: str, scope: str) -> Identity:
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
        managed_by=f"a service agent: Google made it for {service}, and answers for it",
        privilege=Privilege(level="normal"),
    )


def _pool_principal(member: Member, tree: Tree, pools: Pools, source: str, scope: str) -> Identity:
    pool = member.pool or ""
    project = pool.removesuffix(GKE) if member.kind == "kubernetes" else pool.split("/")[1]
    project = tree.project_id(project)
    subject = member.subject or "*"
    chosen = subject if member.selector in ("subject", "*") else f"{member.selector}/{subject}"
    bearers = tuple(strangers(member, tree, pools))
    is_unread = any(one.how == UNREAD for one in bearers)
    trusts = () if is_unread else tuple(one.trust(one.restriction, "it stands for them") for one in bearers)
    return Identity(
        key=member.id,
        provider=PROVIDER,
        source=source,
        scope=project if tree.knows(project) else scope,
        kind="workload_identity",
        name=f"{pool.rpartition('/')[2]}/{chosen}",
        attributes={"pool": pool, "selector": member.selector or "*", "subject": subject},
        privilege=Privilege(level="normal"),
        links=links_of(trusts, "it stands for"),
        trusts=trusts,
        unread=unread_facts(trusts=is_unread),
    )
