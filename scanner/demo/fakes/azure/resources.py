"""The resource manager: subscriptions, role assignments, and lists of resources."""

from __future__ import annotations

import base64
from collections.abc import Callable

from scanner.demo.fakes.azure.tenant import Row, Tenant
from scanner.demo.fakes.azure.wire import Call, Handler, Listing, Reply, Route, refusal

_PAGE = 1000
_GROUPS = "/providers/Microsoft.Management/managementGroups"
_TIMES = {"enabled", "created", "updated", "exp", "nbf"}


def _subscriptions(tenant: Tenant, _call: Call) -> Listing:
    rows = [
        {
            "id": f"/subscriptions/{one['subscriptionId']}",
            "tenantId": tenant.id,
            **{name: value for name, value in one.items() if name != "parent"},
        }
        for one in tenant.subscriptions.values()
    ]
    return Listing(rows=rows, cap=_PAGE, usual=_PAGE)


def _assignments_of_subscription(tenant: Tenant, call: Call) -> Reply | Listing:
    """The assignments at, below and above a subscription: Azure repeats inherited ones."""
    if call.places["subscription"] not in tenant.subscriptions:
        return refusal("arm", 404, "SubscriptionNotFound")
    place = f"/subscriptions/{call.places['subscription']}"
    above = tenant.above(place)
    return _assignments(tenant, call, lambda scope: scope in above or scope.startswith(f"{place}/"))


def _assignments_of_group(tenant: Tenant, call: Call) -> Reply | Listing:
    """The assignments at and above a management group, as with ``atScope()``."""
    if call.places["group"] not in tenant.management_groups:
        return refusal("arm", 404, "NotFound")
    above = tenant.above(f"{_GROUPS}/{call.places['group']}")
    return _assignments(tenant, call, above.__contains__)


def _assignments(tenant: Tenant, call: Call, fits: Callable[[str], bool]) -> Listing:
    """Role assignments or deny assignments."""
    every = tenant.deny_assignments if call.path.endswith(_DENY_ASSIGNMENTS) else tenant.role_assignments
    rows = [row for row in every if fits(row["properties"]["scope"])]
    return Listing(rows=rows, cap=_PAGE, usual=_PAGE)


def _definitions(tenant: Tenant, call: Call) -> Listing:
    """The roles that can be assigned at a scope: built-in roles everywhere, custom roles at and below their scopes."""
    place = call.path.lower().partition("/providers/microsoft.authorization/")[0]
    custom_only = "customrole" in call.query.get("$filter", "").lower()
    rows = [
        row
        for row in tenant.role_definitions
        if not (custom_only and row["properties"]["type"] != "CustomRole")
        and any(f"{place}/".startswith(f"{one.lower().rstrip('/')}/") for one in row["properties"]["assignableScopes"])
    ]
    return Listing(rows=rows, cap=_PAGE, usual=_PAGE)


def _resources(tenant: Tenant, call: Call) -> Reply | Listing:
    """Every resource of a subscription, without its properties."""
    names = ("id", "name", "type", "kind", "location", "tags", "identity")
    rows = []
    for row in _of_subscription(tenant, call):
        times = {"createdTime": row["createdTime"]} if "createdTime" in row else {}
        is_asked = "createdTime" in call.query.get("$expand", "")
        rows.append({name: row[name] for name in names if row.get(name) is not None} | (times if is_asked else {}))
    return _known(tenant, call, rows)


def _listed(kind: str) -> Handler:
    """Resources of one type, with all properties."""

    def handler(tenant: Tenant, call: Call) -> Reply | Listing:
        rows = [row for row in _of_subscription(tenant, call) if row["type"] == kind.lower()]
        names = ("id", "name", "location", "tags", "properties", "systemData")
        return _known(
            tenant, call, [{name: row[name] for name in names if name in row} | {"type": kind} for row in rows]
        )

    return handler


def _of_subscription(tenant: Tenant, call: Call) -> list[Row]:
    return [row for row in tenant.resources if row["subscriptionId"] == call.places["subscription"].lower()]


def _known(tenant: Tenant, call: Call, rows: list[Row]) -> Reply | Listing:
    if call.places["subscription"].lower() not in tenant.subscriptions:
        return refusal("arm", 404, "SubscriptionNotFound")
    return Listing(rows=rows, cap=_PAGE, usual=_PAGE)


def _federated(tenant: Tenant, call: Call) -> Reply | Listing:
    owner = call.path.rpartition("/")[0].lower()
    if not any(row["id"].lower() == owner for row in tenant.resources):
        return refusal("arm", 404, "ResourceNotFound")
    return Listing(rows=tenant.federated_credentials.get(owner, []), cap=_PAGE, usual=_PAGE)


def _vault_items(kind: str) -> Handler:
    """The items of a vault as the resource manager lists them."""

    def handler(tenant: Tenant, call: Call) -> Reply | Listing:
        vault = tenant.vault_items.get(call.places["vault"])
        if vault is None:
            return refusal("arm", 404, "ResourceNotFound")
        rows = [
            {
                "id": f"{call.path}/{(item.get('kid') or item['id']).rpartition('/')[2]}",
                "name": (item.get("kid") or item["id"]).rpartition("/")[2],
                "type": f"Microsoft.KeyVault/vaults/{kind}",
                "tags": item.get("tags") or {},
                "properties": {
                    "attributes": {name: item["attributes"][name] for name in _TIMES & item["attributes"].keys()}
                },
            }
            for item in vault[kind]
        ]
        return Listing(rows=rows, cap=_PAGE, usual=_PAGE)

    return handler


def _cluster(tenant: Tenant, call: Call) -> Reply:
    """A managed cluster among the resources."""
    found = next((row for row in tenant.resources if row["id"].lower() == call.path.lower()), None)
    return refusal("arm", 404, "ResourceNotFound") if found is None else Reply(body=found)


def _user_credential(tenant: Tenant, call: Call) -> Reply:
    """The kubeconfig of a managed cluster; without Entra, it has a certificate for the user."""
    path = call.path.rpartition("/")[0]
    value = tenant.kubeconfigs.get(path.lower())
    if value is None:
        return refusal("arm", 404, "ResourceNotFound")
    name = "clusterUser" if call.query.get("format") == "exec" else "clusterAdmin"
    return Reply(body={"kubeconfigs": [{"name": name, "value": base64.b64encode(value.encode()).decode()}]})


def arm(path: str, handler: Callable[[Tenant, Call], Reply | Listing], *, method: str = "GET") -> Route:
    """The route for a path of the resource manager."""
    return Route(service="arm", path=path, handler=handler, method=method)


_ROLE_DEFINITIONS = "/providers/Microsoft.Authorization/roleDefinitions"
_DENY_ASSIGNMENTS = "/providers/Microsoft.Authorization/denyAssignments"
_ROLE_ASSIGNMENTS = "/providers/Microsoft.Authorization/roleAssignments"
_PLACES = ("", "/subscriptions/{subscription}", f"{_GROUPS}/{{group}}")
_IN_GROUP = "/subscriptions/{subscription}/resourceGroups/{group}"
_IDENTITIES = f"{_IN_GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities"
_VAULT = f"{_IN_GROUP}/providers/Microsoft.KeyVault/vaults/{{vault}}"
_CLUSTER = f"{_IN_GROUP}/providers/Microsoft.ContainerService/managedClusters/{{name}}"
ROUTES: tuple[Route, ...] = (
    arm("/subscriptions", _subscriptions),
    arm(_CLUSTER, _cluster),
    arm(f"{_CLUSTER}/listClusterUserCredential", _user_credential, method="POST"),
    arm("/subscriptions/{subscription}/resources", _resources),
    *(
        arm(f"/subscriptions/{{subscription}}/providers/{kind}", _listed(kind))
        for kind in ("Microsoft.ManagedIdentity/userAssignedIdentities", "Microsoft.KeyVault/vaults")
    ),
    arm(f"{_IDENTITIES}/{{name}}/federatedIdentityCredentials", _federated),
    *(arm(f"{_VAULT}/{kind}", _vault_items(kind)) for kind in ("secrets", "keys")),
    *(
        route
        for kind in (_ROLE_ASSIGNMENTS, _DENY_ASSIGNMENTS)
        for route in (
            arm(f"/subscriptions/{{subscription}}{kind}", _assignments_of_subscription),
            arm(f"{_GROUPS}/{{group}}{kind}", _assignments_of_group),
        )
    ),
    *(
        arm(f"{place}{_ROLE_DEFINITIONS}", _definitions)
        for place in ("", "/subscriptions/{subscription}", f"{_GROUPS}/{{group}}")
    ),
)
