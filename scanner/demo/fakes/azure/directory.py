"""Graph: the directory's lists."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from scanner.demo.fakes.azure.relations import of_type, seen_person, with_expanded, without_expression
from scanner.demo.fakes.azure.tenant import Row, Tenant
from scanner.demo.fakes.azure.wire import Call, Listing, Reply, Route, refusal

_OBJECTS, _AGENTS, _USUAL, _IDS_AT_MOST = 999, 100, 100, 1000
_BY_CLIENT = re.compile(r"appId eq '([\w-]+)'")
_PEOPLE_LISTS = frozenset({"owners", "sponsors"})
_PREVIEW = "/beta/"

LISTS: Mapping[str, int] = {
    "/serviceprincipals/microsoft.graph.agentidentity": _AGENTS,
    "/serviceprincipals/microsoft.graph.agentidentityblueprintprincipal": _AGENTS,
    "/applications/microsoft.graph.agentidentityblueprint": _AGENTS,
    "/users/microsoft.graph.agentuser": _OBJECTS,
    "/directory/deleteditems/microsoft.graph.serviceprincipal": _OBJECTS,
    "/directory/deleteditems/microsoft.graph.application": _OBJECTS,
    "/rolemanagement/directory/roleassignments": _OBJECTS,
    "/rolemanagement/directory/roledefinitions": _OBJECTS,
    "/oauth2permissiongrants": _OBJECTS,
    "/reports/serviceprincipalsigninactivities": _OBJECTS,
    "/reports/appcredentialsigninactivities": _OBJECTS,
}
"""Lists that every tenant has, in lower case, each with its largest page."""

FIELDS: Mapping[str, frozenset[str]] = {
    "servicePrincipals": frozenset({
        "id", "appId", "displayName", "servicePrincipalType", "accountEnabled", "isDisabled",
        "disabledByMicrosoftStatus", "appOwnerOrganizationId", "alternativeNames", "tags", "notes",
        "signInAudience", "servicePrincipalNames", "verifiedPublisher", "createdByAppId", "keyCredentials",
        "passwordCredentials", "appRoles", "oauth2PermissionScopes", "createdDateTime", "appDisplayName",
        "appDescription", "description", "homepage", "loginUrl", "applicationTemplateId",
    }),
    "applications": frozenset({
        "id", "appId", "displayName", "createdDateTime", "signInAudience", "publisherDomain", "isDisabled",
        "keyCredentials", "passwordCredentials", "requiredResourceAccess", "serviceManagementReference",
        "notes", "tags", "createdByAppId", "identifierUris", "appRoles", "api", "web", "spa", "description",
        "verifiedPublisher", "applicationTemplateId", "disabledByMicrosoftStatus",
    }),
}  # fmt: skip
"""The properties for ``$select``, from the published metadata of Graph v1.0."""


def _objects(rows: Callable[[Tenant], list[Row]], kind: str) -> Callable[[Tenant, Call], Reply | Listing]:
    def listed(tenant: Tenant, call: Call) -> Reply | Listing:
        expanded = with_expanded(tenant, call, _filtered(call, rows(tenant)))
        if isinstance(expanded, Reply):
            return expanded
        return Listing(rows=expanded, cap=_OBJECTS, usual=_USUAL, fields=FIELDS[kind], at_most=_most(call))

    return listed


def _filtered(call: Call, rows: list[Row]) -> list[Row]:
    """The rows that a filter by client id selects; no other filter is supported."""
    match = _BY_CLIENT.fullmatch(call.query.get("$filter", ""))
    return rows if match is None else [row for row in rows if row["appId"] == match[1]]


def _collection(tenant: Tenant, call: Call) -> Reply | Listing:
    """Any other list: the rows that were added; else an empty list if Graph has it, or a 404."""
    path = "/" + call.path.split("/", 2)[2]
    cap = LISTS.get(path.lower())
    rows = tenant.collections.get(path, of_type(tenant, path))
    if rows is None and cap is None and not _is_below_an_object(tenant, path):
        return refusal("graph", 404, "Request_ResourceNotFound", "Resource does not exist.")
    expanded = with_expanded(tenant, call, rows or [])
    if isinstance(expanded, Reply):
        return expanded
    if path.split("/")[-1].lower() in _PEOPLE_LISTS:
        expanded = [seen_person(tenant, row) for row in expanded]
    if not call.path.startswith(_PREVIEW):
        expanded = [without_expression(row) for row in expanded]
    return Listing(rows=expanded, cap=cap or _OBJECTS, usual=_USUAL, at_most=_most(call))


def _most(call: Call) -> int | None:
    """The page size: pages with expanded objects are small, whatever the request says."""
    return _USUAL if "$expand" in call.query else None


def _is_below_an_object(tenant: Tenant, path: str) -> bool:
    match path.strip("/").split("/"):
        case [_, id_, _, *_]:  # list, id, relation
            return tenant.directory_object(id_) is not None
    return False


def _by_ids(tenant: Tenant, call: Call) -> Reply:
    """The objects with these ids and ``types``; unknown ids are silently left out."""
    ids = call.body["ids"]
    if len(ids) > _IDS_AT_MOST:
        return refusal("graph", 400, "Request_BadRequest", "Too many ids.")
    found = [row for one in ids if (row := tenant.directory_object(one)) is not None]
    kinds = {f"#microsoft.graph.{kind}".lower() for kind in call.body.get("types", ())}
    return Reply(body={"value": [row for row in found if not kinds or row["@odata.type"].lower() in kinds]})


def graph(path: str, handler: Callable[[Tenant, Call], Reply | Listing], *, method: str = "GET") -> Route:
    """The route for a path of Graph v1.0."""
    return Route(service="graph", path=f"/v1.0{path}", handler=handler, method=method)


ROUTES: tuple[Route, ...] = (
    graph("/servicePrincipals", _objects(lambda tenant: list(tenant.service_principals.values()), "servicePrincipals")),
    graph("/applications", _objects(lambda tenant: list(tenant.applications.values()), "applications")),
    graph("/directoryObjects/getByIds", _by_ids, method="POST"),
    graph("/{+rest}", _collection),
    Route(service="graph", path="/beta/{+rest}", handler=_collection),
)
"""The first matching route answers. Lists in ``Tenant.collections`` need no route of their own."""
