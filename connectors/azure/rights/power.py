"""The power of one right: its privilege, and the identities that it gives access to. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct, structs

from scanner.model import Consequence, Privilege, PrivilegeLevel, Takeover
from scanner.text import few

NAMED = 3
"""Maximum number of actions that evidence names; it counts the rest."""
UNDER_A_CONDITION = "under a condition"

_HIGHEST_FIRST: tuple[PrivilegeLevel, ...] = ("admin", "escalation", "high", "unknown", "normal")
_UNDER_A_CONDITION: Mapping[PrivilegeLevel, PrivilegeLevel] = {"admin": "high", "escalation": "high"}


class Power(Struct, frozen=True, kw_only=True):
    """The privilege of a right, and the identities that it gives access to; see ``Assignment`` for the fields."""

    privilege: Privilege = Privilege(level="normal")
    becomes: tuple[str, ...] = ()
    takes_over: tuple[Takeover, ...] = ()
    consequences: tuple[Consequence, ...] = ()
    conditional: bool = False


UNKNOWN_POWER = Power(privilege=Privilege(level="unknown", evidence=("what a right allows could not be read",)))


def under_a_condition(power: Power) -> Power:
    """The same under a condition that cannot be evaluated, as its evidence states."""
    given = power.privilege
    at_most_high = _UNDER_A_CONDITION.get(given.level, given.level)
    return structs.replace(
        power,
        privilege=Privilege(level=at_most_high, evidence=given.evidence),
        takes_over=tuple(structs.replace(one, conditional=True) for one in power.takes_over),
        consequences=tuple(structs.replace(one, conditional=True) for one in power.consequences),
        conditional=True,
    )


def judged(reasons: Iterable[tuple[PrivilegeLevel, str]]) -> Privilege:
    """The most severe level among the reasons, with the reasons for it."""
    reported = list(reasons)
    levels: list[PrivilegeLevel] = ["normal", *(level for level, _ in reported)]
    level = min(levels, key=_HIGHEST_FIRST.index)
    return Privilege(level=level, evidence=tuple(dict.fromkeys(text for each, text in reported if each == level)))


def some(names: Sequence[str]) -> str:
    """The first few names, and how many more there are."""
    return few(names, NAMED)
