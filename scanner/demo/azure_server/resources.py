"""The resource manager: subscriptions, role assignments, Resource Graph."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from scanner.demo.azure_server.tenant import Tenant
from scanner.demo.azure_server.wire import Call, Listing, Reply, Route, Row, refusal

_PAGE = 1000
_GROUPS = "/providers/Microsoft.Management/managementGroups"
Query = Callable[[Tenant, Sequence[str]], list[Row]]


def _subscriptions(tenant: Tenant, call: Call) -> Listing:  # noqa: ARG001  # a handler's signature
    rows = [
        {"id": f"/subscriptions/{one['subscriptionId']}", "tenantId": tenant.id, **_without_parent(one)}
        for one in tenant.subscriptions.values()
    ]
    return Listing(rows=rows, cap=_PAGE, usual=_PAGE)


def _assignments_of_subscription(tenant: Tenant, call: Call) -> Reply | Listing:
    """Those at it, below it, and above it: Azure repeats what is inherited."""
    if call.places["subscription"] not in tenant.subscriptions:
        return refusal("arm", 404, "SubscriptionNotFound")
    place = f"/subscriptions/{call.places['subscription']}"
    above = tenant.above(place)
    return _assignments(tenant, lambda scope: scope in above or scope.startswith(f"{place}/"))


def _assignments_of_group(tenant: Tenant, call: Call) -> Reply | Listing:
    """With ``atScope()``: those at it, and above it."""
    if call.places["group"] not in tenant.management_groups:
        return refusal("arm", 404, "NotFound")
    above = tenant.above(f"{_GROUPS}/{call.places['group']}")
    return _assignments(tenant, above.__contains__)


def _assignments(tenant: Tenant, fits: Callable[[str], bool]) -> Listing:
    rows = [row for row in tenant.role_assignments if fits(row["properties"]["scope"])]
    return Listing(rows=rows, cap=_PAGE, usual=_PAGE)


def _definitions(tenant: Tenant, call: Call) -> Listing:
    """Those that can be assigned at a place: built-in ones everywhere, custom ones at and below theirs."""
    place = call.path.lower().partition("/providers/microsoft.authorization/")[0]
    custom_only = "customrole" in call.query.get("$filter", "").lower()
    rows = [
        row
        for row in tenant.role_definitions
        if not (custom_only and row["properties"]["type"] != "CustomRole")
        and any(f"{place}/".startswith(f"{one.lower().rstrip('/')}/") for one in row["properties"]["assignableScopes"])
    ]
    return Listing(rows=rows, cap=_PAGE, usual=_PAGE)


def _containers(tenant: Tenant, subscriptions: Sequence[str]) -> list[Row]:  # noqa: ARG001  # a query's signature
    groups = [
        {
            "id": f"{_GROUPS}/{one['name']}",
            "name": one["name"],
            "type": "microsoft.management/managementgroups",
            "subscriptionId": "",
            "properties": {"displayName": one["displayName"], "tenantId": tenant.id},
        }
        for one in tenant.management_groups.values()
    ]
    return groups + [
        {
            "id": f"/subscriptions/{one['subscriptionId']}",
            "name": one["displayName"],
            "type": "microsoft.resources/subscriptions",
            "subscriptionId": one["subscriptionId"],
            "properties": {"state": one["state"], "managementGroupAncestorsChain": _ancestors(tenant, one)},
        }
        for one in tenant.subscriptions.values()
    ]


def _ancestors(tenant: Tenant, subscription: Row) -> list[Row]:
    """The management groups that a subscription is in, the nearest first."""
    names = (
        place.rpartition("/")[2] for place in tenant.above(f"/subscriptions/{subscription['subscriptionId']}")[1:-1]
    )
    return [{"name": name, "displayName": tenant.management_groups[name]["displayName"]} for name in names]


def _of_type(query: str) -> Query:
    """Resources of the types that a query names; all of them where it names none."""
    types = {name.lower() for name in re.findall(r"'(microsoft\.[\w./]+)'", query, re.IGNORECASE)}
    with_identity = "isnotnull(identity)" in query.replace(" ", "")

    def rows(tenant: Tenant, subscriptions: Sequence[str]) -> list[Row]:
        return [
            row
            for row in tenant.resources
            if (not types or row["type"].lower() in types)
            and (not subscriptions or row["subscriptionId"] in subscriptions)
            and (not with_identity or row["identity"] is not None)
        ]

    return rows


def _resource_graph(tenant: Tenant, call: Call) -> Reply:
    """Rows in the order of their ids; a projection is not looked at."""
    query = str(call.body["query"])
    find = _containers if query.lstrip().lower().startswith("resourcecontainers") else _of_type(query)
    rows = sorted(find(tenant, call.body.get("subscriptions") or ()), key=lambda row: row["id"].lower())
    options = call.body.get("options") or {}
    start = int(str(options.get("$skipToken", "rg-0")).removeprefix("rg-"))
    end = start + min(int(options.get("$top", 100)), tenant.resource_graph_page)
    told = {"totalRecords": len(rows), "count": len(rows[start:end]), "resultTruncated": "false"}
    further = {"$skipToken": f"rg-{end}"} if end < len(rows) else {}
    return Reply(body={**told, **further, "data": rows[start:end]})


def _without_parent(row: Row) -> Row:
    return {name: value for name, value in row.items() if name != "parent"}


def arm(path: str, handler: Callable[[Tenant, Call], Reply | Listing], *, method: str = "GET") -> Route:
    """A path of the resource manager."""
    return Route(service="arm", path=path, handler=handler, method=method)


_ROLE_DEFINITIONS = "/providers/Microsoft.Authorization/roleDefinitions"
_ROLE_ASSIGNMENTS = "/providers/Microsoft.Authorization/roleAssignments"
_PLACES = ("", "/subscriptions/{subscription}", f"{_GROUPS}/{{group}}")
ROUTES: tuple[Route, ...] = (
    arm("/subscriptions", _subscriptions),
    arm(f"/subscriptions/{{subscription}}{_ROLE_ASSIGNMENTS}", _assignments_of_subscription),
    arm(f"{_GROUPS}/{{group}}{_ROLE_ASSIGNMENTS}", _assignments_of_group),
    *(
        arm(f"{place}{_ROLE_DEFINITIONS}", _definitions)
        for place in ("", "/subscriptions/{subscription}", f"{_GROUPS}/{{group}}")
    ),
    arm("/providers/Microsoft.ResourceGraph/resources", _resource_graph, method="POST"),
)
