"""What the reading of rights is reported about the directory."""

from __future__ import annotations

from connectors.azure.identities.applications import directory_for_rights
from scanner.demo.fakes.azure.tenant import MICROSOFT, guid
from scanner.model import Assignment
from tests.connectors.azure.estate import AzureEstate
from tests.connectors.azure.identities.conftest import TenantRead
from tests.connectors.azure.identities.made import (
    CLIENT,
    PRINCIPAL,
    REGISTRATION,
    TENANT,
    application,
    found,
    principal,
)

GRAPH, AGENT, SITE = guid("graph"), guid("agent"), guid("site")
ROLE = {"id": guid("role").upper(), "value": "Directory.Read.All", "displayName": "Read directory data"}
ARM_ID = "/subscriptions/S-1/resourceGroups/rg/providers/Microsoft.Web/sites/Shop"


def test_every_object_leads_to_its_identity() -> None:
    """Both faces of an application to one; what is left out to none, though its permissions are known."""
    rows = [
        principal(),
        principal(id=GRAPH, appId=guid("graph client"), displayName="Graph", appRoles=[ROLE]),
        principal(id=AGENT, appId=None, servicePrincipalType="ServiceIdentity"),
        principal(id=SITE, appId=guid("s"), servicePrincipalType="ManagedIdentity", alternativeNames=[ARM_ID]),
    ]
    tenant = found(principals={one.id: one for one in rows}, applications={CLIENT: application()}, left_out={GRAPH})

    tenant_read = directory_for_rights(tenant)

    assert tenant_read.keys == {
        PRINCIPAL: f"azure://{TENANT}/applications/{CLIENT}",
        REGISTRATION: f"azure://{TENANT}/applications/{CLIENT}",
        AGENT: f"azure://{TENANT}/agentIdentities/{AGENT}",
        SITE: f"{ARM_ID.lower()}/providers/microsoft.managedidentity/identities/default",
    }
    assert tenant_read.left_out == {GRAPH}
    assert tenant_read.names[GRAPH] == "Graph"
    assert tenant_read.apis[GRAPH].app_roles == {guid("role"): "Directory.Read.All"}


def test_a_permission_is_reported_by_the_name_that_the_api_gives_it(
    azure: AzureEstate, tenant_read: TenantRead
) -> None:
    """The API is Microsoft's, and not listed itself."""
    shop = azure.tenant.add_service_principal("shop")
    api = azure.tenant.add_service_principal(
        "Graph",
        appOwnerOrganizationId=MICROSOFT,
        appRoles=[{**ROLE, "id": guid("role"), "isEnabled": True, "allowedMemberTypes": ["Application"]}],
    )
    azure.tenant.collections[f"/servicePrincipals/{api['id']}/appRoleAssignedTo"] = [
        {
            "id": "41W1zT6z1U-kJxf62svfp1HFE8pM",
            "appRoleId": guid("role"),
            "principalId": shop["id"],
            "principalType": "ServicePrincipal",
            "principalDisplayName": "shop",
            "resourceId": api["id"],
            "resourceDisplayName": "Graph",
        }
    ]

    found = tenant_read()

    rights: list[Assignment] = found.assignments
    assert [(one.holder, one.grant.name, one.grant.resource) for one in rights] == [
        (shop["id"], "Directory.Read.All", "Graph")
    ]
    assert found.identities.keys() == {"shop"}
