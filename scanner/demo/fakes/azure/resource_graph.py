"""Resource Graph, and the hierarchy of management groups and subscriptions."""

from __future__ import annotations

import zlib

from scanner.demo.fakes.azure import kusto
from scanner.demo.fakes.azure.tenant import Row, Tenant
from scanner.demo.fakes.azure.wire import Call, Listing, Reply, Route, refusal

_PAGE = 1000
_GROUPS = "/providers/Microsoft.Management/managementGroups"


def _containers(tenant: Tenant) -> list[Row]:
    groups = [
        {
            "id": f"{_GROUPS}/{name}",
            "name": name,
            "type": "microsoft.management/managementgroups",
            "subscriptionId": "",
            "properties": {
                "displayName": one["displayName"],
                "tenantId": tenant.id,
                "details": {"managementGroupAncestorsChain": _chain(tenant, f"{_GROUPS}/{name}")},
            },
        }
        for name, one in tenant.management_groups.items()
    ]
    return groups + [
        {
            "id": f"/subscriptions/{key}",
            "name": one["displayName"],
            "type": "microsoft.resources/subscriptions",
            "subscriptionId": key,
            "properties": {
                "state": one["state"],
                "managementGroupAncestorsChain": _chain(tenant, f"/subscriptions/{key}"),
            },
        }
        for key, one in tenant.subscriptions.items()
    ]


def _chain(tenant: Tenant, place: str) -> list[Row]:
    """The management groups above a scope, the nearest first."""
    above = (one.removeprefix(f"{_GROUPS}/") for one in tenant.above(place)[1:-1])
    return [{"name": name, "displayName": tenant.management_groups[name]["displayName"]} for name in above]


def _resource_graph(tenant: Tenant, call: Call) -> Reply:
    """A page of a query's rows. Its token is valid for the same query only.

    Unless rows are ordered by the unique column, their order differs between pages, as is possible in Azure.
    """
    query, subscriptions = str(call.body["query"]), call.body.get("subscriptions") or ()
    resources = [row for row in tenant.resources if not subscriptions or row["subscriptionId"] in subscriptions]
    try:
        others = {"resourcecontainers": _containers(tenant), "powerplatformresources": tenant.power_platform}
        rows = kusto.run(query, {"resources": resources, **others})
    except kusto.InvalidQuery as error:
        return refusal("arm", 400, "BadRequest", f"InvalidQuery: {error}")
    options = call.body.get("options") or {}
    mine = f"rg-{zlib.crc32(query.encode()):x}-"
    token = str(options.get("$skipToken", f"{mine}0"))
    if not token.startswith(mine):
        return refusal("arm", 400, "BadRequest", "InvalidSkipToken")
    start = int(token.removeprefix(mine))
    if start and "order by id" not in query and "order by name" not in query:
        rows = rows[::-1]
    end = start + min(int(options.get("$top", 100)), tenant.resource_graph_page)
    payload = {"totalRecords": len(rows), "count": len(rows[start:end]), "resultTruncated": "false"}
    further = {"$skipToken": f"{mine}{end}"} if end < len(rows) else {}
    return Reply(body={**payload, **further, "data": rows[start:end]})


def _entities(tenant: Tenant, _call: Call) -> Listing:
    """Groups and subscriptions, each with the names of its ancestors from the root."""
    places = {f"{_GROUPS}/{name}": one for name, one in tenant.management_groups.items()}
    places |= {f"/subscriptions/{key}": one for key, one in tenant.subscriptions.items()}
    rows = []
    for place, one in places.items():
        chain = [step["name"] for step in reversed(_chain(tenant, place))]
        payload = {"displayName": one["displayName"], "tenantId": tenant.id, "parentNameChain": chain}
        kind = "Microsoft.Management/managementGroups" if place.startswith(_GROUPS) else "/subscriptions"
        rows.append({"id": place, "name": place.rpartition("/")[2], "type": kind, "properties": payload})
    return Listing(rows=rows, cap=_PAGE, usual=_PAGE)


ROUTES: tuple[Route, ...] = (
    Route(service="arm", path="/providers/Microsoft.ResourceGraph/resources", handler=_resource_graph, method="POST"),
    Route(service="arm", path="/providers/Microsoft.Management/getEntities", handler=_entities, method="POST"),
)
