"""Contents of a subscription: identities, workloads that run as them, and items in vaults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from scanner.demo.fakes.azure.tenant import Row, Tenant, guid

_CREATED, _UPDATED = 1_700_000_000, 1_710_000_000
USER_ASSIGNED = "Microsoft.ManagedIdentity/userAssignedIdentities"


def add_user_assigned(tenant: Tenant, subscription: str, name: str, **facts: Any) -> Row:
    """A user-assigned identity, with its service principal. ``facts``: fields of the resource."""
    row = tenant.add_resource(subscription, USER_ASSIGNED, name, **facts)
    principal = tenant.add_managed_identity(row["id"])
    row["properties"] = {"principalId": principal["id"], "clientId": principal["appId"], "tenantId": tenant.id}
    return row


def trust_issuer(tenant: Tenant, identity: Row, name: str, issuer: str, subject: str | None) -> Row:
    """Add a federated credential to a user-assigned identity."""
    place = f"{identity['id']}/federatedIdentityCredentials/{name}"
    terms = {"issuer": issuer, "subject": subject, "audiences": ["api://AzureADTokenExchange"]}
    row: Row = {"id": place, "name": name, "type": f"{USER_ASSIGNED}/federatedIdentityCredentials", "properties": terms}
    tenant.federated_credentials.setdefault(identity["id"].lower(), []).append(row)
    return row


def run(
    tenant: Tenant, subscription: str, type_: str, name: str, *, own: bool = True, as_: Sequence[Row] = (), **facts: Any
) -> Row:
    """A resource with a system-assigned identity (``own``) and user-assigned identities."""
    row = tenant.add_resource(subscription, type_, name, **facts)
    assigned: Mapping[str, Row] = {
        one["id"]: {name: one["properties"][name] for name in ("principalId", "clientId")} for one in as_
    }
    kinds = [word for word, is_so in (("SystemAssigned", own), ("UserAssigned", assigned)) if is_so]
    row["identity"] = {"type": ", ".join(kinds), "tenantId": tenant.id}
    if own:
        row["identity"]["principalId"] = tenant.add_managed_identity(row["id"], user_assigned=False)["id"]
    if assigned:
        row["identity"]["userAssignedIdentities"] = assigned
    return row


def put(
    tenant: Tenant, vault: str, kind: str, name: str, *, times: Mapping[str, Any] | None = None, **facts: Any
) -> Row:
    """An item in a vault. ``kind``: secrets, keys or certificates. ``times``: the dates in its attributes."""
    usual = {"enabled": True, "created": _CREATED, "updated": _UPDATED, "recoveryLevel": "Recoverable"}
    address = f"https://{vault}.vault.azure.net/{kind}/{name}"
    row: Row = {"kid" if kind == "keys" else "id": address, "attributes": usual | dict(times or {}), **facts}
    tenant.vault_items[vault][kind].append(row)
    return row


def with_access_policy(vault: Row, principal: str, permissions: Mapping[str, Sequence[str]], **facts: Any) -> Row:
    """An access policy of a vault for an object id."""
    row: Row = {"tenantId": guid("contoso"), "objectId": principal, "permissions": dict(permissions), **facts}
    vault["properties"]["accessPolicies"].append(row)
    return row
