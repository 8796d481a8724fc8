"""What an Azure role amounts to where it is assigned, decided by its actions, never by its name. Pure.

``admin``: everything, or all of ``Microsoft.Authorization``, on a subscription or more. ``escalation``: a known way
leads there, on a subscription or more. On a resource group or a resource the same ways make their holder no
administrator by themselves, but lead to whatever identities are in it; that is told as ``takes_over`` and ``becomes``,
and decided where those are known. ``high``: see the table. Deny assignments are not looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from connectors.azure.rights.azure_table import Methods, azure_table
from connectors.azure.rights.condition import Condition
from connectors.azure.rights.place import USER_ASSIGNED, Place
from connectors.azure.rights.power import POTENTIAL, UNDER_A_CONDITION, Power, judged, some, under_a_condition
from connectors.azure.rights.role import Role
from scanner.model import PrivilegeLevel, Takeover

EVERYTHING = "every action"
ALL_OF_IAM = "every action of Microsoft.Authorization"
_CONDITIONS_KEPT = 64
"""What a role allows is worked out anew for each condition; of so many it is remembered."""


class AzureJudge:
    """Judges one role, working out once what it allows however often it is assigned."""

    def __init__(self, role: Role) -> None:
        self.role = role
        self._allowance = lru_cache(maxsize=_CONDITIONS_KEPT)(lambda when, doubtful: _Allowance(role, when, doubtful))

    @property
    def runs_something(self) -> bool:
        """Whether it lets its holder make something that an identity can be assigned to."""
        return bool(self._allowance(None, False).possible(azure_table().becoming.runs))

    def power(self, place: Place, *, condition: str | None = None, runs_something: bool = False) -> Power:
        """What it amounts to there. ``runs_something``: another role of its holder lets it make such a thing."""
        runs = runs_something or self.runs_something
        certain = _Reading(self._allowance(condition, False), place, runs=runs)
        power = certain.power()
        if not (condition and condition.strip()) and not any(block.condition for block in self.role.blocks):
            return power
        doubtful = _Reading(self._allowance(condition, True), place, runs=runs)
        if power == Power():
            return under_a_condition(doubtful.power())
        return Power(
            privilege=judged([*certain.reasons(), *map(_doubted, doubtful.reasons())]),
            becomes=power.becomes,
            takes_over=(*power.takes_over, *under_a_condition(doubtful.power()).takes_over),
        )


class _Allowance:
    """What a role allows for certain, or (``doubtful``) only if a condition is met."""

    def __init__(self, role: Role, condition: str | None, doubtful: bool) -> None:
        self.role = role
        self.doubtful = doubtful
        self._when = Condition(condition)
        self._allows = lru_cache(maxsize=None)(role.allows)
        self.holds = lru_cache(maxsize=None)(self._holds)
        self.possible = lru_cache(maxsize=None)(self._possible)

    def _possible(self, methods: Methods) -> list[str]:
        """Those of which every action is allowed, as text."""
        return [" + ".join(method) for method in methods if self.holds(method)]

    def _holds(self, actions: tuple[str, ...]) -> bool:
        certainly = all(self._allows(action) and not self._when.decides(action) for action in actions)
        return not certainly and all(map(self.role.may_allow, actions)) if self.doubtful else certainly


class _Reading:
    """What is allowed at one place. ``runs``: something can be made that runs with an identity."""

    def __init__(self, allowance: _Allowance, place: Place, *, runs: bool) -> None:
        self._allowed = allowance
        self._place = place
        self._runs = runs
        self._by = f"{allowance.role.name} on {place.words}"
        self._own_rights = [
            name for ways in azure_table().own_rights if not ways.only_wide for name in allowance.possible(ways.methods)
        ]

    def power(self) -> Power:
        if self._place.is_wide and self._is_admin() and not self._allowed.doubtful:  # who needs to take over nobody
            return Power(privilege=judged(self.reasons()))
        return Power(privilege=judged(self.reasons()), becomes=self.becomes(), takes_over=tuple(self.takes_over()))

    def reasons(self) -> Iterator[tuple[PrivilegeLevel, str]]:
        """Levels with what makes them."""
        for level, what in self._ways() if self._place.is_wide else self._narrow_ways():
            yield level, f"{what}, by {self._by}"
        for consequence in azure_table().high:
            if not self._place.takes(consequence.within):
                continue
            if names := [one for one in consequence.actions if self._place.has(one) and self._allowed.holds((one,))]:
                yield "high", f"{consequence.name}: {some(names)}, by {self._by}"

    def takes_over(self) -> Iterator[Takeover]:
        """Whoever may give itself rights may do all that can be done to what is there."""
        if self._own_rights:
            yield self._takeover(self._own_rights, self._place.every_key)
            return
        for kind in azure_table().takeover:
            on = self._place.keys_of(kind.type)
            if on and (names := self._allowed.possible(kind.methods)):
                yield self._takeover(names, on)

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
            yield "escalation", f"act as what runs there: {some(running)} ({POTENTIAL})"
        if names := self._becoming():
            yield "escalation", f"become managed identities: {some(names)} ({POTENTIAL})"

    def _narrow_ways(self) -> Iterator[tuple[PrivilegeLevel, str]]:
        if self._own_rights:
            yield "high", f"give itself any right: {some(self._own_rights)}"

    def _becoming(self) -> list[str]:
        ways = azure_table().becoming
        return [*self._allowed.possible(ways.federated), *(self._allowed.possible(ways.assigned) if self._runs else ())]

    def _is_admin(self) -> bool:
        return self._allowed.holds(azure_table().iam)

    def _takeover(self, names: list[str], on: tuple[str, ...]) -> Takeover:
        return Takeover(by=f"by {some(names)} on it, through {self._by}", on=on)


def _doubted(reason: tuple[PrivilegeLevel, str]) -> tuple[PrivilegeLevel, str]:
    return "high", f"{reason[1]}, {UNDER_A_CONDITION}"
