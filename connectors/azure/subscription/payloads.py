"""What of the resource manager's rows is used. Source: the REST reference of Azure's resource providers."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from connectors.azure.payloads import ObjectId


class RoleAssignment(Struct, frozen=True, kw_only=True):
    """A role assignment, as the SDK's model has it."""

    id: str
    principal_id: ObjectId
    scope: str
    role_definition_id: str
    principal_type: str | None = None
    condition: str | None = None
    delegated_managed_identity_resource_id: str | None = None
    created_on: datetime | None = None
    created_by: str | None = None
