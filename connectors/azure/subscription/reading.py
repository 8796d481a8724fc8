"""Reads one subscription, or what is set at one management group."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC

from connectors.azure import sections as s
from connectors.azure.errors import each_of
from connectors.azure.reader import Reader
from connectors.azure.requests import permissions_of
from connectors.azure.spec import SPEC
from connectors.azure.subscription.payloads import RoleAssignment
from connectors.base import DiscoveredRecord, Scope
from scanner.model import Assignment, Grant

_OF_NOBODY = "00000000-0000-0000-0000-000000000000"
"""The SDK wants a subscription's id where none is asked about."""
_PEOPLE = frozenset({"User", "Group", "ForeignGroup"})


def read_subscription(reader: Reader) -> Iterator[DiscoveredRecord]:
    """Who holds which role at the subscription and below."""
    yield from _role_assignments(reader, f"/subscriptions/{reader.scope.id}")


def read_management_group(reader: Reader) -> Iterator[DiscoveredRecord]:
    """Who holds which role at this management group, those of its ancestors and of its children apart."""
    name = reader.scope.id.partition("/")[2]
    yield from _role_assignments(reader, f"/providers/Microsoft.Management/managementGroups/{name}")


def _role_assignments(reader: Reader, place: str) -> Iterator[DiscoveredRecord]:
    others = elsewhere = 0
    with reader.section(s.ROLE_ASSIGNMENTS) as section:
        for row in reader.converted(section, _listed(reader, place), RoleAssignment):
            if not _is_at(row.scope, place, below=reader.unit.kind == "subscription"):
                elsewhere += 1
            elif row.principal_type in _PEOPLE:
                others += 1
            else:
                section.found()
                yield _assignment(reader.scope, row)
        if others:
            section.note(f"{others} of people and groups are left out")
        if elsewhere:
            section.note(f"{elsewhere} that are set elsewhere are left to the units of those places")
    yield reader.done(section)


def _listed(reader: Reader, place: str) -> Iterator[object]:
    if reader.unit.kind == "subscription":
        models = reader.api.role_client(reader.scope.id).role_assignments.list_for_subscription()
    else:
        models = reader.api.role_client(_OF_NOBODY).role_assignments.list_for_scope(place, filter="atScope()")
    return each_of(models, "GET roleAssignments", permissions_of(s.ROLE_ASSIGNMENTS)[0])


def _is_at(scope: str, place: str, *, below: bool) -> bool:
    here, wanted = scope.rstrip("/").lower(), place.lower()
    return here == wanted or (below and here.startswith(f"{wanted}/"))


def _assignment(scope: Scope, row: RoleAssignment) -> Assignment:
    role = row.role_definition_id.rpartition("/")[2]
    return Assignment(
        key=row.id.lower(),
        provider=SPEC.name,
        source=scope.source,
        scope=scope.id,
        holder=row.principal_id,
        holder_kind=row.principal_type,
        grant=Grant(name=role or "unknown", via="direct", resource=row.scope),
        conditional=bool(row.condition),
        created_at=None if row.created_on is None else row.created_on.astimezone(UTC),
        created_by=row.created_by,
    )
