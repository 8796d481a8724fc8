"""Reads the directory: agents with their sponsors, owners, federated credentials, and each identity once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import TypeVar

from msgspec import Raw

from connectors.azure import sections as s
from connectors.azure.client.errors import NotTaken
from connectors.azure.identities.agents import agent_blueprint, agent_identity, agent_user
from connectors.azure.identities.applications import application, directory_for_rights, managed_identity, named_objects
from connectors.azure.identities.copilot import copilot_agents, read_copilot_agents
from connectors.azure.identities.facts import TenantFacts, is_nameless, ownership
from connectors.azure.identities.lists import (
    APPLICATION,
    EXPANDED_PAGE,
    PRINCIPAL,
    followed,
    is_all,
    read_applications,
    read_deleted_registrations,
    read_service_principals,
    related,
)
from connectors.azure.identities.payloads import AgentUser, Application, FederatedCredential, Person, ServicePrincipal
from connectors.azure.reader import AzureReader, Query
from connectors.azure.rights.inheritance import Heritage, Inheritable
from connectors.azure.rights.reading import read_rights
from connectors.azure.usage.reading import read_credential_use, read_sign_ins
from connectors.core.contract import DiscoveredRecord, Gone, SectionReading
from scanner.errors import Denied, NotOffered, SourceError
from scanner.model import Assignment, Coverage, Identity
from scanner.text import counted

PEOPLE = "id,displayName,userPrincipalName,mail"
_SPONSORS = f"sponsors($select={PEOPLE})"
_SP, _APP, _USER = "/servicePrincipals", "/applications", "/users"
_AGENT, _BLUEPRINT = "microsoft.graph.agentIdentity", "microsoft.graph.agentIdentityBlueprint"
_BLUEPRINT_PRINCIPAL = "microsoft.graph.agentIdentityBlueprintPrincipal"
_OF_AGENT = (
    "id,appId,displayName,servicePrincipalType,accountEnabled,isDisabled,disabledByMicrosoftStatus,createdDateTime,"
    "createdByAppId,appOwnerOrganizationId,notes,tags,agentIdentityBlueprintId"
)
_OF_USER = "id,displayName,userPrincipalName,accountEnabled,createdDateTime,identityParentId"
_Sponsored = TypeVar("_Sponsored", ServicePrincipal, Application, AgentUser)


def read_agents(reader: AzureReader, found: TenantFacts) -> Iterator[Coverage]:
    """Agent identities; the list of service principals may include them, with fewer fields."""
    with reader.section(s.AGENT_IDENTITIES) as section:
        path, below = f"{_SP}/{_AGENT}", f"{_SP}/{{}}/{_AGENT}/sponsors"
        some = any(map(found.is_agent, found.principals.values())) or found.has_blueprints
        for agent in _sponsored(reader, section, found, path, below, ServicePrincipal, _OF_AGENT, some=some):
            found.agents.add(agent.id.lower())
            found.principals[agent.id.lower()] = agent
    yield reader.done(section)


def read_blueprints(reader: AzureReader, found: TenantFacts) -> Iterator[Coverage]:
    """Read both faces of blueprints; if one list cannot be read, the other still is."""
    failures: list[SourceError] = []
    with reader.section(s.AGENT_BLUEPRINTS) as section:
        for read in (_registrations, _principals):
            try:
                read(reader, section, found)
            except SourceError as error:
                failures.append(error)
        for failure in failures:
            section.lost(failure, partial=len(failures) == 1)
    yield reader.done(section)


def _registrations(reader: AzureReader, section: SectionReading, found: TenantFacts) -> None:
    path, below = f"{_APP}/{_BLUEPRINT}", f"{_APP}/{{}}/{_BLUEPRINT}/sponsors"
    some = found.has_blueprints
    for one in _sponsored(reader, section, found, path, below, Application, APPLICATION, some=some):
        found.blueprints.add(one.app_id.lower())
        found.applications[one.app_id.lower()] = one


def _principals(reader: AzureReader, section: SectionReading, found: TenantFacts) -> None:
    path, below = f"{_SP}/{_BLUEPRINT_PRINCIPAL}", f"{_SP}/{{}}/{_BLUEPRINT_PRINCIPAL}/sponsors"
    some = found.has_blueprints
    for one in _sponsored(reader, section, found, path, below, ServicePrincipal, PRINCIPAL, some=some):
        if one.app_id is not None:
            found.blueprints.add(one.app_id.lower())
        found.principals.setdefault(one.id.lower(), one)
        found.left_out.discard(one.id.lower())


def read_agent_users(reader: AzureReader, found: TenantFacts) -> Iterator[Coverage]:
    """User accounts of agents."""
    with reader.section(s.AGENT_USERS) as section:
        path, below = f"{_USER}/microsoft.graph.agentUser", f"{_USER}/{{}}/sponsors"
        some = any(map(found.is_agent, found.principals.values()))
        for user in _sponsored(reader, section, found, path, below, AgentUser, _OF_USER, some=some):
            found.agent_users[user.id.lower()] = user
    yield reader.done(section)


def read_inheritable(reader: AzureReader, found: TenantFacts) -> Iterator[Coverage]:
    """What the blueprints that are registered here hand on to their agents; twenty to a request."""
    with reader.section(s.INHERITABLE) as section:
        blueprints = (one for one in found.faces() if found.is_blueprint(one))
        ids = [one.application.id for one in blueprints if one.application is not None]
        paths = {f"{_APP}/{one}/{_BLUEPRINT}/inheritablePermissions": one for one in ids}
        for id_, rows in followed(reader, section, paths):
            declared = tuple(reader.rows(section, [rows], Inheritable))
            section.found(len(declared))
            if len(declared) == len(rows):  # with an unreadable row, what agents inherit is unknown
                found.inheritable[id_.lower()] = declared
    yield reader.done(section)


def _sponsored(
    reader: AzureReader,
    section: SectionReading,
    found: TenantFacts,
    path: str,
    below: str,
    row: type[_Sponsored],
    select: str,
    *,
    some: bool,
) -> Iterator[_Sponsored]:
    """The rows of a list, and the sponsors of each. ``below``: the path to the sponsors of an object, by id.

    ``some``: other lists have agents, so an empty list is a failure.
    """
    unknown: list[str] = []
    for one in _listed(reader, section, path, row, select, some=some):
        section.found()
        if one.sponsors is not None and is_all(one.sponsors):
            found.sponsors[one.id.lower()] = people(reader, section, one.sponsors)
        else:
            unknown.append(one.id)
        yield one
    paths = {f"{below.format(one)}?$select={PEOPLE}": one for one in unknown}
    for id_, rows in followed(reader, section, paths):
        found.sponsors[id_.lower()] = people(reader, section, rows)


def _listed(
    reader: AzureReader, section: SectionReading, path: str, row: type[_Sponsored], select: str, *, some: bool
) -> Iterator[_Sponsored]:
    """The rows of a list of one type. Raises NotOffered if Graph has no such list: not every cloud has agents."""
    everything: Query = {"$top": EXPANDED_PAGE}
    plain: Query = {"$select": select, **everything}
    try:
        yield from reader.listed(section, path, row, {**plain, "$expand": _SPONSORS}, plain, everything)
    except (NotTaken, Gone) as error:
        if some:
            raise SourceError(f"the list is not available, but agents exist: {error}") from error
        raise NotOffered(f"the list is not available: {error}") from error


def people(reader: AzureReader, section: SectionReading, rows: Iterable[Raw]) -> tuple[Person, ...]:
    """The people that can be decoded."""
    return tuple(reader.rows(section, [list(rows)], Person))


# --- Owners and federated credentials of applications ---


def read_owners(reader: AzureReader, found: TenantFacts) -> Iterator[Coverage]:
    """Owners of both faces. Those of managed identities are not read: an owner cannot sign in as one."""
    principals = [one.id for key, one in found.principals.items() if key not in found.left_out and not one.is_managed]
    applications = [one.id for one in found.applications.values()]
    wanted = {
        "/servicePrincipals": (principals, len(found.principals)),
        "/applications": (applications, len(applications)),
    }
    nameless = 0
    with reader.section(s.OWNERS) as section:
        for path, (ids, among) in wanted.items():
            expand = f"owners($select={PEOPLE})"
            for id_, rows in related(reader, section, path, "owners", ids, expand=expand, among=among):
                found.owners[id_.lower()] = owners = people(reader, section, rows)
                nameless += sum(map(is_nameless, owners))
                section.found(len(owners))
        if nameless:
            section.lost(
                Denied(f"{counted(nameless, 'owner is', 'owners are')} known by id alone", permission="User.Read.All"),
                partial=True,
            )
    yield reader.done(section)


def read_federation(reader: AzureReader, found: TenantFacts) -> Iterator[Coverage]:
    """Federated credentials of registrations; those of managed identities are read in their subscription."""
    ids = [one.id for one in found.applications.values()]
    relation = "federatedIdentityCredentials"
    with reader.section(s.FEDERATED_CREDENTIALS) as section:
        found_rows = related(reader, section, "/applications", relation, ids, expand=relation, among=len(ids))
        for id_, rows in found_rows:
            credentials = tuple(reader.rows(section, [rows], FederatedCredential))
            if any(one.lacks_subject for one in credentials):
                credentials = _with_expressions(reader, section, id_, credentials)
            found.federated[id_.lower()] = credentials
            section.found(len(credentials))
    yield reader.done(section)


def _with_expressions(
    reader: AzureReader, section: SectionReading, id_: str, credentials: tuple[FederatedCredential, ...]
) -> tuple[FederatedCredential, ...]:
    """The credentials of one application, with the expressions that only the preview of the API returns."""
    try:
        pages = list(reader.api.graph_pages(f"/applications/{id_}/federatedIdentityCredentials", beta=True))
    except SourceError as error:
        section.note(f"which subjects a credential of application {id_} trusts by an expression is unknown: {error}")
        return credentials
    reported = {one.id: one for one in reader.rows(section, pages, FederatedCredential) if not one.lacks_subject}
    return tuple(reported.get(one.id, one) if one.lacks_subject else one for one in credentials)


# --- Records of everything listed, each identity once (pure) ---


def identities(found: TenantFacts) -> Iterator[Identity]:
    """Managed identities and accounts of agents, applications by both of their faces; no key twice."""
    yield from _once(_all(found))


def agent_identities(found: TenantFacts, heritage: Heritage) -> Iterator[Identity]:
    """Agent identities; no key twice."""
    users = _by_parent(found)
    clients = found.principals_by_client()
    agents = (one for one in found.principals.items() if not one[1].is_managed and found.is_agent(one[1]))
    yield from _once(agent_identity(found, principal, clients, users[key], heritage) for key, principal in agents)


def _once(identities: Iterable[Identity]) -> Iterator[Identity]:
    reported: set[str] = set()
    for identity in identities:
        if identity.key not in reported:
            reported.add(identity.key)
            yield identity


def _by_parent(found: TenantFacts) -> defaultdict[str, list[AgentUser]]:
    users: defaultdict[str, list[AgentUser]] = defaultdict(list)
    for user in found.agent_users.values():
        users[(user.identity_parent_id or "").lower()].append(user)
    return users


def _all(found: TenantFacts) -> Iterator[Identity]:
    yield from (agent_user(found, user) for user in found.agent_users.values())
    yield from (managed_identity(found, one) for one in found.principals.values() if one.is_managed)
    agents = found.agents_by_blueprint()
    for faces in found.faces():
        if found.is_blueprint(faces):
            yield agent_blueprint(found, faces, agents.get((faces.client_id or "").lower(), ()))
        else:
            yield application(found, faces)


def ownerships(found: TenantFacts) -> Iterator[Assignment]:
    """The rights of service principals over what they own. Credentials cannot be added to an agent identity."""
    objects = {id_: (key, name) for id_, key, name in named_objects(found)}
    reported: dict[str, Assignment] = {}
    for id_, (key, name) in objects.items():
        is_open = id_ not in found.principals or not found.is_agent(found.principals[id_])
        for owner in found.owners.get(id_, ()):
            one = ownership(found.scope, owner, key, name, becomes=is_open)
            if one is not None:
                reported.setdefault(one.key, one)
    yield from reported.values()


# --- Identities of the tenant ---


def read_directory(reader: AzureReader) -> Iterator[DiscoveredRecord]:
    """Every identity that the tenant lists, once, with the coverage of each section.

    The least number of requests: one for 999 service principals and one for 999 applications; one for 100 of either,
    each, that gives their owners, and one for 100 applications that gives their federated credentials; one for 100
    agent identities, blueprints and accounts of agents; one for 999 rows of each of the two reports of use; one for
    1,000 agents and environments of Power Platform.
    """
    settings, unit = reader.settings, reader.unit
    found = TenantFacts(scope=reader.scope, tenant=unit.tenant, gaps=reader.gaps, cloud=settings.cloud)
    yield from read_service_principals(reader, found)
    yield from read_applications(reader, found)
    yield from read_agents(reader, found)
    yield from read_blueprints(reader, found)
    yield from read_agent_users(reader, found)
    yield from read_inheritable(reader, found)
    yield from read_copilot_agents(reader, found)
    yield from read_owners(reader, found)
    yield from read_federation(reader, found)
    yield from read_deleted_registrations(reader, found)
    now = datetime.now(UTC)
    found.sign_ins = yield from read_sign_ins(reader, now)
    found.credential_use = yield from read_credential_use(reader, now)
    yield from identities(found)
    yield from ownerships(found)
    heritage = yield from read_rights(reader, directory_for_rights(found))
    yield from agent_identities(found, heritage)
    yield from copilot_agents(found)
