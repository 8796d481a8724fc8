"""The table of all requests, and their paths with names filled in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from string import Formatter
from typing import Literal
from urllib.parse import quote

from msgspec import Struct

Pairs = tuple[tuple[str, str], ...]

_NESTED = frozenset({"parent", "name"})
"""Placeholders for whole resource names. In any other, a slash would lead to another path."""
_SEGMENT = re.compile(r"[^/?#%\\\s\x00-\x1f\x7f]+")


class Request(Struct, frozen=True):
    """A request. ``path`` has places such as ``{project}`` or, for whole resource names, ``{parent}`` and ``{name}``.

    ``items``: the field of the answer that has the rows. ``size``: rows asked for on a page, by the parameter
    ``sized_by``; None: the listing has no pages, or no page size. ``query``: fixed parameters; ``takes``: parameters
    that a caller may add. ``regional``: the host of a location, if the API has one. ``paced``: the name of its own
    rate, if it differs from the API's.
    """

    api: str
    path: str
    permission: str
    items: str | None = None
    size: int | None = None
    method: Literal["GET", "POST"] = "GET"
    sized_by: Literal["pageSize", "maxResults"] = "pageSize"
    query: Pairs = ()
    takes: tuple[str, ...] = ()
    regional: str | None = None
    paced: str = ""

    @property
    def places(self) -> tuple[str, ...]:
        """The names of the placeholders."""
        return tuple(name for _, name, _, _ in Formatter().parse(self.path) if name)

    def route(self, places: Mapping[str, str]) -> str:
        """The path with names filled in. Raises ValueError for a name that would lead to another path."""
        return self.path.format(**{place: _quoted(place, places[place]) for place in self.places})


def _quoted(place: str, name: str) -> str:
    segments = name.split("/") if place in _NESTED else [name]
    if not all(_SEGMENT.fullmatch(segment) and segment not in (".", "..") for segment in segments):
        raise ValueError(f"{name!r} is not a {place}")
    return "/".join(quote(segment, safe="@:-._~") for segment in segments)


# --- Partial responses: fields of wide answers. Variables, metadata and passwords are not requested ---
#
# Source: the guides "Partial responses" of the APIs: ``a,b/c,d(e,f),g/*/h``.

_TEMPLATE = "serviceAccount,containers/env/valueSource,volumes/secret"
_RUN = "name,labels,createTime,creator,functionalType"
_FUNCTION = "serviceAccountEmail,secretEnvironmentVariables,secretVolumes"
_NODES = "serviceAccount,oauthScopes"
_POOLS = f"nodePools(name,selfLink,config({_NODES},workloadMetadataConfig))"
_MADE = f"autopilot,autoscaling/autoprovisioningNodePoolDefaults({_NODES})"
_MACHINE = "name,zone,selfLink,creationTimestamp,labels,serviceAccounts"

_OF_MACHINES = f"nextPageToken,unreachables,items/*/instances({_MACHINE})"
_OF_SERVICES = f"nextPageToken,unreachable,services({_RUN},template({_TEMPLATE}))"
_OF_JOBS = f"nextPageToken,jobs({_RUN},template/template({_TEMPLATE}))"
_OF_FUNCTIONS = f"nextPageToken,unreachable,functions(name,labels,createTime,environment,serviceConfig({_FUNCTION}))"
_OF_CLUSTERS = f"missingZones,clusters(name,selfLink,createTime,resourceLabels,workloadIdentityConfig,{_MADE},{_POOLS})"

# --- Every request of this connector, with the permission it needs ---
#
# The client takes nothing but these; the sections' permissions, the custom role and the advice on a denial come from
# here. None of them changes anything, and none answers with the value of a secret or a key. Source: the APIs'
# discovery documents, which tests hold each method, path and query parameter against.

_POLICY: Pairs = (("options.requestedPolicyVersion", "3"),)
POLICY_BODY = {"options": {"requestedPolicyVersion": 3}}
"""The body of a POST for a policy. Without version 3, conditions are left out."""

_manager, _asset, _iam, _secret = (
    partial(Request, api) for api in ("cloudresourcemanager", "cloudasset", "iam", "secretmanager")
)

# Resource Manager
ORGANIZATIONS = _manager("/v3/organizations:search", "resourcemanager.organizations.get", "organizations", 50)
FOLDERS = _manager(
    "/v3/folders:search", "resourcemanager.folders.get", "folders", 300, query=(("query", "state:ACTIVE"),)
)
PROJECTS = _manager(
    "/v3/projects:search", "resourcemanager.projects.get", "projects", 300, query=(("query", "state:ACTIVE"),)
)
ORGANIZATION = _manager("/v3/organizations/{organization}", "resourcemanager.organizations.get")
FOLDER = _manager("/v3/folders/{folder}", "resourcemanager.folders.get")
PROJECT = _manager("/v3/projects/{project}", "resourcemanager.projects.get")
ORGANIZATION_POLICY = _manager(
    "/v3/organizations/{organization}:getIamPolicy", "resourcemanager.organizations.getIamPolicy", method="POST"
)
FOLDER_POLICY = _manager("/v3/folders/{folder}:getIamPolicy", "resourcemanager.folders.getIamPolicy", method="POST")
PROJECT_POLICY = _manager("/v3/projects/{project}:getIamPolicy", "resourcemanager.projects.getIamPolicy", method="POST")
# The permissions of the credentials, for the preflight; it needs no permission itself.
_TEST = "none"
TEST_ORGANIZATION, TEST_FOLDER, TEST_PROJECT = (
    _manager(f"/v3/{kind}s/{{{kind}}}:testIamPermissions", _TEST, method="POST")
    for kind in ("organization", "folder", "project")
)

# Cloud Asset Inventory; the parent is an organization, a folder or a project.
ASSETS = _asset(
    "/v1/{parent}/assets",
    "cloudasset.assets.listResource",
    "assets",
    1000,
    query=(("contentType", "RESOURCE"),),
    takes=("assetTypes", "pageSize"),
)
ALL_POLICIES = _asset(
    "/v1/{parent}:searchAllIamPolicies",
    "cloudasset.assets.searchAllIamPolicies",
    "results",
    500,
    takes=("assetTypes", "query"),
)
ALL_RESOURCES = _asset(
    "/v1/{parent}:searchAllResources",
    "cloudasset.assets.searchAllResources",
    "results",
    500,
    takes=("assetTypes", "query", "readMask"),
)

# IAM
SERVICE_ACCOUNTS = _iam("/v1/projects/{project}/serviceAccounts", "iam.serviceAccounts.list", "accounts", 100)
SERVICE_ACCOUNT = _iam("/v1/projects/{project}/serviceAccounts/{account}", "iam.serviceAccounts.get")
SERVICE_ACCOUNT_KEYS = _iam(
    "/v1/projects/{project}/serviceAccounts/{account}/keys",
    "iam.serviceAccountKeys.list",
    "keys",
    query=(("keyTypes", "USER_MANAGED"),),
)
SERVICE_ACCOUNT_POLICY = _iam(
    "/v1/projects/{project}/serviceAccounts/{account}:getIamPolicy",
    "iam.serviceAccounts.getIamPolicy",
    method="POST",
    query=_POLICY,
)
_POOLS = "/v1/projects/{project}/locations/global/workloadIdentityPools"
WORKLOAD_POOLS = _iam(_POOLS, "iam.googleapis.com/workloadIdentityPools.list", "workloadIdentityPools", 1000)
POOL_PROVIDERS = _iam(
    f"{_POOLS}/{{pool}}/providers",
    "iam.googleapis.com/workloadIdentityPoolProviders.list",
    "workloadIdentityPoolProviders",
    100,
)
POOL_NAMESPACES = _iam(
    f"{_POOLS}/{{pool}}/namespaces", "iam.workloadIdentityPoolNamespaces.list", "workloadIdentityPoolNamespaces", 1000
)
MANAGED_IDENTITIES = _iam(
    f"{_POOLS}/{{pool}}/namespaces/{{namespace}}/managedIdentities",
    "iam.workloadIdentityPoolManagedIdentities.list",
    "workloadIdentityPoolManagedIdentities",
    1000,
)
OAUTH_CLIENTS = _iam(
    "/v1/projects/{project}/locations/global/oauthClients", "iam.oauthClients.list", "oauthClients", 100
)
PREDEFINED_ROLES = _iam("/v1/roles", "iam.roles.list", "roles", 1000, query=(("view", "FULL"),))
PREDEFINED_ROLE = _iam("/v1/roles/{role}", "iam.roles.get")
CUSTOM_ROLES = _iam(
    "/v1/{parent}/roles", "iam.roles.list", "roles", 1000, query=(("view", "FULL"),), takes=("showDeleted",)
)
CUSTOM_ROLE = _iam("/v1/{parent}/roles/{role}", "iam.roles.get")
# The attachment point is one segment, with its slashes encoded: cloudresourcemanager.googleapis.com%2Fprojects%2FP.
DENY_POLICIES = _iam(
    "/v2/policies/cloudresourcemanager.googleapis.com%2F{kind}%2F{place}/denypolicies",
    "iam.denypolicies.list",
    "policies",
    1000,
)
DENY_POLICY = _iam(
    "/v2/policies/cloudresourcemanager.googleapis.com%2F{kind}%2F{place}/denypolicies/{policy}", "iam.denypolicies.get"
)

# Privileged Access Manager; the parent is an organization, a folder or a project.
ENTITLEMENTS = Request(
    "privilegedaccessmanager",
    "/v1/{parent}/locations/global/entitlements",
    "privilegedaccessmanager.entitlements.list",
    "entitlements",
    100,
)

# Credentials that are not IAM's
API_KEYS = Request("apikeys", "/v2/projects/{project}/locations/global/keys", "apikeys.keys.list", "keys", 300)
HMAC_KEYS = Request(
    "storage", "/storage/v1/projects/{project}/hmacKeys", "storage.hmacKeys.list", "items", 250, sized_by="maxResults"
)

# Agents
_AT = "/v1/projects/{project}/locations/{location}"
REASONING_ENGINES = Request(
    "aiplatform",
    f"{_AT}/reasoningEngines",
    "aiplatform.reasoningEngines.list",
    "reasoningEngines",
    100,
    regional="https://{location}-aiplatform.googleapis.com",
)
REGISTERED_AGENTS = Request("agentregistry", f"{_AT}/agents", "agentregistry.agents.list", "agents", 100)
MCP_SERVERS = Request("agentregistry", f"{_AT}/mcpServers", "agentregistry.mcpServers.list", "mcpServers", 100)
AUTH_PROVIDERS = Request(
    "agentidentity", f"{_AT}/authProviders", "agentidentity.authProviders.list", "authProviders", 100
)
AUTHORIZATIONS = Request(
    "agentidentity",
    f"{_AT}/authProviders/{{provider}}/authorizations",
    "agentidentity.authorizations.list",
    "authorizations",
    1000,
)
WORKLOADS_OF_PROVIDER = Request(
    "agentidentity",
    f"{_AT}/authProviders/{{provider}}:queryWorkloads",
    "agentidentity.authProviders.queryWorkloads",
    "workloadIds",
    1000,
)
ACCESS_SUMMARIES = Request(
    "agentidentity", f"{_AT}/accessSummaries", "agentidentity.accessSummaries.list", "accessSummaries", 1000
)

# Use; the parent is a project, a folder or an organization.
ACCOUNT_ACTIVITIES, KEY_ACTIVITIES = (
    Request(
        "policyanalyzer",
        f"/v1/{{parent}}/locations/global/activityTypes/{activity}LastAuthentication/activities:query",
        f"policyanalyzer.{activity}LastAuthenticationActivities.query",
        "activities",
        1000,
    )
    for activity in ("serviceAccount", "serviceAccountKey")
)
_ACTIVE: Pairs = (("filter", "stateInfo.state=ACTIVE"),)
ACCOUNT_INSIGHTS, POLICY_INSIGHTS = (
    Request(
        "recommender",
        f"/v1/{{parent}}/locations/global/insightTypes/google.iam.{kind}.Insight/insights",
        permission,
        "insights",
        1000,
        query=_ACTIVE,
    )
    for kind, permission in (
        ("serviceAccount", "recommender.iamServiceAccountInsights.list"),
        ("policy", "recommender.iamPolicyInsights.list"),
    )
)

# Workloads
INSTANCES = Request(
    "compute",
    "/compute/v1/projects/{project}/aggregated/instances",
    "compute.instances.list",
    "items",
    500,
    sized_by="maxResults",
    query=(("fields", _OF_MACHINES),),
)
RUN_SERVICES = Request(
    "run",
    "/v2/projects/{project}/locations/{location}/services",
    "run.services.list",
    "services",
    100,
    query=(("fields", _OF_SERVICES),),
)
RUN_JOBS = Request(
    "run",
    "/v2/projects/{project}/locations/{location}/jobs",
    "run.jobs.list",
    "jobs",
    100,
    query=(("fields", _OF_JOBS),),
)
FUNCTIONS = Request(
    "cloudfunctions",
    "/v2/projects/{project}/locations/-/functions",
    "cloudfunctions.functions.list",
    "functions",
    1000,
    query=(("fields", _OF_FUNCTIONS),),
)
CLUSTERS = Request(
    "container",
    "/v1/projects/{project}/locations/-/clusters",
    "container.clusters.list",
    "clusters",
    query=(("fields", _OF_CLUSTERS),),
)

# Secret Manager: names and dates
SECRETS = _secret("/v1/projects/{project}/secrets", "secretmanager.secrets.list", "secrets", 1000)
SECRET_VERSIONS = _secret(
    "/v1/projects/{project}/secrets/{secret}/versions",
    "secretmanager.versions.list",
    "versions",
    100,
    query=(("filter", "state:ENABLED"),),
)
SECRET_POLICY = _secret(
    "/v1/projects/{project}/secrets/{secret}:getIamPolicy", "secretmanager.secrets.getIamPolicy", query=_POLICY
)
REGIONAL_SECRETS = _secret(
    f"{_AT}/secrets",
    "secretmanager.secrets.list",
    "secrets",
    1000,
    regional="https://secretmanager.{location}.rep.googleapis.com",
)
REGIONAL_SECRET_VERSIONS = _secret(
    f"{_AT}/secrets/{{secret}}/versions",
    "secretmanager.versions.list",
    "versions",
    100,
    query=(("filter", "state:ENABLED"),),
    regional="https://secretmanager.{location}.rep.googleapis.com",
)

# Cloud Logging: audit logs that are asked for live. A body says of what, from when to when and how many.
LOG_ENTRIES = Request("logging", "/v2/entries:list", "logging.logEntries.list", method="POST", paced="logging.entries")
LOG_BUCKET = Request("logging", "/v2/{parent}/locations/global/buckets/_Default", "logging.buckets.get")
OF_LOGS = (LOG_ENTRIES, LOG_BUCKET)
"""Requests of no section."""

REQUESTS: tuple[Request, ...] = tuple(thing for thing in list(globals().values()) if isinstance(thing, Request))
"""All of them."""
APIS: tuple[str, ...] = tuple(sorted({request.api for request in REQUESTS}))
"""The APIs by the first label of their hosts."""
