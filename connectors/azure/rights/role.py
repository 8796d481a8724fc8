"""An Azure role: which actions it allows. Pure.

Each block of a definition allows its actions without its exceptions; what one block excepts another may allow.
Source: https://learn.microsoft.com/azure/role-based-access-control/role-definitions
"""

from __future__ import annotations

from msgspec import Struct

DATA = "data:"
"""Begins the name of a data action, here and in the table."""
_UNHEARD_OF = tuple(f"Muster.Unheard/of/{verb}" for verb in ("read", "write", "delete", "any/action"))
"""Actions that no role names: whoever is allowed them is allowed everything."""


class Block(Struct, frozen=True, rename="camel"):
    """One of the permissions of a definition, as the service writes it. ``condition``: decides whether it holds."""

    actions: tuple[str, ...] = ()
    not_actions: tuple[str, ...] = ()
    data_actions: tuple[str, ...] = ()
    not_data_actions: tuple[str, ...] = ()
    condition: str | None = None

    def allows(self, action: str) -> bool:
        """Whether it allows an action; a data action's name begins with ``data:``."""
        is_data = action.startswith(DATA)
        name = action.removeprefix(DATA).lower()
        allowed, excepted = (self.data_actions, self.not_data_actions) if is_data else (self.actions, self.not_actions)
        return _any_covers(allowed, name) and not _any_covers(excepted, name)


class Role(Struct, frozen=True, kw_only=True):
    """A role definition. ``id``: its GUID in lower case, the same wherever it may be assigned."""

    id: str
    name: str
    custom: bool | None = None
    blocks: tuple[Block, ...] = ()

    def allows(self, action: str) -> bool:
        """Whether it allows an action whatever any condition says."""
        return any(block.allows(action) for block in self.blocks if not block.condition)

    def may_allow(self, action: str) -> bool:
        """Whether it allows an action if a condition is met."""
        return any(block.allows(action) for block in self.blocks)

    @property
    def data_patterns(self) -> tuple[str, ...]:
        """The data actions that it grants, as it writes them; some may be excepted."""
        return tuple(dict.fromkeys(one for block in self.blocks for one in block.data_actions))

    @property
    def allows_everything(self) -> bool:
        """Whether it allows every action there is, but for exceptions it names. Data actions are not asked about."""
        return all(map(self.allows, _UNHEARD_OF))


def covers(pattern: str, name: str) -> bool:
    """Whether a pattern takes in a name, both in lower case; ``*`` stands for any characters."""
    first, *rest = pattern.split("*")
    if not rest:
        return first == name
    if not name.startswith(first):
        return False
    *pieces, last = rest
    place = len(first)
    for piece in pieces:
        place = name.find(piece, place)
        if place < 0:
            return False
        place += len(piece)
    return name.endswith(last) and len(name) - len(last) >= place


def _any_covers(patterns: tuple[str, ...], name: str) -> bool:
    return any(covers(pattern.lower(), name) for pattern in patterns)
