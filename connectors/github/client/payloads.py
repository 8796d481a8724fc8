"""The fields that are read from GitHub's answers. All others are dropped while decoding.

What may be decoded but not kept (public keys, the values of variables) is dropped by the record itself, so that a kept
answer, which is written from these records, does not have it either.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct, field

from scanner.redaction.shapes import shortened

_RESOLVABLE = re.compile(
    r"""
    arn:aws[a-z-]*:iam::\d{12}:[a-z-]+/[\w+=,.@/-]{1,200}                        # a role of AWS
    | \d{12}                                                                     # an account of AWS
    | (?://iam\.googleapis\.com/)?projects/[\w-]{1,40}/locations/global/workloadIdentityPools/[\w/-]{1,120}
    | [0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}               # a client or tenant id
    | [\w.-]{1,100}@[\w.-]{1,100}\.gserviceaccount\.com                          # a service account
    """,
    re.VERBOSE | re.ASCII | re.IGNORECASE,
)
"""Values of variables that name an identity. Every other value is dropped."""


def moment(text: str | None) -> datetime | None:
    """A time in UTC; None for none, and for what is no time."""
    try:
        when = msgspec.convert(text, datetime, strict=False) if text else None
        return None if when is None else (when if when.tzinfo else when.replace(tzinfo=UTC)).astimezone(UTC)
    except (msgspec.ValidationError, OverflowError):
        return None


class Plan(Struct, frozen=True):
    """The plan of the organization."""

    name: str


class OrganizationRow(Struct, frozen=True):
    """An organization; its plan is shown to owners."""

    login: str
    id: int
    plan: Plan | None = None


class Login(Struct, frozen=True):
    """An account, by its login."""

    login: str


def _accesses(given: Mapping[str, Any]) -> dict[str, str]:
    """Permissions by name; anything that is no level of access is dropped."""
    return {name: access for name, access in given.items() if access in ("read", "write", "admin")}


class Installation(Struct, kw_only=True):
    """An installed App."""

    id: int
    app_id: int
    app_slug: str
    client_id: str | None = None
    repository_selection: str = ""
    permissions: Mapping[str, Any] = {}
    events: tuple[str, ...] = ()
    created_at: str | None = None
    updated_at: str | None = None
    suspended_at: str | None = None
    suspended_by: Login | None = None
    contact_email: str | None = None
    target_type: str = ""
    account: Login | None = None

    def __post_init__(self) -> None:
        self.permissions = _accesses(self.permissions)


class TokenPermissions(Struct):
    """Permissions of a token, by what they are of."""

    organization: Mapping[str, Any] = {}
    repository: Mapping[str, Any] = {}
    other: Mapping[str, Any] = {}

    def __post_init__(self) -> None:
        self.organization, self.repository = _accesses(self.organization), _accesses(self.repository)
        self.other = _accesses(self.other)

    @property
    def flat(self) -> dict[str, str]:
        """Under the names that permissions of Apps have."""
        organization = {
            name if name == "members" or name.startswith("organization_") else f"organization_{name}": access
            for name, access in self.organization.items()
        }
        return {**self.other, **self.repository, **organization}


class AccessToken(Struct, frozen=True, kw_only=True):
    """A fine-grained personal access token that was granted access."""

    id: int
    token_id: int
    token_name: str = ""
    owner: Login
    repository_selection: str = ""
    permissions: TokenPermissions = field(default_factory=TokenPermissions)
    access_granted_at: str | None = None
    token_expired: bool = False
    token_expires_at: str | None = None
    token_last_used_at: str | None = None


class Authorization(Struct, frozen=True, kw_only=True):
    """A credential that its owner authorized for single sign-on."""

    login: str
    credential_id: int
    credential_type: str = ""
    scopes: tuple[str, ...] | None = None
    fingerprint: str | None = None
    credential_authorized_at: str | None = None
    credential_accessed_at: str | None = None
    authorized_credential_id: int | None = None
    authorized_credential_title: str | None = None
    authorized_credential_note: str | None = None
    authorized_credential_expires_at: str | None = None


class Account(Struct, frozen=True, kw_only=True):
    """A member, or an outside collaborator."""

    login: str
    id: int
    type: str = "User"


class DeployKey(Struct, kw_only=True):
    """A deploy key. Of the public key only the ``fingerprint`` is kept."""

    id: int
    title: str = ""
    key: str = ""
    fingerprint: str = ""
    created_at: str | None = None
    read_only: bool
    added_by: str | None = None
    last_used: str | None = None
    enabled: bool | None = None

    def __post_init__(self) -> None:
        if self.key:
            self.fingerprint, self.key = fingerprint_of(self.key), ""


def fingerprint_of(public_key: str) -> str:
    """As ``ssh-keygen -l`` prints it: ``SHA256:…``; empty for what is no public key."""
    parts = public_key.split()
    try:
        body = base64.b64decode(parts[1], validate=True) if len(parts) > 1 else b""
    except (binascii.Error, ValueError):
        return ""
    return f"SHA256:{base64.b64encode(sha256(body).digest()).decode().rstrip('=')}" if body else ""


class RunnerGroup(Struct, frozen=True, kw_only=True):
    """A group of runners."""

    id: int | float
    name: str
    visibility: str = ""
    default: bool = False
    inherited: bool = False
    allows_public_repositories: bool = False
    restricted_to_workflows: bool = False
    selected_workflows: tuple[str, ...] | None = None


class Label(Struct, frozen=True):
    """A runner's label."""

    name: str


class Runner(Struct, frozen=True, kw_only=True):
    """A self-hosted runner."""

    id: int
    name: str
    os: str = ""
    status: str = ""
    labels: tuple[Label, ...] = ()
    ephemeral: bool | None = None
    runner_group_id: int | None = None


class HostedRunner(Struct, frozen=True, kw_only=True):
    """A runner that GitHub hosts for the organization alone."""

    name: str = ""
    runner_group_id: int | None = None
    platform: str | None = None
    status: str | None = None
    public_ip_enabled: bool | None = None
    last_active_on: str | None = None


class ActionsPolicy(Struct, frozen=True):
    """The repositories that may run workflows, and the actions that they may use."""

    enabled_repositories: str
    allowed_actions: str | None = None
    sha_pinning_required: bool | None = None


class WorkflowPolicy(Struct, frozen=True):
    """The default permissions of the token of a job."""

    default_workflow_permissions: str
    can_approve_pull_request_reviews: bool


class RunnerPolicy(Struct, frozen=True):
    """The repositories that may have self-hosted runners of their own."""

    enabled_repositories: str


class ForkApproval(Struct, frozen=True):
    """The contributors whose pull requests from forks run workflows only after approval."""

    approval_policy: str


class ForkPolicy(Struct, frozen=True):
    """The token and secrets for workflows of pull requests from forks of private repositories."""

    run_workflows_from_fork_pull_requests: bool
    send_write_tokens_to_workflows: bool
    send_secrets_and_variables: bool
    require_approval_for_fork_pr_workflows: bool


class Role(Struct, frozen=True, kw_only=True):
    """A role of the organization. ``base_role``: what it gives on all repositories."""

    id: int
    name: str
    base_role: str | None = None
    permissions: tuple[str, ...] = ()


class RoleHolder(Struct, frozen=True, kw_only=True):
    """An account with a role, its own or a team's."""

    login: str
    assignment: str | None = None


class Registry(Struct, kw_only=True):
    """A private registry of packages. The host of its address is kept; its user, which may be a token, is not."""

    name: str
    registry_type: str = ""
    auth_type: str | None = None
    url: str | None = None
    visibility: str | None = None
    tenant_id: str | None = None
    client_id: str | None = None
    aws_region: str | None = None
    account_id: str | None = None
    role_name: str | None = None
    jfrog_oidc_provider_name: str | None = None
    service_slug: str | None = None
    workload_identity_provider: str | None = None
    service_account: str | None = None
    created_at: str | None = None
    updated_at: str | None = None

    def __post_init__(self) -> None:
        self.url = host_of(self.url)


class SecretName(Struct, frozen=True, kw_only=True):
    """A stored secret, without its value, which GitHub never shows."""

    name: str
    created_at: str | None = None
    updated_at: str | None = None
    visibility: str | None = None


class Variable(Struct, kw_only=True):
    """A variable of Actions. Its value is dropped unless it names an identity of a cloud, or an account of AWS."""

    name: str
    value: str = ""
    visibility: str | None = None

    def __post_init__(self) -> None:
        if not _RESOLVABLE.fullmatch(self.value):
            self.value = ""


class SubjectRow(Struct, frozen=True, kw_only=True):
    """The template of subjects of workflow tokens. An organization's has no ``use_default``."""

    use_default: bool | None = None
    include_claim_keys: tuple[str, ...] = ()
    use_immutable_subject: bool | None = None
    sub_claim_prefix: str | None = None

    @property
    def is_immutable(self) -> bool | None:
        """Whether subjects have ids. The prefix counts: newer repositories have them without the setting."""
        return self.use_immutable_subject if not self.sub_claim_prefix else "@" in self.sub_claim_prefix


class ClaimedProperty(Struct, frozen=True):
    """A custom property of repositories that workflow tokens have as a claim."""

    custom_property_name: str


class Property(Struct, frozen=True):
    """A custom property of a repository."""

    property_name: str
    value: Any = None


class Properties(Struct, frozen=True):
    """The custom properties of a repository."""

    repository_full_name: str
    properties: tuple[Property, ...] = ()


class AgentPolicy(Struct, frozen=True):
    """The repositories in which the coding agent may work."""

    enabled_repositories: str


class RepositoryName(Struct, frozen=True):
    """A repository, by its name."""

    full_name: str


class McpServer(Struct, kw_only=True):
    """A server of the agent's. Of its address the host is kept, of variables and headers the names alone.

    ``secrets``: the names of secrets that these refer to; GitHub gives agents those alone that begin with a prefix.
    """

    type: str | None = None
    url: str | None = None
    tools: tuple[str, ...] = ()
    env: Mapping[str, Any] = {}
    headers: Mapping[str, Any] = {}
    secrets: tuple[str, ...] = field(name="secretsReferredTo", default=())

    def __post_init__(self) -> None:
        self.url = host_of(self.url)
        values = " ".join(one for one in (*self.env.values(), *self.headers.values()) if isinstance(one, str))
        kept = (one for one in self.secrets if _AGENTS_SECRET.fullmatch(one))
        self.secrets = tuple(sorted({*_AGENTS_SECRET.findall(values), *kept}))
        self.env, self.headers = dict.fromkeys(self.env), dict.fromkeys(self.headers)


_AGENTS_SECRET = re.compile(r"COPILOT_MCP_[A-Z0-9_]{1,100}", re.ASCII)


def host_of(address: str | None) -> str | None:
    """The host of an address: user, path and query may hold tokens."""
    try:
        parts = urlsplit(address or "")
        return parts.hostname or (address if address and _HOST.fullmatch(address) else None)
    except ValueError:
        return None


_HOST = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)*", re.ASCII | re.IGNORECASE)


_MOST_SERVERS = 200
_LONGEST_NAME = 200


def mcp_servers(given: Any) -> dict[str, McpServer]:
    """Servers by name, in an object that people write; one that is not understood has its name alone."""
    found: dict[str, McpServer] = {}
    if not isinstance(given, dict):
        return found
    for name, facts in list(given.items())[:_MOST_SERVERS]:
        if isinstance(facts, dict):
            try:
                found[shortened(str(name), _LONGEST_NAME)] = msgspec.convert(facts, McpServer)
            except msgspec.ValidationError:
                found[shortened(str(name), _LONGEST_NAME)] = McpServer()
    if len(given) > _MOST_SERVERS:
        # A server that nothing is known of: neither its host nor its tools.
        found[f"(and {len(given) - _MOST_SERVERS:,} more)"] = McpServer()
    return found


class McpServers(Struct):
    """The servers of the agent's, by name."""

    servers: dict[str, Any] = field(name="mcpServers", default_factory=dict)

    def __post_init__(self) -> None:
        self.servers = mcp_servers(self.servers)


class AgentConfiguration(Struct, kw_only=True):
    """The configuration of the coding agent in a repository."""

    mcp_configuration: McpServers | None = None
    enabled_tools: Mapping[str, Any] = {}
    require_actions_workflow_approval: bool | None = None
    is_firewall_enabled: bool | None = None
    is_firewall_recommended_allowlist_enabled: bool | None = None
    custom_allowlist: tuple[str, ...] | None = None
    is_automations_enabled: bool | None = None
    require_write_access_for_automation_triggers: bool | None = None

    def __post_init__(self) -> None:
        self.enabled_tools = {name: is_on for name, is_on in self.enabled_tools.items() if isinstance(is_on, bool)}
        hosts = map(host_of, self.custom_allowlist or ())
        self.custom_allowlist = tuple(one for one in hosts if one)


class TaskCreator(Struct, frozen=True):
    """The account that set off a task."""

    id: int | None = None


class TaskAgent(Struct, frozen=True):
    """The custom agent of a task: the name of its file without the endings."""

    id: str | None = None


class Task(Struct, frozen=True, kw_only=True):
    """A task of an agent. Its name comes from the prompt, and is not read."""

    created_at: str | None = None
    updated_at: str | None = None
    creator: TaskCreator | None = None
    creator_type: str | None = None
    custom_agent: TaskAgent | None = None


class SharedAgent(Struct, frozen=True):
    """A custom agent of an enterprise. ``url``: of its file."""

    name: str
    file_path: str
    url: str = ""


class SharedAgents(Struct, frozen=True):
    """None where the enterprise has no repository for them."""

    custom_agents: tuple[SharedAgent, ...] | None = None


class AuditEvent(Struct, frozen=True, kw_only=True):
    """An event of the audit log, as far as it says who made something."""

    action: str
    timestamp: int | None = field(name="@timestamp", default=None)
    actor: str | None = None
    integration: str | None = None
    name: str | None = None
    repo: str | None = None


class HookConfig(Struct, kw_only=True):
    """The host that a webhook sends to."""

    url: str | None = None
    content_type: str | None = None
    insecure_ssl: str | int | float | None = None

    def __post_init__(self) -> None:
        self.url = host_of(self.url)


class Hook(Struct, frozen=True, kw_only=True):
    """A webhook."""

    id: int
    active: bool
    events: tuple[str, ...] = ()
    config: HookConfig
    created_at: str | None = None
    updated_at: str | None = None


class InstallationToken(Struct, frozen=True):
    """The token of an App for an installation, valid for an hour."""

    token: str
    expires_at: str


# --- GraphQL ---


class GraphqlError(Struct, frozen=True):
    """The error of a part of an answer that is null."""

    message: str = ""
    type: str = ""
    path: tuple[str | int, ...] | None = None


class GraphqlAnswer(Struct, frozen=True):
    """The envelope of every answer."""

    data: Any = None
    errors: tuple[GraphqlError, ...] | None = None
