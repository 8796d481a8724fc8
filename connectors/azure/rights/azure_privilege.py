"""Deny assignments: permissions that Azure denies, whichever role allows them. Pure.

Azure makes them itself, for managed applications and deployment stacks. They deny actions at a scope and below to
principals except the excluded ones. Members of their groups are unknown, and so is whether a condition is met, so an
action that one denies counts as uncertain. Source:
https://learn.microsoft.com/azure/role-based-access-control/deny-assignments
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from functools import lru_cache
from operator import attrgetter, methodcaller

from msgspec import Struct, structs

from connectors.azure.keys import NIL_GUID, secrets_in
from connectors.azure.rights.azure_role import (
    DATA,
    USER_ASSIGNED,
    Block,
    Condition,
    Methods,
    Place,
    Role,
    azure_table,
    place_of,
)
from connectors.azure.rights.directory_roles import (
    NAMED,
    POTENTIAL,
    UNDER_A_CONDITION,
    Power,
    judged,
    some,
    under_a_condition,
)
from scanner.model import Consequence, PrivilegeLevel, Takeover

_GROUP = "group"


class _Principal(Struct, frozen=True, kw_only=True):
    id: str
    type: str = ""


class _Properties(Struct, frozen=True, kw_only=True, rename="camel"):
    scope: str
    deny_assignment_name: str = ""
    permissions: tuple[Block, ...] = ()
    principals: tuple[_Principal, ...] = ()
    exclude_principals: tuple[_Principal, ...] = ()
    do_not_apply_to_child_scopes: bool = False


class DenyAssignment(Struct, frozen=True, kw_only=True):
    """A deny assignment, as the resource manager has it."""

    id: str
    properties: _Properties


class Denial(Struct, frozen=True, kw_only=True):
    """A deny assignment in the form for evaluating rights. ``is_inherited``: it applies below its place as well.

    ``anyone``: it names everyone, or a group. ``principals``, ``excluded``: ids in lower case.
    """

    name: str
    place: Place
    is_inherited: bool
    anyone: bool
    principals: frozenset[str]
    excluded: frozenset[str]
    blocks: tuple[Block, ...]

    def concerns(self, ids: AbstractSet[str]) -> bool:
        """Whether it may apply to a principal. ``ids``: its own, and those of groups that it is known to be in."""
        return (self.anyone or not ids.isdisjoint(self.principals)) and ids.isdisjoint(self.excluded)

    def hinders(self, methods: Methods) -> bool:
        """Whether it denies an action that each of these needs."""
        return _hinder(self.blocks, methods)

    def reaches(self, place: Place) -> bool:
        """Whether it applies at a place. One of a management group was listed for everything in the group."""
        if self.place.id == place.id:
            return True
        is_above = self.place.breadth == "management_group" or place.id.startswith(f"{self.place.id}/")
        return self.is_inherited and is_above

    def lies_in(self, place: Place) -> bool:
        """Whether it applies to a part of that place only."""
        starts = place.within if place.takes("resource_group") else (f"{place.id}/",)
        return not self.reaches(place) and f"{self.place.id}/".startswith(starts)


def denies(blocks: tuple[Block, ...], action: str) -> bool:
    """Whether one of them denies an action."""
    return any(block.allows(action) for block in blocks)


@lru_cache(maxsize=1024)
def _hinder(blocks: tuple[Block, ...], methods: Methods) -> bool:
    """Cached, because many managed applications have the same deny assignments."""
    return all(any(denies(blocks, action) for action in method) for method in methods)


def denial_of(row: DenyAssignment) -> Denial:
    """The row as a denial. Raises ValueError for an invalid scope."""
    fields = row.properties
    return Denial(
        name=fields.deny_assignment_name or row.id.rpartition("/")[2],
        place=place_of(fields.scope),
        is_inherited=not fields.do_not_apply_to_child_scopes,
        anyone=any(one.id == NIL_GUID or one.type.lower() == _GROUP for one in fields.principals),
        principals=frozenset(one.id.lower() for one in fields.principals),
        excluded=frozenset(one.id.lower() for one in fields.exclude_principals),
        blocks=fields.permissions,
    )


# --- Privilege of an Azure role at a scope, by its actions (pure) ---
#
# ``admin``: everything, or all of ``Microsoft.Authorization``, on a subscription or more. ``escalation``: a known way
# leads there, on a subscription or more. On a resource group or a resource the same ways make their holder no
# administrator by themselves, but lead to whatever identities are in it; that is reported as ``takes_over`` and
# ``becomes``, and decided where those are known. ``high``: see the table. What a deny assignment may take away is
# uncertain, as what a condition decides is.

EVERYTHING = "every action"
ALL_OF_IAM = "every action of Microsoft.Authorization"
_CONDITIONS_KEPT = 64
"""Number of conditions and places for which the result of a role is cached."""


class AzureJudge:
    """Judges one role. What it allows is computed once for all assignments."""

    def __init__(self, role: Role) -> None:
        self.role = role
        self._allowance = lru_cache(maxsize=_CONDITIONS_KEPT)(
            lambda when, denied, uncertain: _Allowance(role, when, denied, uncertain)
        )
        self._judged = lru_cache(maxsize=_CONDITIONS_KEPT)(self._judge)

    @property
    def runs_workloads(self) -> bool:
        """Whether it allows creating a resource to which an identity can be assigned."""
        return bool(self._allowance(None, (), False).possible(azure_table().becoming.runs))

    def power(
        self,
        place: Place,
        *,
        condition: str | None = None,
        runs_workloads: bool = False,
        denials: tuple[Denial, ...] = (),
    ) -> Power:
        """Its power at a place. ``runs_workloads``: another role of the holder allows creating workloads.

        ``denials``: deny assignments that may apply to the holder.
        """
        return self._judged(place, condition, runs_workloads or self.runs_workloads, denials)

    def _judge(self, place: Place, condition: str | None, runs: bool, denials: tuple[Denial, ...]) -> Power:
        denied = tuple(block for one in denials if one.reaches(place) for block in one.blocks)
        within = tuple(one for one in denials if one.lies_in(place))
        certain = _Reading(self._allowance(condition, denied, False), place, within, runs=runs)
        power = certain.power()
        has_condition = bool(condition and condition.strip()) or any(block.condition for block in self.role.blocks)
        if not (has_condition or denied):
            return power
        uncertain = _Reading(self._allowance(condition, denied, True), place, within, runs=runs)
        if power == Power():
            return under_a_condition(uncertain.power())
        return Power(
            privilege=judged([*certain.reasons(), *map(_as_conditional, uncertain.reasons())]),
            becomes=power.becomes,
            takes_over=(*power.takes_over, *under_a_condition(uncertain.power()).takes_over),
            consequences=(*power.consequences, *under_a_condition(uncertain.power()).consequences),
        )


class _Allowance:
    """What a role allows for certain, or (``uncertain``) only if a condition is met or ``denied`` does not apply."""

    def __init__(self, role: Role, condition: str | None, denied: tuple[Block, ...], uncertain: bool) -> None:
        self.role = role
        self._denied = denied
        self.uncertain = uncertain
        self._when = Condition(condition)
        self._allows = lru_cache(maxsize=None)(role.allows)
        self.holds = lru_cache(maxsize=None)(self._holds)
        self.possible = lru_cache(maxsize=None)(self._possible)

    def other_data(self) -> list[str]:
        """Data actions, or patterns of them, that the table does not name."""
        names = (one for one in self.role.data_patterns if not azure_table().includes(one))
        return [f"{DATA}{one}" for one in names if self.holds((f"{DATA}{one}",))]

    def _possible(self, methods: Methods) -> list[str]:
        """Ways whose actions are all allowed, as text."""
        return [" + ".join(method) for method in methods if self.holds(method)]

    def _holds(self, actions: tuple[str, ...]) -> bool:
        certainly = all(self._allows(action) and not self._may_lack(action) for action in actions)
        return not certainly and all(map(self.role.may_allow, actions)) if self.uncertain else certainly

    def _may_lack(self, action: str) -> bool:
        return self._when.decides(action) or denies(self._denied, action)


class _Reading:
    """What is allowed at one place. ``within``: deny assignments in parts of it. ``runs``: workloads can be created."""

    def __init__(self, allowance: _Allowance, place: Place, within: tuple[Denial, ...], *, runs: bool) -> None:
        self._allowed = allowance
        self._place = place
        self._within = within
        self._runs = runs
        self._by = f"{allowance.role.name} on {place.words}"
        self._own_rights = [
            name for ways in azure_table().own_rights if not ways.only_wide for name in allowance.possible(ways.methods)
        ]

    def power(self) -> Power:
        if self._place.is_wide and self._is_admin() and not self._allowed.uncertain:  # it needs no other identity
            return Power(privilege=judged(self.reasons()))
        return Power(
            privilege=judged(self.reasons()),
            becomes=self.becomes(),
            takes_over=tuple(self.takes_over()),
            consequences=tuple(self.consequences()),
        )

    def reasons(self) -> Iterator[tuple[PrivilegeLevel, str]]:
        """Levels with their reasons."""
        for level, what in self._ways() if self._place.is_wide else self._narrow_ways():
            yield level, f"{what}, by {self._by}"
        for consequence in azure_table().high:
            if not self._place.takes(consequence.within):
                continue
            if names := [one for one in consequence.actions if self._place.has(one) and self._allowed.holds((one,))]:
                yield "high", f"{consequence.name}: {some(names)}, by {self._by}"
        if self._place.is_wide and (names := self._allowed.other_data()):
            yield "high", f"{azure_table().data.name}: {some(names)}, by {self._by}"

    def consequences(self) -> Iterator[Consequence]:
        """On whatever scope; below a subscription only on what is there."""
        for high in azure_table().high:
            if names := [one for one in high.actions if self._place.has(one) and self._allowed.holds((one,))]:
                yield Consequence(
                    kind=high.consequence,
                    actions=tuple(names[:NAMED]),
                    by=self._by,
                    on=secrets_in(self._place.id) if high.consequence == "read_secrets" else (),
                    narrow=not self._place.is_wide,
                )

    def takes_over(self) -> Iterator[Takeover]:
        """Patterns of workloads that it can take over.

        A holder that can grant itself rights can take over everything there.
        """
        kinds = azure_table().takeover
        if self._own_rights:
            every = tuple(method for kind in kinds for method in kind.methods)
            yield from self._takeovers(self._own_rights, every, attrgetter("every_key"))
            return
        for kind in kinds:
            if names := self._allowed.possible(kind.methods):
                held = tuple(filter(self._allowed.holds, kind.methods))
                for one in self._takeovers(names, held, methodcaller("keys_of", kind.type)):
                    yield structs.replace(one, unless=kind.unless)

    def becomes(self) -> tuple[str, ...]:
        """Patterns of keys of user-assigned identities."""
        keys = self._place.keys_of(USER_ASSIGNED)
        able = self._own_rights or self._becoming()
        return (keys if self._place.takes("resource_group") else keys[:1]) if able else ()

    def _ways(self) -> Iterator[tuple[PrivilegeLevel, str]]:
        """On a subscription or more."""
        if self._is_admin():
            yield "admin", EVERYTHING if self._allowed.role.allows_everything else ALL_OF_IAM
            return
        for ways in azure_table().own_rights:
            if names := self._allowed.possible(ways.methods):
                yield "escalation", f"{ways.name}: {some(names)}"
        running = [name for kind in azure_table().takeover for name in self._allowed.possible(kind.methods)]
        if running:
            yield "escalation", f"act as the workloads there: {some(list(dict.fromkeys(running)))} ({POTENTIAL})"
        if names := self._becoming():
            yield "escalation", f"act as managed identities: {some(names)} ({POTENTIAL})"

    def _narrow_ways(self) -> Iterator[tuple[PrivilegeLevel, str]]:
        if self._own_rights:
            yield "high", f"grant itself any permission: {some(self._own_rights)}"

    def _becoming(self) -> list[str]:
        ways = azure_table().becoming
        return [*self._allowed.possible(ways.federated), *(self._allowed.possible(ways.assigned) if self._runs else ())]

    def _is_admin(self) -> bool:
        return self._allowed.holds(azure_table().iam)

    def _takeovers(
        self, names: list[str], methods: Methods, keys_of: Callable[[Place], tuple[str, ...]]
    ) -> Iterator[Takeover]:
        """By these methods; of what is in a part of the place where they may be denied, under a condition."""
        by = f"by {some(names)} on it, through {self._by}"
        hindered = tuple(key for one in self._within if one.hinders(methods) for key in keys_of(one.place))
        if on := keys_of(self._place):
            yield Takeover(by=by, on=on, but=hindered)
        if hindered:
            yield Takeover(by=f"{by}, unless it is denied there", on=hindered, conditional=True)


def _as_conditional(reason: tuple[PrivilegeLevel, str]) -> tuple[PrivilegeLevel, str]:
    return "high", f"{reason[1]}, {UNDER_A_CONDITION}"
