"""Okta's answers, with the fields that are kept: the values of secrets have none.

Source: Okta's API reference, "Applications", "API Tokens", "OAuth 2.0 clients" and "Okta for AI Agents" (beta).
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field

from connectors.core.reading import Moment


class Org(Struct, frozen=True, kw_only=True, rename="camel"):
    """``GET /api/v1/org``."""

    id: str


class _OauthSettings(Struct, frozen=True):
    application_type: str | None = None


class _Settings(Struct, frozen=True, rename="camel"):
    oauth_client: _OauthSettings | None = None


class _OauthClient(Struct, frozen=True):
    client_id: str | None = None
    token_endpoint_auth_method: str | None = None


class _Credentials(Struct, frozen=True, rename="camel"):
    oauth_client: _OauthClient | None = None


class App(Struct, frozen=True, kw_only=True, rename="camel"):
    """A row of ``GET /api/v1/apps``."""

    id: str
    label: str = ""
    status: str | None = None
    created: Moment | None = None
    settings: _Settings = _Settings()
    credentials: _Credentials = _Credentials()

    @property
    def is_service(self) -> bool:
        """Whether it acts for itself, and nobody signs in to it."""
        client = self.settings.oauth_client
        return client is not None and client.application_type == "service"

    @property
    def client_id(self) -> str:
        """The id that it signs in with."""
        client = self.credentials.oauth_client
        return (client.client_id if client else None) or self.id

    @property
    def signs_in_by(self) -> str | None:
        """How it proves who it is, such as ``private_key_jwt``."""
        client = self.credentials.oauth_client
        return client.token_endpoint_auth_method if client else None


class Secret(Struct, frozen=True, kw_only=True):
    """A client secret by its id, or a public key (``kid``)."""

    id: str | None = None
    kid: str | None = None
    status: str | None = None
    created: Moment | None = None


class Role(Struct, frozen=True, kw_only=True):
    """An administrator role that an app has."""

    type: str = ""
    label: str = ""
    status: str | None = None


class ScopeGrant(Struct, frozen=True, kw_only=True, rename="camel"):
    """A scope of Okta's API that an app was granted."""

    scope_id: str
    status: str | None = None


class ApiToken(Struct, frozen=True, kw_only=True, rename="camel"):
    """A row of ``GET /api/v1/api-tokens``: a token with the rights of its user."""

    id: str
    name: str = ""
    user_id: str | None = None
    client_name: str | None = None
    created: Moment | None = None
    expires_at: Moment | None = None


class _Profile(Struct, frozen=True):
    name: str = ""
    description: str | None = None


class _Href(Struct, frozen=True):
    href: str = ""


class _Links(Struct, frozen=True, rename="camel"):
    delegation_links: _Href | None = None


class Agent(Struct, frozen=True, kw_only=True, rename="camel"):
    """A row of ``GET /workload-principals/api/v1/ai-agents``."""

    id: str
    orn: str | None = None
    status: str | None = None
    platform: str | None = None
    app_id: str | None = None
    profile: _Profile = _Profile()
    created: Moment | None = None
    links: _Links = field(default=_Links(), name="_links")


class Named(Struct, frozen=True, kw_only=True, rename="camel"):
    """What a connection leads to."""

    name: str | None = None
    app_instance_name: str | None = None
    endpoint_url: str | None = None
    orn: str | None = None


class Connection(Struct, frozen=True, kw_only=True, rename="camel"):
    """A connection of an agent. ``scopes``: ``*`` for all."""

    id: str = ""
    connection_type: str = ""
    status: str | None = None
    resource_indicator: str | None = None
    scopes: tuple[str, ...] | None = None
    authorization_server: Named | None = None
    resource: Named | None = None
    secret: Named | None = None
    service_account: Named | None = None

    @property
    def name(self) -> str:
        """What it is called."""
        several = (self.resource, self.secret, self.service_account, self.authorization_server)
        names = (text for one in several if one is not None for text in (one.name, one.app_instance_name))
        return next(filter(None, (*names, self.resource_indicator, self.id)), "")


class Principal(Struct, frozen=True, kw_only=True):
    """An owner: a user or a group."""

    id: str
    type: str | None = None
    profile: dict[str, Any] | None = None


class Owned(Struct, frozen=True, kw_only=True):
    """A row of ``GET /governance/api/v1/resource-owners``."""

    principals: tuple[Principal, ...] = ()
