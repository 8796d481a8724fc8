"""Writes what the Azure command line would of a tenant of the fake: its lists, in its own forms."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from scanner.demo.fakes.azure.tenant import Tenant

Row = dict[str, Any]

_TIMES = {"created": "created", "updated": "updated", "exp": "expires", "nbf": "notBefore"}
_CONTEXT = "https://graph.microsoft.com/v1.0/$metadata#"


def write(folder: Path, name: str, answer: Any, *, encoding: str = "utf-8") -> Path:
    """One file."""
    path = folder / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(answer, indent=2), encoding=encoding)
    return path


def rest(path: str, rows: Sequence[Mapping[str, Any]]) -> Row:
    """What ``az rest`` gets of Graph."""
    return {"@odata.context": f"{_CONTEXT}{path}", "value": list(rows)}


def everything(tenant: Tenant) -> dict[str, Any]:
    """Every list that is read, by the name of its file."""
    principals, applications = list(tenant.service_principals.values()), list(tenant.applications.values())
    listed = {
        **inheritable(tenant),
        "sp": principals,
        "app": applications,
        "account": [account(tenant, one) for one in tenant.subscriptions.values()],
        "resource": [{**one, "properties": None} for one in tenant.resources],
        "identity": [identity(one) for one in tenant.resources if one["type"].endswith("userassignedidentities")],
        "keyvault": [one for one in tenant.resources if one["type"].endswith("/vaults")],
        "assignments": [flat(one) for one in tenant.role_assignments],
        "definitions": [flat(one, "roleType") for one in tenant.role_definitions],
        "grants": rest("oauth2PermissionGrants", tenant.collections.get("/oauth2PermissionGrants", ())),
        **{
            path.strip("/").replace("/", "-"): rest(path.strip("/"), tenant.collections.get(path, ()))
            for path in (
                "/servicePrincipals/microsoft.graph.agentIdentity",
                "/applications/microsoft.graph.agentIdentityBlueprint",
                "/servicePrincipals/microsoft.graph.agentIdentityBlueprintPrincipal",
                "/users/microsoft.graph.agentUser",
                "/roleManagement/directory/roleAssignments",
                "/roleManagement/directory/roleDefinitions",
                "/reports/servicePrincipalSignInActivities",
                "/reports/appCredentialSignInActivities",
            )
        },
    }
    for kind in ("servicePrincipal", "application"):
        deleted = tenant.collections.get(f"/directory/deletedItems/microsoft.graph.{kind}", ())
        listed[f"deleted-{kind}"] = rest(f"directoryObjects/microsoft.graph.{kind}", deleted)
    for kind, rows in (("servicePrincipals", principals), ("applications", applications)):
        for one in rows:
            of = f"{kind}('{one['id']}')"
            owners = tenant.collections.get(f"/{kind}/{one['id']}/owners", ())
            listed[f"owners/{one['id']}"] = list(owners)
            if kind == "applications":
                trusted = tenant.collections.get(f"/applications/{one['id']}/federatedIdentityCredentials", ())
                listed[f"federated/{one['id']}"] = rest(f"{of}/federatedIdentityCredentials", trusted)
            elif one["appRoles"]:
                held = tenant.collections.get(f"/servicePrincipals/{one['id']}/appRoleAssignedTo", ())
                listed[f"held/{one['id']}"] = rest(f"{of}/appRoleAssignedTo", held)
    for place in (*tenant.subscriptions, *tenant.management_groups):
        denied = [one for one in tenant.deny_assignments if f"/{place}/" in f"{one['properties']['scope']}/"]
        listed[f"deny/{place}"] = {"value": denied}
    for id_, credentials in tenant.federated_credentials.items():
        listed[f"identity-federated/{id_.rpartition('/')[2]}"] = [flat(one) for one in credentials]
    for vault, kinds in tenant.vault_items.items():
        for kind, items in kinds.items():
            listed[f"vault/{vault}-{kind}"] = [item(one) for one in items]
    return listed


def inheritable(tenant: Tenant) -> dict[str, Any]:
    """What each blueprint hands on, by the name of its file."""
    below = "microsoft.graph.agentIdentityBlueprint/inheritablePermissions"
    rows = {id_: tenant.collections.get(f"/applications/{id_}/{below}") for id_ in tenant.applications}
    return {
        f"inheritable/{id_}": rest(f"applications('{id_}')/{below}", found)
        for id_, found in rows.items()
        if found is not None
    }


def account(tenant: Tenant, row: Row) -> Row:
    """A row of ``az account list``."""
    return {
        "cloudName": "AzureCloud",
        "homeTenantId": tenant.id,
        "id": row["subscriptionId"],
        "isDefault": False,
        "managedByTenants": [],
        "name": row["displayName"],
        "state": row["state"],
        "tenantId": tenant.id,
        "user": {"name": "ada@contoso.example", "type": "user"},
    }


def flat(row: Row, type_as: str = "type") -> Row:
    """A row whose properties stand beside its id."""
    inner = {(type_as if name == "type" else name): each for name, each in row["properties"].items()}
    return {"id": row["id"], "name": row["name"], "type": row["type"], **inner}


def identity(row: Row) -> Row:
    """A row of ``az identity list``."""
    return {
        **{name: row[name] for name in ("id", "location", "name", "resourceGroup", "tags", "type")},
        **row["properties"],
    }


def item(row: Row) -> Row:
    """A row of ``az keyvault secret list`` and its like."""
    times = {_TIMES.get(name, name): _when(value) for name, value in row["attributes"].items()}
    return {**row, "attributes": times, "name": (row.get("id") or row["kid"]).rpartition("/")[2]}


def _when(value: Any) -> Any:
    is_time = isinstance(value, int) and not isinstance(value, bool)
    return datetime.fromtimestamp(value, UTC).isoformat() if is_time else value
