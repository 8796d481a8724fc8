"""Every request that this connector may send, with its least permission. No other request is sent.

Permissions of Graph are application permissions; those of the resource manager and of vaults are actions of a role.
Paths are templates: ``{…}`` is one segment. Source: the permission tables of Graph's reference pages, and Azure's list
of resource provider operations.
"""

from __future__ import annotations

import re
from functools import cache
from urllib.parse import SplitResult, unquote, urlsplit

from msgspec import Struct

from connectors.azure import sections as s
from connectors.azure.client.clouds import AzureCloud, Service
from scanner.errors import SourceError

EVERYTHING = "*/read"
"""Resource Graph returns the resources that the caller may read, so all types need this permission."""
ARM_RESOURCES = "/providers/Microsoft.ResourceGraph/resources"
_SP, _APP = "/servicePrincipals", "/applications"
_AGENT, _BLUEPRINT = "microsoft.graph.agentIdentity", "microsoft.graph.agentIdentityBlueprint"
_PRINCIPAL = "microsoft.graph.agentIdentityBlueprintPrincipal"
_APPLICATIONS, _DIRECTORY = "Application.Read.All", "Directory.Read.All"
_AUTHORIZATION = "/providers/Microsoft.Authorization"
_GROUP = "/providers/Microsoft.Management/managementGroups/{group}"
_VAULT = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.KeyVault/vaults/{vault}"
_IDENTITY = (
    "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.ManagedIdentity"
    "/userAssignedIdentities/{identity}"
)
_ROLE_ASSIGNMENTS = "Microsoft.Authorization/roleAssignments/read"
VAULT_LISTS = frozenset({"secrets", "keys", "certificates"})
"""The lists of a vault. The paths below them return values."""
_ROLE_DEFINITIONS = "Microsoft.Authorization/roleDefinitions/read"


class Forbidden(SourceError):
    """A request that is not in the table, such as a next link to elsewhere."""


POWER_PLATFORM = "Power Platform Administrator (directory role)"
"""The only role known to show an application what Power Platform has. No action of Azure's resource manager does."""


class Allowed(Struct, frozen=True, kw_only=True):
    """A request: its section, place and permissions. ``beta``: part of Graph's preview version."""

    section: str
    service: Service
    path: str
    permission: str
    method: str = "GET"
    beta: bool = False


def _graph(section: str, permission: str, *paths: str, method: str = "GET", beta: bool = False) -> list[Allowed]:
    return [
        Allowed(section=section, service="graph", path=path, permission=permission, method=method, beta=beta)
        for path in paths
    ]


def _arm(section: str, permission: str, *paths: str, method: str = "GET") -> list[Allowed]:
    return [Allowed(section=section, service="arm", path=path, permission=permission, method=method) for path in paths]


def _vault(section: str, permission: str, path: str) -> list[Allowed]:
    return [Allowed(section=section, service="vault", path=path, permission=permission)]


ALLOWED: tuple[Allowed, ...] = (
    *_graph(s.SERVICE_PRINCIPALS, _APPLICATIONS, _SP),
    *_graph(s.APPLICATIONS, _APPLICATIONS, _APP),
    *_graph(s.AGENT_IDENTITIES, "AgentIdentity.Read.All", f"{_SP}/{_AGENT}", f"{_SP}/{{id}}/{_AGENT}/sponsors"),
    *_graph(
        s.AGENT_BLUEPRINTS,
        "AgentIdentityBlueprint.Read.All",
        f"{_APP}/{_BLUEPRINT}",
        f"{_APP}/{{id}}/{_BLUEPRINT}/sponsors",
    ),
    *_graph(
        s.AGENT_BLUEPRINTS,
        "AgentIdentityBlueprintPrincipal.Read.All",
        f"{_SP}/{_PRINCIPAL}",
        f"{_SP}/{{id}}/{_PRINCIPAL}/sponsors",
    ),
    *_graph(s.INHERITABLE, "AgentIdentityBlueprint.Read.All", f"{_APP}/{{id}}/{_BLUEPRINT}/inheritablePermissions"),
    *_graph(s.AGENT_USERS, "User.Read.All", "/users/microsoft.graph.agentUser", "/users/{id}/sponsors"),
    *_graph(s.OWNERS, _APPLICATIONS, f"{_SP}/{{id}}/owners", f"{_APP}/{{id}}/owners"),
    *_graph(
        s.FEDERATED_CREDENTIALS,
        _APPLICATIONS,
        f"{_APP}/{{id}}/federatedIdentityCredentials",
        f"{_SP}/{{id}}/federatedIdentityCredentials",
    ),
    *_graph(s.FEDERATED_CREDENTIALS, _APPLICATIONS, f"{_APP}/{{id}}/federatedIdentityCredentials", beta=True),
    *_graph(
        s.DELETED,
        _APPLICATIONS,
        "/directory/deletedItems/microsoft.graph.servicePrincipal",
        "/directory/deletedItems/microsoft.graph.application",
    ),
    *_graph(
        s.DIRECTORY_ROLES,
        "RoleManagement.Read.Directory",
        "/roleManagement/directory/roleAssignments",
        "/roleManagement/directory/roleDefinitions",
    ),
    *_graph(
        s.APP_PERMISSIONS,
        _APPLICATIONS,
        f"{_SP}/{{id}}/appRoleAssignedTo",
        f"{_SP}/{{id}}/appRoleAssignments",
    ),
    *_graph(s.DELEGATED_GRANTS, _DIRECTORY, "/oauth2PermissionGrants"),
    *_graph(
        s.GROUP_MEMBERS,
        "GroupMember.Read.All",
        "/groups/{id}/transitiveMembers/microsoft.graph.servicePrincipal",
        "/groups/{id}/transitiveMembers",
    ),
    *_graph(s.SIGN_INS, "AuditLog.Read.All", "/reports/servicePrincipalSignInActivities", beta=True),
    *_graph(s.CREDENTIAL_USE, "AuditLog.Read.All", "/reports/appCredentialSignInActivities", beta=True),
    *_arm(
        s.SUBSCRIPTIONS,
        "Microsoft.Resources/subscriptions/read",
        "/subscriptions",
    ),
    *_arm(s.SUBSCRIPTIONS, "Microsoft.Resources/subscriptions/read", ARM_RESOURCES, method="POST"),
    *_arm(s.MANAGEMENT_GROUPS, "Microsoft.Management/managementGroups/read", ARM_RESOURCES, method="POST"),
    *_arm(
        s.MANAGEMENT_GROUPS,
        "Microsoft.Management/getEntities/action",
        "/providers/Microsoft.Management/getEntities",
        method="POST",
    ),
    *_arm(
        s.MANAGEMENT_GROUPS,
        "Microsoft.Management/managementGroups/read",
        "/providers/Microsoft.Management/managementGroups",
    ),
    *_arm(
        s.ROLE_ASSIGNMENTS,
        _ROLE_ASSIGNMENTS,
        f"/subscriptions/{{subscription}}{_AUTHORIZATION}/roleAssignments",
        f"{_GROUP}{_AUTHORIZATION}/roleAssignments",
    ),
    *_arm(
        s.ROLE_DEFINITIONS,
        _ROLE_DEFINITIONS,
        f"{_AUTHORIZATION}/roleDefinitions",
        f"/subscriptions/{{subscription}}{_AUTHORIZATION}/roleDefinitions",
        f"{_GROUP}{_AUTHORIZATION}/roleDefinitions",
    ),
    *_arm(
        s.DENY_ASSIGNMENTS,
        "Microsoft.Authorization/denyAssignments/read",
        f"/subscriptions/{{subscription}}{_AUTHORIZATION}/denyAssignments",
        f"{_GROUP}{_AUTHORIZATION}/denyAssignments",
    ),
    *_graph(s.PRINCIPALS, _DIRECTORY, "/directoryObjects/getByIds", method="POST"),
    *_arm(
        s.MANAGED_IDENTITIES,
        "Microsoft.ManagedIdentity/userAssignedIdentities/read",
        "/subscriptions/{subscription}/providers/Microsoft.ManagedIdentity/userAssignedIdentities",
    ),
    *_arm(
        s.IDENTITY_FEDERATION,
        "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/read",
        f"{_IDENTITY}/federatedIdentityCredentials",
    ),
    *_arm(s.WORKLOADS, EVERYTHING, ARM_RESOURCES, method="POST"),
    *_arm(s.WORKLOADS, "Microsoft.Resources/subscriptions/resources/read", "/subscriptions/{subscription}/resources"),
    *_arm(
        s.VAULTS,
        "Microsoft.KeyVault/vaults/read",
        "/subscriptions/{subscription}/providers/Microsoft.KeyVault/vaults",
    ),
    *_arm(s.VAULTS, "Microsoft.KeyVault/vaults/read", ARM_RESOURCES, method="POST"),
    *_arm(s.COPILOT_AGENTS, POWER_PLATFORM, ARM_RESOURCES, method="POST"),
    *_vault(s.SECRETS, "Microsoft.KeyVault/vaults/secrets/readMetadata/action", "/secrets"),
    *_vault(s.KEYS, "Microsoft.KeyVault/vaults/keys/read", "/keys"),
    *_vault(s.CERTIFICATES, "Microsoft.KeyVault/vaults/certificates/read", "/certificates"),
    *_arm(s.SECRETS, "Microsoft.KeyVault/vaults/secrets/read", f"{_VAULT}/secrets"),
    *_arm(s.KEYS, "Microsoft.KeyVault/vaults/keys/read", f"{_VAULT}/keys"),
)
"""In the order of the sections. A request that serves several sections is reported with the permission of the first."""

SIGN_INS = "/auditLogs/signIns"
SIGN_IN_COUNTS = tuple(
    f"/auditLogs/getSummarized{whose}SignIns(aggregationWindow='h1')" for whose in ("ServicePrincipal", "MSI")
)
ACTIVITY = "/subscriptions/{subscription}/providers/Microsoft.Insights/eventtypes/management/values"
OF_LOGS: tuple[Allowed, ...] = (
    *_graph("entra", "AuditLog.Read.All", SIGN_INS, *SIGN_IN_COUNTS, beta=True),
    *_arm("azure_activity", "Microsoft.Insights/eventtypes/values/read", ACTIVITY),
    *_arm("azure_activity", "Microsoft.Resources/subscriptions/read", "/subscriptions"),
)
"""Requests of live logs by their type, which belong to no section."""

BATCH = "/$batch"
"""The batch request. Each inner request must be in the table."""


def permissions_of(section: str) -> tuple[str, ...]:
    """The permissions for the requests of a section, without duplicates."""
    return tuple(dict.fromkeys(one.permission for one in ALLOWED if one.section == section))


def allowed(service: Service, method: str, path: str, *, beta: bool = False) -> Allowed:
    """The table's entry for a request; ``path`` without the service's address and version. Raises Forbidden."""
    if service == "graph" and method == "POST" and path == BATCH and not beta:
        return Allowed(section="", service="graph", path=BATCH, permission=_DIRECTORY, method="POST")
    plain = unquote(urlsplit(path).path)
    hidden = plain.count("/") != path.partition("?")[0].count("/") or {".", ".."} & set(plain.split("/"))
    for one in (*ALLOWED, *OF_LOGS):
        fits = one.service == service and one.method == method and one.beta == beta
        if fits and not hidden and _pattern(one.path).fullmatch(plain):
            return one
    raise Forbidden(f"{method} {urlsplit(path).path} is not a request that this connector makes")


@cache
def _pattern(template: str) -> re.Pattern[str]:
    """The pattern of a path, case-insensitive because the resource manager varies the case."""
    parts = re.split(r"\{\w+\}", template)
    return re.compile(r"[^/\x00-\x1f\\]+".join(map(re.escape, parts)), re.IGNORECASE)


# --- Addresses: which request of the table a URL is, and that it leads to the service's own host ---

VERSIONS = {"v1.0": False, "beta": True}
_PLAIN = re.compile(r"[\w-]+(?:\.[\w-]+)*", re.ASCII)


def request_of(endpoints: AzureCloud, service: Service, method: str, url: str) -> Allowed:
    """The table's entry for a URL of one service. Raises Forbidden for another host and for any other request."""
    if service == "vault":
        path = _path_in_vault(endpoints, url)
    else:
        base, parts = urlsplit(getattr(endpoints, service)), address(url)
        if (parts.scheme, parts.netloc.lower()) != (base.scheme, base.netloc.lower()) or not parts.path.startswith(
            f"{base.path}/"
        ):
            raise Forbidden(f"{parts.netloc or 'an address without a host'} is not the endpoint of {service}")
        path = parts.path.removeprefix(base.path)
    if service != "graph":
        return allowed(service, method, "/" + path.lstrip("/"))
    version, _, rest = path.lstrip("/").partition("/")
    if version not in VERSIONS:
        raise Forbidden(f"{path} is not a version of Graph that Muster uses")
    return allowed(service, method, f"/{rest}", beta=VERSIONS[version])


def address(url: str) -> SplitResult:
    """The parts of a URL from an answer. Raises Forbidden for an invalid URL."""
    try:
        return urlsplit(url)
    except ValueError:
        raise Forbidden("a link in a response is not a valid address") from None


def _path_in_vault(endpoints: AzureCloud, url: str) -> str:
    parts, base = address(url), urlsplit(endpoints.vault)
    if base.path:  # one address for all vaults: the path has the name
        is_vault = parts.netloc.lower() == base.netloc.lower()
        path = _after_name(parts.path, base.path)
    else:
        name, _, suffix = (parts.hostname or "").partition(".")
        is_vault = suffix == endpoints.vault_suffix and parts.netloc.lower() == parts.hostname and bool(name)
        path = parts.path
    if not is_vault or parts.scheme != base.scheme:
        raise Forbidden(f"{parts.netloc or 'an address without a host'} is not a key vault of this cloud")
    return path


def _after_name(path: str, vaults: str) -> str:
    """The part of a vault's path after its name below ``vaults``, else from the first name of a collection."""
    segments = path.removeprefix(f"{vaults}/").lstrip("/").split("/")
    lists = (number for number, segment in enumerate(segments) if segment.lower() in VAULT_LISTS)
    start = 1 if path.startswith(f"{vaults}/") else next(lists, len(segments))
    if not all(_PLAIN.fullmatch(segment) for segment in segments[:start]):
        raise Forbidden("the address of a vault is not valid")
    return "/" + "/".join(segments[start:])
