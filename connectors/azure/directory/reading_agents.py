"""Reads agents: who sponsors them is told only by the lists of their own types."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

from msgspec import Raw

from connectors.azure import sections as s
from connectors.azure.directory.found import Found
from connectors.azure.directory.listings import EXPANDED_PAGE, Query, followed, is_all, listed
from connectors.azure.directory.payloads import AgentUser, Application, Person, ServicePrincipal
from connectors.azure.directory.reading_lists import APPLICATION, PRINCIPAL
from connectors.azure.errors import NotTaken
from connectors.azure.reader import Reader
from connectors.base import Gone, SectionReading
from scanner.errors import NotOffered, SourceError
from scanner.model import Coverage

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


def read_agents(reader: Reader, found: Found) -> Iterator[Coverage]:
    """Agent identities; the list of service principals may have them, too, and tells less."""
    with reader.section(s.AGENT_IDENTITIES) as section:
        path, below = f"{_SP}/{_AGENT}", f"{_SP}/{{}}/{_AGENT}/sponsors"
        some = any(map(found.is_agent, found.principals.values())) or found.has_blueprints
        for agent in _sponsored(reader, section, found, path, below, ServicePrincipal, _OF_AGENT, some=some):
            found.agents.add(agent.id.lower())
            found.principals[agent.id.lower()] = agent
    yield reader.done(section)


def read_blueprints(reader: Reader, found: Found) -> Iterator[Coverage]:
    """Both faces of blueprints; where one list cannot be read the other is."""
    failures: list[SourceError] = []
    with reader.section(s.AGENT_BLUEPRINTS) as section:
        for read in (_registrations, _principals):
            try:
                read(reader, section, found)
            except SourceError as error:
                failures.append(error)
        for failure in failures:
            section.lost(failure)
    yield reader.done(section)


def _registrations(reader: Reader, section: SectionReading, found: Found) -> None:
    path, below = f"{_APP}/{_BLUEPRINT}", f"{_APP}/{{}}/{_BLUEPRINT}/sponsors"
    some = found.has_blueprints
    for one in _sponsored(reader, section, found, path, below, Application, APPLICATION, some=some):
        found.blueprints.add(one.app_id.lower())
        found.applications[one.app_id.lower()] = one


def _principals(reader: Reader, section: SectionReading, found: Found) -> None:
    path, below = f"{_SP}/{_BLUEPRINT_PRINCIPAL}", f"{_SP}/{{}}/{_BLUEPRINT_PRINCIPAL}/sponsors"
    some = found.has_blueprints
    for one in _sponsored(reader, section, found, path, below, ServicePrincipal, PRINCIPAL, some=some):
        if one.app_id is not None:
            found.blueprints.add(one.app_id.lower())
        found.principals.setdefault(one.id.lower(), one)
        found.left_out.discard(one.id.lower())


def read_agent_users(reader: Reader, found: Found) -> Iterator[Coverage]:
    """User accounts of agents."""
    with reader.section(s.AGENT_USERS) as section:
        path, below = f"{_USER}/microsoft.graph.agentUser", f"{_USER}/{{}}/sponsors"
        some = any(map(found.is_agent, found.principals.values()))
        for user in _sponsored(reader, section, found, path, below, AgentUser, _OF_USER, some=some):
            found.agent_users[user.id.lower()] = user
    yield reader.done(section)


def _sponsored(
    reader: Reader,
    section: SectionReading,
    found: Found,
    path: str,
    below: str,
    row: type[_Sponsored],
    select: str,
    *,
    some: bool,
) -> Iterator[_Sponsored]:
    """The rows of a list, and whom each has as sponsors. ``below``: where those of one object are, by its id.

    ``some``: other lists told of agents here, so that it cannot be that there are none.
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
    reader: Reader, section: SectionReading, path: str, row: type[_Sponsored], select: str, *, some: bool
) -> Iterator[_Sponsored]:
    """The rows of a list of one type. Raises NotOffered where Graph does not know it: not every cloud has agents."""
    everything: Query = {"$top": EXPANDED_PAGE}
    plain: Query = {"$select": select, **everything}
    try:
        yield from listed(reader, section, path, row, {**plain, "$expand": _SPONSORS}, plain, everything)
    except (NotTaken, Gone) as error:
        if some:
            raise SourceError(f"there is no such list, and yet there are agents: {error}") from error
        raise NotOffered(f"there is no such list here: {error}") from error


def people(reader: Reader, section: SectionReading, rows: Iterable[Raw]) -> tuple[Person, ...]:
    """Those of them that can be understood."""
    return tuple(reader.rows(section, [list(rows)], Person))
