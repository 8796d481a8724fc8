"""What one right amounts to, wherever it is given: a role on a resource, a role in the directory, a permission."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct, structs

from scanner.model import Privilege, PrivilegeLevel, Takeover

NAMED = 3
"""Evidence names this many actions, and counts the rest."""
POTENTIAL = "potential: its links name what was found there"
"""Of a way that leads on only where there is a target. A right is judged before targets are known."""
UNDER_A_CONDITION = "under a condition"

_GRAVEST_FIRST: tuple[PrivilegeLevel, ...] = ("admin", "escalation", "high", "unknown", "normal")
_UNDER_A_CONDITION: Mapping[PrivilegeLevel, PrivilegeLevel] = {"admin": "high", "escalation": "high"}


class Power(Struct, frozen=True, kw_only=True):
    """What a right alone amounts to, and whom it lets its holder become; see ``Assignment`` for the fields."""

    privilege: Privilege = Privilege(level="normal")
    becomes: tuple[str, ...] = ()
    takes_over: tuple[Takeover, ...] = ()
    conditional: bool = False


UNKNOWN_POWER = Power(privilege=Privilege(level="unknown", evidence=("what a right allows could not be read",)))


def under_a_condition(power: Power) -> Power:
    """All of it only if a condition is met that we cannot judge; whoever tells of it says so."""
    given = power.privilege
    at_most_high = _UNDER_A_CONDITION.get(given.level, given.level)
    return structs.replace(
        power,
        privilege=Privilege(level=at_most_high, evidence=given.evidence),
        takes_over=tuple(structs.replace(one, conditional=True) for one in power.takes_over),
        conditional=True,
    )


def judged(reasons: Iterable[tuple[PrivilegeLevel, str]]) -> Privilege:
    """The gravest level among the reasons, with the reasons for it."""
    told = list(reasons)
    levels: list[PrivilegeLevel] = ["normal", *(level for level, _ in told)]
    level = min(levels, key=_GRAVEST_FIRST.index)
    return Privilege(level=level, evidence=tuple(dict.fromkeys(text for each, text in told if each == level)))


def some(names: Sequence[str]) -> str:
    """The first few names, and how many more there are."""
    shown = ", ".join(names[:NAMED])
    return f"{shown} and {len(names) - NAMED} more" if len(names) > NAMED else shown
