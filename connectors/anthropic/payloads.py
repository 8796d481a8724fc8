"""The fields that are read from Anthropic's answers. All others are dropped while decoding.

System prompts, descriptions of tools, initial events of deployments and ``partial_key_hint`` are not named. Of a
credential's ``auth``, its type, server and expiry are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from connectors.ai_vendors.records import Time


class Organization(Struct, frozen=True, kw_only=True):
    id: str
    name: str = ""


class Actor(Struct, frozen=True, kw_only=True):
    id: str | None = None
    type: str | None = None


class Principal(Struct, frozen=True, kw_only=True):
    user_id: str | None = None
    service_account_id: str | None = None


class KeyScope(Struct, frozen=True, kw_only=True):
    """The scope of a key: a workspace, or the organization."""

    type: str = ""
    workspace_id: str | None = None


class ApiKey(Struct, frozen=True, kw_only=True):
    """An API key. ``status``: ``active``, ``inactive``, ``archived`` or ``expired``."""

    id: str
    name: str | None = None
    status: str | None = None
    created_at: Time = None
    created_by: Actor | None = None
    expires_at: Time = None
    principal: Principal | None = None
    scope: KeyScope | None = None
    workspace_id: str | None = None


class Workspace(Struct, frozen=True, kw_only=True):
    id: str
    name: str = ""
    archived_at: Time = None


class Membership(Struct, frozen=True, kw_only=True):
    """A user in a group, or in a workspace with a role."""

    user_id: str
    workspace_role: str | None = None


class Group(Struct, frozen=True, kw_only=True):
    """A group with roles. ``role_ids``: None where they could not be given."""

    id: str
    name: str = ""
    role_ids: tuple[str, ...] | None = None


class Role(Struct, frozen=True, kw_only=True):
    """A role, built in or custom."""

    id: str
    display_name: str = ""


class Permission(Struct, frozen=True, kw_only=True):
    action: str


class UsageGroup(Struct, frozen=True, kw_only=True):
    """The holder of the usage in a row."""

    api_key_id: str | None = None
    agent_id: str | None = None


class UsageMetrics(Struct, frozen=True, kw_only=True):
    requests: int | None = None
    total_tokens: int = 0


class Usage(Struct, frozen=True, kw_only=True):
    starting_at: Time
    group: UsageGroup
    usage: UsageMetrics


class ReportResult(Struct, frozen=True, kw_only=True):
    api_key_id: str | None = None
    output_tokens: int = 0
    uncached_input_tokens: int = 0


class ReportBucket(Struct, frozen=True, kw_only=True):
    """A day of a report."""

    starting_at: Time
    results: tuple[ReportResult, ...] = ()


# --- Service accounts and federation ---


class ServiceAccount(Struct, frozen=True, kw_only=True):
    """A service account. ``organization_role``: ``admin`` or ``developer``."""

    id: str
    name: str | None = None
    description: str | None = None
    organization_role: str | None = None
    created_at: Time = None
    created_by_actor_id: str | None = None
    archived_at: Time = None


class AccountWorkspace(Struct, frozen=True, kw_only=True):
    """A workspace that a service account is a member of."""

    workspace_id: str
    workspace_role: str | None = None


class Issuer(Struct, frozen=True, kw_only=True):
    id: str
    name: str = ""
    issuer_url: str
    archived_at: Time = None


class Match(Struct, frozen=True, kw_only=True):
    """The claims that a token must have, all of them."""

    subject_prefix: str | None = None
    audience: str | None = None
    claims: Mapping[str, str] | None = None
    condition: str | None = None


class RuleTarget(Struct, frozen=True, kw_only=True):
    """The principal that tokens of a rule act as."""

    service_account_id: str | None = None


class Rule(Struct, frozen=True, kw_only=True):
    """A federation rule. ``oauth_scope``: scopes, separated by spaces."""

    id: str
    name: str = ""
    issuer_id: str
    match: Match
    target: RuleTarget
    oauth_scope: str = ""
    archived_at: Time = None


# --- Agents ---


class Model(Struct, frozen=True):
    id: str


class Execution(Struct, frozen=True, kw_only=True):
    """The identity of an agent: Anthropic's own account, or a role of AWS."""

    type: str = ""
    role_arn: str | None = None


class Server(Struct, frozen=True, kw_only=True):
    """An MCP server of an agent."""

    name: str
    type: str | None = None
    url: str | None = None


class ToolPolicy(Struct, frozen=True):
    """The approval of a tool: ``always_allow``, ``always_ask`` or ``auto``."""

    type: str = ""


class ToolConfig(Struct, frozen=True, kw_only=True):
    """Whether and when one tool may run."""

    name: str | None = None
    enabled: bool = True
    permission_policy: ToolPolicy | None = None


class Tool(Struct, frozen=True, kw_only=True):
    """A set of tools, those of an MCP server, or a custom tool. Only a hash of its definition is stored."""

    type: str
    name: str | None = None
    description: Any = None
    input_schema: Any = None
    mcp_server_name: str | None = None
    configs: tuple[ToolConfig, ...] = ()
    default_config: ToolConfig | None = None


class Skill(Struct, frozen=True):
    skill_id: str


class AgentRow(Struct, frozen=True, kw_only=True):
    id: str
    name: str | None = None
    description: str | None = None
    created_at: Time = None
    archived_at: Time = None
    version: int | None = None
    model: Model | str | None = None
    execution_identity: Execution | None = None
    mcp_servers: tuple[Server, ...] = ()
    tools: tuple[Tool, ...] = ()
    skills: tuple[Skill, ...] = ()
    metadata: Mapping[str, str] | None = None


class AgentReference(Struct, frozen=True):
    """The agent that a deployment runs."""

    id: str


class Reason(Struct, frozen=True):
    type: str = ""


class Schedule(Struct, frozen=True, kw_only=True):
    expression: str
    timezone: str = ""
    last_run_at: Time = None

    @property
    def when(self) -> str:
        """In Anthropic's form."""
        return f"{self.expression} {self.timezone}".strip()


class Deployment(Struct, frozen=True, kw_only=True):
    """A configured instance of an agent."""

    id: str
    name: str = ""
    agent: AgentReference
    status: str = ""
    paused_reason: Reason | None = None
    created_at: Time = None
    archived_at: Time = None
    schedule: Schedule | None = None
    vault_ids: tuple[str, ...] = ()
    metadata: Mapping[str, str] | None = None

    @property
    def shown_status(self) -> str:
        """Its status; ``archived`` for one that no longer is."""
        return "archived" if self.archived_at is not None else self.status
