"""What of Graph's objects is used. Source: the reference pages of Microsoft Graph v1.0."""

from __future__ import annotations

from msgspec import Struct


class ServicePrincipal(Struct, frozen=True, kw_only=True, rename="camel"):
    """A service principal. ``service_principal_type``: Application, ManagedIdentity, ServiceIdentity or another."""

    id: str
    app_id: str
    display_name: str | None = None
    service_principal_type: str | None = None
    account_enabled: bool | None = None
    app_owner_organization_id: str | None = None
    alternative_names: tuple[str, ...] = ()
    service_principal_names: tuple[str, ...] = ()


class Application(Struct, frozen=True, kw_only=True, rename="camel"):
    """An application registration."""

    id: str
    app_id: str
    display_name: str | None = None
