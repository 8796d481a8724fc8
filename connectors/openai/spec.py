"""The sections of an organization, with the requests that each takes; the spec and the policy are made from them."""

from __future__ import annotations

from connectors.core.contract import Spec
from connectors.openai import requests as r
from connectors.openai.settings import OpenaiSettings
from connectors.vendors.sections import VendorSection, policy
from scanner.model import Rung
from scanner.model.providers import read_providers

PROJECTS = "projects"
AUDIT_LOG = "audit_log"
USAGE = "usage"
USERS = "users"
ROLES = "roles"
SERVICE_ACCOUNTS = "service_accounts"
API_KEYS = "api_keys"
ADMIN_KEYS = "admin_api_keys"
PERMISSIONS = "project_permissions"
FEDERATION = "workload_identity"
AGENTS = "agents"
AUTOMATIONS = "automations"
VAULTS = "vaults"

PROJECT_TOKENS = "project_tokens"
KINDS = ("service_account", "user", "api_key", "agent")
_RUNGS: tuple[Rung, ...] = ("key", "unique_id", "alias", "name", "glob")

READINGS: tuple[VendorSection, ...] = (
    VendorSection(
        name=PROJECTS,
        title="Projects",
        without="everything that belongs to projects, because these are not known",
        requests=(r.PROJECTS,),
        kinds=KINDS,
    ),
    VendorSection(
        name=AUDIT_LOG,
        title="Audit log: who created keys and service accounts",
        without="who created a key or a service account",
        requests=(r.CREATED,),
    ),
    VendorSection(
        name=USAGE,
        title="Usage of models by key",
        without="how much a key is used",
        requests=r.USAGES,
    ),
    VendorSection(
        name=USERS,
        title="Users of the organization",
        without="the role of who holds a key, and whether they are still there",
        requests=(r.USERS,),
    ),
    VendorSection(
        name=SERVICE_ACCOUNTS,
        title="Service accounts of projects",
        without="service accounts",
        requests=(r.SERVICE_ACCOUNTS,),
        kinds=("service_account",),
        rungs=_RUNGS,
    ),
    VendorSection(
        name=API_KEYS,
        title="API keys of projects",
        without="keys, their owners, expiry and last use",
        requests=(r.KEYS,),
        kinds=("user", "api_key"),
        rungs=("credential",),
    ),
    VendorSection(
        name=ADMIN_KEYS,
        title="Admin keys of the organization",
        without="admin keys, their owners, expiry and last use",
        requests=(r.ADMIN_KEYS,),
        kinds=("user", "api_key"),
        rungs=("credential",),
    ),
    VendorSection(
        name=ROLES,
        title="Roles of who holds a key, and of their groups",
        without="what roles allow service accounts and who holds a key",
        requests=(r.GROUPS, r.GROUP_USERS, r.GROUP_ROLES, r.USER_ROLES, r.ACCOUNT_ROLES),
    ),
    VendorSection(
        name=PERMISSIONS,
        title="Hosted tools and models that projects may use",
        without="which hosted tools and models a project may use",
        requests=(r.TOOLS, r.MODELS),
    ),
    VendorSection(
        name=FEDERATION,
        title="Workload identity providers and their federation rules",
        without="which workloads elsewhere can act as a service account",
        requests=(r.PROVIDERS, r.RULES),
    ),
    VendorSection(
        name=AGENTS,
        title="Agents of projects (project_tokens)",
        without="agents, their models, tools and MCP servers",
        requests=(r.AGENTS,),
        kinds=("agent",),
        rungs=_RUNGS,
        needs=PROJECT_TOKENS,
    ),
    VendorSection(
        name=AUTOMATIONS,
        title="Automations of agents, and their last runs (project_tokens)",
        without="when agents run by themselves, and when they last ran",
        requests=(r.AUTOMATIONS, r.INVOCATIONS),
        needs=PROJECT_TOKENS,
    ),
    VendorSection(
        name=VAULTS,
        title="Credentials in vaults, without their values (project_tokens)",
        without="which credentials OpenAI stores for agents",
        requests=(r.VAULTS, r.CREDENTIALS),
        kinds=("secret",),
        needs=PROJECT_TOKENS,
    ),
)

SPEC = Spec(
    name="openai",
    title="OpenAI",
    settings=OpenaiSettings,
    kinds=KINDS,
    sections=tuple(reading.section for reading in READINGS),
    extra="openai",
    entrances=(PROJECTS,),
    records={"workload": (AGENTS, AUTOMATIONS)},
    depends_on={
        SERVICE_ACCOUNTS: (PROJECTS,),
        API_KEYS: (PROJECTS,),
        PERMISSIONS: (PROJECTS,),
        ROLES: (SERVICE_ACCOUNTS, API_KEYS, ADMIN_KEYS),
        AUTOMATIONS: (AGENTS,),
    },
    providers=read_providers("connectors.openai", "openai"),
)
_KEYS = {
    "token": {
        "create": "Organization settings > Admin keys > Create, Permissions: Restricted",
        "Organization Administration": "Read",
        "Audit Logs": "Read",
        "Usage": "Read",
    },
    PROJECT_TOKENS: {
        "create": "Project settings > API keys > Create, Permissions: Restricted, owned by a service account",
        "Agents": "Read",
    },
}


def readings(settings: OpenaiSettings) -> tuple[VendorSection, ...]:
    """The sections that a source reads."""
    return tuple(one for one in READINGS if not one.needs or settings.project_tokens)


def key_policy(settings: OpenaiSettings | None = None) -> str:
    """The keys to create for a source; without settings, all keys."""
    read = READINGS if settings is None else readings(settings)
    needed = {one.needs or "token" for one in read}
    return policy({name: how for name, how in _KEYS.items() if name in needed}, read)
