"""Checks each section with one or two calls, and whether the scanner has more than read permissions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

import msgspec
from msgspec import Raw, Struct, field

from connectors.azure import sections as s
from connectors.azure.client.api import AzureApi
from connectors.azure.client.errors import NoLicence
from connectors.azure.client.payloads import Page
from connectors.azure.client.requests import ARM_RESOURCES, Allowed
from connectors.azure.identities import managed
from connectors.azure.keys import NIL_GUID
from connectors.azure.least_privilege import APP_ROLES, GRAPH, needed
from connectors.azure.rights import deny_assignments
from connectors.azure.rights.api_permissions import Permission, application_power
from connectors.azure.settings import AzureSettings
from connectors.azure.spec import SPEC
from connectors.core.contract import Check, Gone, Scope
from scanner.errors import SourceError
from scanner.model import Coverage

T = TypeVar("T")

_NAME = "own rights"
_FIX = "give it only what `muster connectors azure --policy SOURCE` prints"
_ROLES: Mapping[str, str] = {
    "8e3af657-a8ff-443c-a75c-2fe8c4bcb635": "Owner",
    "b24988ac-6180-42a0-ab88-20f7382dd24c": "Contributor",
    "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9": "User Access Administrator",
    "f58310d9-a9f6-439a-9e8d-f62e7b41a168": "Role Based Access Control Administrator",
    "00482a5a-887f-4fb3-b363-3b7fe8e74483": "Key Vault Administrator",
    "b86a8fe4-44ce-4948-aee5-eccb2c155cd7": "Key Vault Secrets Officer",
    "4633458b-17de-408a-b874-0445c86b69e6": "Key Vault Secrets User",
}
"""Roles that the scanner should not have.

Source: https://learn.microsoft.com/azure/role-based-access-control/built-in-roles
"""


class _AppRole(Struct, frozen=True):
    id: str
    value: str | None = None


class _Principal(Struct, frozen=True):
    id: str
    roles: tuple[_AppRole, ...] = field(name="appRoles", default=())


class _Held(Struct, frozen=True, rename="camel"):
    app_role_id: str


class _Properties(Struct, frozen=True, rename="camel"):
    principal_id: str
    role_definition_id: str


class _Assignment(Struct, frozen=True):
    properties: _Properties


def check_own_rights(api: AzureApi, settings: AzureSettings, subscriptions: Sequence[str]) -> Iterator[Check]:
    """One check; none if the application of the scanner is unknown.

    A malformed answer is reported as a failed check.
    """
    if settings.client_id is None:
        return
    try:
        own = next(_principals(api, settings.client_id), None)
        excess = [] if own is None else [*_permissions(api, own, settings), *_roles(api, own, subscriptions)]
    except (SourceError, msgspec.ValidationError) as error:
        yield Check(name=_NAME, ok=True, detail=f"they could not be read: {error}")
        return
    if excess:
        some = ", ".join(dict.fromkeys(excess))
        yield Check(name=_NAME, ok=False, detail=f"this application could do more than read: {some}", fix=_FIX)
    else:
        yield Check(name=_NAME, ok=True, detail="no permission beyond reading was found")


def _principals(api: AzureApi, client: str) -> Iterator[_Principal]:
    params = {"$filter": f"appId eq '{client}'", "$select": "id,appRoles"}
    return _rows(api.graph_pages("/servicePrincipals", params=params), _Principal)


def _permissions(api: AzureApi, own: _Principal, settings: AzureSettings) -> Iterator[str]:
    """Permissions on Graph that write, or lead to a write."""
    held = {one.app_role_id for one in _rows(api.graph_pages(f"/servicePrincipals/{own.id}/appRoleAssignments"), _Held)}
    if held <= set(APP_ROLES.values()):
        return
    for role in (role for graph in _principals(api, GRAPH) for role in graph.roles):
        if role.id in held and role.value is not None and role.id not in APP_ROLES.values():
            power = application_power(Permission(name=role.value, api=GRAPH, api_name="Graph"), settings.tenant or "")
            if "Write" in role.value or power.privilege.level != "normal":
                yield role.value


def _roles(api: AzureApi, own: _Principal, subscriptions: Sequence[str]) -> Iterator[str]:
    for subscription in subscriptions:
        path = f"/subscriptions/{subscription}/providers/Microsoft.Authorization/roleAssignments"
        for row in _rows(api.arm_pages(path, api_version="2022-04-01"), _Assignment):
            role = row.properties.role_definition_id.rpartition("/")[2].lower()
            if row.properties.principal_id.lower() == own.id.lower() and role in _ROLES:
                yield f"{_ROLES[role]} in subscription {subscription}"


def _rows(pages: Iterable[list[Raw]], row: type[T]) -> Iterator[T]:
    for page in pages:
        for raw in page:
            yield msgspec.json.decode(raw, type=row)


# --- Preflight: one or two calls for each section ---

LOOKED_AT = 5
"""Number of subscriptions to try."""
_PLACE = re.compile(r"\{\w+\}")
_SUBSCRIPTION = "{subscription}"
_VERSIONS: Mapping[str, str] = {
    s.ROLE_ASSIGNMENTS: "2022-04-01",
    s.ROLE_DEFINITIONS: "2022-05-01-preview",
    s.DENY_ASSIGNMENTS: deny_assignments.VERSION,
    s.MANAGED_IDENTITIES: "2024-11-30",
    s.IDENTITY_FEDERATION: managed.VERSION,
    s.WORKLOADS: "2021-04-01",
    s.VAULTS: "2023-07-01",
    s.SECRETS: "2023-07-01",
    s.KEYS: "2023-07-01",
}
_LISTINGS = frozenset({s.TENANT, s.SUBSCRIPTIONS, s.MANAGEMENT_GROUPS})
"""Sections that listing the units has already read."""


def check_source(api: AzureApi, settings: AzureSettings, units: Iterator[Scope | Coverage]) -> Iterator[Check]:
    """A line for each listing of units and for each unit; then, where one can sign in, one for each section."""
    subscriptions: list[str] = []
    signed_in = False
    for unit in units:
        if isinstance(unit, Scope):
            signed_in = True
            subscriptions += [unit.id] if unit.context.kind == "subscription" else []
            name = unit.context.name or unit.id
            yield Check(name=f"{unit.context.kind.replace('_', ' ')} {unit.id}", ok=True, detail=f"{name} will be read")
        else:
            detail = unit.detail or ("signed in" if unit.section == s.TENANT else f"{unit.identities} found")
            yield Check(name=unit.section, ok=not unit.is_gap, detail=detail, fix=unit.permission)
    if signed_in:
        yield from _sections(api, settings, subscriptions[:LOOKED_AT])
        yield from check_own_rights(api, settings, subscriptions[:LOOKED_AT])


def _sections(api: AzureApi, settings: AzureSettings, subscriptions: Sequence[str]) -> Iterator[Check]:
    rows = [one for one in needed(settings) if one.path != ARM_RESOURCES]
    for section in SPEC.sections:
        mine = [one for one in rows if one.section == section.name]
        if section.name in _LISTINGS:
            continue
        if section.name == s.COPILOT_AGENTS and not settings.asks_no_resources:
            yield Check(name=section.name, ok=True, detail="known when it is read")
        elif not mine:
            yield Check(name=section.name, ok=True, detail="left out by the settings")
        elif mine[0].service == "vault":
            yield Check(name=section.name, ok=True, detail="known when each vault is read")
        elif mine[0].service == "graph":
            yield _tried(section.name, [(one, NIL_GUID) for one in _cheapest(mine)], api)
        elif subscriptions:
            yield _tried(section.name, [(one, place) for place in subscriptions for one in _cheapest(mine)], api)


def _cheapest(rows: Sequence[Allowed]) -> Sequence[Allowed]:
    """Lists of everything; without one, the list of one object."""
    lists = [one for one in rows if not _PLACE.search(one.path.replace(_SUBSCRIPTION, ""))]
    return lists or rows[:1]


def _tried(name: str, tries: Sequence[tuple[Allowed, str]], api: AzureApi) -> Check:
    """The first failure is reported, with the number of failures."""
    refusals: list[SourceError] = []
    for one, place in tries:
        try:
            _ask(api, one, place)
        except Gone:
            continue
        except NoLicence as error:
            return Check(name=name, ok=True, detail=f"{error}; it stays unknown")
        except SourceError as error:
            refusals.append(error)
    if not refusals:
        return Check(name=name, ok=True, detail="permitted")
    first, many = refusals[0], f" ({len(refusals)} of {len(tries)} tries)" if len(tries) > 1 else ""
    return Check(name=name, ok=False, detail=f"{first}{many}", fix=first.permission or first.hint)


def _ask(api: AzureApi, one: Allowed, place: str) -> None:
    """Request one page at most. Raises SourceError.

    With the permission, the answer for a missing object is 404; without it, 403.
    """
    path = _PLACE.sub(NIL_GUID, one.path.replace(_SUBSCRIPTION, place))
    if one.method == "POST":
        api.graph_post(path, {"ids": [NIL_GUID]}, Page)
    elif one.service == "graph":
        next(api.graph_pages(path, beta=one.beta), None)
    else:
        next(api.arm_pages(path, api_version=_VERSIONS[one.section]), None)
