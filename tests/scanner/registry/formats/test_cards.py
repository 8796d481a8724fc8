"""A2A agent cards and MCP server descriptions as entries."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.scanner.registry.formats.reading import entries_of, facts

CARD = {
    "protocolVersion": "0.3.0",
    "name": "Route planner",
    "description": "Plans routes",
    "url": "https://agents.example.com/a2a/v1",
    "additionalInterfaces": [{"url": "https://agents.example.com/a2a/grpc", "transport": "GRPC"}],
    "provider": {"organization": "Example Geo", "url": "https://example.com"},
    "version": "1.2.0",
    "capabilities": {"streaming": True},
    "skills": [{"id": "route", "name": "Routes", "description": "…", "tags": ["maps"]}],
}
SERVER = {
    "$schema": "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json",
    "name": "com.example/acme-analytics",
    "title": "ACME Analytics",
    "description": "Reports",
    "version": "2.0.0",
    "repository": {"url": "https://github.com/example/analytics", "source": "github"},
    "packages": [{"registryType": "pypi", "identifier": "acme-analytics", "transport": {"type": "stdio"}}],
    "remotes": [{"type": "streamable-http", "url": "https://analytics.example.com/mcp"}],
}


def test_an_agent_card_is_an_entry(tmp_path: Path) -> None:
    """Its addresses and its name join it; its provider is not taken for its owner."""
    entries = entries_of(tmp_path, "agent-card.json", CARD)

    assert facts(entries["a2a:Route planner"], "name", "kind", "purpose", "identities", "owner", "extra") == {
        "name": "Route planner",
        "kind": "agent",
        "purpose": "Plans routes",
        "identities": (
            "https://agents.example.com/a2a/v1",
            "https://agents.example.com/a2a/grpc",
            "Route planner",
        ),
        "owner": (),
        "extra": {"agent provider": "Example Geo", "agent version": "1.2.0", "skills": "Routes"},
    }


def test_a_card_of_the_newer_version_is_an_entry(tmp_path: Path) -> None:
    """Version 1.0 moved the addresses; several cards may be in one list."""
    newer = {key: value for key, value in CARD.items() if key not in ("url", "additionalInterfaces")}
    newer |= {"name": "n*", "supportedInterfaces": [{"url": "https://n.example/a2a", "protocolBinding": "JSONRPC"}]}

    entries = entries_of(tmp_path, "cards.json", [CARD, newer])

    assert entries["a2a:n*"].identities == ("https://n.example/a2a", r"n\*")
    assert len(entries) == 2


def test_a_server_description_is_an_entry(tmp_path: Path) -> None:
    """An MCP server goes by its unique name and its remotes; a package names code, not the server."""
    entries = entries_of(tmp_path, "server.json", SERVER)

    assert facts(entries["mcp:com.example/acme-analytics"], "name", "kind", "identities", "extra", "status") == {
        "name": "ACME Analytics",
        "kind": "integration",
        "identities": ("com.example/acme-analytics", "https://analytics.example.com/mcp"),
        "extra": {
            "server version": "2.0.0",
            "repository": "https://github.com/example/analytics",
            "packages": "acme-analytics",
        },
        "status": "active",
    }


@pytest.mark.parametrize(("status", "expected"), [("active", "active"), ("deleted", "retired")])
def test_the_answer_of_a_registry_of_servers_is_read(tmp_path: Path, status: str, expected: str) -> None:
    """A registry puts its remarks beside each description."""
    meta: dict[str, Any] = {"io.modelcontextprotocol.registry/official": {"status": status, "isLatest": True}}

    entries = entries_of(tmp_path, "r.json", {"servers": [{"server": SERVER, "_meta": meta}], "metadata": {"count": 1}})

    assert [entry.status for entry in entries.values()] == [expected]
