"""Agent Identity's credentials of agents for external services, without values: who authorized them, and who uses them.

Source: the Agent Identity API's AuthProvider, Authorization, AccessSummary and QueryWorkloadsResponse. Its keys and
client secrets can be written and not read. The ids of people are the agents' own, and Google does not verify them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from msgspec import Struct

from connectors.core.contract import DiscoveredRecord, SectionReading
from connectors.core.reading import Moment, in_utc
from connectors.gcp.client import requests as r
from connectors.gcp.client.api import GcpPage
from connectors.gcp.client.payloads import AuthProvider, ConnectorReference, CrossAppAccess, CustomIssuer
from connectors.gcp.client.requests import Request
from connectors.gcp.each import of_each, rows_at_each_location
from connectors.gcp.identities.found import AgentCredential, AgentDelegation
from connectors.gcp.keys import last_segment, located_key
from connectors.gcp.reader import GcpReader
from connectors.gcp.units import ProjectRef, tags_of
from connectors.gcp.workloads.engines import engine_of_principal
from scanner.errors import SourceError
from scanner.model import StoredSecret

T = TypeVar("T")
HOST = "agentidentity.googleapis.com"
MOST_NAMED = 100
"""The people or workloads that an attribute names; of the others, only how many there are."""


class _Authorization(Struct, kw_only=True, rename="camel"):
    name: str
    state: str = ""
    client_user_id: str = ""
    scopes: list[str] = []


class _AccessSummary(Struct, kw_only=True, rename="camel"):
    name: str
    workload_id: str = ""
    user_id: str = ""
    auth_provider: str = ""
    last_access_time: Moment | None = None
    scopes: list[str] = []


def parse_auth_provider(source: str, project: ProjectRef, row: AuthProvider, held: AgentCredential) -> StoredSecret:
    """A stored secret; when its value was last written is not reported. Raises ValueError for a bad name."""
    given = row.auth_provider_type_params
    cross = given.xaa_auth_provider or CrossAppAccess()
    by_key = cross.client_assertion_jwt_auth or cross.client_secret_auth
    oauth = given.three_legged_oauth or given.two_legged_oauth or by_key
    issuer = cross.custom_issuer or CustomIssuer()
    facts: dict[str, Any] = {
        "type": row.type,
        "client_id": oauth.client_id if oauth else None,
        "token_url": issuer.token_url or (oauth.token_url if oauth else None),
        "issuer": issuer.issuer,
        "connector": (given.connector_reference_auth_provider or ConnectorReference()).connector,
        "scopes": row.allowed_scopes or None,
        "blocked_scopes": row.blocked_scopes or None,
        "held_for": "agents",
        "enabled": row.state == "ENABLED" if row.state else None,
        **_named("authorized_by", held.people),
        "suspended_authorizations": held.suspended or None,
        "granted_scopes": sorted(held.scopes) or None,
        **_named("used_by", held.workloads),
    }
    return StoredSecret(
        key=located_key(HOST, project.id, row.name),
        provider="gcp",
        source=source,
        scope=project.id,
        name=last_segment(row.name),
        created_at=in_utc(row.create_time),
        last_used_at=held.last_used_at,
        expires_at=in_utc(row.expire_time),
        tags=tags_of(project, row.labels),
        attributes={name: fact for name, fact in facts.items() if fact is not None},
    )


def _named(name: str, found: Iterable[str]) -> Mapping[str, Any]:
    """As ``name`` the first of them; as ``name_count`` how many there are, if not all are named."""
    every = sorted(found)
    return {name: every[:MOST_NAMED] or None, f"{name}_count": len(every) if len(every) > MOST_NAMED else None}


# --- Credentials of one project, by location ---

AUTH_PROVIDERS = "agentidentity.auth_providers"


def list_auth_providers(reader: GcpReader) -> Iterator[DiscoveredRecord]:
    """List them; they are reported later, when it is known who uses them. Deleted ones are left out."""
    project = reader.place.project
    with reader.section(AUTH_PROVIDERS) as section:
        for row in rows_at_each_location(reader, section, r.AUTH_PROVIDERS, AuthProvider):
            if row.deleted:
                continue
            key = reader.parsed(section, row.name, located_key, HOST, project.id, row.name)
            if key is not None:
                section.found()
                reader.found.agent_credentials[project.id][key] = AgentCredential(row)
    yield from reader.done(section)


def emit_auth_providers(reader: GcpReader) -> Iterator[DiscoveredRecord]:
    """The listed credentials, as stored secrets."""
    for project in reader.place.projects:
        for held in reader.found.agent_credentials.get(project.id, {}).values():
            yield parse_auth_provider(reader.scope.source, project, held.row, held)


# --- What people have authorized, and which workloads use it: a request for each credential ---

AUTHORIZATIONS = "agentidentity.authorizations"
WORKLOADS = "agentidentity.workloads"


def read_authorizations(reader: GcpReader) -> Iterator[DiscoveredRecord]:
    """Put who consented, and to what, with the credentials of one project."""
    listed = reader.found.agent_credentials[reader.place.project.id]
    wanted = {key: held for key, held in listed.items() if held.row.is_for_people}

    def note(held: AgentCredential, row: _Authorization) -> None:
        if row.state == "ACTIVE":
            held.people.add(row.client_user_id or last_segment(row.name))
            held.scopes.update(row.scopes)
        else:
            held.suspended += 1

    yield from _of_each_provider(reader, AUTHORIZATIONS, r.AUTHORIZATIONS, wanted, _Authorization, note)


def read_workloads(reader: GcpReader) -> Iterator[DiscoveredRecord]:
    """Put the workloads that used them with the credentials of one project."""
    listed = reader.found.agent_credentials[reader.place.project.id]

    def note(held: AgentCredential, row: str) -> None:
        held.workloads.add(row)
        if (engine := engine_of_principal(reader, row)) is not None:
            reader.found.agent_secrets[engine].add(located_key(HOST, reader.place.project.id, held.row.name))

    yield from _of_each_provider(reader, WORKLOADS, r.WORKLOADS_OF_PROVIDER, listed, str, note)


def _of_each_provider(
    reader: GcpReader,
    name: str,
    request: Request,
    providers: Mapping[str, AgentCredential],
    row: type[T],
    note: Callable[[AgentCredential, T], None],
) -> Iterator[DiscoveredRecord]:
    project = reader.place.project
    if not providers and reader.lacks(project, AUTH_PROVIDERS):
        yield reader.skipped(name, "the credentials held for agents were not listed")
        return

    def ask(key: str) -> list[GcpPage]:
        location, _, provider = key.partition("/locations/")[2].partition("/authProviders/")
        return list(reader.api.pages(request, project=project.id, location=location, provider=provider))

    with reader.section(name) as section:
        failed: dict[str, SourceError] = {}
        is_begun = False
        for key, answer in of_each(reader, list(providers), ask):
            if isinstance(answer, SourceError):
                failed[str(answer)] = answer
                continue
            is_begun = True
            for one in reader.decoded(section, answer, row):
                note(providers[key], one)
        for error in failed.values():
            section.lost(error, partial=is_begun)
    yield from reader.done(section)


# --- Use of the credentials, by person and workload ---

ACCESS_SUMMARIES = "agentidentity.access_summaries"


def read_access_summaries(reader: GcpReader) -> Iterator[DiscoveredRecord]:
    """Keep on whose behalf each agent used which credential, and when last."""
    with reader.section(ACCESS_SUMMARIES) as section:
        for row in rows_at_each_location(reader, section, r.ACCESS_SUMMARIES, _AccessSummary):
            _note_access(reader, section, reader.place.project, row)
    yield from reader.done(section)


def _note_access(reader: GcpReader, section: SectionReading, project: ProjectRef, row: _AccessSummary) -> None:
    secret = reader.parsed(section, row.name, located_key, HOST, project.id, row.auth_provider)
    if secret is None:
        return
    at = in_utc(row.last_access_time)
    held = reader.found.agent_credentials[project.id].get(secret)
    if held is not None:
        held.last_used_at = max(filter(None, (held.last_used_at, at)), default=None)
        held.workloads.update(filter(None, (row.workload_id,)))
    engine = engine_of_principal(reader, row.workload_id)
    if engine is not None:
        reader.found.agent_secrets[engine].add(secret)
        reader.found.delegations[engine].append(AgentDelegation(person=row.user_id, at=at))
