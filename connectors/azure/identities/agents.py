"""Agents: their identities, the blueprints that these are made from, and the user accounts that they act as (pure).

An agent identity has no credential. Its blueprint signs in with its own and becomes any of its agents; an agent becomes
the user account made for it. Source: https://learn.microsoft.com/entra/agent-id/identity-platform/agent-user-oauth-flow
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from msgspec import structs

from connectors.azure import sections as s
from connectors.azure.client.payloads import moment
from connectors.azure.identities.applications import NO_RIGHT_YET, of_faces
from connectors.azure.identities.faces import Faces, known
from connectors.azure.identities.facts import TenantFacts, contacts, people_of, publisher_of
from connectors.azure.identities.payloads import AgentUser, ServicePrincipal
from connectors.azure.keys import agent_blueprint_key, agent_identity_key, agent_user_key
from connectors.azure.rights.inheritance import Heritage
from connectors.azure.spec import AGENT_BLUEPRINT, AGENT_IDENTITY, AGENT_USER, SPEC
from connectors.core.reading import unread_facts
from scanner.model import Identity, Link, Privilege, Signal
from scanner.model.attributes import BLUEPRINT_PUBLISHER, INHERITS, SPONSORS

_LISTS_OF_BLUEPRINTS = (s.INHERITABLE, s.AGENT_BLUEPRINTS, s.APPLICATIONS)
_IMPLIED = "AgentIdentity.CreateAsManager of Microsoft Graph"
"""What every blueprint may: create agents made from it, and manage them. Graph lists it as no grant. Its agents get no
right that it does not hand on. Source: https://learn.microsoft.com/graph/api/agentidentity-post"""
_CREATES = Privilege(level="normal", evidence=(f"creates agents and manages them: {_IMPLIED}, implied",))
_REASONS = 5
"""Maximum number of reasons for an unknown privilege."""


def agent_identity(
    found: TenantFacts,
    principal: ServicePrincipal,
    clients: Mapping[str, ServicePrincipal],
    users: Iterable[AgentUser],
    heritage: Heritage,
) -> Identity:
    """An agent; ``users``: the accounts that it acts as. ``clients``: service principals by client id.

    It is unknown whether the usage reports include every agent.
    """
    faces = Faces(principal=principal)
    plain = of_faces(found, faces, agent_identity_key(found.tenant, principal.id), AGENT_IDENTITY)
    blueprint = principal.agent_identity_blueprint_id
    maker = clients.get((blueprint or "").lower())
    made_from = None if maker is None else Faces(principal=maker)
    is_foreign = made_from is not None and made_from.origin(found.tenant) == "third_party"
    attributes = {
        **plain.attributes,
        "registration": None,
        "blueprint": blueprint,
        BLUEPRINT_PUBLISHER: publisher_of(made_from) if made_from is not None and is_foreign else None,
        SPONSORS: people_of(found.sponsors, faces),
        INHERITS: sorted(heritage.inherited.get(principal.id.lower(), ())) or None,
    }
    unread = tuple(_unread_blueprint(found, blueprint, maker))
    unclear = sorted({*unread, *heritage.unclear.get(principal.id.lower(), ())})
    links = [
        _assume_link(
            agent_user_key(found.tenant, user.id), f"it acts as the account {user.user_principal_name or user.id}"
        )
        for user in users
    ]
    if blueprint:
        target = agent_blueprint_key(found.tenant, blueprint)
        links.append(Link(relation="member_of", target=target, evidence="it is made from this blueprint"))
    return structs.replace(
        plain,
        last_used_at=found.sign_ins.last(principal.app_id, principal.id),
        use_tracked_days=None,
        managed_by=None,
        attributes=known(attributes),
        signals=_signals("an agent's identity"),
        links=tuple(links),
        privilege=Privilege(level="unknown", evidence=tuple(unclear[:_REASONS])) if unclear else plain.privilege,
        unread=tuple(dict.fromkeys((*plain.unread, *unread_facts(permissions=bool(unread))))),
    )


def _unread_blueprint(found: TenantFacts, blueprint: str | None, principal: ServicePrincipal | None) -> Iterator[str]:
    """Why it is unknown what an agent inherits, whatever its blueprint was granted. ``principal``: the blueprint's.

    A blueprint of another tenant does not say what it hands on: only what it was granted here can be inherited.
    """
    if blueprint is None:
        if s.AGENT_IDENTITIES in found.gaps:
            yield "which blueprint it is made from could not be read"
        return
    client = blueprint.lower()
    gaps = found.gaps
    if principal is None and not gaps.isdisjoint((s.SERVICE_PRINCIPALS, s.AGENT_BLUEPRINTS)):
        yield "the service principal of its blueprint could not be read"
    is_here = client in found.applications or Faces(principal=principal).origin(found.tenant) == "own"
    if is_here and found.handed_on(blueprint) is None and not gaps.isdisjoint(_LISTS_OF_BLUEPRINTS):
        yield "what its blueprint hands on to it could not be read"


def agent_blueprint(found: TenantFacts, faces: Faces, agents: Iterable[ServicePrincipal]) -> Identity:
    """A blueprint. ``agents``: the agents made from it. Its credentials give access to each of them."""
    key = agent_blueprint_key(found.tenant, faces.client_id or faces.name)
    plain = of_faces(found, faces, key, AGENT_BLUEPRINT)
    opened = (
        _assume_link(
            agent_identity_key(found.tenant, agent.id), f"the agent {agent.display_name or agent.id} signs in by it"
        )
        for agent in agents
    )
    can_make = faces.principal is not None
    return structs.replace(
        plain,
        use_tracked_days=None,
        signals=_signals("a blueprint of agents"),
        links=(*opened, *plain.links),
        attributes=known({**plain.attributes, "implied": [_IMPLIED] if can_make else None}),
        privilege=_CREATES if can_make and plain.privilege == NO_RIGHT_YET else plain.privilege,
    )


def agent_user(found: TenantFacts, user: AgentUser) -> Identity:
    """The user account of an agent. It has no password: its agent signs in as it."""
    sponsors = found.sponsors.get(user.id.lower())
    parent = user.identity_parent_id
    return Identity(
        key=agent_user_key(found.tenant, user.id),
        provider=SPEC.name,
        source=found.scope.source,
        scope=found.scope.id,
        kind=AGENT_USER,
        name=user.user_principal_name or user.display_name or user.id,
        display_name=user.display_name,
        unique_id=user.id,
        enabled=user.account_enabled,
        created_at=moment(user.created_date_time),
        attributes=known(
            {"agent": agent_identity_key(found.tenant, parent) if parent else None, SPONSORS: contacts(sponsors)}
        ),
        privilege=NO_RIGHT_YET,
        consequences=(),
        signals=_signals("the user account of an agent"),
    )


def _assume_link(target: str, evidence: str) -> Link:
    return Link(relation="can_assume", target=target, evidence=evidence)


def _signals(what: str) -> tuple[Signal, ...]:
    evidence = f"Entra has it as {what}"
    return (
        Signal(says="machine", sort="provider", evidence=evidence),
        Signal(says="agent", sort="provider", evidence=evidence),
    )
