"""Agents on Vertex AI Agent Engine, listed by Cloud Asset or by their own API, and what they run as.

Source: the Vertex AI API's ReasoningEngine, and the documentation of agent identity.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct, structs

from connectors.core.contract import DiscoveredRecord, SectionReading
from connectors.core.reading import Moment, in_utc
from connectors.gcp.client import requests as r
from connectors.gcp.client.errors import Rejected
from connectors.gcp.each import instead_in_each, list_assets, rows_at_each_location
from connectors.gcp.identities.found import AgentDelegation
from connectors.gcp.keys import engine_key
from connectors.gcp.reader import GcpReader
from connectors.gcp.units import ProjectRef, tags_of
from scanner.model import Identity, Link, Privilege, Signal
from scanner.model.attributes import ON_BEHALF_OF

OWN_IDENTITY = "AGENT_IDENTITY"
SHARED_AGENT = "service-{number}@gcp-sa-aiplatform-re.iam.gserviceaccount.com"
"""The service agent that agents without an account or identity of their own run as."""
_NAME = re.compile(r"projects/[^/]+/locations/(?P<location>[^/]+)/reasoningEngines/(?P<id>[^/]+)")
_PRINCIPAL = re.compile(
    r"(?:principal|spiffe)://agents\.global\.[a-z0-9.-]+\.system\.id\.goog/resources/aiplatform/"
    r"projects/(?P<project>[^/]+)/locations/(?P<location>[^/]+)/reasoningEngines/(?P<id>[^/]+)"
)
"""The identity of an agent, as bindings name it, or its SPIFFE id."""
_OWN = re.compile(r"(?:principal://|spiffe://)?(?P<domain>[^/]+)/resources/aiplatform/.+")
_HOLDS = "it used this credential, which Google holds for agents"
MOST_PEOPLE = 100
"""The people that an attribute names."""
_IS_AGENT = Signal(says="agent", sort="provider", evidence="an agent on Vertex AI Agent Engine")


class _Spec(Struct, frozen=True, kw_only=True, rename="camel"):
    agent_framework: str | None = None
    service_account: str = ""
    identity_type: str = ""
    effective_identity: str = ""


class ReasoningEngine(Struct, kw_only=True, rename="camel"):
    """A ReasoningEngine of aiplatform.googleapis.com v1."""

    name: str
    display_name: str = ""
    description: str | None = None
    create_time: Moment | None = None
    labels: dict[str, str] | None = None
    spec: _Spec = _Spec()


def engine_of(project: str, name: str) -> str | None:
    """The key of the engine with that resource name; ``project``: its project's id. None for any other name."""
    found = _NAME.fullmatch(name)
    return engine_key(project, found["location"], found["id"]) if found else None


def engine_of_principal(reader: GcpReader, principal: str) -> str | None:
    """The key of the engine of this unit whose own identity that is; None for any other principal."""
    found = _PRINCIPAL.fullmatch(principal)
    project = reader.project(found["project"]) if found else None
    return engine_key(project.id, found["location"], found["id"]) if found and project else None


def note_engine(reader: GcpReader, section: SectionReading, project: ProjectRef, row: ReasoningEngine) -> bool:
    """Keep the agent until ``emit_engines``; False if it cannot be parsed."""
    engine = reader.parsed(section, row.name, parse_engine, reader, project, row)
    if engine is not None:
        reader.found.engines[engine.key] = engine
    return engine is not None


def emit_engines(reader: GcpReader) -> Iterator[Identity]:
    """The listed agents, each once, with the credentials that they used, and on whose behalf."""
    for key, engine in reader.found.engines.items():
        secrets = sorted(reader.found.agent_secrets.get(key, ()))
        delegations = reader.found.delegations.get(key, [])
        last = max((each.at for each in delegations if each.at is not None), default=None)
        facts = {ON_BEHALF_OF: on_behalf_of(delegations)} if delegations else {}
        yield structs.replace(
            engine,
            links=(*engine.links, *(Link(relation="stores", target=each, evidence=_HOLDS) for each in secrets)),
            last_used_at=last,
            attributes={**engine.attributes, **facts},
        )


def on_behalf_of(delegations: Iterable[AgentDelegation]) -> list[Mapping[str, str | None]]:
    """The attribute: people with the last time, the latest first."""
    latest: dict[str, datetime | None] = {}
    for each in delegations:
        latest[each.person] = max(filter(None, (latest.get(each.person), each.at)), default=None)
    rows = sorted(latest.items(), key=lambda row: (row[1] is not None, row[1] and row[1].timestamp(), row[0]))
    return [
        {"person": who or None, "last_at": at.isoformat() if at else None} for who, at in reversed(rows[-MOST_PEOPLE:])
    ]


def parse_engine(reader: GcpReader, project: ProjectRef, row: ReasoningEngine) -> Identity:
    """The agent, with what it runs as. Raises ValueError if its name is not that of an engine."""
    key = engine_of(project.id, row.name)
    if key is None:
        raise ValueError(f"not the name of an agent engine: {row.name}")
    is_shared = row.spec.identity_type != OWN_IDENTITY and not row.spec.service_account
    facts: dict[str, Any] = {
        "framework": row.spec.agent_framework,
        "identity_type": row.spec.identity_type or None,
        "shared_service_agent": is_shared or None,
    }
    return Identity(
        key=key,
        provider="gcp",
        source=reader.scope.source,
        scope=project.id,
        kind="agent_engine",
        name=row.display_name.strip() or key.rpartition("/")[2],
        display_name=row.display_name or None,
        description=row.description or None,
        unique_id=key.rpartition("/")[2],
        aliases=tuple(_principals(project, row)),
        enabled=True,
        created_at=in_utc(row.create_time),
        tags=tags_of(project, row.labels),
        attributes={name: fact for name, fact in facts.items() if fact is not None},
        signals=(_IS_AGENT,),
        privilege=Privilege(level="normal"),
        consequences=(),
        links=tuple(_runs_as(reader, project, row)),
    )


def _runs_as(reader: GcpReader, project: ProjectRef, row: ReasoningEngine) -> Iterator[Link]:
    """The agent's service account, or the shared service agent; none for an agent with an identity of its own."""
    if row.spec.identity_type == OWN_IDENTITY:
        return
    email = row.spec.service_account or SHARED_AGENT.format(number=project.number)
    evidence = (
        "it is configured with this account"
        if row.spec.service_account
        else "it has no account of its own and shares this one"
    )
    yield Link(relation="runs_as", target=reader.account_key(email), evidence=evidence)


def _principals(project: ProjectRef, row: ReasoningEngine) -> Iterator[str]:
    """The principals by which bindings may name an agent's own identity: with the project's number, or its id."""
    found = _OWN.fullmatch(row.spec.effective_identity)
    parts = row.name.split("/", 2)
    if row.spec.identity_type != OWN_IDENTITY:
        return
    organizations = [name for name in project.ancestors if name.startswith("organizations/")]
    domains = [f"agents.global.org-{name.rpartition('/')[2]}.system.id.goog" for name in organizations]
    for domain in dict.fromkeys([*domains, *([found["domain"]] if found else [])]):
        for named in (project.number, project.id):
            yield f"principal://{domain}/resources/aiplatform/projects/{named}/{parts[2]}"


# --- Agent engines of one project, by location ---

NAME = "aiplatform.reasoning_engines"


def list_engines_of_location(reader: GcpReader) -> Iterator[DiscoveredRecord]:
    """List the agents; they are reported later, when it is known which are registered."""
    with reader.section(NAME) as section:
        for row in rows_at_each_location(reader, section, r.REASONING_ENGINES, ReasoningEngine):
            section.found(note_engine(reader, section, reader.place.project, row))
    yield from reader.done(section)


# --- Agent engines of all projects, in bulk ---

TYPE = "aiplatform.googleapis.com/ReasoningEngine"


def list_engines(reader: GcpReader) -> Iterator[DiscoveredRecord]:
    """List the agents; if Cloud Asset does not support their type, each project is read instead."""
    found: Counter[str] = Counter()
    is_known = True
    with reader.section(NAME) as section:
        try:
            for project, _, row in list_assets(reader, section, (TYPE,), ReasoningEngine):
                if note_engine(reader, section, project, row):
                    section.found()
                    found[project.id] += 1
        except Rejected:
            is_known = False
            section.note("Cloud Asset does not list them: each project was read, at each location")
    if is_known:
        yield from reader.done(section, found)
    else:
        yield from instead_in_each(reader, section.coverage, list_engines_of_location)
