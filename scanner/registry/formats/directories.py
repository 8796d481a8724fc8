"""Agents of Entra and SCIM services as declarations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from scanner.registry.formats.declaration import Declaration, Document, at, filled, literal, mappings, text, texts

# --- Microsoft Entra ID: lists as Microsoft Graph and ``az`` print them ---
#
# Agent identities, their blueprints, applications and service principals are entries; users and groups are people.
#
# https://learn.microsoft.com/graph/api/resources/agentidentity, …/agentidentityblueprint, …/serviceprincipal,
# …/application, …/user, …/group. Owners and sponsors are there when they were asked for
# (``$expand=owners,sponsors``).

_HOST = "graph.microsoft.com"
_TYPE = "#microsoft.graph."

# Properties that only objects of one type have, for objects without a type.
_TELLING = (
    ("agentIdentityBlueprintId", "agentidentity"),
    ("servicePrincipalType", "serviceprincipal"),
    ("signInAudience", "application"),
    ("userPrincipalName", "user"),
    ("securityEnabled", "group"),
)
_KINDS = {
    "agentidentity": "agent",
    "agentidentityblueprint": "agent",
    "agentidentityblueprintprincipal": "agent",
    "agentuser": "agent",
    "serviceprincipal": "application",
    "application": "application",
}


def is_graph(root: Mapping[str, Any]) -> bool:
    """Return whether a document is a reply of Microsoft Graph, or ``az`` output: applications and principals."""
    answer = _HOST in (text(root, "@odata.context") or "")
    return answer or _is_object(root) or any(map(_is_object, mappings(root, "value")))


def _is_object(data: Mapping[str, Any]) -> bool:
    typed = (text(data, "@odata.type") or "").lower().startswith(_TYPE)
    return typed or ("appId" in data and _kind(data) in _KINDS)


def _kind(data: Mapping[str, Any]) -> str:
    written = (text(data, "@odata.type") or "").lower()
    if written.startswith(_TYPE):
        return written.removeprefix(_TYPE)
    return next((kind for telling, kind in _TELLING if telling in data), "")


def entra_entries(documents: Sequence[Document]) -> Iterator[Declaration]:
    """Yield one entry per application: service principals with the same ``appId`` in the list are the same."""
    found: dict[str, list[Document]] = {}
    for document in documents:
        if _kind(document.data) in _KINDS and (key := text(document.data, "appId") or text(document.data, "id")):
            found.setdefault(key, []).append(document)
    for key, same in found.items():
        yield Declaration(document=same[0], stand_in=f"entra:{key}", fields=_fields([one.data for one in same]))


def _fields(same: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    first = same[0]
    ids = filled(*(text(one, key) for one in same for key in ("id", "appId")))
    sponsors = [person for one in same for person in _named(one, "sponsors")]
    owners = [person for one in same for person in _named(one, "owners")]
    return {
        "name": text(first, "displayName"),
        "kind": "service" if text(first, "servicePrincipalType") == "ManagedIdentity" else _KINDS[_kind(first)],
        "purpose": text(first, "description") or text(first, "notes"),
        "identities": [literal(id_) for id_ in ids],
        "provider": "azure",
        # A sponsor is accountable for an agent; its owners only operate it, and count if there is no sponsor.
        "owner": filled(*(sponsors or owners)),
        "technical_owner": filled(*owners) if sponsors else None,
        "status": "suspended" if any(one.get("accountEnabled") is False for one in same) else None,
        "blueprint": text(first, "agentIdentityBlueprintId"),
        "directory tags": texts(first, "tags") or None,
    }


def _named(data: Mapping[str, Any], key: str) -> list[str | None]:
    """Return the directory objects at this path, each by the id that a roster most likely has."""
    return [
        text(one, "mail") or text(one, "userPrincipalName") or text(one, "id") or text(one, "displayName")
        for one in mappings(data, key)
    ]


def entra_people(documents: Sequence[Document]) -> Iterator[Declaration]:
    """Yield the users and groups; a group is ``team:`` and its name, with members if the list was expanded."""
    for document in documents:
        kind = _kind(document.data)
        fields = _user(document.data) if kind == "user" else _group(document.data) if kind == "group" else None
        if fields is not None:
            yield Declaration(document=document, fields=fields)


def _user(data: Mapping[str, Any]) -> dict[str, Any]:
    login = text(data, "userPrincipalName")
    return {
        "email": text(data, "mail") or login,
        "id": text(data, "id"),
        "name": text(data, "displayName"),
        "status": "left" if at(data, "accountEnabled") is False else None,
        "left_on": text(data, "employeeLeaveDateTime"),
        "manager": text(data, "manager", "mail") or text(data, "manager", "userPrincipalName"),
        "team": text(data, "department"),
        "aliases": filled(login, text(data, "employeeId"), *texts(data, "otherMails")),
    }


def _group(data: Mapping[str, Any]) -> dict[str, Any]:
    name = text(data, "displayName")
    members = (text(member, "id") or text(member, "mail") for member in mappings(data, "members"))
    return {
        "email": f"team:{name}" if name else None,
        "id": text(data, "id"),
        "name": name,
        "aliases": filled(text(data, "mail"), text(data, "mailNickname")),
        "members": filled(*members) or None,
    }


# --- SCIM 2.0: users and groups as people, agents as entries; lists of resources or single ones ---
#
# RFC 7643 (core schema, section 4; enterprise user, section 4.3) and RFC 7644 (list responses, section 3.4.2). Agents
# are as in the drafts: draft-abbey-scim-agent-extension (name, subject, owners), draft-wzdk-scim-agent-resource
# (agentUserName) and draft-wahl-scim-agent-schema (oAuthClientIdentifiers).

URN = "urn:ietf:params:scim:"
_ENTERPRISE = f"{URN}schemas:extension:enterprise:2.0:User"
_AGENTS = frozenset({"agent", "agenticidentity"})


def is_scim(root: Mapping[str, Any]) -> bool:
    """Return whether a document is a list response or a resource."""
    return any(schema.startswith(URN) for schema in texts(root, "schemas"))


def _types(data: Mapping[str, Any]) -> set[str]:
    """Return the resource's type by its schemas, which ignore case: ``user``, ``group``, ``agent``."""
    return {schema.rpartition(":")[2].lower() for schema in texts(data, "schemas")}


def scim_entries(documents: Sequence[Document]) -> Iterator[Declaration]:
    """Yield the agents, identified by ids, client ids and subjects."""
    for document in documents:
        if _AGENTS & _types(document.data):
            stand_in = f"agent:{text(document.data, 'id') or _agent_name(document.data)}"
            yield Declaration(document=document, stand_in=stand_in, fields=_agent(document.data))


def _agent_name(data: Mapping[str, Any]) -> str | None:
    named = (text(data, key) for key in ("name", "agentUserName", "userName", "displayName"))
    return next((name for name in named if name), None)


def _agent(data: Mapping[str, Any]) -> dict[str, Any]:
    clients = [text(one, key) for one in mappings(data, "oAuthClientIdentifiers") for key in ("clientId", "subject")]
    ids = (text(data, key) for key in ("id", "externalId", "subject", "agentUserName", "userName"))
    owners = (text(owner, "value") or text(owner, "display") for owner in mappings(data, "owners"))
    return {
        "name": text(data, "displayName") or _agent_name(data),
        "kind": "agent",
        "purpose": text(data, "description"),
        "identities": [literal(one) for one in filled(*ids, *clients)],
        "owner": filled(*owners),
        "status": "suspended" if at(data, "active") is False else None,
        "agent type": text(data, "type") or text(data, "agentType"),
    }


def scim_people(documents: Sequence[Document]) -> Iterator[Declaration]:
    """Yield the users and groups; a group is ``team:`` and its name."""
    for document in documents:
        types = _types(document.data)
        fields = (
            _scim_user(document.data) if "user" in types else _scim_group(document.data) if "group" in types else None
        )
        if fields is not None:
            yield Declaration(document=document, fields=fields)


def _scim_user(data: Mapping[str, Any]) -> dict[str, Any]:
    addresses = mappings(data, "emails")
    # The primary address, else that of work, else the first: False sorts before True.
    addresses.sort(key=lambda address: (address.get("primary") is not True, text(address, "type") != "work"))
    emails = filled(*(text(address, "value") for address in addresses))
    written = " ".join(filled(text(data, "name", "givenName"), text(data, "name", "familyName")))
    return {
        "email": emails[0] if emails else text(data, "userName"),
        "id": text(data, "id"),
        "name": text(data, "displayName") or text(data, "name", "formatted") or written or None,
        "status": "left" if at(data, "active") is False else None,
        "manager": text(data, _ENTERPRISE, "manager", "value"),
        "team": text(data, _ENTERPRISE, "department"),
        "aliases": filled(
            *emails[1:], text(data, "userName"), text(data, "externalId"), text(data, _ENTERPRISE, "employeeNumber")
        ),
    }


def _scim_group(data: Mapping[str, Any]) -> dict[str, Any]:
    name = text(data, "displayName")
    members = (text(member, "value") or text(member, "display") for member in mappings(data, "members"))
    return {
        "email": f"team:{name}" if name else None,
        "id": text(data, "id"),
        "name": name,
        "aliases": filled(text(data, "externalId")),
        "members": filled(*members) or None,
    }
