"""Managed agents, their deployments and stored credentials as records, and the sections that read them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from connectors.agents.hashes import hashes_of
from connectors.ai_vendors.agents import Agent, McpServer, part_of, read_listed_agents, read_vaults, starts
from connectors.ai_vendors.reader import VendorReader
from connectors.ai_vendors.records import Used, VendorOrganization, host_of, latest, moment
from connectors.anthropic import payloads as p
from connectors.anthropic.identities import Organization
from connectors.core.reading import ReadSection, shown
from scanner.model import Identity, Link
from scanner.model.attributes import FEDERATES_TO

_CUSTOM, _MCP = "custom", "mcp_toolset"


def agent(
    place: VendorOrganization, workspace: str, row: p.AgentRow, deployments: Iterable[p.Deployment], used: Used
) -> Identity:
    """An agent. ``workspace``: its name or id, or the number of its key in a list."""
    own, runs_as = sorted(deployments, key=lambda deployment: deployment.id), row.execution_identity or p.Execution()
    arn = runs_as.role_arn if runs_as.type == "aws_role" else None
    schedules = [one.schedule for one in own if one.schedule]
    active = [one.schedule for one in own if one.schedule and one.archived_at is None and one.status == "active"]
    found = Agent(
        id=row.id,
        name=row.name,
        description=row.description,
        enabled=row.archived_at is None,
        created_at=moment(row.created_at),
        last_used_at=latest(used.last, *(moment(schedule.last_run_at) for schedule in schedules)),
        model=row.model.id if isinstance(row.model, p.Model) else row.model,
        tools=_tools(row.tools),
        hashes=hashes_of(
            (tool.name, {"description": tool.description, "input_schema": tool.input_schema})
            for tool in row.tools
            if tool.type == _CUSTOM
        ),
        mcp_servers=_servers(row),
        skills=tuple(skill.skill_id for skill in row.skills),
        schedules=tuple(schedule.when for schedule in active),
        asks=_asks(row.tools),
        tags=row.metadata or {},
        facts={
            "execution_identity": runs_as.role_arn or runs_as.type or None,
            "version": row.version,
            "deployments": [{"name": shown(one), "status": one.shown_status} for one in own],
            **({} if workspace.isdigit() else {"workspace": workspace}),
            **({FEDERATES_TO: [arn]} if arn else {}),
        },
        links=(Link(relation="federates", target=arn, evidence="its execution identity"),) if arn else (),
    )
    return found.identity(place, "Anthropic's platform", "messages")


def _enabled(tool: p.Tool) -> tuple[str, ...] | None:
    """The enabled tools of a set; None: all except the disabled ones."""
    named = {one.name: one.enabled for one in tool.configs if one.name}
    if tool.default_config is not None and not tool.default_config.enabled:
        return tuple(name for name, is_on in named.items() if is_on)
    return None if not named or not all(named.values()) else tuple(named)


def _tools(tools: Iterable[p.Tool]) -> Iterator[str]:
    for one in tools:
        if one.type == _CUSTOM:
            yield one.name or one.type
        elif one.type != _MCP:
            found = _enabled(one)
            yield from (one.type,) if found is None else found


def _servers(row: p.AgentRow) -> Iterator[McpServer]:
    sets = {one.mcp_server_name: one for one in row.tools if one.type == _MCP}
    for server in row.mcp_servers:
        tools = sets.get(server.name)
        yield McpServer(
            name=server.name,
            host=host_of(server.url),
            type=server.type,
            tools=None if tools is None else _enabled(tools),
        )


def _asks(tools: Iterable[p.Tool]) -> bool | None:
    """Whether a person confirms every use of a tool; None if the model or the application decides."""
    policies: set[str] = set()
    for tool in tools:
        if tool.type == _CUSTOM:
            policies.add(_CUSTOM)
            continue
        for config in (tool.default_config, *tool.configs):
            if config is not None and config.enabled and config.permission_policy is not None:
                policies.add(config.permission_policy.type)
    if policies == {"always_ask"}:
        return True
    return False if "always_allow" in policies else None


def read_agents(reader: VendorReader, read: Organization) -> ReadSection[None]:
    """Yield agents, deployments and credentials of every workspace for which the source has a key."""
    apis = reader.apis["workspace_tokens"]
    if not apis:
        for name in ("agents", "deployments", "vaults"):
            yield reader.off(name)
        return
    listed = yield from read_listed_agents(reader, apis, p.AgentRow)
    for workspace in apis:
        own = [id_ for id_, (where, _) in listed.items() if where == workspace]
        if not workspace.isdigit():
            yield part_of(reader.place, "workspace", workspace, read.workspace(workspace) or workspace, own)
    deployments: dict[str, p.Deployment] = {}
    with reader.section("deployments") as section:
        for api in apis.values():
            rows = reader.listed(section, "deployments", p.Deployment, api=api)
            deployments.update((row.id, row) for row in rows)
        section.found(len(deployments))
    yield reader.done(section)
    secrets = yield from read_vaults(reader, apis, lambda credential: {"archived": credential.archived_at is not None})
    for row in deployments.values():
        schedule = row.schedule
        last = None if schedule is None else moment(schedule.last_run_at)
        yield starts(
            reader.place,
            "deployment",
            row,
            row.agent.id,
            (row.vault_ids, secrets),
            created_at=moment(row.created_at),
            tags=row.metadata or {},
            attributes={
                "status": row.shown_status,
                "paused_reason": row.paused_reason.type if row.paused_reason else None,
                "schedule": None if schedule is None else schedule.when,
                "last_run": None if last is None else last.isoformat(),
                "vaults": sorted(row.vault_ids),
            },
        )
    for id_, (workspace, agent_row) in listed.items():
        running = [deployment for deployment in deployments.values() if deployment.agent.id == id_]
        name = read.workspace(workspace) or workspace
        yield agent(reader.place, name, agent_row, running, read.used.get(id_) or Used())
