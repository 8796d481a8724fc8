"""Reads the two lists that nearly everything is in: service principals and application registrations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import structs

from connectors.azure import sections as s
from connectors.azure.directory.faces import Faces
from connectors.azure.directory.found import Found
from connectors.azure.directory.listings import PAGE, Query, listed
from connectors.azure.directory.payloads import Application, ServicePrincipal
from connectors.azure.reader import Reader
from connectors.azure.spec import MANAGED_IDENTITY
from scanner.model import Coverage

_OF_BOTH = (
    "id,appId,displayName,signInAudience,isDisabled,disabledByMicrosoftStatus,createdByAppId,applicationTemplateId,"
    "description,notes,tags,verifiedPublisher,keyCredentials,passwordCredentials"
)
PRINCIPAL = (
    f"{_OF_BOTH},servicePrincipalType,accountEnabled,appOwnerOrganizationId,alternativeNames,servicePrincipalNames,"
    "appRoles"
)
APPLICATION = f"{_OF_BOTH},createdDateTime,publisherDomain,serviceManagementReference"
EVERYTHING: Query = {"$top": PAGE}
"""What Graph tells unasked, where it does not know one of the names: larger, and nearly all of it."""
CREATED = "createdDateTime"
"""Not among the published properties of a service principal; most tenants tell it all the same."""


def read_service_principals(reader: Reader, found: Found) -> Iterator[Coverage]:
    """Of applications, managed identities and agents; Microsoft's own ones are kept, too, for what they publish."""
    left_out = 0
    queries = (_asking_for(f"{PRINCIPAL},{CREATED}"), _asking_for(PRINCIPAL), EVERYTHING)
    with reader.section(s.SERVICE_PRINCIPALS) as section:
        for principal in listed(reader, section, "/servicePrincipals", ServicePrincipal, *queries):
            if principal.app_id is None and not principal.is_agent:
                section.malformed(principal.id, "it has no client id (appId)")
                continue
            found.principals[principal.id.lower()] = principal
            if is_left_out(reader, principal):
                left_out += 1
                found.left_out.add(principal.id.lower())
            else:
                section.found()
        if left_out:
            section.note(f"{left_out} of Microsoft's own applications are left out (first_party = true lists them)")
    coverage = reader.done(section)
    yield coverage
    if coverage.is_gap:
        yield from _unseen_in(reader.unit.subscriptions, coverage)


def _unseen_in(subscriptions: Iterable[str], gap: Coverage) -> Iterator[Coverage]:
    """The same gap for each subscription: what has no resource there any more is found by this list alone."""
    for one in subscriptions:
        yield structs.replace(gap, scope=one, kinds=(MANAGED_IDENTITY,), identities=0, calls=0)


def _asking_for(names: str) -> Query:
    return {"$select": names, "$top": PAGE}


def is_left_out(reader: Reader, principal: ServicePrincipal) -> bool:
    """Whether it is one of the hundreds of Microsoft's own that every tenant has.

    One that has got a credential in this tenant is not: whoever holds that is somebody here.
    """
    if reader.settings.first_party or principal.is_managed or principal.is_agent or principal.is_blueprint:
        return False
    is_microsofts = Faces(principal=principal).origin(reader.unit.tenant) == "microsoft"
    return is_microsofts and not principal.key_credentials and not principal.password_credentials


def read_applications(reader: Reader, found: Found) -> Iterator[Coverage]:
    """Registrations in this tenant, blueprints of agents among them."""
    with reader.section(s.APPLICATIONS) as section:
        queries = (_asking_for(APPLICATION), EVERYTHING)
        for application in listed(reader, section, "/applications", Application, *queries):
            found.applications[application.app_id.lower()] = application
            section.found()
    yield reader.done(section)
