"""Agents by their configuration: what they may use, and never what they use it with."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from connectors.agent_config.connector import AgentConfigConnector, AgentConfigSettings
from connectors.agents.documents import read_document
from connectors.agents.hashes import hashes_of
from connectors.core.contract import Malformed
from reports.agents import servers, tools
from scanner.judging.agents.verdict import judge_agent
from tests.connectors.agent_config.configs import VALUE, card, discover, server, written
from tests.examples import examples
from tests.hostile_json import mutated


@pytest.mark.parametrize(
    ("file", "key", "name", "client"),
    [
        ("shop/.cursor/mcp.json", "mcpServers", "cursor shop", "cursor"),
        ("shop/.vscode/mcp.json", "servers", "vscode shop", "vscode"),
        ("shop/.mcp.json", "mcpServers", "claude-code shop", "claude-code"),
        ("Claude/claude_desktop_config.json", "mcpServers", "claude-desktop Claude", "claude-desktop"),
        ("mcp.json", "mcpServers", "mcp-client", "mcp-client"),
    ],
)
def test_a_client_with_servers_is_an_agent(tmp_path: Path, file: str, key: str, name: str, client: str) -> None:
    """Named after the program and its folder; its key is the path below the source's."""
    written(tmp_path, {key: {"db": server(), "web": {"type": "http", "url": f"https://mcp.example.com/{VALUE}"}}}, file)
    written(tmp_path, {"mcpServers": {"x": server()}}, "other.json")
    (found,), coverage = discover(tmp_path)

    assert (found.key, found.kind, found.name) == (f"agent_config:agents:{file}", "mcp_client", name)
    assert found.attributes["client"] == client
    assert judge_agent(found).is_agent
    assert servers(found) == ("db", "web (mcp.example.com)")
    assert (coverage.status, coverage.identities) == ("complete", 1)
    assert VALUE not in repr(found)


@pytest.mark.parametrize(
    ("facts", "kept"),
    [
        (server(), {"type": "stdio", "package": "@acme/db-mcp@1.2.0", "variables": ["DB_TOKEN"]}),
        (server(args=["--registry", VALUE, "pkg"]), {"type": "stdio", "package": "npx", "variables": ["DB_TOKEN"]}),
        (server(command="C:\\node\\npx.cmd", args=["-y", "pkg"], env=None), {"type": "stdio", "package": "pkg"}),
        (server(command="/opt/bin/db-mcp", args=[VALUE], env={}), {"type": "stdio", "package": "db-mcp"}),
        (server(command=f"TOKEN={VALUE} node", args=[], env={}), {"type": "stdio"}),
        ({"command": "npx", "args": ["mcp-remote", f"https://mcp.example.com/sse?k={VALUE}"]},
         {"type": "stdio", "package": "mcp-remote", "host": "mcp.example.com"}),
        ({"type": "sse", "url": f"https://user:{VALUE}@MCP.example.com:443/x", "headers": {"Authorization": VALUE}},
         {"type": "sse", "host": "mcp.example.com", "headers": ["Authorization"]}),
        ({"serverUrl": "https://mcp.example.com", "disabled": True}, {"host": "mcp.example.com", "enabled": False}),
        ({"url": "https://["}, {}),
        ({"url": VALUE}, {}),
    ],
)  # fmt: skip
def test_what_is_kept_of_a_server(tmp_path: Path, facts: dict[str, Any], kept: dict[str, Any]) -> None:
    """What is started, the host, and names: no value of a variable, a header or an argument."""
    (found,), _ = discover(written(tmp_path, {"mcpServers": {"s": facts}}, "mcp.json"))

    assert found.attributes["mcp_servers"] == [{"name": "s", **kept}]
    assert found.enabled is (facts.get("disabled") is not True)


def test_a_card_is_an_agent(tmp_path: Path) -> None:
    """With its addresses as aliases, which match the registry's entries; of version 0.3 as of 1.0."""
    (found,), coverage = discover(written(tmp_path, card(), "agent-card.json"))

    assert (found.kind, found.name, found.description) == (
        "a2a_agent",
        "Invoice agent",
        "Answers questions about invoices",
    )
    assert found.aliases == ("https://agents.example.com:8443/a2a",)
    assert found.attributes == {
        "path": "agent-card.json", "version": "2.1.0", "organization": "Acme", "authentication": ["openIdConnect"],
        "tools": ["Find invoices", "sum"], "tool_hashes": hashes_of([("Find invoices", {"description": "x"})]),
    }  # fmt: skip
    assert tools(found) == ("Find invoices", "sum")
    assert (judge_agent(found).is_agent, coverage.status) == (True, "complete")
    older = card(url="https://agents.example.com", supportedInterfaces=[], securitySchemes={"k": {"type": "apiKey"}})
    (found,), _ = discover(written(tmp_path, older, "agent-card.json"))
    assert (found.aliases, found.attributes["authentication"]) == (("https://agents.example.com",), ["apiKey"])


def test_comments_and_trailing_commas_are_read(tmp_path: Path) -> None:
    """As editors write them; slashes in addresses are no comments."""
    text = '\ufeff{\n// servers\n"servers": {/* one */ "web": {"url": "https://mcp.example.com/x",},\n},}'
    (found,), _ = discover(written(tmp_path, text, "mcp.json"))

    assert servers(found) == ("web (mcp.example.com)",)


def test_what_is_not_closed_is_refused_in_linear_time(tmp_path: Path) -> None:
    """A file of two megabytes would otherwise take hours."""
    texts = ("/* " * 700_000, '"' + '\\"a' * 700_000, '"' + '\\"a' * 700_000 + "\\", "," + " " * 2_000_000)
    for text in texts:
        found, coverage = discover(written(tmp_path, f'{{"mcpServers": {text}', "mcp.json"))

        assert (found, coverage.status) == ([], "partial")


def test_servers_of_single_folders_are_read(tmp_path: Path) -> None:
    """Claude Code keeps them in its own file, with much else."""
    projects = {"/home/ada/shop": {"mcpServers": {"db": server()}, "history": [VALUE]}, "C:\\work\\lab": {}, "/x": 7}
    content = {"mcpServers": {"db": server()}, "projects": projects, "oauthAccount": {"token": VALUE}}
    (found,), coverage = discover(written(tmp_path, content, "ada/.claude.json").parent.parent)

    assert (found.name, servers(found)) == ("claude-code ada", ("db", "db (shop)"))
    assert "server of /x could not be read" in (coverage.detail or "")
    assert VALUE not in str((found, coverage))


def test_a_link_that_leads_out_of_the_folder_is_a_gap(tmp_path: Path) -> None:
    """A repository may hold one to any file of the machine; packages are not looked at."""
    outside = written(tmp_path, {"mcpServers": {"x": server()}}, "elsewhere/mcp.json")
    inside = written(tmp_path, {"mcpServers": {"db": server()}}, "checkout/real/mcp.json")
    written(tmp_path, {"type": "module"}, "checkout/node_modules/pkg/agent.json")
    (tmp_path / "checkout" / ".mcp.json").symlink_to(outside)
    (tmp_path / "checkout" / "mcp.json").symlink_to(inside)
    found, coverage = discover(tmp_path / "checkout")

    assert [servers(one) for one in found] == [("db",), ("db",)]
    assert coverage.detail == "row .mcp.json could not be read: it is a link to a file elsewhere"


def test_what_cannot_be_read_is_a_gap(tmp_path: Path) -> None:
    """A file, or one server of it; the rest is read."""
    written(tmp_path, {"mcpServers": {"good": server(), "bad": {"command": [VALUE]}}}, "a/mcp.json")
    for number, content in enumerate(("", "{", "[]", '{"other": 1}', '{"mcpServers": 7}', '{"skills": [], "name": 1}')):
        written(tmp_path, content, f"b{number}/mcp.json")
    (found,), coverage = discover(tmp_path)

    assert servers(found) == ("good",)
    assert coverage.status == "partial"
    assert "row a/mcp.json, server bad could not be read: Expected `str | null`, got `array`" in (coverage.detail or "")
    assert "and 4 more such rows" in (coverage.detail or "")
    assert VALUE not in (coverage.detail or "")


def test_no_server_is_no_agent_and_no_file_is_a_gap(tmp_path: Path) -> None:
    """A client without servers is just a program."""
    found, coverage = discover(written(tmp_path, {"mcpServers": {}}, "mcp.json"))
    assert (found, coverage.status) == ([], "complete")
    for missing in (tmp_path / "missing.json", tmp_path / "*.toml"):
        found, coverage = discover(missing)
        assert (found, coverage.status) == ([], "failed")


def test_a_glob_and_the_doctor(tmp_path: Path) -> None:
    """Keys are below what is fixed of the pattern; each file is a check."""
    for user in ("ada", "bob"):
        written(tmp_path, {"mcpServers": {"s": server()}}, f"home/{user}/.cursor/mcp.json")
    written(tmp_path, "{", "home/eve/.cursor/mcp.json")
    pattern = tmp_path / "home" / "*" / ".cursor" / "mcp.json"

    assert [one.key for one in discover(pattern)[0]] == [
        "agent_config:agents:ada/.cursor/mcp.json", "agent_config:agents:bob/.cursor/mcp.json",
    ]  # fmt: skip
    checks = list(AgentConfigConnector("agents", AgentConfigSettings(path=pattern)).check())
    assert [(one.ok, one.detail.partition(":")[0]) for one in checks] == [
        (True, "MCP servers"), (True, "MCP servers"), (False, "Input data was truncated"),
    ]  # fmt: skip


@given(mutated({"mcpServers": {"db": server(), "web": {"url": "https://a"}}}) | mutated(card()))
@examples(150, smoke=150)
def test_no_document_ends_the_reading(document: Any) -> None:
    """Whatever is in it: servers, a card, or Malformed."""
    with suppress(Malformed):
        found = read_document(json.dumps(document).encode())
        assert repr(found)
