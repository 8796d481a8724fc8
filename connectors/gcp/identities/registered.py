"""Agents and MCP servers in Agent Registry, wherever they run. Source: the Agent Registry API's Agent and McpServer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Literal

import msgspec
from msgspec import Raw, Struct, structs

from connectors.core.contract import DiscoveredRecord
from connectors.core.reading import Moment, in_utc
from connectors.gcp.client import requests as r
from connectors.gcp.client.requests import Request
from connectors.gcp.each import at_each_location
from connectors.gcp.keys import last_segment, located_key
from connectors.gcp.reader import GcpReader
from connectors.gcp.units import ProjectRef, tags_of
from scanner.model import Identity, Link, Privilege, Signal

Sort = Literal["agent", "mcp_server"]
_SYSTEM = "agentregistry.googleapis.com/system/"
_HOSTED = re.compile(
    r"//(?P<host>aiplatform\.googleapis\.com(?=/.+/reasoningEngines/)|run\.googleapis\.com(?=/.+/(?:services|jobs)/))"
    r"/(?P<name>projects/(?P<project>[^/]+)/.+)"
)
_EMAIL = re.compile(r"[^\s/:@]+@[a-z0-9.-]+\.gserviceaccount\.com")
_IS_AGENT = Signal(says="agent", sort="provider", evidence="registered as an agent in Agent Registry")


class Registered(Struct, kw_only=True, rename="camel"):
    """An agent or MCP server as agentregistry.googleapis.com v1 has it."""

    name: str
    agent_id: str = ""
    mcp_server_id: str = ""
    uid: str | None = None
    display_name: str = ""
    description: str | None = None
    location: str | None = None
    version: str | None = None
    create_time: Moment | None = None
    attributes: dict[str, dict[str, Raw]] = {}

    @property
    def urn(self) -> str:
        """Its permanent name in the registry: ``urn:agent:…``."""
        return self.agent_id or self.mcp_server_id

    def system(self, name: str, field: str) -> str | None:
        """A field of one of the attributes that the registry itself fills in; None where that is not text."""
        raw = self.attributes.get(f"{_SYSTEM}{name}", {}).get(field, Raw(b"null"))
        try:
            return msgspec.json.decode(raw, type=str) or None
        except msgspec.MsgspecError:
            return None


def engine_of_registered(reader: GcpReader, row: Registered) -> str | None:
    """The key of the engine, or service of Cloud Run, of this unit that hosts it; None where it runs elsewhere."""
    hosted = _HOSTED.fullmatch(row.system("RuntimeReference", "uri") or "")
    project = reader.project(hosted["project"]) if hosted else None
    try:
        return located_key(hosted["host"], project.id, hosted["name"]) if hosted and project else None
    except ValueError:
        return None


def note_registration(reader: GcpReader, row: Registered) -> bool:
    """Mark an engine of this unit as registered; False where it is none that was listed."""
    key = engine_of_registered(reader, row)
    engine = reader.found.engines.get(key or "")
    if engine is None:
        return False
    aliases = tuple(dict.fromkeys((*engine.aliases, *filter(None, (row.urn,)))))
    reader.found.engines[engine.key] = structs.replace(
        engine, aliases=aliases, attributes={**engine.attributes, "registered": True}
    )
    return True


def parse_registered(reader: GcpReader, project: ProjectRef, sort: Sort, row: Registered) -> Identity:
    """One that is known by its registration alone. Raises ValueError for a bad name."""
    principal = row.system("RuntimeIdentity", "principal")
    facts: dict[str, Any] = {
        "runtime": row.system("RuntimeReference", "uri"),
        "framework": row.system("Framework", "framework"),
        "hosted_in": row.location,
        "version": row.version,
    }
    is_account = _EMAIL.search(principal or "") is not None
    return Identity(
        key=located_key("agentregistry.googleapis.com", project.id, row.name),
        provider="gcp",
        source=reader.scope.source,
        scope=project.id,
        kind=sort,
        name=row.display_name.strip() or last_segment(row.name),
        display_name=row.display_name or None,
        description=row.description or None,
        unique_id=row.uid or None,
        aliases=tuple(filter(None, (row.urn, None if is_account else principal))),
        created_at=in_utc(row.create_time),
        tags=tags_of(project),
        attributes={name: fact for name, fact in facts.items() if fact is not None},
        signals=(_IS_AGENT,) if sort == "agent" else (),
        privilege=Privilege(level="normal"),
        consequences=(),
        links=tuple(_runs_as(reader, principal)),
    )


def _runs_as(reader: GcpReader, principal: str | None) -> Iterator[Link]:
    """The service account that its runtime identity is; any other principal is an alias of its own."""
    if found := _EMAIL.search(principal or ""):
        target = reader.account_key(found.group())
        yield Link(relation="runs_as", target=target, evidence="its registered runtime identity")


# --- Registered agents and MCP servers of one project, by location ---

NAME = "agentregistry.agents"
_LISTINGS: tuple[tuple[Sort, Request], ...] = (("agent", r.REGISTERED_AGENTS), ("mcp_server", r.MCP_SERVERS))


def read_registered(reader: GcpReader) -> Iterator[DiscoveredRecord]:
    """Those that are no engine that was listed before; an engine only learns that it is registered."""
    project = reader.place.project

    def at(location: str) -> Iterator[tuple[Sort, Registered]]:
        for sort, request in _LISTINGS:
            for row in reader.rows(section, request, Registered, project=project.id, location=location):
                yield sort, row

    with reader.section(NAME) as section:
        for sort, row in at_each_location(reader, section, at):
            if note_registration(reader, row):
                continue
            identity = reader.parsed(section, row.name, parse_registered, reader, project, sort, row)
            if identity is not None:
                section.found()
                yield identity
    yield from reader.done(section)
