"""Agent cards (A2A) and server lists (MCP) as declarations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from scanner.registry.formats.declaration import Declaration, Document, at, filled, literal, mappings, text

# --- A2A: agent cards (``/.well-known/agent-card.json``) as entries ---
#
# A card names the agent and its URLs, which match the entry. Its provider is not its owner here. Cards of version 0.x
# have one ``url``, those of 1.0 ``supportedInterfaces``.
#
# https://a2a-protocol.org/latest/specification/ (AgentCard)

_INTERFACES = ("supportedInterfaces", "additionalInterfaces")


def is_card(root: Mapping[str, Any]) -> bool:
    """Return whether a document is an agent card: skills, capabilities, and a URL."""
    parts = isinstance(at(root, "skills"), list) and isinstance(at(root, "capabilities"), dict)
    return parts and text(root, "name") is not None and bool(_urls(root))


def _urls(data: Mapping[str, Any]) -> list[str]:
    interfaces = (text(one, "url") for key in _INTERFACES for one in mappings(data, key))
    return filled(text(data, "url"), *interfaces)


def a2a_entries(documents: Sequence[Document]) -> Iterator[Declaration]:
    """Yield the agents of these cards."""
    for document in documents:
        data = document.data
        if is_card(data):
            yield Declaration(document=document, stand_in=f"a2a:{text(data, 'name')}", fields=_fields(data))


def _fields(data: Mapping[str, Any]) -> dict[str, Any]:
    name = text(data, "name")
    return {
        "name": name,
        "kind": "agent",
        "purpose": text(data, "description"),
        "identities": [literal(one) for one in filled(*_urls(data), name)],
        "agent provider": text(data, "provider", "organization"),
        "agent version": text(data, "version"),
        "skills": filled(*(text(skill, "name") or text(skill, "id") for skill in mappings(data, "skills"))),
    }


# --- MCP: servers as their ``server.json`` describes them, alone or in an answer of an MCP registry, as entries ---
#
# A server matches by its name, which is unique (reverse DNS), and by the URLs of its remotes; a package names code.
#
# https://github.com/modelcontextprotocol/registry/blob/main/docs/reference/server-json/generic-server-json.md

_SCHEMA = "modelcontextprotocol.io/schemas/"
_OFFICIAL = "io.modelcontextprotocol.registry/official"


def is_server(root: Mapping[str, Any]) -> bool:
    """Return whether a document is a server.json, or a registry's list of them."""
    return _is_described(root) or any(_is_described(_server(one)) for one in mappings(root, "servers"))


def _is_described(data: Any) -> bool:
    return _SCHEMA in (text(data, "$schema") or "") and text(data, "name") is not None


def _server(data: Mapping[str, Any]) -> Any:
    """Return the server's description; in a registry's list, it is below ``server``."""
    return at(data, "server") or data


def mcp_entries(documents: Sequence[Document]) -> Iterator[Declaration]:
    """Yield the servers."""
    for document in documents:
        server = _server(document.data)
        if name := text(server, "name"):
            fields = _mcp_fields(server, text(document.data, "_meta", _OFFICIAL, "status"))
            yield Declaration(document=document, stand_in=f"mcp:{name}", fields=fields)


def _mcp_fields(server: Mapping[str, Any], status: str | None) -> dict[str, Any]:
    name = text(server, "name")
    remotes = (text(remote, "url") for remote in mappings(server, "remotes"))
    return {
        "name": text(server, "title") or name,
        "kind": "integration",
        "purpose": text(server, "description"),
        "identities": [literal(one) for one in filled(name, *remotes)],
        "status": "retired" if status == "deleted" else None,
        "server version": text(server, "version"),
        "repository": text(server, "repository", "url"),
        "packages": filled(*(text(package, "identifier") for package in mappings(server, "packages"))),
    }
