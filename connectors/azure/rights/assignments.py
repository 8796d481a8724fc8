"""Reads Azure role assignments as rights of service principals: which rows a unit reports, and their privilege."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import TypeAlias

from msgspec import Struct

from connectors.azure import sections as s
from connectors.azure.client.errors import each_of
from connectors.azure.client.payloads import ObjectId, moment
from connectors.azure.keys import NIL_GUID
from connectors.azure.reader import AzureReader, AzureUnit
from connectors.azure.rights.azure_privilege import AzureJudge
from connectors.azure.rights.deny_assignments import Denial, read_denials
from connectors.azure.rights.holders import AzureMember, Holder, assignment, members_of
from connectors.azure.rights.places import AzureScope, place_of
from connectors.azure.rights.power import UNKNOWN_POWER, Power, some
from connectors.azure.rights.principals import Principals, read_principals
from connectors.azure.rights.role_definitions import guid_of, read_roles
from connectors.core.contract import DiscoveredRecord, Scope, own_words
from scanner.model import Assignment, Grant

SERVICE_PRINCIPAL, GROUP = "ServicePrincipal", "Group"
EVERYWHERE = "/"
_PEOPLE = frozenset({"User", "ForeignGroup", "Device"})
"""Types of principals whose rights are not reported. The members of a foreign group are unknown."""


Judging: TypeAlias = Callable[[frozenset[str]], tuple[Power, tuple[Denial, ...]]]


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


class AzureKnown(Struct, frozen=True, kw_only=True):
    """Context of assignments. ``groups``: names of existing groups by id; ``members``: members of groups.

    ``denials``: deny assignments.
    """

    judges: Mapping[str, AzureJudge] = {}
    principals: Principals = Principals()
    groups: Mapping[str, str] = {}
    members: Mapping[str, Sequence[AzureMember]] = {}
    denials: tuple[Denial, ...] = ()


class RowSorter:
    """Sorts the rows of a unit: its own, those that another unit reports, and those of people."""

    def __init__(self, scope: Scope) -> None:
        self._unit: AzureUnit = scope.context
        self._own = scope.id.partition("/")[2].lower()
        self._read = {name.lower() for name in self._unit.groups}
        self._elsewhere = self._people = 0

    def is_ours(self, row: RoleAssignment) -> bool:
        """Whether the unit reports the row; counts it otherwise. Raises ValueError for an invalid scope."""
        if not self._is_here(place_of(row.scope)):
            self._elsewhere += 1
        elif row.principal_type in _PEOPLE:
            self._people += 1
        else:
            return True
        return False

    def notes(self) -> Iterator[str]:
        """Notes on rows that were left out."""
        if self._people:
            yield f"{self._people} of people are left out"
        if self._elsewhere:
            yield f"{self._elsewhere} that are set elsewhere are left to the units of those places"

    def _is_here(self, place: AzureScope) -> bool:
        """A subscription reports what it inherits from management groups that are no units."""
        if place.breadth != "management_group":
            return self._unit.kind == "subscription"
        group = self._unit.tenant if place.id == EVERYWHERE else place.id.rpartition("/")[2]
        if self._unit.kind == "subscription":
            return group.lower() not in self._read
        return group.lower() == self._own


def assignments_of(scope: Scope, rows: Sequence[RoleAssignment], known: AzureKnown) -> Iterator[Assignment]:
    """The rights that these rows give: one for its principal, or for every service principal in its group."""
    once = {row.id.lower(): row for row in rows}
    runners = {
        row.principal_id.lower()
        for row in once.values()
        if (judge := known.judges.get(guid_of(row.role_definition_id))) and judge.runs_workloads
    }
    ids = _ids(known.members)
    for key, row in once.items():
        principal = row.principal_id.lower()
        of = partial(_of, scope, row, known, _judging(scope, row, known, runs=principal in runners))
        if principal in known.groups or row.principal_type == GROUP:
            for member in known.members.get(principal, ()):
                yield of(f"{key}#{member.id.lower()}", ids[member.id.lower()], member)
        elif row.principal_type == SERVICE_PRINCIPAL or _may_be_principal(row, known.principals):
            yield of(key, ids.get(principal, frozenset()) | {principal})


def _ids(members: Mapping[str, Sequence[AzureMember]]) -> Mapping[str, frozenset[str]]:
    """By id of a principal in a group: its own id and those of the groups."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for group, inside in members.items():
        for member in inside:
            found[member.id.lower()] |= {member.id.lower(), group}
    return {principal: frozenset(ids) for principal, ids in found.items()}


def _may_be_principal(row: RoleAssignment, principals: Principals) -> bool:
    """Whether a row without that type may have a service principal as its holder, as in older versions of the API."""
    return principals.is_service_principal(row.principal_id) or not principals.kind(row.principal_id)


def _judging(scope: Scope, row: RoleAssignment, known: AzureKnown, *, runs: bool) -> Judging:
    """The power of a row for a holder with these ids, and the deny assignments that may apply there."""
    judge = known.judges.get(guid_of(row.role_definition_id))
    holds = (scope.id,) if scope.context.kind == "subscription" else scope.context.subscriptions
    place = place_of(row.scope, holds=holds)
    there = [one for one in known.denials if one.reaches(place) or one.lies_in(place)]

    def judging(ids: frozenset[str]) -> tuple[Power, tuple[Denial, ...]]:
        denials = tuple(one for one in there if one.concerns(ids))
        if judge is None:
            return UNKNOWN_POWER, denials
        return judge.power(place, condition=row.condition, runs_workloads=runs, denials=denials), denials

    return judging


def _of(
    scope: Scope,
    row: RoleAssignment,
    known: AzureKnown,
    judging: Judging,
    key: str,
    ids: frozenset[str],
    member: AzureMember | None = None,
) -> Assignment:
    """``ids``: the holder's, and those of groups that it is in."""
    judge = known.judges.get(guid_of(row.role_definition_id))
    holder = member.id if member else row.principal_id
    restorable = known.principals.restorable.get(holder.lower())
    power, denials = judging(ids)
    return assignment(
        scope,
        key,
        holder=Holder(
            id=holder,
            kind=SERVICE_PRINCIPAL if member else _kind(row, known.principals),
            name=member.display_name if member else known.principals.name(holder),
            gone=False if member else _gone(row, known.principals),
        ),
        grant=Grant(
            name=judge.role.name if judge else guid_of(row.role_definition_id),
            via=f"group:{known.groups[row.principal_id.lower()]}" if member else "direct",
            resource=row.scope,
        ),
        power=power,
        created_at=moment(row.created_on),
        created_by=row.created_by,
        attributes={
            "right": "Azure role",
            "custom": (judge.role.custom or None) if judge else None,
            "condition": own_words(row.condition) if row.condition else None,
            "denied_by": own_words(some([one.name for one in denials])) if denials else None,
            "restorable_until": restorable.isoformat() if restorable else None,
        },
    )


def _kind(row: RoleAssignment, principals: Principals) -> str | None:
    """None if neither the row nor the directory has the type."""
    is_one = row.principal_type == SERVICE_PRINCIPAL or principals.is_service_principal(row.principal_id)
    return SERVICE_PRINCIPAL if is_one else None


def _gone(row: RoleAssignment, principals: Principals) -> bool | None:
    """Whether the holder was deleted.

    A managed identity of another tenant is missing in the directory but exists; a deleted holder may be a person.
    """
    gone = principals.gone(row.principal_id)
    is_ours = not row.delegated_managed_identity_resource_id and _kind(row, principals) is not None
    return gone if is_ours else None


# --- Role assignments at and below a subscription, or at a management group ---

_GROUPS = "/providers/Microsoft.Management/managementGroups/"


def read_assignments(reader: AzureReader) -> Iterator[DiscoveredRecord]:
    """Each section's coverage, and an Assignment for each role that a service principal holds, itself or by a group."""
    name = reader.scope.id.partition("/")[2]
    place = f"{_GROUPS}{name}" if reader.unit.kind == "management_group" else f"/subscriptions/{reader.scope.id}"
    rows: list[RoleAssignment] = []
    whose = RowSorter(reader.scope)
    with reader.section(s.ROLE_ASSIGNMENTS) as section:
        for row in reader.converted(section, _assignments_listed(reader, place), RoleAssignment):
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
        yield from _records(reader, place, rows)


def _assignments_listed(reader: AzureReader, place: str) -> Iterator[object]:
    if reader.unit.kind == "subscription":
        models = reader.api.role_client(reader.scope.id).role_assignments.list_for_subscription()
    else:
        models = reader.api.role_client(NIL_GUID).role_assignments.list_for_scope(place, filter="atScope()")
    return each_of(models, "GET roleAssignments")


def _records(reader: AzureReader, place: str, rows: list[RoleAssignment]) -> Iterator[DiscoveredRecord]:
    judges = yield from read_roles(reader, place, (row.role_definition_id for row in rows))
    principals = yield from read_principals(reader, (row.principal_id for row in rows))
    groups = {row.principal_id.lower() for row in rows if row.principal_type == GROUP} | principals.groups().keys()
    there = {group: principals.name(group) or group for group in groups if principals.gone(group) is not True}
    members = yield from members_of(reader, there)
    denials = yield from read_denials(reader, place, rows)
    known = AzureKnown(judges=judges, principals=principals, groups=there, members=members, denials=denials)
    yield from assignments_of(reader.scope, rows, known)
