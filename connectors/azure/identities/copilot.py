"""Agents of Copilot Studio, and of Microsoft 365's agent builder, as Resource Graph lists what Power Platform has.

An application sees rows only with a directory role of Power Platform. Without it, the answer may be empty instead of
refused. Source: https://learn.microsoft.com/power-platform/admin/inventory-schema
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from connectors.azure import sections as s
from connectors.azure.client.batch import resource_graph
from connectors.azure.client.errors import NotTaken
from connectors.azure.client.payloads import moment
from connectors.azure.client.requests import POWER_PLATFORM
from connectors.azure.identities.faces import first_text, known
from connectors.azure.identities.facts import TenantFacts, contacts
from connectors.azure.identities.payloads import CopilotAgent, Person
from connectors.azure.keys import agent_identity_key, application_key, copilot_agent_key
from connectors.azure.reader import AzureReader
from connectors.azure.spec import COPILOT_AGENT, SPEC
from connectors.core.contract import SectionReading
from scanner.errors import Denied, NotOffered
from scanner.model import Coverage, Identity, Link, Privilege, Signal
from scanner.model.attributes import MODEL, OWNERS

TABLE = "PowerPlatformResources"
_AGENT, _ENVIRONMENT = "microsoft.copilotstudio/agents", "microsoft.powerplatform/environments"
QUERY = f"{TABLE} | where type in~ ('{_AGENT}', '{_ENVIRONMENT}') | project name, type, properties | order by name asc"
_UNKNOWN = Privilege(level="unknown", evidence=("what it signs in as is not known",))
_MOST_CHANNELS = 50


class _CopilotRow(Struct, frozen=True):
    name: str
    type: str
    properties: dict[str, Any] | None = None


def read_copilot_agents(reader: AzureReader, found: TenantFacts) -> Iterator[Coverage]:
    """Agents and environments. Left out where no subscription is to be read: then Resource Graph is not asked."""
    settings = reader.settings
    if settings.asks_no_resources or settings.from_files is not None:
        yield reader.off(s.COPILOT_AGENTS)
        return
    with reader.section(s.COPILOT_AGENTS) as section:
        try:
            _read(reader, section, found)
        except Denied as error:
            raise Denied(str(error), permission=POWER_PLATFORM) from error
        except NotTaken as error:
            if TABLE.lower() in str(error).lower():
                raise NotOffered(f"Resource Graph has no table {TABLE}") from error
            raise
    yield reader.done(section)


def _read(reader: AzureReader, section: SectionReading, found: TenantFacts) -> None:
    is_empty = True
    for row in reader.rows(section, ([raw] for raw in resource_graph(reader.api, QUERY)), _CopilotRow):
        is_empty = False
        properties = row.properties or {}
        if row.type.lower() == _ENVIRONMENT:
            title = properties.get("displayName")
            found.environments[row.name.lower()] = title if isinstance(title, str) else row.name
        elif row.type.lower() == _AGENT:
            environment = properties.get("environmentId")
            if isinstance(environment, str) and environment:
                found.copilot_agents.append(CopilotAgent(id=row.name, environment=environment, properties=properties))
                section.found(1)
            else:
                section.malformed(row.name, "it does not say its environment")
    if is_empty:
        raise NotOffered(
            f"{TABLE} shows nothing: Power Platform is not used, or the application lacks {POWER_PLATFORM}"
        )


# --- As identities (pure) ---


def copilot_agents(found: TenantFacts) -> Iterator[Identity]:
    """Each agent once."""
    people = {one.id.lower(): one for some in (found.owners, found.sponsors) for them in some.values() for one in them}
    agents = found.agent_ids()
    reported: set[str] = set()
    for one in found.copilot_agents:
        identity = _identity(found, one, people, tuple(_signs_in_as(found, one, agents)))
        if identity.key not in reported:
            reported.add(identity.key)
            yield identity


def _identity(found: TenantFacts, one: CopilotAgent, people: Mapping[str, Person], links: tuple[Link, ...]) -> Identity:
    owner = one.text("ownerId")
    quarantined = one.properties.get("isQuarantined")
    channels = one.properties.get("channels")
    attributes = {
        "environment": found.environments.get(one.environment.lower(), one.environment),
        "environment_id": one.environment,
        "created_in": one.text("createdIn"),
        "authentication": one.text("authentication"),
        "orchestration": one.text("orchestration"),
        "channels": list(filter(_is_text, channels))[:_MOST_CHANNELS] if isinstance(channels, list) else None,
        "last_published_at": one.text("lastPublishedAt"),
        "quarantined": quarantined if isinstance(quarantined, bool) else None,
        MODEL: one.text("model"),
        OWNERS: contacts([people.get(owner.lower(), Person(id=owner))]) if owner else None,
    }  # fmt: skip
    evidence = "Power Platform has it as an agent"
    return Identity(
        key=copilot_agent_key(found.tenant, one.environment, one.id),
        provider=SPEC.name,
        source=found.scope.source,
        scope=found.scope.id,
        kind=COPILOT_AGENT,
        name=first_text(one.text("displayName"), one.text("schemaName"), one.id) or one.id,
        unique_id=one.id,
        aliases=tuple(text for name in ("botId", "schemaName") if (text := one.text(name)) and text != one.id),
        enabled=None if not isinstance(quarantined, bool) else not quarantined,
        created_at=moment(one.text("createdAt")),
        attributes=known(attributes),
        signals=tuple(Signal(says=says, sort="provider", evidence=evidence) for says in ("machine", "agent")),
        privilege=Privilege(level="normal") if links else _UNKNOWN,
        consequences=() if links else None,
        links=links,
    )


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _signs_in_as(found: TenantFacts, one: CopilotAgent, agents: Mapping[str, str]) -> Iterator[Link]:
    """Its identity in Entra: an agent identity, or, of older agents, an application. ``agents``: see ``agent_ids``."""
    agent, client = one.text("entraAgentId"), one.text("entraAppId")
    if agent is not None:
        target = agent_identity_key(found.tenant, agents.get(agent.lower(), agent))
        yield Link(relation="runs_as", target=target, evidence="it signs in as this agent identity")
    elif client is not None:
        target = application_key(found.tenant, client)
        yield Link(relation="runs_as", target=target, evidence="it signs in as this application")
