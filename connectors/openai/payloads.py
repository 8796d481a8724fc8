"""The fields that are read from OpenAI's answers. All others are dropped while decoding.

Instructions of agents, descriptions of functions, headers of MCP servers and ``redacted_value`` are not named.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from msgspec import Struct, field

from connectors.ai_vendors.records import Time


class NamedRow(Struct, frozen=True, kw_only=True):
    """A group, or a member of one."""

    id: str
    name: str | None = None


class Project(Struct, frozen=True, kw_only=True):
    id: str
    name: str | None = None
    status: str | None = None
    archived_at: Time = None

    @property
    def is_archived(self) -> bool:
        """Whether its keys no longer work."""
        return self.status == "archived" or self.archived_at is not None


class Role(Struct, frozen=True, kw_only=True):
    id: str
    name: str = ""
    permissions: tuple[str, ...] = ()
    resource_type: str = ""


class ServiceAccount(Struct, frozen=True, kw_only=True):
    """A service account of a project. ``role``: ``owner``, ``member`` or ``none``."""

    id: str
    name: str | None = None
    role: str | None = None
    created_at: Time = None


class Holder(Struct, frozen=True, kw_only=True):
    """The owner of a key. ``type``: of an admin key's, ``user`` or ``service_account``."""

    id: str | None = None
    name: str | None = None
    email: str | None = None
    role: str | None = None
    type: str | None = None
    created_at: Time = None


class KeyOwner(Struct, frozen=True, kw_only=True):
    user: Holder | None = None
    service_account: Holder | None = None


class ProjectKey(Struct, frozen=True, kw_only=True):
    """A key of a project. ``owner_project_access``: ``inactive`` where its owner lost access."""

    id: str
    name: str | None = None
    created_at: Time = None
    last_used_at: Time = None
    expires_at: Time = None
    owner: KeyOwner | None = None
    owner_project_access: str | None = None


class AdminKey(Struct, frozen=True, kw_only=True):
    id: str
    name: str | None = None
    created_at: Time = None
    last_used_at: Time = None
    expires_at: Time = None
    owner: Holder | None = None


class Switch(Struct, frozen=True):
    """Whether a hosted tool may be used."""

    enabled: bool = False


NoSwitch: TypeAlias = str | bool | int | float | list[Any] | None
"""Other values beside the tools of a project."""


class ModelPolicy(Struct, frozen=True, kw_only=True):
    """The models of a project. ``mode``: ``allow_list`` or ``deny_list``."""

    mode: str
    model_ids: tuple[str, ...] = ()


class Transformation(Struct, frozen=True):
    """A transformation of a token's claims to an attribute."""

    attribute: str
    expression: str


class Provider(Struct, frozen=True, kw_only=True):
    id: str
    name: str = ""
    issuer: str
    audience: str = ""
    enabled: bool = True
    attribute_transformations: tuple[Transformation, ...] | None = ()


class Permissions(Struct, frozen=True, kw_only=True):
    """The permissions of a rule's tokens: all of the account, or some scopes."""

    type: str = ""
    scopes: tuple[str, ...] = ()


class Rule(Struct, frozen=True, kw_only=True):
    id: str
    name: str | None = None
    enabled: bool = True
    service_account_id: str
    attribute_matchers: Mapping[str, str | bool | int | float] = {}
    permissions: Permissions = Permissions()


class Result(Struct, frozen=True, kw_only=True):
    """The usage of one key on a day."""

    api_key_id: str | None = None
    num_model_requests: int = 0


class Bucket(Struct, frozen=True, kw_only=True):
    """The usage of a day."""

    start_time: Time
    results: tuple[Result, ...] = ()


# --- The audit log ---


class Thing(Struct, frozen=True, kw_only=True):
    """Who acted, or what was changed."""

    id: str | None = None
    email: str | None = None


class EventSession(Struct, frozen=True, kw_only=True):
    ip_address: str | None = None
    user_agent: str | None = None
    user: Thing | None = None


class EventKey(Struct, frozen=True, kw_only=True):
    id: str | None = None
    service_account: Thing | None = None
    user: Thing | None = None


class Actor(Struct, frozen=True, kw_only=True):
    """Who acted: a person in a session, or a key."""

    session: EventSession | None = None
    api_key: EventKey | None = None

    @property
    def name(self) -> str | None:
        """A person's address, or the id of an account or key."""
        if self.session is not None and self.session.user is not None:
            return self.session.user.email or self.session.user.id
        key = self.api_key
        if key is None:
            return None
        account, user = key.service_account, key.user
        return (account and account.id) or (user and (user.email or user.id)) or key.id


class Created(Struct, frozen=True, kw_only=True):
    """An event by which a key or a service account was created."""

    type: str
    actor: Actor | None = None
    key: Thing | None = field(name="api_key.created", default=None)
    account: Thing | None = field(name="service_account.created", default=None)


# --- Agents ---


class Transport(Struct, frozen=True, kw_only=True):
    """The connection to an MCP server. Arguments of a command and headers are not read."""

    type: str = ""
    server_url: str | None = None
    env_vars: tuple[str, ...] = ()


class Tool(Struct, frozen=True, kw_only=True):
    """A tool of an agent. ``mcp`` has what begins with ``server_label``.

    Only a hash of a function's definition is stored.
    """

    type: str
    name: str | None = None
    description: Any = None
    parameters: Any = None
    enabled: bool | None = None
    mode: str | None = None
    server_label: str | None = None
    server_url: str | None = None
    allowed_tools: tuple[str, ...] | None = None
    credential_id: str | None = None
    transport: Transport | None = None


class AgentRow(Struct, frozen=True, kw_only=True):
    id: str
    name: str | None = None
    created_at: Time = None
    model: str | None = None
    metadata: Mapping[str, str] | None = None
    tools: tuple[Tool, ...] = ()


class Inline(Struct, frozen=True, kw_only=True):
    """An agent that is defined in an automation."""

    model: str | None = None
    tools: tuple[Tool, ...] = ()


class Target(Struct, frozen=True, kw_only=True):
    """What an automation starts."""

    agent_id: str | None = None
    agent: Inline | None = None
    vault_ids: tuple[str, ...] = ()


class Automation(Struct, frozen=True, kw_only=True):
    """An automation that starts an agent. ``expression``: its schedule; ``run_at``: a single time."""

    id: str
    name: str | None = None
    status: str = ""
    created_at: Time = None
    expression: str | None = None
    timezone: str | None = None
    run_at: Time = None
    target: Target = Target()

    @property
    def inline(self) -> AgentRow | None:
        """The agent that is defined here, and listed nowhere else: it has the automation's id and name."""
        own = self.target.agent
        if own is None or self.target.agent_id:
            return None
        return AgentRow(id=self.id, name=self.name, created_at=self.created_at, model=own.model, tools=own.tools)

    @property
    def agent_id(self) -> str | None:
        """The id of the agent that it starts; None where that is not said: a session goes on."""
        return self.target.agent_id or (self.id if self.inline else None)


class Invocation(Struct, frozen=True, kw_only=True):
    """A run of an automation."""

    id: str
    created_at: Time = None
    status: str = ""
