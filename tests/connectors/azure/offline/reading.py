"""Sources of files, and what they yield."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import structs

from connectors.azure.connector import AzureConnector
from connectors.azure.settings import AzureSettings
from connectors.core.contract import DiscoveredRecord, Scope
from scanner.demo.fakes.azure import estate
from scanner.demo.fakes.azure.tenant import MICROSOFT, Tenant, guid
from scanner.model import Coverage, FileEnd, Identity
from tests.connectors.azure.offline.command_line import write

GRAPH = "00000003-0000-0000-c000-000000000000"
LATER = "2026-03-04T05:06:07Z"


def furnish(tenant: Tenant) -> None:
    """Something of every kind."""
    permission: dict[str, Any] = {"id": guid("role/mail"), "value": "Mail.Read", "allowedMemberTypes": ["Application"]}
    graph = tenant.add_service_principal(
        "Microsoft Graph",
        appId=GRAPH,
        appOwnerOrganizationId=MICROSOFT,
        appRoles=[permission],
        createdDateTime=LATER,
    )
    ada = tenant.add_person("ada", userPrincipalName="ada@contoso.example")
    secret: dict[str, Any] = {
        "keyId": guid("key"),
        "displayName": "ci",
        "startDateTime": "2025-01-01T00:00:00Z",
        "endDateTime": LATER,
    }
    shop = tenant.add_application("shop", passwordCredentials=[secret], createdDateTime=LATER)
    shop_principal = guid("principal/shop")
    for place in (f"/applications/{shop['id']}", f"/servicePrincipals/{shop_principal}"):
        tenant.collections[f"{place}/owners"] = [ada]
    tenant.collections[f"/applications/{shop['id']}/federatedIdentityCredentials"] = [
        {"id": guid("fic"), "name": "gh", "issuer": "https://token.example", "subject": "repo:a/b", "audiences": ["x"]}
    ]
    held: dict[str, Any] = {"id": "held-1", "principalId": shop_principal, "principalType": "ServicePrincipal"}
    held |= {"appRoleId": permission["id"], "resourceId": graph["id"], "resourceDisplayName": "Microsoft Graph"}
    tenant.collections[f"/servicePrincipals/{graph['id']}/appRoleAssignedTo"] = [held]
    grant: dict[str, Any] = {"id": "g", "clientId": shop_principal, "resourceId": graph["id"], "scope": "openid"}
    tenant.collections["/oauth2PermissionGrants"] = [grant | {"consentType": "AllPrincipals"}]
    tenant.collections["/reports/servicePrincipalSignInActivities"] = [
        {"id": "s", "appId": shop["appId"], "lastSignInActivity": {"lastSignInDateTime": LATER}}
    ]
    _furnish_subscription(tenant, shop_principal)


def _furnish_subscription(tenant: Tenant, shop: str) -> None:
    tenant.add_management_group("corp")
    subscription = tenant.add_subscription("prod", group="corp")["subscriptionId"]
    pull = estate.add_user_assigned(tenant, subscription, "pull", tags={"owner": "ada"})
    estate.trust_issuer(tenant, pull, "aks", "https://issuer.example", "system:serviceaccount:a:b")
    estate.run(tenant, subscription, "Microsoft.Web/sites", "site", as_=[pull])
    tenant.add_vault(subscription, "kv-prod")
    estate.put(tenant, "kv-prod", "secrets", "db-password", times={"exp": 1_800_000_000})
    estate.put(tenant, "kv-prod", "keys", "signing")
    owner = tenant.define_role("Owner", ["*"])["name"]
    tenant.assign_role(f"/subscriptions/{subscription}", pull["properties"]["principalId"], owner)
    tenant.assign_role("managementGroups/corp", shop, owner)
    tenant.assign_role(f"/subscriptions/{subscription}", guid("someone deleted"), owner)
    tenant.deny(f"/subscriptions/{subscription}/resourceGroups/rg", "managed", ["*"])


def export(folder: Path, files: Mapping[str, Any]) -> Path:
    """A folder with these files."""
    for name, answer in files.items():
        write(folder, name, answer)
    return folder


def connector(folder: Path, **facts: Any) -> AzureConnector:
    """A source of files; nothing in the environment says which tenant it is."""
    return AzureConnector("prod", AzureSettings(from_files=folder, **{"tenant_id": None, **facts}))


def read(folder: Path, **facts: Any) -> list[DiscoveredRecord]:
    """Everything that a source of files yields."""
    source = connector(folder, **facts)
    records: list[DiscoveredRecord] = []
    for unit in source.scopes():
        records += source.discover(unit) if isinstance(unit, Scope) else [unit]
    return records


def gaps(records: Sequence[DiscoveredRecord]) -> dict[str, str]:
    """What is known of each section that is one."""
    return {one.section: one.detail or "" for one in records if isinstance(one, Coverage) and one.is_gap}


def reported(records: Sequence[DiscoveredRecord]) -> dict[str, DiscoveredRecord]:
    """All that is no coverage, by what it is; when it was looked at is left out."""
    kept: dict[str, DiscoveredRecord] = {}
    for one in records:
        if not isinstance(one, Coverage | FileEnd):
            plain = structs.replace(one, observed_at=None) if isinstance(one, Identity) else one
            kept[f"{type(one).__name__} {one.key} in {one.scope}"] = plain
    return kept
