"""What a document is, reported by what is in it: rows as the command line's reference shows them, in its own forms."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.azure.offline import recognise as r
from connectors.azure.offline.recognise import listed, name_of

SUBSCRIPTION = "/subscriptions/00000000-0000-0000-0000-000000000001"
GROUP = f"{SUBSCRIPTION}/resourceGroups/rg"
AUTHORIZATION = f"{SUBSCRIPTION}/providers/Microsoft.Authorization"
IDENTITY = f"{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id"

ROWS: dict[str, tuple[dict[str, Any], str | None]] = {
    "az ad sp list": (
        {
            "accountEnabled": True,
            "appId": "a",
            "deletedDateTime": None,
            "id": "i",
            "servicePrincipalType": "Application",
        },
        r.SERVICE_PRINCIPALS,
    ),
    "service principals before they had a type": (
        {"appId": "a", "appOwnerOrganizationId": "t", "id": "i", "keyCredentials": [], "passwordCredentials": []},
        r.SERVICE_PRINCIPALS,
    ),
    "az ad app list": (
        {"appId": "a", "deletedDateTime": None, "id": "i", "signInAudience": "AzureADMyOrg", "passwordCredentials": []},
        r.APPLICATIONS,
    ),
    "az ad user list": ({"id": "i", "displayName": "Ada", "userPrincipalName": "ada@contoso.example"}, r.USERS),
    "az ad group list": ({"id": "i", "displayName": "ops", "mailEnabled": False, "securityEnabled": True}, r.GROUPS),
    "az account list": (
        {
            "cloudName": "AzureCloud",
            "homeTenantId": "t",
            "id": "s",
            "isDefault": True,
            "state": "Enabled",
            "tenantId": "t",
        },
        r.SUBSCRIPTIONS,
    ),
    "az account management-group list": (
        {"id": "/providers/Microsoft.Management/managementGroups/corp", "name": "corp", "displayName": "Corp"},
        r.MANAGEMENT_GROUPS,
    ),
    "az identity list": ({"id": IDENTITY, "clientId": "c", "principalId": "p", "type": "x", "tags": {}}, r.RESOURCES),
    "az identity federated-credential list": (
        {"id": f"{IDENTITY}/federatedIdentityCredentials/f", "issuer": "i", "subject": "s", "audiences": []},
        r.IDENTITY_FEDERATION,
    ),
    "az resource list": (
        {"id": f"{GROUP}/providers/Microsoft.Web/sites/s", "type": "Microsoft.Web/sites", "identity": None},
        r.RESOURCES,
    ),
    "az role assignment list": (
        {
            "id": f"{AUTHORIZATION}/roleAssignments/a",
            "principalId": "p",
            "principalName": "",
            "principalType": "ServicePrincipal",
            "roleDefinitionId": "d",
            "roleDefinitionName": "Reader",
            "scope": SUBSCRIPTION,
            "type": "Microsoft.Authorization/roleAssignments",
        },
        r.ROLE_ASSIGNMENTS,
    ),
    "the resource manager's role assignments": (
        {
            "id": f"{AUTHORIZATION}/roleAssignments/a",
            "type": "Microsoft.Authorization/roleAssignments",
            "properties": {"principalId": "p", "roleDefinitionId": "d", "scope": SUBSCRIPTION},
        },
        r.ROLE_ASSIGNMENTS,
    ),
    "az role definition list": (
        {
            "id": f"{AUTHORIZATION}/roleDefinitions/d",
            "roleName": "Reader",
            "roleType": "BuiltInRole",
            "permissions": [],
        },
        r.ROLE_DEFINITIONS,
    ),
    "az keyvault list": (
        {"id": f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv", "name": "kv", "type": "Microsoft.KeyVault/vaults"},
        r.RESOURCES,
    ),
    "az keyvault secret list": (
        {"id": "https://kv.vault.azure.net/secrets/s", "attributes": {"enabled": True}, "managed": None, "name": "s"},
        r.VAULT_ITEMS,
    ),
    "az keyvault key list": (
        {"kid": "https://kv.vault.azure.net/keys/k", "attributes": {}, "name": "k"},
        r.VAULT_ITEMS,
    ),
    "az ad app federated-credential list": (
        {"id": "i", "name": "gh", "issuer": "i", "subject": "s", "audiences": ["a"], "description": None},
        r.FEDERATED,
    ),
    "az ad app owner list": ({"@odata.type": "#microsoft.graph.user", "id": "i", "mail": None}, r.RELATED),
    "Graph's appRoleAssignedTo": (
        {"id": "i", "appRoleId": "r", "principalId": "p", "principalType": "ServicePrincipal", "resourceId": "x"},
        r.HELD_BY,
    ),
    "Graph's oauth2PermissionGrants": (
        {"id": "i", "clientId": "c", "consentType": "Principal", "resourceId": "x", "scope": "openid"},
        r.GRANTS,
    ),
    "Graph's directory roles": ({"id": "i", "displayName": "d", "rolePermissions": []}, r.DIRECTORY_ROLES),
    "Graph's assignments of them": (
        {"id": "i", "principalId": "p", "roleDefinitionId": "d", "directoryScopeId": "/"},
        r.DIRECTORY_ASSIGNMENTS,
    ),
    "Graph's report of sign-ins": ({"id": "i", "appId": "a", "lastSignInActivity": {}}, r.SIGN_INS),
    "Graph's report of credentials": ({"id": "i", "keyId": "k", "signInActivity": {}}, r.CREDENTIAL_USE),
    "a deleted application": (
        {"id": "i", "appId": "a", "deletedDateTime": "2026-01-01T00:00:00Z"},
        r.DELETED_APPLICATIONS,
    ),
    "an agent identity": (
        {"id": "i", "appId": None, "agentIdentityBlueprintId": "b", "servicePrincipalType": "ServiceIdentity"},
        r.AGENTS,
    ),
    "az vm list-sizes": ({"name": "Standard_B1s", "numberOfCores": 1}, None),
    "nothing": ({}, None),
}


@pytest.mark.parametrize("case", ROWS)
def test_rows_are_known_by_their_members(case: str) -> None:
    """Source: https://learn.microsoft.com/cli/azure/reference-index, and Graph's reference."""
    row, name = ROWS[case]

    assert name_of(row) == name


@pytest.mark.parametrize(
    ("context", "name", "of", "relation"),
    [
        ("servicePrincipals", r.SERVICE_PRINCIPALS, None, None),
        ("applications(id,appId)", r.APPLICATIONS, None, None),
        ("servicePrincipals/microsoft.graph.agentIdentity(id)", r.AGENTS, None, None),
        ("roleManagement/directory/roleAssignments", r.DIRECTORY_ASSIGNMENTS, None, None),
        ("directoryObjects/microsoft.graph.application(id)", r.DELETED_APPLICATIONS, None, None),
        ("directoryObjects", None, None, None),
        (f"applications('{'1' * 36}')/federatedIdentityCredentials", None, "1" * 36, r.FEDERATED),
        (f"servicePrincipals('{'1' * 36}')/appRoleAssignedTo", None, "1" * 36, r.HELD_BY),
    ],
)
def test_graph_says_what_a_list_is(context: str, name: str | None, of: str | None, relation: str | None) -> None:
    """An empty list says it only so."""
    found = listed({"@odata.context": f"https://graph.microsoft.com/v1.0/$metadata#{context}", "value": []})

    assert (found.name, found.of, found.relation) == (name, of, relation)


@given(
    st.recursive(
        st.none() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["id", "value", "type", "@odata.type"]), inner),
    )
)
def test_any_document_is_something_or_nothing(document: Any) -> None:
    """Rows are objects, whatever stands in their place."""
    found = listed(document)

    assert all(isinstance(row, dict) for row in found.rows)
    assert {name_of(row) for row in found.rows} <= {None, r.RELATED, r.RESOURCES, r.AGENT_USERS}
