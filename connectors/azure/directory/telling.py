"""Everything that was listed, told as records: each identity once, whichever lists it was in (pure)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from connectors.azure.directory.agents import agent_blueprint, agent_identity, agent_user
from connectors.azure.directory.found import Found
from connectors.azure.directory.identities import application, managed_identity
from connectors.azure.directory.naming import named_objects
from connectors.azure.directory.payloads import AgentUser, ServicePrincipal
from connectors.azure.directory.people import ownership
from scanner.model import Assignment, Identity


def identities(found: Found) -> Iterator[Identity]:
    """Managed identities and agents by their principals, applications by both of their faces; no key twice."""
    told: set[str] = set()
    for identity in _all(found):
        if identity.key not in told:
            told.add(identity.key)
            yield identity


def _all(found: Found) -> Iterator[Identity]:
    users: defaultdict[str, list[AgentUser]] = defaultdict(list)
    for user in found.agent_users.values():
        users[(user.identity_parent_id or "").lower()].append(user)
        yield agent_user(found, user)
    agents: defaultdict[str, list[ServicePrincipal]] = defaultdict(list)
    for key, principal in found.principals.items():
        if principal.is_managed:
            yield managed_identity(found, principal)
        elif found.is_agent(principal):
            agents[(principal.agent_identity_blueprint_id or "").lower()].append(principal)
            yield agent_identity(found, principal, users[key])
    for faces in found.faces():
        if found.is_blueprint(faces):
            yield agent_blueprint(found, faces, agents[(faces.client_id or "").lower()])
        else:
            yield application(found, faces)


def ownerships(found: Found) -> Iterator[Assignment]:
    """The rights of service principals over what they own. An agent identity has no credentials that one could add."""
    objects = {id_: (key, name) for id_, key, name in named_objects(found)}
    told: dict[str, Assignment] = {}
    for id_, (key, name) in objects.items():
        is_open = id_ not in found.principals or not found.is_agent(found.principals[id_])
        for owner in found.owners.get(id_, ()):
            one = ownership(found.scope, owner, key, name, becomes=is_open)
            if one is not None:
                told.setdefault(one.key, one)
    yield from told.values()
