"""Rights: roles of Azure and of the directory, permissions on APIs, and groups that have them.

The built-in roles are a selection of Microsoft's, with their ids and the permissions that matter here. Sources:
https://learn.microsoft.com/azure/role-based-access-control/built-in-roles and
https://learn.microsoft.com/entra/identity/role-based-access-control/permissions-reference
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from scanner.demo.fakes.azure.tenant import Row, Tenant, guid

GRAPH = "00000003-0000-0000-c000-000000000000"
_DIRECTORY = "/roleManagement/directory"
_BIN = "/directory/deletedItems/microsoft.graph.servicePrincipal"

_ROLES: Mapping[str, tuple[str, Mapping[str, Sequence[str]]]] = {
    "Owner": ("8e3af657-a8ff-443c-a75c-2fe8c4bcb635", {"actions": ["*"]}),
    "Contributor": (
        "b24988ac-6180-42a0-ab88-20f7382dd24c",
        {
            "actions": ["*"],
            "notActions": [
                "Microsoft.Authorization/*/Delete",
                "Microsoft.Authorization/*/Write",
                "Microsoft.Authorization/elevateAccess/Action",
                "Microsoft.Blueprint/blueprintAssignments/write",
                "Microsoft.Blueprint/blueprintAssignments/delete",
                "Microsoft.Compute/galleries/share/action",
            ],
        },
    ),
    "Reader": ("acdd72a7-3385-48ef-bd42-f606fba81ae7", {"actions": ["*/read"]}),
    "User Access Administrator": (
        "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9",
        {"actions": ["*/read", "Microsoft.Authorization/*", "Microsoft.Support/*"]},
    ),
    "Role Based Access Control Administrator": (
        "f58310d9-a9f6-439a-9e8d-f62e7b41a168",
        {
            "actions": [
                "Microsoft.Authorization/roleAssignments/write",
                "Microsoft.Authorization/roleAssignments/delete",
                "*/read",
                "Microsoft.Support/*",
            ]
        },
    ),
    "Virtual Machine Contributor": (
        "9980e02c-c2be-4d73-94e8-173b1dc7cf3c",
        {
            "actions": [
                "Microsoft.Authorization/*/read",
                "Microsoft.Compute/virtualMachines/*",
                "Microsoft.Compute/virtualMachineScaleSets/*",
                "Microsoft.Resources/deployments/*",
                "Microsoft.Support/*",
            ]
        },
    ),
    "Website Contributor": (
        "de139f84-1756-47ae-9be6-808fbbe84772",
        {"actions": ["Microsoft.Authorization/*/read", "Microsoft.Web/serverFarms/read", "Microsoft.Web/sites/*"]},
    ),
    "Logic App Contributor": (
        "87a39d53-fc1b-424a-814c-f7e04687dc9e",
        {
            "actions": [
                "Microsoft.Authorization/*/read",
                "Microsoft.Logic/*",
                "Microsoft.Storage/storageAccounts/listkeys/action",
                "Microsoft.Web/connections/*",
            ]
        },
    ),
    "Managed Identity Operator": (
        "f1a07417-d97a-45cb-824c-7a7467783830",
        {
            "actions": [
                "Microsoft.ManagedIdentity/userAssignedIdentities/*/read",
                "Microsoft.ManagedIdentity/userAssignedIdentities/*/assign/action",
                "Microsoft.Authorization/*/read",
            ]
        },
    ),
    "Managed Identity Contributor": (
        "e40ec5ca-96e0-45a2-b4ff-59039f2c2b59",
        {
            "actions": [
                "Microsoft.ManagedIdentity/userAssignedIdentities/read",
                "Microsoft.ManagedIdentity/userAssignedIdentities/write",
                "Microsoft.ManagedIdentity/userAssignedIdentities/delete",
                "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/write",
                "Microsoft.Authorization/*/read",
            ]
        },
    ),
    "Key Vault Secrets User": (
        "4633458b-17de-408a-b874-0445c86b69e6",
        {
            "dataActions": [
                "Microsoft.KeyVault/vaults/secrets/getSecret/action",
                "Microsoft.KeyVault/vaults/secrets/readMetadata/action",
            ]
        },
    ),
    "Storage Blob Data Reader": (
        "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1",
        {
            "actions": ["Microsoft.Storage/storageAccounts/blobServices/containers/read"],
            "dataActions": ["Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read"],
        },
    ),
}
BUILT_IN: Mapping[str, str] = {name: role for name, (role, _) in _ROLES.items()}
"""Ids of the built-in Azure roles of this server, by name."""


def built_in_permissions(name: str) -> Mapping[str, Sequence[str]]:
    """The permissions of a built-in role, in the form of the API."""
    return _ROLES[name][1]


DIRECTORY_ROLES: Mapping[str, tuple[str, Sequence[str]]] = {
    "Global Administrator": (
        "62e90394-69f5-4237-9190-012177145e10",
        [
            "microsoft.directory/applications/allProperties/allTasks",
            "microsoft.directory/roleAssignments/allProperties/allTasks",
        ],
    ),
    "Application Administrator": (
        "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3",
        [
            "microsoft.directory/applications/create",
            "microsoft.directory/applications/credentials/update",
            "microsoft.directory/servicePrincipals/credentials/update",
        ],
    ),
    "Directory Readers": ("88d8e3e3-8f55-4a1e-953a-9b9898b8876b", ["microsoft.directory/applications/standard/read"]),
}
"""Ids and actions of the directory roles of this server, by name."""


def add_built_in_roles(tenant: Tenant) -> None:
    """Add these built-in roles to the resource manager."""
    for name, (role, permissions) in _ROLES.items():
        row = tenant.define_role(name, permissions.get("actions", ()))
        row["name"] = role
        row["id"] = f"/providers/Microsoft.Authorization/roleDefinitions/{role}"
        (block,) = row["properties"]["permissions"]
        block.update({kind: list(names) for kind, names in permissions.items()})


def add_group(tenant: Tenant, name: str, members: Sequence[Row] = ()) -> Row:
    """A group with service principals as direct or nested members."""
    row = tenant.add_person(name, kind="group")
    payload = [{"@odata.type": "#microsoft.graph.servicePrincipal", **member} for member in members]
    tenant.collections[f"/groups/{row['id']}/transitiveMembers/microsoft.graph.servicePrincipal"] = payload
    return row


def delete_principal(tenant: Tenant, principal: Row, *, on: str) -> None:
    """Delete a service principal: it becomes a deleted item."""
    del tenant.service_principals[principal["id"]]
    tenant.collections.setdefault(_BIN, []).append({**principal, "deletedDateTime": on})


def give_directory_role(tenant: Tenant, name: str, principal: Row, *, scope: str = "/", **facts: Any) -> Row:
    """Assign a directory role by its name."""
    row = {
        "id": guid(f"directory role/{name}/{principal['id']}/{scope}"),
        "principalId": principal["id"],
        "roleDefinitionId": DIRECTORY_ROLES[name][0] if name in DIRECTORY_ROLES else name,
        "directoryScopeId": scope,
        **facts,
    }
    tenant.collections.setdefault(f"{_DIRECTORY}/roleAssignments", []).append(row)
    return row


def add_directory_role(tenant: Tenant, name: str, role: str, actions: Sequence[str], **facts: Any) -> Row:
    """A definition of a directory role."""
    row: Row = {
        "id": role,
        "templateId": role,
        "displayName": name,
        "isBuiltIn": name in DIRECTORY_ROLES,
        "isEnabled": True,
        "rolePermissions": [{"allowedResourceActions": list(actions), "condition": None}],
        **facts,
    }
    tenant.collections.setdefault(f"{_DIRECTORY}/roleDefinitions", []).append(row)
    return row


def add_api(tenant: Tenant, name: str, client: str, permissions: Sequence[str]) -> Row:
    """A service principal that publishes application permissions by these names."""
    roles = [
        {"id": guid(f"app role/{name}/{one}"), "value": one, "displayName": one, "isEnabled": True}
        for one in permissions
    ]
    return tenant.add_service_principal(name, appId=client, appRoles=roles)


def permit(tenant: Tenant, api: Row, permission: str, principal: Row, **facts: Any) -> Row:
    """Grant a principal an application permission of an API; it is listed at both."""
    role = next((one["id"] for one in api["appRoles"] if one["value"] == permission), permission)
    path = f"/servicePrincipals/{api['id']}/appRoleAssignedTo"
    held = f"/servicePrincipals/{principal['id']}/appRoleAssignments"
    row = {
        "id": guid(f"{path}/{role}/{principal['id']}"),
        "createdDateTime": "2025-03-04T05:06:07.1234567Z",
        "appRoleId": role,
        "principalId": principal["id"],
        "principalDisplayName": principal["displayName"],
        "principalType": "ServicePrincipal",
        "resourceId": api["id"],
        "resourceDisplayName": api["displayName"],
        **facts,
    }
    for one in (path, held):
        tenant.collections.setdefault(one, []).append(row)
    return row


def consent(tenant: Tenant, client: Row, api: Row, scope: str, *, user: Row | None = None) -> Row:
    """Consent to delegated permissions of an application, for a user or for everyone."""
    row = {
        "id": guid(f"consent/{client['id']}/{api['id']}/{scope}/{user and user['id']}"),
        "clientId": client["id"],
        "consentType": "Principal" if user else "AllPrincipals",
        "principalId": user["id"] if user else None,
        "resourceId": api["id"],
        "scope": scope,
    }
    tenant.collections.setdefault("/oauth2PermissionGrants", []).append(row)
    return row
