"""Payloads of Microsoft Graph v1.0 about rights."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from connectors.azure.client.payloads import ObjectId
from connectors.azure.rights.directory_roles import DirectoryRole


class RolePermission(Struct, frozen=True, kw_only=True, rename="camel"):
    """One of the permissions of a directory role. ``condition``: on which objects only, such as one's own."""

    allowed_resource_actions: tuple[str, ...] = ()
    excluded_resource_actions: tuple[str, ...] | None = None
    condition: str | None = None


class DirectoryRoleDefinition(Struct, frozen=True, kw_only=True, rename="camel"):
    """A ``unifiedRoleDefinition``."""

    id: str
    display_name: str | None = None
    template_id: str | None = None
    is_built_in: bool | None = None
    is_enabled: bool | None = None
    role_permissions: tuple[RolePermission, ...] = ()

    @property
    def role(self) -> DirectoryRole:
        """The role with what it allows on any object; a disabled role allows nothing."""
        actions = (
            action
            for one in self.role_permissions
            if not one.condition and self.is_enabled is not False
            for action in one.allowed_resource_actions
            if action not in (one.excluded_resource_actions or ())
        )
        return DirectoryRole(
            id=self.id,
            name=self.display_name or self.id,
            template=(self.template_id or self.id) if self.is_enabled is not False else "",
            actions=tuple(dict.fromkeys(actions)),
            custom=None if self.is_built_in is None else not self.is_built_in,
        )


class DirectoryRoleAssignment(Struct, frozen=True, kw_only=True, rename="camel"):
    """A ``unifiedRoleAssignment``. ``directory_scope_id``: ``/`` or the object or unit it is limited to."""

    id: str
    principal_id: ObjectId
    role_definition_id: str
    directory_scope_id: str | None = None
    app_scope_id: str | None = None
    condition: str | None = None


class AppRoleAssignment(Struct, frozen=True, kw_only=True, rename="camel"):
    """An application permission that someone holds on a resource. Dates stay text until they are used."""

    id: str
    principal_id: ObjectId
    app_role_id: str
    resource_id: str | None = None
    principal_type: str | None = None
    principal_display_name: str | None = None
    resource_display_name: str | None = None
    created_date_time: Any = None


class PermissionGrant(Struct, frozen=True, kw_only=True, rename="camel"):
    """An ``oAuth2PermissionGrant``. ``scope``: names of permissions, separated by spaces."""

    id: str
    client_id: ObjectId
    resource_id: ObjectId
    consent_type: str | None = None
    principal_id: str | None = None
    scope: str | None = None
