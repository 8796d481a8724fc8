"""Agents on Vertex AI Agent Engine, no matter who listed them, and what they act as.

Source: the Vertex AI API's ReasoningEngine, and the documentation of agent identity.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import Struct

from connectors.base import DiscoveredRecord, SectionReading
from connectors.gcp.client import requests as r
from connectors.gcp.client.errors import Rejected
from connectors.gcp.client.payloads import Moment, in_utc
from connectors.gcp.each import at_each_location, instead_in_each, list_assets
from connectors.gcp.places import ProjectRef, engine_key, tags_of
from connectors.gcp.reader import Reader
from scanner.model import Identity, Link, Privilege, Signal

OWN_IDENTITY = "AGENT_IDENTITY"
SHARED_AGENT = "service-{number}@gcp-sa-aiplatform-re.iam.gserviceaccount.com"
"""What agents act as that are given neither an account nor an identity of their own."""
_NAME = re.compile(r"projects/[^/]+/locations/(?P<location>[^/]+)/reasoningEngines/(?P<id>[^/]+)")
_OWN = re.compile(r"(?:principal://|spiffe://)?(?P<domain>[^/]+)/resources/aiplatform/.+")
_IS_AGENT = Signal(says="agent", sort="provider", evidence="an agent on Vertex AI Agent Engine")


class _Spec(Struct, frozen=True, kw_only=True, rename="camel"):
    agent_framework: str | None = None
    service_account: str = ""
    identity_type: str = ""
    effective_identity: str = ""


class ReasoningEngine(Struct, kw_only=True, rename="camel"):
    """An agent engine as aiplatform.googleapis.com v1 has it."""

    name: str
    display_name: str = ""
    description: str | None = None
    create_time: Moment | None = None
    labels: dict[str, str] | None = None
    spec: _Spec = _Spec()


def engine_of(project: str, name: str) -> str | None:
    """The key of the engine of that resource name, in the project of that id; None for anything else."""
    found = _NAME.fullmatch(name)
    return engine_key(project, found["location"], found["id"]) if found else None


def note_engine(reader: Reader, section: SectionReading, project: ProjectRef, row: ReasoningEngine) -> bool:
    """Keep it until it is reported; False where it cannot be understood."""
    engine = reader.parsed(section, row.name, parse_engine, reader, project, row)
    if engine is not None:
        reader.found.engines[engine.key] = engine
    return engine is not None


def emit_engines(reader: Reader) -> Iterator[Identity]:
    """Those that were listed, each once."""
    yield from reader.found.engines.values()


def parse_engine(reader: Reader, project: ProjectRef, row: ReasoningEngine) -> Identity:
    """The agent, with what it runs as. Raises ValueError where its name is no engine's."""
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


def _runs_as(reader: Reader, project: ProjectRef, row: ReasoningEngine) -> Iterator[Link]:
    """The account that it is given, or the one that all agents without one share; itself needs no link."""
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
    """How bindings may name one that has an identity of its own: its project by number or by id."""
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


def list_engines_of_location(reader: Reader) -> Iterator[DiscoveredRecord]:
    """Notes them, to be reported once it is known which are registered."""
    project = reader.place.project

    def at(location: str) -> Iterable[ReasoningEngine]:
        return reader.rows(section, r.REASONING_ENGINES, ReasoningEngine, project=project.id, location=location)

    with reader.section(NAME) as section:
        for row in at_each_location(reader, section, at):
            section.found(note_engine(reader, section, project, row))
    yield from reader.done(section)


# --- Agent engines of all projects, in bulk ---

TYPE = "aiplatform.googleapis.com/ReasoningEngine"


def list_engines(reader: Reader) -> Iterator[DiscoveredRecord]:
    """Notes them; a type that Cloud Asset has not got is refused, and each project is asked instead."""
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
