"""Managed agents, their deployments and stored credentials as records, and the sections that read them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from connectors.anthropic import payloads as p
from connectors.anthropic import requests as r
from connectors.anthropic import spec as s
from connectors.anthropic.identities import Organization, Used
from connectors.core.reading import ReadSection
from connectors.vendors.reader import VendorReader
from connectors.vendors.records import Agent, McpServer, VendorOrganization, host_of, latest, moment, stored
from connectors.vendors.vaults import Vaults, read_vaults
from scanner.model import Consequence, Identity, Link, StoredSecret, Workload
from scanner.model.attributes import FEDERATES_TO

_TITLE = "Anthropic's platform"
_AWS_ROLE = "aws_role"
_CUSTOM, _MCP = "custom", "mcp_toolset"
_ASKS, _ALLOWS = "always_ask", "always_allow"
_ACTIVE = "active"
_EXECUTION = "execution_identity"


def agent(
    place: VendorOrganization, workspace: str, row: p.AgentRow, deployments: Iterable[p.Deployment], used: Used
) -> Identity:
    """An agent. ``workspace``: its name or id, or the number of its key in a list."""
    own, runs_as = list(deployments), row.execution_identity or p.Execution()
    facts: dict[str, Any] = {
        _EXECUTION: runs_as.role_arn or runs_as.type or None,
        "version": row.version,
        "deployments": [
            {"name": one.name or one.id, "status": _status(one)} for one in sorted(own, key=lambda one: one.id)
        ],
    }
    if not workspace.isdigit():
        facts["workspace"] = workspace
    arn = runs_as.role_arn if runs_as.type == _AWS_ROLE else None
    if arn:
        facts[FEDERATES_TO] = [arn]
    schedules = (one.schedule for one in own if one.schedule and one.archived_at is None and one.status == _ACTIVE)
    found = Agent(
        id=row.id,
        name=row.name,
        description=row.description,
        enabled=row.archived_at is None,
        created_at=moment(row.created_at),
        last_used_at=latest(used.last, *(moment(one.schedule.last_run_at) for one in own if one.schedule)),
        model=row.model.id if isinstance(row.model, p.Model) else row.model,
        tools=tuple(_tools(row.tools)),
        mcp_servers=tuple(_servers(row)),
        skills=tuple(one.skill_id for one in row.skills),
        schedules=tuple(_when(one) for one in schedules),
        asks=_asks(row.tools),
        tags=row.metadata or {},
        facts=facts,
        links=(Link(relation="federates", target=arn, evidence="its execution identity"),) if arn else (),
    )
    return found.identity(place, _TITLE, consequences=(Consequence(kind="invoke_models", actions=("messages",)),))


def deployment(place: VendorOrganization, row: p.Deployment, secrets: Mapping[str, list[str]]) -> Workload:
    """A deployment, which runs as its agent. ``secrets``: by vault, the keys of its credentials."""
    schedule = row.schedule
    last = None if schedule is None else moment(schedule.last_run_at)
    return Workload(
        **place.of(f"deployments/{row.id}", row.name or row.id),
        kind="deployment",
        runs_as=(place.key(f"agents/{row.agent.id}"),),
        uses=tuple(sorted({key for vault in row.vault_ids for key in secrets.get(vault, ())})),
        created_at=moment(row.created_at),
        tags=row.metadata or {},
        attributes={
            "status": _status(row),
            "paused_reason": row.paused_reason.type if row.paused_reason else None,
            "schedule": None if schedule is None else _when(schedule),
            "last_run": None if last is None else last.isoformat(),
            "vaults": sorted(row.vault_ids),
        },
    )


def workspace_of(place: VendorOrganization, id_: str, name: str, agents: Iterable[str]) -> Workload:
    """A workspace, which runs as its agents: anyone who can change an agent can act as it. ``agents``: their ids."""
    runs_as = tuple(place.key(f"agents/{one}") for one in agents)
    return Workload(**place.of(f"workspaces/{id_}", name), kind="workspace", runs_as=runs_as)


def _status(row: p.Deployment) -> str:
    return "archived" if row.archived_at is not None else row.status


def _when(schedule: p.Schedule) -> str:
    return f"{schedule.expression} {schedule.timezone}".strip()


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
        for one in (tool.default_config, *tool.configs):
            if one is not None and one.enabled and one.permission_policy is not None:
                policies.add(one.permission_policy.type)
    if policies == {_ASKS}:
        return True
    return False if _ALLOWS in policies else None


def credential(place: VendorOrganization, vault: p.Vault, row: p.Credential) -> StoredSecret:
    """A credential in a vault: its name, dates and host."""
    return stored(
        place,
        f"vaults/{vault.id}/credentials/{row.id}",
        f"{vault.title}/{row.display_name or row.id}",
        created_at=moment(row.created_at),
        rotated_at=moment(row.updated_at),
        expires_at=moment(row.auth.expires_at),
        attributes={
            "type": row.auth.type,
            "host": host_of(row.auth.mcp_server_url),
            "archived": row.archived_at is not None,
        },
    )


_VAULTS = Vaults(
    section=s.VAULTS,
    listing=r.VAULTS,
    vault=p.Vault,
    within=r.CREDENTIALS,
    credential=p.Credential,
    made=credential,
)


# --- The sections ---


def read_agents(reader: VendorReader, read: Organization) -> ReadSection[None]:
    """Yield agents, deployments and credentials of every workspace for which the source has a key."""
    opened = reader.opened(s.WORKSPACE_TOKENS)
    if not opened:
        for name in (s.AGENTS, s.DEPLOYMENTS, s.VAULTS):
            yield reader.off(name)
        return
    listed: dict[str, tuple[str, p.AgentRow]] = {}
    with reader.section(s.AGENTS) as section:
        for workspace, api in opened.items():
            rows = reader.listed(section, r.AGENTS, p.AgentRow, api)
            listed |= {row.id: (workspace, row) for row in rows if row.id not in listed}
        section.found(len(listed))
    yield reader.done(section)
    for workspace in opened:
        own = [id_ for id_, (where, _) in listed.items() if where == workspace]
        if not workspace.isdigit():
            yield workspace_of(reader.place, workspace, read.workspace(workspace) or workspace, own)
    deployments: dict[str, p.Deployment] = {}
    with reader.section(s.DEPLOYMENTS) as section:
        for api in opened.values():
            deployments.update((row.id, row) for row in reader.listed(section, r.DEPLOYMENTS, p.Deployment, api))
        section.found(len(deployments))
    yield reader.done(section)
    secrets = yield from read_vaults(reader, _VAULTS, opened)
    yield from (deployment(reader.place, row, secrets) for row in deployments.values())
    for id_, (workspace, row) in listed.items():
        running = [one for one in deployments.values() if one.agent.id == id_]
        name = read.workspace(workspace) or workspace
        yield agent(reader.place, name, row, running, read.used.get(id_) or Used())
