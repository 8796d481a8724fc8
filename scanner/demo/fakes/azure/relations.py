"""Owners, sponsors and federated credentials of the directory's objects, and Graph's ``$expand`` of them.

As Graph does, it returns at most twenty objects, silently, expands one relationship at a time, and returns only the ids
of people that the application may not read. Source: https://learn.microsoft.com/graph/query-parameters
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from scanner.demo.fakes.azure.tenant import Row, Tenant, guid
from scanner.demo.fakes.azure.wire import Call, Reply, refusal

EXPANDED_AT_MOST = 20
_AGENT, _BLUEPRINT = "#microsoft.graph.agentIdentity", "#microsoft.graph.agentIdentityBlueprint"
_BLUEPRINT_PRINCIPAL = "#microsoft.graph.agentIdentityBlueprintPrincipal"
_EXPAND = re.compile(r"(\w+)(?:\(\$select=([\w,]+)\))?")
_EXPRESSION = "claimsMatchingExpression"
# The collections of the tenant with the related objects.
_BELOW = {
    "/serviceprincipals": "/servicePrincipals/{id}/{relation}",
    "/applications": "/applications/{id}/{relation}",
    "/serviceprincipals/microsoft.graph.agentidentity": (
        "/servicePrincipals/{id}/microsoft.graph.agentIdentity/{relation}"
    ),
    "/serviceprincipals/microsoft.graph.agentidentityblueprintprincipal": (
        "/servicePrincipals/{id}/microsoft.graph.agentIdentityBlueprintPrincipal/{relation}"
    ),
    "/applications/microsoft.graph.agentidentityblueprint": (
        "/applications/{id}/microsoft.graph.agentIdentityBlueprint/{relation}"
    ),
    "/users/microsoft.graph.agentuser": "/users/{id}/{relation}",
}
_RELATIONS = {
    "/serviceprincipals": {"owners", "federatedIdentityCredentials"},
    "/applications": {"owners", "federatedIdentityCredentials"},
}


def with_expanded(tenant: Tenant, call: Call, rows: Sequence[Row]) -> list[Row] | Reply:
    """The rows with the expanded relationship, or a refusal."""
    asked = call.query.get("$expand")
    if asked is None:
        return list(rows)
    path = "/" + call.path.split("/", 2)[2].lower()
    match, below = _EXPAND.fullmatch(asked), _BELOW.get(path)
    if match is None or below is None or match[1] not in _RELATIONS.get(path, {"owners", "sponsors"}):
        return refusal("graph", 400, "Request_UnsupportedQuery", f"Could not expand {asked}.")
    relation, names = match[1], set(match[2].split(",")) if match[2] else None
    return [{**row, relation: _related(tenant, below.format(id=row["id"], relation=relation), names)} for row in rows]


def _related(tenant: Tenant, path: str, names: set[str] | None) -> list[Row]:
    some = tenant.collections.get(path, [])[:EXPANDED_AT_MOST]
    seen = [without_expression(seen_person(tenant, row)) for row in some]
    return seen if names is None else [{k: v for k, v in row.items() if k in {*names, "@odata.type"}} for row in seen]


def seen_person(tenant: Tenant, row: Row) -> Row:
    """A person as the calling application may see it."""
    hidden = row.get("@odata.type") == "#microsoft.graph.user" and not tenant.shows_people
    return {name: row[name] for name in ("@odata.type", "id")} if hidden else row


def without_expression(row: Row) -> Row:
    """A federated credential as in Graph v1.0: only the preview has expressions."""
    if _EXPRESSION not in row:
        return row
    return {name: value for name, value in row.items() if name not in (_EXPRESSION, "subject")}


def of_type(tenant: Tenant, path: str) -> list[Row] | None:
    """The objects of a list of a single type; None for any other list."""
    place, _, cast = path.lower().strip("/").partition("/")
    kinds = {
        ("serviceprincipals", _AGENT): tenant.service_principals,
        ("serviceprincipals", _BLUEPRINT_PRINCIPAL): tenant.service_principals,
        ("applications", _BLUEPRINT): tenant.applications,
        ("users", "#microsoft.graph.agentUser"): tenant.people,
    }
    for (list_, kind), rows in kinds.items():
        if (place, f"#{cast}") == (list_, kind.lower()):
            return [row for row in rows.values() if row.get("@odata.type") == kind]
    return None


def add_blueprint(tenant: Tenant, name: str, **facts: Any) -> Row:
    """A blueprint of agents, with its principal in this tenant."""
    row = tenant.add_application(name, principal=False, **{"@odata.type": _BLUEPRINT, **facts})
    tenant.add_service_principal(name, **{"@odata.type": _BLUEPRINT_PRINCIPAL})
    return row


def hand_on(tenant: Tenant, blueprint: Row, api: Row, *, scopes: Row | None = None, roles: Row | None = None) -> Row:
    """Declare permissions of an API inheritable by the agents of a blueprint. Without patterns: none is."""
    row = {
        "resourceAppId": api["appId"],
        "inheritableScopes": scopes or {"@odata.type": "#microsoft.graph.noScopes", "kind": "none"},
        "inheritableRoles": roles or {"@odata.type": "#microsoft.graph.noRoles", "kind": "none"},
    }
    path = f"/applications/{blueprint['id']}/microsoft.graph.agentIdentityBlueprint/inheritablePermissions"
    tenant.collections.setdefault(path, []).append(row)
    return row


def add_agent(tenant: Tenant, name: str, blueprint: Row, **facts: Any) -> Row:
    """An agent identity made from a blueprint."""
    return tenant.add_service_principal(
        name,
        **{
            "@odata.type": _AGENT,
            "servicePrincipalType": "ServiceIdentity",
            "agentIdentityBlueprintId": blueprint["appId"],
            "createdDateTime": "2026-05-01T08:00:00Z",
            "createdByAppId": blueprint["appId"],
            **facts,
        },
    )


def add_agent_user(tenant: Tenant, name: str, agent: Row, **facts: Any) -> Row:
    """The user account of an agent."""
    return tenant.add_person(
        name,
        kind="agentUser",
        userPrincipalName=f"{name}@contoso.example",
        accountEnabled=True,
        createdDateTime="2026-05-02T08:00:00Z",
        identityParentId=agent["id"],
        **facts,
    )


def add_owner(tenant: Tenant, owned: Row, owner: Row, *, relation: str = "owners") -> None:
    """Add an owner of an object, or a sponsor (``relation``)."""
    place = "applications" if owned["id"] in tenant.applications else "servicePrincipals"
    place = "users" if owned["id"] in tenant.people else place
    cast = "" if relation == "owners" or place == "users" else "/" + owned["@odata.type"].removeprefix("#")
    shown = tenant.directory_object(owner["id"]) or owner
    tenant.collections.setdefault(f"/{place}/{owned['id']}{cast}/{relation}", []).append(
        {
            name: shown[name]
            for name in ("@odata.type", "id", "displayName", "userPrincipalName", "mail")
            if name in shown
        }
    )


def add_federation(
    tenant: Tenant, application: Row, name: str, issuer: str, subject: str | None, expression: str = "", **facts: Any
) -> Row:
    """Add a federated credential to an application, for a subject or for tokens that match an expression."""
    flexible = {_EXPRESSION: {"value": expression, "languageVersion": 1}, "subject": None} if expression else {}
    row = {
        "id": guid(f"federation/{application['id']}/{name}"),
        "name": name,
        "issuer": issuer,
        "subject": subject,
        "audiences": ["api://AzureADTokenExchange"],
        "description": None,
        **flexible,
        **facts,
    }
    tenant.collections.setdefault(f"/applications/{application['id']}/federatedIdentityCredentials", []).append(row)
    return row


def add_sign_in(tenant: Tenant, client: str, at: str, *, used_as: str = "Client", succeeded: str | None = None) -> Row:
    """Add an application (its client id) to the report of sign-ins."""
    activity = {"lastSignInDateTime": at, "lastSignInRequestId": guid(f"request/{client}")}
    if succeeded is not None:
        activity["lastSuccessfulSignInDateTime"] = succeeded
    row = {
        "id": guid(f"sign-in/{client}"),
        "appId": client,
        "lastSignInActivity": activity,
        f"applicationAuthentication{used_as}SignInActivity": activity,
    }
    tenant.collections.setdefault("/reports/servicePrincipalSignInActivities", []).append(row)
    return row


def add_credential_use(tenant: Tenant, application: Row, key: str, at: str, **facts: Any) -> Row:
    """Add a key of an application to the report of credentials."""
    row = {
        "id": guid(f"use/{key}/{at}"),
        "keyId": key,
        "keyType": "clientSecret",
        "keyUsage": "sign",
        "appId": application["appId"],
        "appObjectId": application["id"],
        "credentialOrigin": "application",
        "signInActivity": {"lastSignInDateTime": at},
        **facts,
    }
    tenant.collections.setdefault("/reports/appCredentialSignInActivities", []).append(row)
    return row
