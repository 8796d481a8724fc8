"""The fields that are read from OpenAI's answers. All others are dropped while decoding.

Instructions of agents, descriptions of functions, headers of MCP servers and ``redacted_value`` are not named.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from msgspec import Struct, field

from connectors.vendors.records import Time


class Project(Struct, frozen=True, kw_only=True):
    """A project."""

    id: str
    name: str | None = None
    status: str | None = None
    archived_at: Time = None

    @property
    def is_archived(self) -> bool:
        """Whether its keys no longer work."""
        return self.status == "archived" or self.archived_at is not None


class User(Struct, frozen=True, kw_only=True):
    """A member of the organization."""

    id: str
    name: str | None = None
    email: str | None = None
    role: str | None = None
    added_at: Time = None
    is_service_account: bool | None = None


class Role(Struct, frozen=True, kw_only=True):
    """A role that someone holds."""

    id: str
    name: str = ""
    permissions: tuple[str, ...] = ()
    resource_type: str = ""


class Group(Struct, frozen=True, kw_only=True):
    """A group of users."""

    id: str
    name: str = ""


class GroupMember(Struct, frozen=True, kw_only=True):
    """A user in a group."""

    id: str


class ServiceAccount(Struct, frozen=True, kw_only=True):
    """A service account of a project. ``role``: ``owner``, ``member`` or ``none``."""

    id: str
    name: str | None = None
    role: str | None = None
    created_at: Time = None


class Holder(Struct, frozen=True, kw_only=True):
    """The owner of a key."""

    id: str | None = None
    name: str | None = None
    email: str | None = None
    role: str | None = None
    created_at: Time = None


class KeyOwner(Struct, frozen=True, kw_only=True):
    """The owner of a project's key."""

    type: str | None = None
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


class AdminOwner(Struct, frozen=True, kw_only=True):
    """The owner of an admin key. ``type``: ``user`` or ``service_account``."""

    id: str | None = None
    name: str | None = None
    role: str | None = None
    type: str | None = None
    created_at: Time = None


class AdminKey(Struct, frozen=True, kw_only=True):
    """An admin key."""

    id: str
    name: str | None = None
    created_at: Time = None
    last_used_at: Time = None
    expires_at: Time = None
    owner: AdminOwner | None = None


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
    """A workload identity provider."""

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
    """A federation rule."""

    id: str
    name: str | None = None
    enabled: bool = True
    project_id: str = ""
    service_account_id: str
    attribute_matchers: Mapping[str, str | bool | int | float] = {}
    permissions: Permissions = Permissions()


class Bucket(Struct, frozen=True, kw_only=True):
    """The usage of one day."""

    start_time: Time
    results: tuple[Result, ...] = ()


class Result(Struct, frozen=True, kw_only=True):
    """The usage of one key on that day."""

    api_key_id: str | None = None
    num_model_requests: int = 0


class Vault(Struct, frozen=True, kw_only=True):
    """A vault of credentials for agents."""

    id: str
    name: str | None = None

    @property
    def title(self) -> str:
        """Its name, or else its id."""
        return self.name or self.id


class Auth(Struct, frozen=True, kw_only=True):
    """The type of a credential, without its secret. ``secret_name``: the variable with the secret."""

    type: str = ""
    mcp_server_url: str | None = None
    secret_name: str | None = None
    expires_at: Time = None


class Credential(Struct, frozen=True, kw_only=True):
    """A credential in a vault."""

    id: str
    name: str = ""
    created_at: Time = None
    updated_at: Time = None
    auth: Auth = Auth()


class EventUser(Struct, frozen=True, kw_only=True):
    """A person who acted."""

    id: str | None = None
    email: str | None = None


class EventAccount(Struct, frozen=True, kw_only=True):
    """A service account that acted."""

    id: str | None = None


class EventSession(Struct, frozen=True, kw_only=True):
    """A person's session."""

    ip_address: str | None = None
    user_agent: str | None = None
    user: EventUser | None = None


class EventKey(Struct, frozen=True, kw_only=True):
    """A key that acted."""

    id: str | None = None
    service_account: EventAccount | None = None
    user: EventUser | None = None


class Actor(Struct, frozen=True, kw_only=True):
    """The actor of an event in the audit log."""

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


class Thing(Struct, frozen=True):
    """The object of an event."""

    id: str | None = None


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
    """A tool of an agent. ``mcp`` has what begins with ``server_label``."""

    type: str
    name: str | None = None
    enabled: bool | None = None
    mode: str | None = None
    server_label: str | None = None
    server_url: str | None = None
    allowed_tools: tuple[str, ...] | None = None
    credential_id: str | None = None
    transport: Transport | None = None


class AgentRow(Struct, frozen=True, kw_only=True):
    """An agent of a project."""

    id: str
    name: str | None = None
    created_at: Time = None
    model: str | None = None
    metadata: Mapping[str, str] | None = None
    tools: tuple[Tool, ...] = ()


class Target(Struct, frozen=True, kw_only=True):
    """The target of an automation."""

    type: str = ""
    agent_id: str | None = None
    session_id: str | None = None
    agent: Inline | None = None
    vault_ids: tuple[str, ...] = ()


class Inline(Struct, frozen=True, kw_only=True):
    """An agent that is defined in an automation."""

    model: str | None = None
    tools: tuple[Tool, ...] = ()


class Automation(Struct, frozen=True, kw_only=True):
    """An automation that starts an agent. ``expression``: its schedule; ``run_at``: a single time."""

    id: str
    name: str | None = None
    status: str = ""
    type: str = ""
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
