"""Azure role assignments as rights of service principals: which rows a unit tells, and what each amounts to. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TypeAlias

from msgspec import Struct

from connectors.azure.dates import moment
from connectors.azure.reader import Unit
from connectors.azure.rights.azure_roles import AzureJudge
from connectors.azure.rights.deny import Denial
from connectors.azure.rights.objects import Member
from connectors.azure.rights.place import Place, place_of
from connectors.azure.rights.power import UNKNOWN_POWER, Power, some
from connectors.azure.rights.telling import assignment
from connectors.azure.subscription.payloads import RoleAssignment
from connectors.azure.subscription.principals import Principals
from connectors.azure.subscription.roles import guid_of
from connectors.base import Scope, own_words
from scanner.model import Assignment

SERVICE_PRINCIPAL, GROUP = "ServicePrincipal", "Group"
EVERYWHERE = "/"
_PEOPLE = frozenset({"User", "ForeignGroup", "Device"})
"""Types of principals whose rights are no matter of ours; a group of another tenant cannot be looked into."""


Judging: TypeAlias = Callable[[frozenset[str]], tuple[Power, tuple[Denial, ...]]]


class Known(Struct, frozen=True, kw_only=True):
    """What assignments are told with. ``groups``: names of those that are there, by id; ``members``: who is in them.

    ``denials``: what is denied there, to whomever.
    """

    judges: Mapping[str, AzureJudge] = {}
    principals: Principals = Principals()
    groups: Mapping[str, str] = {}
    members: Mapping[str, Sequence[Member]] = {}
    denials: tuple[Denial, ...] = ()


class Whose:
    """Sorts the rows that a unit lists: its own, those that another unit tells, and people's."""

    def __init__(self, scope: Scope) -> None:
        self._unit: Unit = scope.context
        self._own = scope.id.partition("/")[2].lower()
        self._read = {name.lower() for name in self._unit.groups}
        self._elsewhere = self._people = 0

    def is_ours(self, row: RoleAssignment) -> bool:
        """Whether the unit tells it; counts it if not. Raises ValueError for a scope that is none."""
        if not self._is_here(place_of(row.scope)):
            self._elsewhere += 1
        elif row.principal_type in _PEOPLE:
            self._people += 1
        else:
            return True
        return False

    def notes(self) -> Iterator[str]:
        """What was left out."""
        if self._people:
            yield f"{self._people} of people are left out"
        if self._elsewhere:
            yield f"{self._elsewhere} that are set elsewhere are left to the units of those places"

    def _is_here(self, place: Place) -> bool:
        """A subscription tells what it inherits from groups that nobody else reads."""
        if place.breadth != "management_group":
            return self._unit.kind == "subscription"
        group = self._unit.tenant if place.id == EVERYWHERE else place.id.rpartition("/")[2]
        if self._unit.kind == "subscription":
            return group.lower() not in self._read
        return group.lower() == self._own


def assignments_of(scope: Scope, rows: Sequence[RoleAssignment], known: Known) -> Iterator[Assignment]:
    """The rights that these rows give: each once, to its principal, or to every service principal in its group."""
    once = {row.id.lower(): row for row in rows}
    runners = _runners(once.values(), known)
    ids = _ids(known.members)
    for key, row in once.items():
        principal = row.principal_id.lower()
        of = partial(_of, scope, row, known, _judging(scope, row, known, runs=principal in runners))
        if principal in known.groups or row.principal_type == GROUP:
            for member in known.members.get(principal, ()):
                yield of(f"{key}#{member.id.lower()}", ids[member.id.lower()], member)
        elif row.principal_type == SERVICE_PRINCIPAL or _may_be_one(row, known.principals):
            yield of(key, ids.get(principal, frozenset()) | {principal})


def _ids(members: Mapping[str, Sequence[Member]]) -> Mapping[str, frozenset[str]]:
    """By id of a principal that is in a group: its own, and those of the groups."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for group, inside in members.items():
        for member in inside:
            found[member.id.lower()] |= {member.id.lower(), group}
    return {principal: frozenset(ids) for principal, ids in found.items()}


def _may_be_one(row: RoleAssignment, principals: Principals) -> bool:
    """Whether it may be a service principal's though it does not say so: older versions of the API know other types."""
    return principals.is_service_principal(row.principal_id) or not principals.kind(row.principal_id)


def _runners(rows: Iterable[RoleAssignment], known: Known) -> set[str]:
    """Principals that have a role by which something that runs can be made."""
    return {
        row.principal_id.lower()
        for row in rows
        if (judge := known.judges.get(guid_of(row.role_definition_id))) and judge.runs_something
    }


def _judging(scope: Scope, row: RoleAssignment, known: Known, *, runs: bool) -> Judging:
    """What a row amounts to for a holder of these ids, and what may be denied to it there, or in a part of it."""
    judge = known.judges.get(guid_of(row.role_definition_id))
    holds = (scope.id,) if scope.context.kind == "subscription" else scope.context.subscriptions
    place = place_of(row.scope, holds=holds)
    there = [one for one in known.denials if one.reaches(place) or one.lies_in(place)]

    def judging(ids: frozenset[str]) -> tuple[Power, tuple[Denial, ...]]:
        denials = tuple(one for one in there if one.concerns(ids))
        if judge is None:
            return UNKNOWN_POWER, denials
        return judge.power(place, condition=row.condition, runs_something=runs, denials=denials), denials

    return judging


def _of(
    scope: Scope,
    row: RoleAssignment,
    known: Known,
    judging: Judging,
    key: str,
    ids: frozenset[str],
    member: Member | None = None,
) -> Assignment:
    """``ids``: the holder's, and those of groups that it is in."""
    judge = known.judges.get(guid_of(row.role_definition_id))
    holder = member.id if member else row.principal_id
    restorable = known.principals.restorable.get(holder.lower())
    power, denials = judging(ids)
    return assignment(
        scope,
        key,
        holder=holder,
        holder_kind=SERVICE_PRINCIPAL if member else _kind(row, known.principals),
        holder_name=member.display_name if member else known.principals.name(holder),
        gone=False if member else _gone(row, known.principals),
        grant=judge.role.name if judge else guid_of(row.role_definition_id),
        power=power,
        via=f"group:{known.groups[row.principal_id.lower()]}" if member else "direct",
        resource=row.scope,
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
    """None where neither the row nor the directory tells that it is a service principal's."""
    is_one = row.principal_type == SERVICE_PRINCIPAL or principals.is_service_principal(row.principal_id)
    return SERVICE_PRINCIPAL if is_one else None


def _gone(row: RoleAssignment, principals: Principals) -> bool | None:
    """A managed identity of another tenant is not in ours, and is no less there; a deleted one may be a person."""
    gone = principals.gone(row.principal_id)
    is_ours = not row.delegated_managed_identity_resource_id and _kind(row, principals) is not None
    return gone if is_ours else None
