"""The tools of Bedrock agents and AgentCore harnesses, put together from the rows that name them (pure).

Sources: the API references of Bedrock agents (AgentActionGroup, AgentKnowledgeBaseSummary, AgentCollaboratorSummary)
and of AgentCore's control plane (Harness, GatewayTarget).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Final

from connectors.agents.documents import host_of
from connectors.aws.workloads.rows import Row
from scanner.model.attributes import MCP_SERVERS, TOOL_HASHES, TOOLS

_AGENTS: Final = "bedrock.agents"
_GROUPS: Final = "bedrock.action_groups"
_BASES: Final = "bedrock.agent_knowledge_bases"
_OTHERS: Final = "bedrock.collaborators"
_HARNESSES: Final = "agentcore.harnesses"
_TARGETS: Final = "agentcore.gateway_targets"
_OFF: Final = "DISABLED"
_EVERY: Final = "*"

Rows = Mapping[str, Mapping[str, Row]]


def tools_by_key(rows: Rows, known: Collection[str]) -> dict[str, dict[str, Any]]:
    """Return the attributes about tools of each agent, by its key. ``rows``: by section and key.

    ``known``: the sections that were read whole. An agent whose tools may be more than was read gets none.
    """
    found: dict[str, dict[str, Any]] = {}
    if {_GROUPS, _BASES, _OTHERS}.issubset(known):
        by_agent = _by_agent(rows)
        for row in rows.get(_AGENTS, {}).values():
            tools = by_agent.get(str(row.unique_id), {})
            hashes = {name: digest for name, digest in sorted(tools.items()) if digest}
            found[row.key] = {TOOLS: sorted(tools), **({TOOL_HASHES: hashes} if hashes else {})}
    targets = _by_gateway(rows.get(_TARGETS, {}).values()) if _TARGETS in known else None
    for row in rows.get(_HARNESSES, {}).values():
        if row.facts.get("allowed_tools") == [_EVERY]:
            found[row.key] = _of_harness(row, targets)
    return found


def _by_agent(rows: Rows) -> dict[str, dict[str, str | None]]:
    """The tools of Bedrock agents with their hashes, by the agent's id: AWS's own by their signatures, without hash."""
    found: dict[str, dict[str, str | None]] = {}
    for section, tools_of in ((_GROUPS, _of_group), (_BASES, _of_base), (_OTHERS, _of_other)):
        for row in rows.get(section, {}).values():
            own = found.setdefault(str(row.facts.get("agent")), {})
            own.update((name, row.tool_hashes.get(name.rpartition("/")[2])) for name in tools_of(row))
    return found


def _of_group(row: Row) -> Iterator[str]:
    """A group whose functions are in a schema elsewhere is a tool of its own."""
    if row.facts.get("state") == _OFF:
        return
    if (signature := row.facts.get("signature")) is not None:
        yield str(signature)
    else:
        yield from (f"{row.name}/{name}" for name in row.joined.get("functions") or ("*",))


def _of_base(row: Row) -> Iterator[str]:
    if row.facts.get("state") != _OFF:
        yield f"knowledge base {row.name}"


def _of_other(row: Row) -> Iterator[str]:
    yield f"agent {row.name}"


def _by_gateway(rows: Iterable[Row]) -> dict[str, list[dict[str, Any]]]:
    """The MCP servers behind gateways, by the gateway's ARN."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        facts = {
            "name": row.name,
            "host": host_of(row.facts.get("endpoint")),
            "tools": row.joined.get("tools"),
            "hashes": row.tool_hashes,
        }
        server = {name: fact for name, fact in facts.items() if fact}
        found.setdefault(str(row.facts.get("gateway")), []).append(server)
    return found


def _of_harness(row: Row, targets: Mapping[str, list[dict[str, Any]]] | None) -> dict[str, Any]:
    servers = [{"name": host, "host": host} if (host := host_of(url)) else {"name": "remote"} for url in
               row.joined.get("servers", ())]  # fmt: skip
    for gateway in row.joined.get("gateways", ()):
        unread = [{"name": str(gateway).rpartition("/")[2]}]
        servers += unread if targets is None else targets.get(gateway, unread)
    tools = sorted({*row.joined.get("own", ()), *row.joined.get("functions", ())})
    found = {TOOLS: tools, MCP_SERVERS: servers, TOOL_HASHES: row.tool_hashes}
    return {name: value for name, value in found.items() if value or name == TOOLS}
