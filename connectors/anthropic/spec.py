"""The sections of an organization, with the requests that each takes; the spec and the policy are made from them."""

from __future__ import annotations

from connectors.anthropic import requests as r
from connectors.anthropic.settings import AnthropicSettings
from connectors.core.contract import Spec
from connectors.vendors.sections import VendorSection, policy
from scanner.model import Rung
from scanner.model.providers import read_providers

ORGANIZATION = "organization"
USERS = "users"
API_KEYS = "api_keys"
WORKSPACES = "workspaces"
RBAC = "rbac"
USAGE = "usage"
SERVICE_ACCOUNTS = "service_accounts"
FEDERATION = "federation"
AGENTS = "agents"
DEPLOYMENTS = "deployments"
VAULTS = "vaults"

ORG_TOKEN, WORKSPACE_TOKENS = "org_token", "workspace_tokens"
KINDS = ("service_account", "user", "api_key", "agent")
_RUNGS: tuple[Rung, ...] = ("key", "unique_id", "alias", "name", "glob")

READINGS: tuple[VendorSection, ...] = (
    VendorSection(
        name=ORGANIZATION,
        title="The organization",
        without="everything",
        requests=(r.ORGANIZATION,),
        kinds=(*KINDS, "secret"),
    ),
    VendorSection(
        name=USERS,
        title="Users of the organization",
        without="the role of who holds or created a key, and whether they are still there",
        requests=(r.USERS,),
    ),
    VendorSection(
        name=API_KEYS,
        title="API keys",
        without="keys, what they act as, their status and expiry",
        requests=(r.API_KEYS,),
        kinds=("user", "api_key", "service_account"),
        rungs=("key", "unique_id", "credential", "name", "glob"),
    ),
    VendorSection(
        name=WORKSPACES,
        title="Workspaces and their members",
        without="names of workspaces, and the roles of users in them",
        requests=(r.WORKSPACES, r.MEMBERS),
    ),
    VendorSection(
        name=RBAC,
        title="Groups and custom roles",
        without="what groups and roles allow users who hold a key",
        requests=(r.RBAC_GROUPS, r.RBAC_MEMBERS, r.RBAC_ROLES, r.RBAC_PERMISSIONS),
    ),
    VendorSection(
        name=USAGE,
        title="Usage by key and agent",
        without="when a key or an agent was last used: Anthropic records it nowhere else",
        requests=(r.USAGE, r.REPORT),
    ),
    VendorSection(
        name=SERVICE_ACCOUNTS,
        title="Service accounts and their workspaces (org_token)",
        without="service accounts, their roles and creators",
        requests=(r.SERVICE_ACCOUNTS, r.ACCOUNT_WORKSPACES),
        kinds=("service_account",),
        rungs=_RUNGS,
        needs=ORG_TOKEN,
    ),
    VendorSection(
        name=FEDERATION,
        title="Federation issuers and rules (org_token)",
        without="which workloads elsewhere can act as a service account",
        requests=(r.ISSUERS, r.RULES),
        needs=ORG_TOKEN,
    ),
    VendorSection(
        name=AGENTS,
        title="Managed agents of workspaces (workspace_tokens)",
        without="agents, what they run as, their models, tools and MCP servers",
        requests=(r.AGENTS,),
        kinds=("agent",),
        rungs=_RUNGS,
        needs=WORKSPACE_TOKENS,
    ),
    VendorSection(
        name=DEPLOYMENTS,
        title="Deployments of agents (workspace_tokens)",
        without="when agents run by themselves, and which vaults they use",
        requests=(r.DEPLOYMENTS,),
        needs=WORKSPACE_TOKENS,
    ),
    VendorSection(
        name=VAULTS,
        title="Names of credentials in vaults (workspace_tokens)",
        without="which credentials are stored for agents, and when they were last changed",
        requests=(r.VAULTS, r.CREDENTIALS),
        kinds=("secret",),
        needs=WORKSPACE_TOKENS,
    ),
)

SPEC = Spec(
    name="anthropic",
    title="Anthropic",
    settings=AnthropicSettings,
    kinds=KINDS,
    sections=tuple(reading.section for reading in READINGS),
    extra="anthropic",
    entrances=(ORGANIZATION,),
    records={"workload": (WORKSPACES, AGENTS, DEPLOYMENTS)},
    providers=read_providers("connectors.anthropic", "anthropic"),
)
_KEYS = {
    "token": {
        "create": "Console > Settings > Admin keys, by an admin",
        "may do": "everything: no admin key only reads",
    },
    ORG_TOKEN: {
        "create": "ant auth login --scope org:admin, or a federation rule with that scope",
        "may do": "administer service accounts and federation: no scope only reads",
    },
    WORKSPACE_TOKENS: {
        "create": "Console > Workspace > API keys, of a service account with the role workspace_user",
        "may do": "use the workspace's models and agents",
    },
}


def readings(settings: AnthropicSettings) -> tuple[VendorSection, ...]:
    """The sections that a source reads."""
    given = {"": True, ORG_TOKEN: settings.org_token is not None, WORKSPACE_TOKENS: bool(settings.workspace_tokens)}
    return tuple(one for one in READINGS if given[one.needs])


def key_policy(settings: AnthropicSettings | None = None) -> str:
    """The keys to create for a source; without settings, all keys."""
    read = READINGS if settings is None else readings(settings)
    needed = {one.needs or "token" for one in read}
    return policy({name: how for name, how in _KEYS.items() if name in needed}, read)
