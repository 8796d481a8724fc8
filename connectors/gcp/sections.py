"""The sections of Google Cloud: the table for spec, policy, doctor and docs."""

from __future__ import annotations

from collections.abc import Iterable

from connectors.core.contract import Section
from connectors.gcp.client import requests as r
from connectors.gcp.client.requests import Request
from scanner.model import Rung

USUAL = "usual"
ALL = "all"
KINDS = (
    "service_account",
    "service_agent",
    "workload_identity",
    "agent_engine",
    "agent",
    "mcp_server",
    "oauth_client",
    "api_key",
)
_ACCOUNT_RUNGS: tuple[Rung, ...] = ("key", "unique_id", "alias", "name", "glob")
_NAMED: tuple[Rung, ...] = ("key", "alias", "name", "glob")


def _needs(*requests: Request) -> tuple[str, ...]:
    return tuple(dict.fromkeys(request.permission for request in requests))


SECTIONS: tuple[Section, ...] = (
    Section(
        name="resourcemanager.projects",
        title="Organisations, folders and projects",
        permissions=_needs(r.ORGANIZATIONS, r.FOLDERS, r.PROJECTS),
        without="everything in projects that are not visible",
        kinds=(*KINDS, "secret"),
    ),
    Section(
        name="cloudasset.assets",
        title="Cloud Asset Inventory",
        permissions=_needs(r.ASSETS, r.ALL_POLICIES, r.ALL_RESOURCES),
        without="bulk listing: each project is read by its own APIs instead, with many more calls",
    ),
    Section(
        name="iam.service_accounts",
        title="Service accounts",
        permissions=_needs(r.SERVICE_ACCOUNTS, r.SERVICE_ACCOUNT, r.ASSETS),
        without="service accounts",
        kinds=("service_account",),
        rungs=_ACCOUNT_RUNGS,
    ),
    Section(
        name="iam.service_account_keys",
        title="Keys of service accounts",
        permissions=_needs(r.SERVICE_ACCOUNT_KEYS, r.ASSETS),
        without="age, expiry and state of keys, and which Google found exposed",
        rungs=("credential",),
        about=("service_account",),
    ),
    Section(
        name="iam.workload_identity_pools",
        title="Workload identity pools and providers",
        permissions=_needs(r.WORKLOAD_POOLS, r.POOL_PROVIDERS, r.ASSETS),
        without="which external identities can sign in, and under which conditions",
        feeds=("trusts",),
    ),
    Section(
        name="iam.managed_identities",
        title="Managed workload identities",
        permissions=_needs(r.POOL_NAMESPACES, r.MANAGED_IDENTITIES),
        without="identities that IAM itself manages in trust domains",
        kinds=("workload_identity",),
        rungs=_NAMED,
    ),
    Section(
        name="iam.oauth_clients",
        title="OAuth clients",
        permissions=_needs(r.OAUTH_CLIENTS),
        without="OAuth clients of workforce identity",
        kinds=("oauth_client",),
        rungs=_NAMED,
        optional=True,
    ),
    Section(
        name="apikeys.keys",
        title="API keys",
        permissions=_needs(r.API_KEYS, r.ASSETS),
        without="API keys, their restrictions and the service accounts they are bound to",
        kinds=("api_key",),
        rungs=("key", "unique_id", "name", "glob", "credential"),
    ),
    Section(
        name="storage.hmac_keys",
        title="HMAC keys of Cloud Storage",
        permissions=_needs(r.HMAC_KEYS),
        without="HMAC keys, which work without IAM credentials and whose use is not recorded",
        rungs=("credential",),
        about=("service_account",),
    ),
    Section(
        name="aiplatform.reasoning_engines",
        title="Agent engines",
        permissions=_needs(r.REASONING_ENGINES, r.ASSETS),
        without="agents on Vertex AI Agent Engine and what they run as",
        kinds=("agent_engine",),
        rungs=_ACCOUNT_RUNGS,
    ),
    Section(
        name="agentregistry.agents",
        title="Registered agents and MCP servers",
        permissions=_needs(r.REGISTERED_AGENTS, r.MCP_SERVERS),
        without="agents that are registered but run elsewhere, and MCP servers",
        kinds=("agent", "mcp_server"),
        rungs=_ACCOUNT_RUNGS,
        optional=True,
    ),
    Section(
        name="agentidentity.auth_providers",
        title="Credentials held for agents",
        permissions=_needs(r.AUTH_PROVIDERS),
        without="the external services that agents hold credentials for",
        kinds=("secret",),
        optional=True,
    ),
    Section(
        name="agentidentity.authorizations",
        title="What people authorized agents to do elsewhere",
        permissions=_needs(r.AUTHORIZATIONS),
        without="who consented to the external services that agents hold credentials for, and to which scopes",
        optional=True,
    ),
    Section(
        name="agentidentity.access_summaries",
        title="Users on whose behalf agents acted",
        permissions=_needs(r.ACCESS_SUMMARIES),
        without="for which people agents used the credentials that Google holds for them, and when last",
        optional=True,
    ),
    Section(
        name="agentidentity.workloads",
        title="Workloads that use credentials held for agents",
        permissions=_needs(r.WORKLOADS_OF_PROVIDER),
        without="which agents use which credentials of external services",
        optional=True,
    ),
    Section(
        name="iam.roles",
        title="Roles and the permissions in them",
        permissions=_needs(r.PREDEFINED_ROLES, r.PREDEFINED_ROLE, r.CUSTOM_ROLES, r.CUSTOM_ROLE),
        without="the permissions of roles: identities that hold them have unknown privilege",
    ),
    Section(
        name="iam.policies",
        title="Allow policies",
        permissions=_needs(
            r.ALL_POLICIES,
            r.ORGANIZATION_POLICY,
            r.FOLDER_POLICY,
            r.PROJECT_POLICY,
            r.SERVICE_ACCOUNT_POLICY,
            r.SECRET_POLICY,
        ),
        without="who holds which roles, and who can impersonate which service account",
        kinds=("service_agent", "workload_identity", "agent"),
        rungs=_NAMED,
        feeds=("permissions", "trusts"),
    ),
    Section(
        name="iam.deny_policies",
        title="Deny policies",
        permissions=_needs(r.DENY_POLICIES, r.DENY_POLICY),
        without="which permissions deny policies remove: privilege may be lower than reported",
    ),
    Section(
        name="privilegedaccessmanager.entitlements",
        title="Entitlements of Privileged Access Manager",
        permissions=_needs(r.ENTITLEMENTS),
        without="which roles identities can request",
        feeds=("permissions",),
        optional=True,
    ),
    Section(
        name="policyanalyzer.accounts",
        title="Last authentication of service accounts",
        permissions=_needs(r.ACCOUNT_ACTIVITIES),
        without="when service accounts were last used",
    ),
    Section(
        name="policyanalyzer.keys",
        title="Last authentication of keys",
        permissions=_needs(r.KEY_ACTIVITIES),
        without="when keys were last used",
    ),
    Section(
        name="recommender.insights",
        title="Recommender's insights",
        permissions=_needs(r.ACCOUNT_INSIGHTS, r.POLICY_INSIGHTS),
        without="which rights were not used in 90 days",
        optional=True,
    ),
    Section(
        name="workloads.compute",
        title="Compute Engine instances and instance templates",
        permissions=_needs(r.INSTANCES, r.ASSETS),
        without="which instances and templates run as which service account",
    ),
    Section(
        name="workloads.run",
        title="Cloud Run services and jobs",
        permissions=_needs(r.RUN_SERVICES, r.RUN_JOBS, r.ASSETS),
        without="which services and jobs run as which service account, and which of them are agents",
        kinds=("agent", "mcp_server"),
        rungs=_NAMED,
    ),
    Section(
        name="workloads.functions",
        title="Cloud Functions",
        permissions=_needs(r.FUNCTIONS, r.ASSETS),
        without="which functions run as which service account",
    ),
    Section(
        name="workloads.kubernetes",
        title="Kubernetes Engine clusters and node pools",
        permissions=_needs(r.CLUSTERS, r.ASSETS),
        without="which nodes run as which service account",
    ),
    Section(
        name="workloads.others",
        title="Other workloads that Cloud Asset Inventory reports a service account for",
        permissions=_needs(r.ASSETS),
        without="which pipelines, schedules, builds, notebooks, models and apps run as which service account",
    ),
    Section(
        name="secretmanager.secrets",
        title="Secrets of Secret Manager: names and dates",
        permissions=_needs(r.SECRETS, r.REGIONAL_SECRETS, r.SECRET_VERSIONS, r.REGIONAL_SECRET_VERSIONS, r.ASSETS),
        without="stored secrets and how old their values are",
        kinds=("secret",),
    ),
)

_NAMES = tuple(section.name for section in SECTIONS)


def wanted(resources: Iterable[str]) -> frozenset[str]:
    """The sections that are to be read: ``usual``, ``all``, names, or the part of them before the dot.

    Sections that are not optional are always included. Raises ValueError for an unknown name.
    """
    chosen = {section.name for section in SECTIONS if not section.optional}
    for word in resources:
        named = {name for name in _NAMES if word in (name, name.partition(".")[0], ALL)}
        if not named and word != USUAL:
            raise ValueError(f"{word!r} is not a resource: give usual, all, or one of {', '.join(_NAMES)}")
        chosen |= named
    return frozenset(chosen)
