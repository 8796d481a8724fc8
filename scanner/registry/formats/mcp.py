"""MCP: servers as their ``server.json`` describes them, alone or in an answer of an MCP registry, as entries.

What joins one is its name, which is unique (reverse DNS), and the addresses of its remotes; a package names code.

https://github.com/modelcontextprotocol/registry/blob/main/docs/reference/server-json/generic-server-json.md
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from scanner.registry.formats.declaration import Declaration, Document, at, filled, literal, mappings, text

_SCHEMA = "modelcontextprotocol.io/schemas/"
_OFFICIAL = "io.modelcontextprotocol.registry/official"


def is_server(root: Mapping[str, Any]) -> bool:
    """Whether this is a server.json, or a registry's list of them."""
    return _is_described(root) or any(_is_described(_server(one)) for one in mappings(root, "servers"))


def _is_described(data: Any) -> bool:
    return _SCHEMA in (text(data, "$schema") or "") and text(data, "name") is not None


def _server(data: Mapping[str, Any]) -> Any:
    """The description; a registry puts its own remarks beside it."""
    return at(data, "server") or data


def entries(documents: Sequence[Document]) -> Iterator[Declaration]:
    """The servers."""
    for document in documents:
        server = _server(document.data)
        if name := text(server, "name"):
            fields = _fields(server, text(document.data, "_meta", _OFFICIAL, "status"))
            yield Declaration(document=document, stand_in=f"mcp:{name}", fields=fields)


def _fields(server: Mapping[str, Any], status: str | None) -> dict[str, Any]:
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
