"""One right as an Assignment, whichever kind it is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from connectors.azure.rights.power import Power
from connectors.azure.spec import SPEC
from connectors.base import Scope
from scanner.model import Assignment, Grant


def assignment(
    scope: Scope,
    key: str,
    *,
    holder: str,
    grant: str,
    power: Power,
    resource: str | None,
    via: str = "direct",
    holder_kind: str | None = "ServicePrincipal",
    holder_name: str | None = None,
    gone: bool | None = None,
    created_at: datetime | None = None,
    created_by: str | None = None,
    attributes: Mapping[str, Any] | None = None,
) -> Assignment:
    """See ``Assignment``; ``grant``: the name of what is given."""
    return Assignment(
        key=key,
        provider=SPEC.name,
        source=scope.source,
        scope=scope.id,
        holder=holder,
        holder_kind=holder_kind,
        holder_name=holder_name,
        gone=gone,
        grant=Grant(name=grant, via=via, resource=resource, admin=power.privilege.level == "admin"),
        privilege=power.privilege,
        becomes=power.becomes,
        takes_over=power.takes_over,
        conditional=power.conditional,
        created_at=created_at,
        created_by=created_by,
        attributes={name: value for name, value in (attributes or {}).items() if value is not None},
    )
