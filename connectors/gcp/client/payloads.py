"""The fields that are read from Google's answers. All others are dropped while decoding.

JSON omits default values, so every optional field has a default.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta, Raw, Struct, field

from connectors.core.reading import Moment
from connectors.gcp.keys import last_segment


class LogEntries(Struct, kw_only=True, rename="camel"):
    """A page of entries of logs."""

    entries: list[Raw] = []
    next_page_token: str = ""


class LogBucket(Struct, kw_only=True, rename="camel"):
    """A bucket of a project's logs. ``retention_days``: 0 for the usual 30."""

    retention_days: int = 0


class Organization(Struct, kw_only=True):
    """``name``: organizations/NUMBER."""

    name: Annotated[str, Meta(pattern=r"\Aorganizations/[^/]+\Z")]


class Folder(Struct, kw_only=True):
    """``name``: folders/NUMBER."""

    name: Annotated[str, Meta(pattern=r"\Afolders/[^/]+\Z")]
    parent: str | None = None


class Project(Struct, kw_only=True, rename="camel"):
    """``name``: projects/NUMBER."""

    name: str
    project_id: str
    parent: str | None = None
    state: str | None = None
    labels: dict[str, str] | None = None


class Resource(Struct, frozen=True, kw_only=True):
    """The resource of an asset, in ``data`` as its own API has it. ``version`` decides the shape of some."""

    version: str | None = None
    location: str | None = None
    data: Raw = Raw(b"{}")


class Asset(Struct, kw_only=True, rename="camel"):
    """``ancestors``: nearest first, the project by its number."""

    name: str
    asset_type: str
    ancestors: list[str] = []
    resource: Resource = Resource()


class ServiceAccount(Struct, kw_only=True, rename="camel"):
    """A service account as iam.googleapis.com v1 has it."""

    email: str
    unique_id: str
    project_id: str | None = None
    display_name: str | None = None
    description: str | None = None
    disabled: bool = False
    oauth2_client_id: str | None = field(name="oauth2ClientId", default=None)


class Anything(Struct):
    """An answer whose content is ignored."""


# --- API keys ---

_CLIENTS = ("browser", "server", "android", "ios")


class _Target(Struct, frozen=True, kw_only=True):
    service: str = ""
    methods: list[str] = []


class _Client(Struct, frozen=True):
    """Restrictions of a key to one type of client."""


class _Restrictions(Struct, frozen=True, kw_only=True, rename="camel"):
    api_targets: list[_Target] = []
    browser_key_restrictions: _Client | None = None
    server_key_restrictions: _Client | None = None
    android_key_restrictions: _Client | None = None
    ios_key_restrictions: _Client | None = None

    @property
    def client(self) -> str | None:
        """The type of client of the key."""
        return next((one for one in _CLIENTS if getattr(self, f"{one}_key_restrictions") is not None), None)


class ApiKey(Struct, kw_only=True, rename="camel"):
    """A key as apikeys.googleapis.com v2 has it, without its value, which no listing returns."""

    name: str
    uid: str = ""
    display_name: str = ""
    create_time: Moment | None = None
    delete_time: Moment | None = None
    annotations: dict[str, str] | None = None
    restrictions: _Restrictions = _Restrictions()
    service_account_email: str = ""

    @property
    def id(self) -> str:
        """The unique id; otherwise the end of the name."""
        return self.uid or last_segment(self.name)


# --- Workload identity pools ---

ACTIVE = "ACTIVE"
TRUST_DOMAIN = "TRUST_DOMAIN"
_WITHOUT_PROVIDERS = frozenset({TRUST_DOMAIN, "SYSTEM_TRUST_DOMAIN"})
"""Modes of pools whose providers cannot be listed."""


class Pool(Struct, kw_only=True, rename="camel"):
    """A WorkloadIdentityPool of iam.googleapis.com v1."""

    name: str
    state: str = ACTIVE
    disabled: bool = False
    mode: str = ""

    @property
    def id(self) -> str:
        """The last segment of the name."""
        return last_segment(self.name)

    @property
    def is_enabled(self) -> bool:
        """A disabled pool disables its providers."""
        return not self.disabled and self.state == ACTIVE

    @property
    def has_providers(self) -> bool:
        """Whether it has providers. Other pools are trust domains, for which IAM is the issuer."""
        return self.mode not in _WITHOUT_PROVIDERS


# --- Credentials that Google holds for agents ---


class _OAuth(Struct, frozen=True, kw_only=True, rename="camel"):
    client_id: str | None = None
    token_url: str | None = None


class _Held(Struct, frozen=True):
    """That there is one."""


class CustomIssuer(Struct, frozen=True, kw_only=True, rename="camel"):
    """An authorization server that is not Google's."""

    issuer: str | None = None
    token_url: str | None = None


class CrossAppAccess(Struct, frozen=True, kw_only=True, rename="camel"):
    """Access to other applications for people who signed in to this one."""

    client_assertion_jwt_auth: _OAuth | None = None
    client_secret_auth: _OAuth | None = None
    custom_issuer: CustomIssuer | None = None


class ConnectorReference(Struct, frozen=True, kw_only=True):
    """The connector that has the credential."""

    connector: str | None = None


class _Parameters(Struct, frozen=True, kw_only=True, rename="camel"):
    api_key: _Held | None = None
    two_legged_oauth: _OAuth | None = None
    three_legged_oauth: _OAuth | None = None
    xaa_auth_provider: CrossAppAccess | None = None
    ge_auth_provider: _Held | None = None
    connector_reference_auth_provider: ConnectorReference | None = None


class AuthProvider(Struct, kw_only=True, rename="camel"):
    """An auth provider as agentidentity.googleapis.com v1 has it, without what it keeps."""

    name: str
    state: str = ""
    deleted: bool = False
    create_time: Moment | None = None
    expire_time: Moment | None = None
    labels: dict[str, str] | None = None
    allowed_scopes: list[str] = []
    blocked_scopes: list[str] = []
    auth_provider_type_params: _Parameters = _Parameters()

    @property
    def type(self) -> str | None:
        """How it signs in; None for a type that is not known."""
        given = self.auth_provider_type_params
        types: Mapping[str, object | None] = {
            "api_key": given.api_key,
            "oauth_for_users": given.three_legged_oauth,
            "oauth": given.two_legged_oauth,
            "cross_app_access": given.xaa_auth_provider,
            "gemini_enterprise": given.ge_auth_provider,
            "connector": given.connector_reference_auth_provider,
        }
        return next((name for name, its in types.items() if its is not None), None)

    @property
    def is_for_people(self) -> bool:
        """Whether people consent to it, so that it can have authorizations."""
        return self.type not in ("api_key", "oauth")
