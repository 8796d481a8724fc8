"""The fields of Graph's objects that are used. Source: the reference pages of Microsoft Graph v1.0.

Values of secrets and their first letters (``hint``) are not decoded, so they are never kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Raw, Struct, field

from connectors.azure.client.payloads import ObjectId
from connectors.azure.identities.federation import Terms

_TYPE = "#microsoft.graph."
AGENT_TYPE, SERVICE_IDENTITY = "agentIdentity", "ServiceIdentity"
BLUEPRINT_TYPES = frozenset({"agentIdentityBlueprint", "agentIdentityBlueprintPrincipal"})


class Password(Struct, frozen=True, kw_only=True, rename="camel"):
    """A ``passwordCredential``. Dates stay as they were written until they are used."""

    key_id: str | None = None
    display_name: str | None = None
    custom_key_identifier: str | None = None
    start_date_time: Any = None
    end_date_time: Any = None


class Key(Struct, frozen=True, kw_only=True, rename="camel"):
    """A ``keyCredential``. ``custom_key_identifier``: mostly the thumbprint, in base64."""

    key_id: str | None = None
    type: str | None = None
    usage: str | None = None
    display_name: str | None = None
    custom_key_identifier: str | None = None
    start_date_time: Any = None
    end_date_time: Any = None


class VerifiedPublisher(Struct, frozen=True, kw_only=True, rename="camel"):
    """The publisher of an application that Microsoft has verified; all empty if there is none."""

    display_name: str | None = None
    verified_publisher_id: str | None = None


class AppRole(Struct, frozen=True, kw_only=True, rename="camel"):
    """A permission that an API publishes for applications; ``value`` is its name."""

    id: str
    value: str | None = None
    display_name: str | None = None


class _Face(Struct, frozen=True, kw_only=True, rename="camel"):
    """The common fields of service principals and application registrations."""

    id: ObjectId
    odata_type: str | None = field(default=None, name="@odata.type")
    app_id: ObjectId | None = None
    display_name: str | None = None
    created_date_time: Any = None
    created_by_app_id: str | None = None
    application_template_id: str | None = None
    sign_in_audience: str | None = None
    is_disabled: bool | None = None
    disabled_by_microsoft_status: str | None = None
    description: str | None = None
    notes: str | None = None
    tags: tuple[str, ...] = ()
    verified_publisher: VerifiedPublisher | None = None
    key_credentials: tuple[Key, ...] = ()
    password_credentials: tuple[Password, ...] = ()
    sponsors: list[Raw] | None = None
    """The sponsors, if they were expanded."""

    @property
    def type_name(self) -> str:
        """Its type if it differs from the list's: ``agentIdentityBlueprint``."""
        return (self.odata_type or "").removeprefix(_TYPE)

    @property
    def is_blueprint(self) -> bool:
        """Whether its type is that of a blueprint."""
        return self.type_name in BLUEPRINT_TYPES


class ServicePrincipal(_Face, frozen=True, kw_only=True, rename="camel"):
    """A service principal. ``service_principal_type``: Application, ManagedIdentity, ServiceIdentity or another.

    ``agent_identity_blueprint_id``: of an agent identity, the client id of its blueprint.
    """

    service_principal_type: str | None = None
    account_enabled: bool | None = None
    app_owner_organization_id: str | None = None
    alternative_names: tuple[str, ...] = ()
    service_principal_names: tuple[str, ...] = ()
    app_roles: tuple[AppRole, ...] = ()
    agent_identity_blueprint_id: str | None = None

    @property
    def is_managed(self) -> bool:
        """Whether it is a managed identity's."""
        return self.service_principal_type == "ManagedIdentity"

    @property
    def is_agent(self) -> bool:
        """Whether it is an agent identity."""
        return self.type_name == AGENT_TYPE or self.service_principal_type == SERVICE_IDENTITY


class Application(_Face, frozen=True, kw_only=True, rename="camel"):
    """An application registration."""

    app_id: ObjectId
    publisher_domain: str | None = None
    service_management_reference: str | None = None


class AgentUser(Struct, frozen=True, kw_only=True, rename="camel"):
    """The user account of an agent. ``identity_parent_id``: the agent identity that signs in as it."""

    id: ObjectId
    display_name: str | None = None
    user_principal_name: str | None = None
    account_enabled: bool | None = None
    created_date_time: Any = None
    identity_parent_id: str | None = None
    sponsors: list[Raw] | None = None


class Person(Struct, frozen=True, kw_only=True, rename="camel"):
    """An owner or a sponsor: a user, a group or a service principal; only an id if the scanner may not read more."""

    id: str
    odata_type: str | None = field(default=None, name="@odata.type")
    display_name: str | None = None
    user_principal_name: str | None = None
    mail: str | None = None

    @property
    def kind(self) -> str | None:
        """user, group, servicePrincipal, agentIdentity …; None if not reported."""
        kind = (self.odata_type or "").removeprefix(_TYPE)
        return None if kind in ("", "directoryObject") else kind


class FederatedCredential(Terms, frozen=True, kw_only=True, rename="camel"):
    """A federated credential of an application."""

    id: str
    name: str | None = None
    issuer: str


class Expanded(Struct, frozen=True, kw_only=True, rename="camel"):
    """An object, requested for one of its relationships."""

    id: ObjectId
    owners: list[Raw] | None = None
    federated_identity_credentials: list[Raw] | None = None


class Deleted(Struct, frozen=True, kw_only=True, rename="camel"):
    """A deleted object of the directory."""

    id: str
    app_id: str | None = None
    deleted_date_time: Any = None


class CopilotAgent(Struct, frozen=True, kw_only=True):
    """An agent by the id of its row, with its environment's id and its properties."""

    id: str
    environment: str
    properties: Mapping[str, Any]

    def text(self, name: str) -> str | None:
        """A property that is a text."""
        value = self.properties.get(name)
        return value if isinstance(value, str) and value.strip() else None
