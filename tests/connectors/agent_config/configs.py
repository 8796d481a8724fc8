"""Configurations of MCP clients and A2A agent cards, and what reads them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from connectors.agent_config.connector import AgentConfigConnector, AgentConfigSettings
from connectors.core.contract import Scope
from scanner.model import Coverage, Identity

VALUE = "a-planted-value"


def server(**facts: Any) -> dict[str, Any]:
    """A server that is started with npx and given a token."""
    usual = {"command": "npx", "args": ["-y", "@acme/db-mcp@1.2.0", f"--token={VALUE}"], "env": {"DB_TOKEN": VALUE}}
    return {**usual, **facts}


def card(**facts: Any) -> dict[str, Any]:
    """An agent card of version 1.0."""
    usual = {
        "name": "Invoice agent",
        "description": "Answers questions about invoices",
        "version": "2.1.0",
        "provider": {"organization": "Acme", "url": "https://acme.example"},
        "supportedInterfaces": [
            {"url": f"https://u:{VALUE}@agents.example.com:8443/a2a?key={VALUE}", "protocolBinding": "JSONRPC"}
        ],
        "capabilities": {"streaming": True},
        "securitySchemes": {"sso": {"openIdConnectSecurityScheme": {"openIdConnectUrl": "https://sso.example.com"}}},
        "skills": [{"id": "find", "name": "Find invoices", "description": "x", "tags": []}, {"id": "sum"}],
    }
    return {**usual, **facts}


def written(folder: Path, content: Any, name: str) -> Path:
    """The content in a file below the folder: text as it is, anything else as JSON."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def discover(path: Path) -> tuple[list[Identity], Coverage]:
    """What the source ``agents`` yields from that file, folder or glob."""
    connector = AgentConfigConnector("agents", AgentConfigSettings(path=path))
    (scope,) = connector.scopes()
    assert isinstance(scope, Scope)
    *identities, coverage = connector.discover(scope)
    assert isinstance(coverage, Coverage)
    return [one for one in identities if isinstance(one, Identity)], coverage
