"""Reads who holds which Azure role at a subscription and below, or at one management group."""

from __future__ import annotations

from collections.abc import Iterator

from connectors.azure import sections as s
from connectors.azure.errors import each_of
from connectors.azure.keys import NIL_GUID
from connectors.azure.reader import Reader
from connectors.azure.requests import permissions_of
from connectors.azure.rights.objects import members_of
from connectors.azure.subscription.denials import read_denials
from connectors.azure.subscription.payloads import RoleAssignment
from connectors.azure.subscription.principals import read_principals
from connectors.azure.subscription.rights import GROUP, Known, Whose, assignments_of
from connectors.azure.subscription.roles import read_roles
from connectors.base import DiscoveredRecord

_GROUPS = "/providers/Microsoft.Management/managementGroups/"


def read_assignments(reader: Reader) -> Iterator[DiscoveredRecord]:
    """Each section's coverage, and an Assignment for each role that a service principal holds, itself or by a group."""
    place = _place(reader)
    rows: list[RoleAssignment] = []
    whose = Whose(reader.scope)
    with reader.section(s.ROLE_ASSIGNMENTS) as section:
        for row in reader.converted(section, _listed(reader, place), RoleAssignment):
            try:
                rows += [row] if whose.is_ours(row) else []
            except ValueError as error:
                section.malformed(row.id, str(error))
        section.found(len(rows))
        for note in whose.notes():
            section.note(note)
    coverage = reader.done(section)
    yield coverage
    if rows or not coverage.is_gap:
        yield from _told(reader, place, rows)


def _place(reader: Reader) -> str:
    name = reader.scope.id.partition("/")[2]
    return f"{_GROUPS}{name}" if reader.unit.kind == "management_group" else f"/subscriptions/{reader.scope.id}"


def _listed(reader: Reader, place: str) -> Iterator[object]:
    if reader.unit.kind == "subscription":
        models = reader.api.role_client(reader.scope.id).role_assignments.list_for_subscription()
    else:
        models = reader.api.role_client(NIL_GUID).role_assignments.list_for_scope(place, filter="atScope()")
    return each_of(models, "GET roleAssignments", permissions_of(s.ROLE_ASSIGNMENTS)[0])


def _told(reader: Reader, place: str, rows: list[RoleAssignment]) -> Iterator[DiscoveredRecord]:
    judges = yield from read_roles(reader, place, (row.role_definition_id for row in rows))
    principals = yield from read_principals(reader, (row.principal_id for row in rows))
    groups = {row.principal_id.lower() for row in rows if row.principal_type == GROUP} | principals.groups().keys()
    there = {group: principals.name(group) or group for group in groups if principals.gone(group) is not True}
    members = yield from members_of(reader, there)
    denials = yield from read_denials(reader, place, rows)
    known = Known(judges=judges, principals=principals, groups=there, members=members, denials=denials)
    yield from assignments_of(reader.scope, rows, known)
