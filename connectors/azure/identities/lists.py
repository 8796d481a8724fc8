"""Lists of the directory, each object with its related objects, in one pass where Graph supports it.

``$expand`` returns at most twenty related objects without notice, so those of an object with twenty are requested
separately. Source: https://learn.microsoft.com/graph/query-parameters#expand-parameter
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, TypeAlias

from msgspec import Raw, structs

from connectors.azure import sections as s
from connectors.azure.client.batch import AT_ONCE, graph_batch
from connectors.azure.client.errors import NotTaken
from connectors.azure.client.payloads import RESTORABLE, moment
from connectors.azure.identities.faces import Faces
from connectors.azure.identities.facts import TenantFacts
from connectors.azure.identities.payloads import Application, Deleted, Expanded, ServicePrincipal
from connectors.azure.reader import PAGE, AzureReader, Query
from connectors.azure.spec import MANAGED_IDENTITY
from connectors.core.contract import Gone, SectionReading
from scanner.errors import Denied, SourceError
from scanner.model import Coverage

EXPANDED_PAGE = 100
"""The maximum page size of directory objects with ``$expand``."""
EXPANDED_AT_MOST = 20
WORTH_A_PAGE = 2
"""A page with expanded objects counts for two requests towards Graph's limits. Source:
https://learn.microsoft.com/graph/throttling-limits#identity-and-access-service-limits"""


def is_all(related: list[Raw] | None) -> bool:
    """Whether the expanded objects are all related objects."""
    return related is not None and len(related) < EXPANDED_AT_MOST


def related(
    reader: AzureReader,
    section: SectionReading,
    path: str,
    relation: str,
    wanted: Iterable[str],
    *,
    expand: str,
    among: int,
) -> Iterator[tuple[str, list[Raw]]]:
    """For each object wanted (by its id) of a list, its related ones.

    An object whose related objects could not be read is left out.

    ``relation``: the last part of the path below an object. ``expand``: the relationship, and its fields. ``among``:
    the length of the list; a few objects of a very long list are requested separately.
    """
    open_ids = dict.fromkeys(wanted)
    pages = math.ceil(among / EXPANDED_PAGE)
    query: Query = {"$select": "id", "$expand": expand, "$top": EXPANDED_PAGE}
    try:
        worthwhile = len(open_ids) >= pages * WORTH_A_PAGE or pages == 1
        rows = reader.listed(section, path, Expanded, query) if open_ids and worthwhile else ()
        for row in rows:
            found = row.owners if relation == "owners" else row.federated_identity_credentials
            if found is not None and is_all(found) and row.id in open_ids:
                del open_ids[row.id]
                yield row.id, found
    except NotTaken as error:
        section.note(f"{relation} of each object were requested separately: {error}")
    yield from followed(reader, section, {f"{path}/{one}/{relation}": one for one in open_ids})


def followed(reader: AzureReader, section: SectionReading, paths: Mapping[str, str]) -> Iterator[tuple[str, list[Raw]]]:
    """The rows below each path, with its value in ``paths``; twenty paths per request.

    Failures are reported once, and reading ends if a whole request is denied. An object may have been deleted since it
    was listed; if all have, there is no such list.
    """
    failures: list[SourceError] = []
    gone: list[SourceError] = []
    denied = succeeded = 0
    for path, rows in graph_batch(reader.api, list(paths)):
        if isinstance(rows, Gone):
            gone.append(rows)
            continue
        if isinstance(rows, SourceError):
            failures.append(rows)
            denied += isinstance(rows, Denied)
            if denied >= AT_ONCE and not succeeded:
                break
            continue
        succeeded += 1
        yield paths[path], rows
    if failures := failures or ([] if succeeded else gone):
        first = failures[0]
        message = f"{len(failures)} of {len(paths)} could not be read: {first}"
        section.lost(type(first)(message, permission=first.permission, hint=first.hint), partial=succeeded > 0)


# --- Deleted objects, which can be restored for 30 days ---
#
# Source: https://learn.microsoft.com/graph/api/resources/directory

Kind: TypeAlias = Literal["servicePrincipal", "application"]


def in_bin(reader: AzureReader, section: SectionReading, kind: Kind) -> Iterator[Deleted]:
    """Deleted objects of a type that can be restored."""
    query: Query = {"$select": "id,appId,deletedDateTime", "$top": PAGE}
    pages = reader.api.graph_pages(f"/directory/deletedItems/microsoft.graph.{kind}", params=query)
    return reader.rows(section, pages, Deleted)


def read_deleted_registrations(reader: AzureReader, found: TenantFacts) -> Iterator[Coverage]:
    """Read deleted registrations, only if a principal of this tenant has none."""
    with reader.section(s.DELETED) as section:
        rows = in_bin(reader, section, "application") if _is_any_lost(found) else ()
        for row in rows:
            at = moment(row.deleted_date_time)
            if row.app_id and at is not None:
                found.deleted[row.app_id.lower()] = at + RESTORABLE
                section.found()
    yield reader.done(section)


def _is_any_lost(found: TenantFacts) -> bool:
    return found.registrations_known and any(
        one.service_principal_type == "Application"
        and found.application_of(one) is None
        and Faces(principal=one).origin(found.tenant) == "own"
        for one in found.principals.values()
    )


# --- Service principals and application registrations ---

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
"""Without ``$select``, for a Graph that does not know one of the names: a larger answer with nearly all fields."""
CREATED = "createdDateTime"
"""Not among the published properties of a service principal; most tenants return it nevertheless."""


def read_service_principals(reader: AzureReader, found: TenantFacts) -> Iterator[Coverage]:
    """Read the principals of applications, managed identities and agents.

    Microsoft's own are kept, too, for the permissions that they publish.
    """
    left_out = 0
    queries = (_asking_for(f"{PRINCIPAL},{CREATED}"), _asking_for(PRINCIPAL), EVERYTHING)
    with reader.section(s.SERVICE_PRINCIPALS) as section:
        for principal in reader.listed(section, "/servicePrincipals", ServicePrincipal, *queries):
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
    """The same gap for each subscription: identities whose resource was deleted are only in this list."""
    for one in subscriptions:
        yield structs.replace(gap, scope=one, kinds=(MANAGED_IDENTITY,), identities=0, calls=0)


def _asking_for(names: str) -> Query:
    return {"$select": names, "$top": PAGE}


def is_left_out(reader: AzureReader, principal: ServicePrincipal) -> bool:
    """Whether it is one of the hundreds of Microsoft's principals in every tenant.

    A principal with a credential in this tenant is not left out: someone in the tenant uses it.
    """
    if reader.settings.first_party or principal.is_managed or principal.is_agent or principal.is_blueprint:
        return False
    is_microsofts = Faces(principal=principal).origin(reader.unit.tenant) == "microsoft"
    return is_microsofts and not principal.key_credentials and not principal.password_credentials


def read_applications(reader: AzureReader, found: TenantFacts) -> Iterator[Coverage]:
    """Registrations in this tenant, blueprints of agents among them."""
    with reader.section(s.APPLICATIONS) as section:
        queries = (_asking_for(APPLICATION), EVERYTHING)
        for application in reader.listed(section, "/applications", Application, *queries):
            found.applications[application.app_id.lower()] = application
            section.found()
    yield reader.done(section)
