"""Recognises the list in a document, by the members of its rows or by Graph's metadata (pure).

Lists of Graph are named by their path, those of the resource manager and of vaults by the names below.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

Row = Mapping[str, Any]

SERVICE_PRINCIPALS, APPLICATIONS, USERS, GROUPS = "/servicePrincipals", "/applications", "/users", "/groups"
AGENTS = f"{SERVICE_PRINCIPALS}/microsoft.graph.agentIdentity"
BLUEPRINTS = f"{APPLICATIONS}/microsoft.graph.agentIdentityBlueprint"
BLUEPRINT_PRINCIPALS = f"{SERVICE_PRINCIPALS}/microsoft.graph.agentIdentityBlueprintPrincipal"
AGENT_USERS = f"{USERS}/microsoft.graph.agentUser"
DELETED_PRINCIPALS = "/directory/deletedItems/microsoft.graph.servicePrincipal"
DELETED_APPLICATIONS = "/directory/deletedItems/microsoft.graph.application"
DIRECTORY_ROLES = "/roleManagement/directory/roleDefinitions"
DIRECTORY_ASSIGNMENTS = "/roleManagement/directory/roleAssignments"
GRANTS = "/oauth2PermissionGrants"
SIGN_INS, CREDENTIAL_USE = "/reports/servicePrincipalSignInActivities", "/reports/appCredentialSignInActivities"
OWNERS, FEDERATED, HELD_BY = "owners", "federatedIdentityCredentials", "appRoleAssignedTo"
INHERITABLE = "inheritablePermissions"
RESOURCES, SUBSCRIPTIONS, MANAGEMENT_GROUPS = "resources", "subscriptions", "management groups"
ROLE_ASSIGNMENTS, ROLE_DEFINITIONS, DENIALS = "role assignments", "role definitions", "deny assignments"
VAULT_ITEMS, IDENTITY_FEDERATION, RELATED = "vault items", "identity federation", "related objects"

# The metadata of a Graph list: of an object, or of the directory. Source: the OData context URL.
_CONTEXT = re.compile(
    r"\$metadata#(?P<path>[\w/.]+)(?:\('(?P<id>[0-9A-Fa-f-]{36})'\)/(?:microsoft\.graph\.\w+/)?(?P<relation>\w+))?"
)
_BIN = {
    path.replace("/directory/deletedItems", "/directoryObjects"): path
    for path in (DELETED_PRINCIPALS, DELETED_APPLICATIONS)
}
_ITEM = re.compile(r"https://[^/]+/(?:secrets|keys|certificates)/[^/]+", re.IGNORECASE)
_SECRET = re.compile(r"https://[^/]+/secrets/", re.IGNORECASE)
_NEW_SECRETS = (("password", "appId"), ("clientSecret", "clientId"))
"""Secret members in the output of `az ad sp create-for-rbac`, with and without `--json-auth`, and the members beside
them.
"""
_FEDERATED = re.compile(r"/subscriptions/.+/federatedIdentityCredentials/[^/]+\Z", re.IGNORECASE)
_GROUP = re.compile(r"/providers/Microsoft\.Management/managementGroups/[^/]+\Z", re.IGNORECASE)
_RESOURCE = re.compile(r"/subscriptions/[^/]+/resourceGroups/[^/]+/providers/", re.IGNORECASE)

# In this order; each is known by all of its members, one of every set.
_BY_MEMBERS: Sequence[tuple[str, tuple[frozenset[str], ...]]] = tuple(
    (name, tuple(frozenset(one.split("|")) for one in members.split()))
    for name, members in (
        (SIGN_INS, "appId lastSignInActivity|delegatedClientSignInActivity|delegatedResourceSignInActivity"),
        (CREDENTIAL_USE, "keyId signInActivity"),
        (AGENT_USERS, "id identityParentId"),
        (AGENTS, "id agentIdentityBlueprintId"),
        (HELD_BY, "appRoleId principalId resourceId"),
        (GRANTS, "clientId consentType resourceId"),
        (DIRECTORY_ASSIGNMENTS, "principalId roleDefinitionId directoryScopeId|appScopeId"),
        (DIRECTORY_ROLES, "id rolePermissions"),
        (ROLE_ASSIGNMENTS, "id principalId roleDefinitionId scope"),
        (ROLE_DEFINITIONS, "id roleName permissions"),
        (FEDERATED, "issuer audiences"),
        (INHERITABLE, "resourceAppId inheritableScopes|inheritableRoles"),
        (SERVICE_PRINCIPALS, "id appId servicePrincipalType|appOwnerOrganizationId|alternativeNames"),
        (APPLICATIONS, "id appId signInAudience|publisherDomain|requiredResourceAccess|passwordCredentials"),
        (SUBSCRIPTIONS, "subscriptionId displayName state"),
        (SUBSCRIPTIONS, "id tenantId state isDefault|homeTenantId|managedByTenants"),
        (USERS, "id userPrincipalName"),
        (GROUPS, "id securityEnabled|mailEnabled"),
    )
)  # fmt: skip
_BY_TYPE = {
    "agentuser": AGENT_USERS,
    "agentidentityblueprint": BLUEPRINTS,
    "agentidentityblueprintprincipal": BLUEPRINT_PRINCIPALS,
    **dict.fromkeys(("user", "group", "serviceprincipal"), RELATED),
}
_BY_ID = ((VAULT_ITEMS, _ITEM), (IDENTITY_FEDERATION, _FEDERATED), (MANAGEMENT_GROUPS, _GROUP))
_NESTED = {"roleassignments": ROLE_ASSIGNMENTS, "roledefinitions": ROLE_DEFINITIONS, "denyassignments": DENIALS}
SHOWN = (OWNERS, FEDERATED)
"""Members of rows besides the id, if only a relationship was selected."""


class Listed(Struct, frozen=True, kw_only=True):
    """The rows of one document. ``name``: as above, None if unknown; ``of``: the object it belongs to.

    ``relation``: what the rows are to it. ``is_list``: not a single object. ``goes_on``: there is a further page.
    """

    rows: Sequence[Row]
    name: str | None = None
    of: str | None = None
    relation: str | None = None
    is_list: bool = True
    goes_on: bool = False


def listed(document: Any) -> Listed:
    """The list in a document, as far as its metadata tells. A row that is no object counts as empty."""
    rows, is_list, goes_on, context = [document], False, False, ""
    if isinstance(document, list):
        rows, is_list = document, True
    elif isinstance(document, Mapping):
        for member in ("value", "data"):
            if isinstance(document.get(member), list):
                rows, is_list = document[member], True
        links = ("@odata.nextLink", "nextLink", "skip_token", "$skipToken")
        goes_on = is_list and any(document.get(link) for link in links)
        context = str(document.get("@odata.context") or "")
    hints = _CONTEXT.search(context)
    kept = [row if isinstance(row, Mapping) else {} for row in rows]
    if hints is None:
        return Listed(rows=kept, is_list=is_list, goes_on=goes_on)
    path = "/" + hints["path"].rstrip("/")
    name = None if hints["id"] or path.startswith("/directoryObjects") else path
    name = _BIN.get(path, name)
    return Listed(rows=kept, name=name, of=hints["id"], relation=hints["relation"], is_list=is_list, goes_on=goes_on)


def name_of(row: Row) -> str | None:
    """The list of a row; None if no reader uses it."""
    return _by_type(row) or _by_id(row) or _by_members(row)


def _by_type(row: Row) -> str | None:
    """The list by Graph's type, which a row has only if its list has several types."""
    type_ = str(row.get("@odata.type") or "").lower()
    if row.get("deletedDateTime") and row.get("appId"):
        is_principal = "servicePrincipalType" in row or type_.endswith(".serviceprincipal")
        return DELETED_PRINCIPALS if is_principal else DELETED_APPLICATIONS
    return _BY_TYPE.get(type_.removeprefix("#microsoft.graph."))


def _by_id(row: Row) -> str | None:
    id_ = str(row.get("id") or row.get("kid") or "")
    nested = _NESTED.get(str(row.get("type") or "").lower().rpartition("/")[2])
    if nested is not None and isinstance(row.get("properties"), Mapping):
        return nested
    return next((name for name, pattern in _BY_ID if pattern.match(id_)), None)


def _by_members(row: Row) -> str | None:
    for name, members in _BY_MEMBERS:
        if all(one & row.keys() for one in members):
            return name
    id_ = str(row.get("id") or "")
    if _RESOURCE.match(id_) and isinstance(row.get("type"), str):
        return RESOURCES
    return RELATED if id_ and any(isinstance(row.get(name), list) for name in SHOWN) else None


def holds_secrets(row: Row) -> bool:
    """Whether it has a value that should not be in a file: a secret's value, or an application's password."""
    if isinstance(row.get("value"), str) and _SECRET.match(str(row.get("id") or "")):
        return True
    if any(isinstance(row.get(secret), str) and row.get(of) for secret, of in _NEW_SECRETS):
        return True
    passwords = row.get("passwordCredentials")
    some = passwords if isinstance(passwords, list) else ()
    return any(isinstance(one, Mapping) and isinstance(one.get("secretText"), str) for one in (row, *some))


def is_of_old_graph(row: Row) -> bool:
    """Whether it is in the form of Azure AD Graph, which the command line wrote up to version 2.36.

    Source: https://learn.microsoft.com/cli/azure/microsoft-graph-migration
    """
    names = {str(name).lower() for name in row}
    return "objectid" in names and "id" not in names and not names.isdisjoint(("appid", "objecttype", "odata.type"))
