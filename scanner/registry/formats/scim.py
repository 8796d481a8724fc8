"""SCIM 2.0: users and groups as people, agents as entries; lists of resources or single ones.

RFC 7643 (core schema, section 4; enterprise user, section 4.3) and RFC 7644 (list responses, section 3.4.2). Agents
are as in the drafts: draft-abbey-scim-agent-extension (name, subject, owners), draft-wzdk-scim-agent-resource
(agentUserName) and draft-wahl-scim-agent-schema (oAuthClientIdentifiers).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from scanner.registry.formats.declaration import Declaration, Document, at, filled, literal, mappings, text, texts

URN = "urn:ietf:params:scim:"
_ENTERPRISE = f"{URN}schemas:extension:enterprise:2.0:User"
_AGENTS = frozenset({"agent", "agenticidentity"})


def is_scim(root: Mapping[str, Any]) -> bool:
    """Whether this is a list response or a resource."""
    return any(schema.startswith(URN) for schema in texts(root, "schemas"))


def _types(data: Mapping[str, Any]) -> set[str]:
    """What the resource is by its schemas, in lower case (they are compared so): ``user``, ``group``, ``agent``."""
    return {schema.rpartition(":")[2].lower() for schema in texts(data, "schemas")}


def entries(documents: Sequence[Document]) -> Iterator[Declaration]:
    """The agents; their ids, client ids and subjects are what they are known by."""
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


def people(documents: Sequence[Document]) -> Iterator[Declaration]:
    """The users and groups; a group goes by ``team:`` and its name."""
    for document in documents:
        types = _types(document.data)
        fields = _user(document.data) if "user" in types else _group(document.data) if "group" in types else None
        if fields is not None:
            yield Declaration(document=document, fields=fields)


def _user(data: Mapping[str, Any]) -> dict[str, Any]:
    addresses = mappings(data, "emails")
    # The primary one, else that of work, else the first: False sorts before True.
    addresses.sort(key=lambda one: (one.get("primary") is not True, text(one, "type") != "work"))
    emails = filled(*(text(one, "value") for one in addresses))
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


def _group(data: Mapping[str, Any]) -> dict[str, Any]:
    name = text(data, "displayName")
    members = (text(member, "value") or text(member, "display") for member in mappings(data, "members"))
    return {
        "email": f"team:{name}" if name else None,
        "id": text(data, "id"),
        "name": name,
        "aliases": filled(text(data, "externalId")),
        "members": filled(*members) or None,
    }
