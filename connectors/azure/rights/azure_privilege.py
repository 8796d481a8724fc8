"""Privilege of an Azure role at a scope, by its actions and the table ``azure_roles.toml`` (pure).

``admin``: everything, or all of ``Microsoft.Authorization``, on a subscription or more. ``escalation``: its holder can
give itself every right, on a subscription or more. ``high``: see the table; also what leads to others on a subscription
or more, whose evidence is potential. Whom it leads to is reported as ``takes_over`` and ``becomes``, on any scope, and
decided where those are known. What a deny assignment may take away is uncertain, as what a condition decides is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from operator import attrgetter, methodcaller

from msgspec import Struct, structs

from connectors.azure.keys import secrets_in
from connectors.azure.rights.azure_role import DATA, Block, Condition, Methods, Role, covers
from connectors.azure.rights.deny_assignments import Denial, denies
from connectors.azure.rights.places import USER_ASSIGNED, AzureScope, Breadth
from connectors.azure.rights.power import NAMED, UNDER_A_CONDITION, Power, judged, some, under_a_condition
from scanner.caching import cached
from scanner.catalog import read_table
from scanner.model import POTENTIAL, Consequence, ConsequenceKind, PrivilegeLevel, Takeover

EVERYTHING = "every action"
ALL_OF_IAM = "every action of Microsoft.Authorization"
_CONDITIONS_KEPT = 64
"""Number of conditions and places for which the result of a role is cached."""


# --- The table ---


class Others(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Ways to change what others may do. They count on a subscription or more."""

    name: str
    methods: Methods


class RunningAs(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Ways to run code in a resource of a type, and so with its identity. ``unless``: see ``Takeover``."""

    type: str
    methods: Methods
    unless: str = ""


class Becoming(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Ways to become a user-assigned identity: at once, or by assigning it to something that can be run."""

    federated: Methods
    assigned: Methods
    runs: Methods


class High(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Actions of one ``consequence`` (of a blast radius). ``within``: the narrowest scope on which they count."""

    name: str
    consequence: ConsequenceKind
    within: Breadth
    actions: tuple[str, ...]


class Data(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The level of every other data action on a subscription or more, except for harmless ones (patterns)."""

    name: str
    harmless: tuple[str, ...]


class AzureTable(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file."""

    iam: tuple[str, ...]
    own_rights: Methods
    own_definition: tuple[str, ...]
    others: tuple[Others, ...]
    takeover: tuple[RunningAs, ...]
    becoming: Becoming
    high: tuple[High, ...]
    data: Data

    def includes(self, pattern: str) -> bool:
        """Whether a data action, or a pattern of some, is harmless or named as ``high`` already."""
        name = pattern.lower()
        named = (action for each in self.high for action in each.actions if action.startswith(DATA))
        if any(covers(name, action.removeprefix(DATA).lower()) for action in named):
            return True
        return any(covers(one.lower(), name) for one in self.data.harmless)


@cache
def azure_table() -> AzureTable:
    """The table, read once."""
    return read_table("connectors.azure.rights", "azure_roles.toml", AzureTable)


# --- Judging ---


class AzureJudge:
    """Judges one role. What it allows is computed once for all assignments."""

    def __init__(self, role: Role) -> None:
        self.role = role
        self._allowance = lru_cache(maxsize=_CONDITIONS_KEPT)(
            lambda when, denied, uncertain: _Allowance(role, when, denied, uncertain)
        )
        self._judged = cached(self._judge, size=_CONDITIONS_KEPT)

    @property
    def runs_workloads(self) -> bool:
        """Whether it allows creating a resource to which an identity can be assigned."""
        return bool(self._allowance(None, (), False).possible(azure_table().becoming.runs))

    def power(
        self,
        place: AzureScope,
        *,
        condition: str | None = None,
        runs_workloads: bool = False,
        denials: tuple[Denial, ...] = (),
    ) -> Power:
        """Its power at a place. ``runs_workloads``: another role of the holder allows creating workloads.

        ``denials``: deny assignments that may apply to the holder.
        """
        return self._judged(place, condition, runs_workloads or self.runs_workloads, denials)

    def _judge(self, place: AzureScope, condition: str | None, runs: bool, denials: tuple[Denial, ...]) -> Power:
        denied = tuple(block for one in denials if one.reaches(place) for block in one.blocks)
        within = tuple(one for one in denials if one.lies_in(place))
        certain = _AzurePrivilegeReading(self._allowance(condition, denied, False), place, within, runs=runs)
        power = certain.power()
        has_condition = bool(condition and condition.strip()) or any(block.condition for block in self.role.blocks)
        if not (has_condition or denied):
            return power
        uncertain = _AzurePrivilegeReading(self._allowance(condition, denied, True), place, within, runs=runs)
        if power == Power():
            return under_a_condition(uncertain.power())
        return Power(
            privilege=judged([*certain.reasons(), *map(_as_conditional, uncertain.reasons())]),
            becomes=power.becomes,
            takes_over=(*power.takes_over, *under_a_condition(uncertain.power()).takes_over),
            consequences=(*power.consequences, *under_a_condition(uncertain.power()).consequences),
        )


class _Allowance:
    """The actions of a role: certain, or (``uncertain``) only if a condition is met or ``denied`` does not apply."""

    def __init__(self, role: Role, condition: str | None, denied: tuple[Block, ...], uncertain: bool) -> None:
        self.role = role
        self._denied = denied
        self.uncertain = uncertain
        self._when = Condition(condition)
        self._allows = lru_cache(maxsize=None)(role.allows)
        self.holds = cached(self._holds, size=None)
        self.possible = cached(self._possible, size=None)

    def other_data(self) -> list[str]:
        """Data actions, or patterns of them, that the table does not name."""
        names = (one for one in self.role.data_patterns if not azure_table().includes(one))
        return [f"{DATA}{one}" for one in names if self.holds((f"{DATA}{one}",))]

    def _possible(self, methods: Methods) -> list[str]:
        """Ways whose actions are all allowed, as text."""
        return [" + ".join(method) for method in methods if self.holds(method)]

    def _holds(self, actions: tuple[str, ...]) -> bool:
        certainly = all(
            self._allows(action) and not (self._when.decides(action) or denies(self._denied, action))
            for action in actions
        )
        return not certainly and all(map(self.role.may_allow, actions)) if self.uncertain else certainly


class _AzurePrivilegeReading:
    """The rights at one place. ``within``: deny assignments in parts of it. ``runs``: workloads can be created."""

    def __init__(self, allowance: _Allowance, place: AzureScope, within: tuple[Denial, ...], *, runs: bool) -> None:
        self._allowed = allowance
        self._place = place
        self._within = within
        self._runs = runs
        self._by = f"{allowance.role.name} on {place.words}"
        self._own_rights = allowance.possible(azure_table().own_rights)

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
        """On any scope; below a subscription only for the resources there."""
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
        if self._own_rights:
            yield "escalation", f"giving itself any right: {some(self._own_rights)}"
        if self._changes_itself():
            yield "escalation", f"changing the role that it holds: {some(azure_table().own_definition)}"
        for others in azure_table().others:
            if names := self._allowed.possible(others.methods):
                yield "high", f"{POTENTIAL}could {others.name}: {some(names)}"
        running = [name for kind in azure_table().takeover for name in self._allowed.possible(kind.methods)]
        if running:
            yield "high", f"{POTENTIAL}could act as the workloads there: {some(list(dict.fromkeys(running)))}"
        if names := self._becoming():
            yield "high", f"{POTENTIAL}could act as managed identities: {some(names)}"

    def _narrow_ways(self) -> Iterator[tuple[PrivilegeLevel, str]]:
        if self._own_rights:
            yield "high", f"grant itself any permission: {some(self._own_rights)}"

    def _becoming(self) -> list[str]:
        ways = azure_table().becoming
        return [*self._allowed.possible(ways.federated), *(self._allowed.possible(ways.assigned) if self._runs else ())]

    def _changes_itself(self) -> bool:
        """Whether it can change its own definition: that takes the right wherever the role can be assigned."""
        role = self._allowed.role
        return (
            role.custom is True
            and bool(role.assignable)
            and all(map(self._place.includes, role.assignable))
            and self._allowed.holds(azure_table().own_definition)
        )

    def _is_admin(self) -> bool:
        return self._allowed.holds(azure_table().iam)

    def _takeovers(
        self, names: list[str], methods: Methods, keys_of: Callable[[AzureScope], tuple[str, ...]]
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
