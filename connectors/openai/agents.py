"""Agents, their automations and stored credentials as records, and the sections that read them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from connectors.agents.hashes import hashes_of
from connectors.ai_vendors.agents import Agent, McpServer, part_of, read_listed_agents, read_vaults, starts
from connectors.ai_vendors.api import Api
from connectors.ai_vendors.reader import VendorReader
from connectors.ai_vendors.records import VendorOrganization, host_of, latest, moment
from connectors.core.reading import ReadSection, shown
from connectors.openai import payloads as p
from connectors.openai.spec import TABLE
from scanner.model import Identity

_FUNCTION, _MCP = "function", "mcp"


class Scheduled(Struct, frozen=True, kw_only=True):
    """An automation. ``last``: of its runs, and how that ended."""

    row: p.Automation
    last: datetime | None = None
    ended: str | None = None

    @property
    def when(self) -> str | None:
        """The schedule, in OpenAI's form."""
        row = self.row
        if row.expression:
            return f"{row.expression} {row.timezone}".strip() if row.timezone else row.expression
        once = moment(row.run_at)
        return None if once is None else f"once, at {once:%Y-%m-%dT%H:%MZ}"

    @property
    def ran(self) -> Mapping[str, Any]:
        """The last run, as attributes."""
        return {"last_run": None if self.last is None else self.last.isoformat(), "last_status": self.ended}


def agent(place: VendorOrganization, project: str, row: p.AgentRow, automations: Iterable[Scheduled]) -> Identity:
    """An agent. ``project``: its id, or the number of its key in a list."""
    own = sorted(automations, key=lambda scheduled: scheduled.row.id)
    found = Agent(
        id=row.id,
        name=row.name,
        created_at=moment(row.created_at),
        last_used_at=latest(*(scheduled.last for scheduled in own)),
        model=row.model,
        tools=_tools(row.tools),
        hashes=hashes_of(
            (tool.name, {"description": tool.description, "parameters": tool.parameters})
            for tool in row.tools
            if tool.type == _FUNCTION
        ),
        mcp_servers=_servers(row.tools),
        schedules=tuple(one.when for one in own if one.when and one.row.status == "active"),
        tags=row.metadata or {},
        facts={
            "automations": [
                {"name": shown(scheduled.row), "status": scheduled.row.status, **scheduled.ran} for scheduled in own
            ],
            "vault_credentials": sorted({tool.credential_id for tool in row.tools if tool.credential_id}),
            **({} if project.isdigit() else {"project_id": project}),
        },
    )
    return found.identity(place, "OpenAI's platform", "agents")


def _tools(tools: Iterable[p.Tool]) -> Iterator[str]:
    for tool in tools:
        if tool.type == _FUNCTION:
            yield tool.name or tool.type
        elif tool.type != _MCP and tool.enabled is not False and tool.mode != "disabled":
            yield tool.type


def _servers(tools: Iterable[p.Tool]) -> Iterator[McpServer]:
    for tool in tools:
        if tool.type == _MCP:
            transport = tool.transport or p.Transport(type="http", server_url=tool.server_url)
            yield McpServer(
                name=tool.server_label or "mcp",
                host=host_of(transport.server_url),
                type=transport.type or None,
                tools=tool.allowed_tools,
                variables=transport.env_vars,
            )


def read_agents(reader: VendorReader, projects: Sequence[p.Project]) -> ReadSection[None]:
    """Agents, automations and credentials of every project that the source has a key of."""
    apis = reader.apis["project_tokens"]
    if not apis:
        for name in ("agents", "automations", "vaults"):
            yield reader.off(name)
        return
    listed = yield from read_listed_agents(reader, apis, p.AgentRow)
    automations = yield from _read_automations(reader, apis)
    secrets = yield from read_vaults(reader, apis, lambda credential: {"variable": credential.auth.secret_name})
    started: defaultdict[str, list[Scheduled]] = defaultdict(list)
    for project, scheduled in automations:
        row = scheduled.row
        started[row.agent_id or ""].append(scheduled)
        if row.inline is not None:
            listed.setdefault(row.id, (project, row.inline))
        yield starts(
            reader.place,
            "automation",
            row,
            row.agent_id,
            (row.target.vault_ids, secrets),
            created_at=moment(row.created_at),
            attributes={
                "status": row.status,
                "schedule": scheduled.when,
                **scheduled.ran,
                "vaults": sorted(row.target.vault_ids),
            },
        )
    names = {project.id: shown(project) for project in projects}
    for project in apis:
        if not project.isdigit():
            own = [id_ for id_, (where, _) in listed.items() if where == project]
            yield part_of(reader.place, "project", project, names.get(project, project), own)
    for project, agent_row in listed.values():
        yield agent(reader.place, project, agent_row, started[agent_row.id])


def _read_automations(reader: VendorReader, apis: Mapping[str, Api]) -> ReadSection[list[tuple[str, Scheduled]]]:
    """With the project of each."""
    found: list[tuple[str, Scheduled]] = []
    with reader.section("automations") as section:
        for project, api in apis.items():

            def last_of(row: p.Automation, api: Api = api) -> p.Invocation | None:
                runs = api.rows(TABLE.request["invocations"], p.Invocation, section, automation=row.id)
                return next(iter(runs), None)

            rows = reader.listed(section, "automations", p.Automation, api=api)
            for row, last in reader.each(section, "automations", last_of, rows, shown):
                ended = None if last is None else last.status
                made = Scheduled(row=row, last=None if last is None else moment(last.created_at), ended=ended)
                found.append((project, made))
                section.found()
    yield reader.done(section)
    return found
