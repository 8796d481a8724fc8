"""Agents of projects, their automations and stored credentials as records, and the sections that read them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from connectors.core.reading import ReadSection
from connectors.openai import payloads as p
from connectors.openai import requests as r
from connectors.openai import spec as s
from connectors.vendors.api import Api
from connectors.vendors.reader import VendorReader
from connectors.vendors.records import Agent, McpServer, VendorOrganization, host_of, latest, moment, stored
from connectors.vendors.vaults import Vaults, read_vaults
from scanner.model import Consequence, Identity, StoredSecret, Workload

_TITLE = "OpenAI's platform"
_ACTIVE = "active"
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


def agent(place: VendorOrganization, project: str, row: p.AgentRow, automations: Iterable[Scheduled]) -> Identity:
    """An agent. ``project``: its id, or the number of its key in a list."""
    own = list(automations)
    facts: dict[str, Any] = {
        "automations": [
            {
                "name": one.row.name or one.row.id,
                "status": one.row.status,
                "last_run": None if one.last is None else one.last.isoformat(),
                "last_status": one.ended,
            }
            for one in sorted(own, key=lambda one: one.row.id)
        ],
        "vault_credentials": sorted({one.credential_id for one in row.tools if one.credential_id}),
    }
    if not project.isdigit():
        facts["project_id"] = project
    found = Agent(
        id=row.id,
        name=row.name,
        created_at=moment(row.created_at),
        last_used_at=latest(*(one.last for one in own)),
        model=row.model,
        tools=tuple(_tools(row.tools)),
        mcp_servers=tuple(_servers(row.tools)),
        schedules=tuple(one.when for one in own if one.when and one.row.status == _ACTIVE),
        tags=row.metadata or {},
        facts=facts,
    )
    return found.identity(place, _TITLE, consequences=(Consequence(kind="invoke_models", actions=("agents",)),))


def workload(place: VendorOrganization, one: Scheduled, secrets: Mapping[str, list[str]]) -> Workload:
    """An automation, which runs as the agent that it starts. ``secrets``: keys of the credentials in each vault."""
    row = one.row
    agent_id = row.agent_id
    return Workload(
        **place.of(f"automations/{row.id}", row.name or row.id),
        kind="automation",
        runs_as=(place.key(f"agents/{agent_id}"),) if agent_id else (),
        uses=tuple(sorted({key for vault in row.target.vault_ids for key in secrets.get(vault, ())})),
        created_at=moment(row.created_at),
        attributes={
            "status": row.status,
            "schedule": one.when,
            "last_run": None if one.last is None else one.last.isoformat(),
            "last_status": one.ended,
            "vaults": sorted(row.target.vault_ids),
        },
    )


def credential(place: VendorOrganization, vault: p.Vault, row: p.Credential) -> StoredSecret:
    """A credential in a vault: its name, dates, and what it is for."""
    return stored(
        place,
        f"vaults/{vault.id}/credentials/{row.id}",
        f"{vault.title}/{row.name or row.id}",
        created_at=moment(row.created_at),
        rotated_at=moment(row.updated_at),
        expires_at=moment(row.auth.expires_at),
        attributes={
            "type": row.auth.type,
            "host": host_of(row.auth.mcp_server_url),
            "variable": row.auth.secret_name,
        },
    )


def project_of(place: VendorOrganization, id_: str, name: str, agents: Iterable[str]) -> Workload:
    """A project, which runs as its agents: anyone who can change an agent becomes it. ``agents``: their ids."""
    runs_as = tuple(place.key(f"agents/{one}") for one in agents)
    return Workload(**place.of(f"projects/{id_}", name), kind="project", runs_as=runs_as)


def _tools(tools: Iterable[p.Tool]) -> Iterator[str]:
    for one in tools:
        if one.type == _FUNCTION:
            yield one.name or one.type
        elif one.type != _MCP and one.enabled is not False and one.mode != "disabled":
            yield one.type


def _servers(tools: Iterable[p.Tool]) -> Iterator[McpServer]:
    for one in tools:
        if one.type == _MCP:
            transport = one.transport or p.Transport(type="http", server_url=one.server_url)
            yield McpServer(
                name=one.server_label or "mcp",
                host=host_of(transport.server_url),
                type=transport.type or None,
                tools=one.allowed_tools,
                variables=transport.env_vars,
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


def read_agents(reader: VendorReader, projects: Sequence[p.Project]) -> ReadSection[None]:
    """Agents, automations and credentials of every project that the source has a key of."""
    opened = reader.opened(s.PROJECT_TOKENS)
    if not opened:
        for name in (s.AGENTS, s.AUTOMATIONS, s.VAULTS):
            yield reader.off(name)
        return
    listed: dict[str, tuple[str, p.AgentRow]] = {}
    with reader.section(s.AGENTS) as section:
        for project, api in opened.items():
            rows = reader.listed(section, r.AGENTS, p.AgentRow, api)
            listed |= {row.id: (project, row) for row in rows if row.id not in listed}
        section.found(len(listed))
    yield reader.done(section)
    automations = yield from _read_automations(reader, opened)
    secrets = yield from read_vaults(reader, _VAULTS, opened)
    started: defaultdict[str, list[Scheduled]] = defaultdict(list)
    for project, one in automations:
        started[one.row.agent_id or ""].append(one)
        if one.row.inline is not None:
            listed.setdefault(one.row.id, (project, one.row.inline))
        yield workload(reader.place, one, secrets)
    names = {one.id: one.name or one.id for one in projects}
    for project in opened:
        if not project.isdigit():
            own = [id_ for id_, (where, _) in listed.items() if where == project]
            yield project_of(reader.place, project, names.get(project, project), own)
    for project, row in listed.values():
        yield agent(reader.place, project, row, started[row.id])


def _read_automations(reader: VendorReader, opened: Mapping[str, Api]) -> ReadSection[list[tuple[str, Scheduled]]]:
    """With the project of each."""
    found: list[tuple[str, Scheduled]] = []
    with reader.section(s.AUTOMATIONS) as section:
        for project, api in opened.items():
            rows = reader.listed(section, r.AUTOMATIONS, p.Automation, api)

            def last_of(row: p.Automation, api: Api = api) -> p.Invocation | None:
                return next(iter(api.rows(r.INVOCATIONS, p.Invocation, section, automation=row.id)), None)

            for row, last in reader.each(section, "automations", last_of, rows, lambda one: one.name or one.id):
                ended = None if last is None else last.status
                made = Scheduled(row=row, last=None if last is None else moment(last.created_at), ended=ended)
                found.append((project, made))
                section.found()
    yield reader.done(section)
    return found
