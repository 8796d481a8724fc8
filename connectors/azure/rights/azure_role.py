"""An Azure role, and the condition of its assignment: which actions they allow. Pure.

Each block of a definition allows its actions except the excluded ones, which another block may allow.
Source: https://learn.microsoft.com/azure/role-based-access-control/role-definitions
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from msgspec import Struct

from scanner.catalog import read_table

DATA = "data:"
"""The prefix of a data action, here and in the table."""
_UNHEARD_OF = tuple(f"Muster.Unheard/of/{verb}" for verb in ("read", "write", "delete", "any/action"))
"""Invented actions: a role that allows them allows everything."""
Methods = tuple[tuple[str, ...], ...]
"""Ways to do something: each is the actions that it takes together."""


class Block(Struct, frozen=True, rename="camel"):
    """One of the permissions of a definition, as the service writes it. ``condition``: under which it applies."""

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
    """A role definition. ``id``: its GUID in lower case, the same wherever it may be assigned.

    ``assignable``: the ids of the scopes where it may be assigned, as far as they are known.
    """

    id: str
    name: str
    custom: bool | None = None
    blocks: tuple[Block, ...] = ()
    assignable: tuple[str, ...] = ()

    def allows(self, action: str) -> bool:
        """Whether it allows an action regardless of conditions."""
        return any(block.allows(action) for block in self.blocks if not block.condition)

    def may_allow(self, action: str) -> bool:
        """Whether it allows an action if a condition is met."""
        return any(block.allows(action) for block in self.blocks)

    @property
    def data_patterns(self) -> tuple[str, ...]:
        """The data actions that it grants, as written; some may be excluded."""
        return tuple(dict.fromkeys(one for block in self.blocks for one in block.data_actions))

    @property
    def allows_everything(self) -> bool:
        """Whether it allows every action, except for named exceptions. Data actions do not matter."""
        return all(map(self.allows, _UNHEARD_OF))


def covers(pattern: str, name: str) -> bool:
    """Whether a pattern matches a name, both in lower case; ``*`` represents any characters."""
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


# --- Conditions of role assignments: the actions they cover ---
#
# A condition targets actions as ``!(ActionMatches{'…'}) OR expression``, which lets every other action pass. Source:
# https://learn.microsoft.com/azure/role-based-access-control/conditions-format

_MENTIONED = re.compile(r"ActionMatches", re.IGNORECASE)
_TARGETED = re.compile(r"!\s*\(\s*ActionMatches\s*\{\s*'([^']*)'\s*\}", re.IGNORECASE)
# Requests of Privileged Identity Management become role assignments under the same condition.
_AS_ASSIGNMENT = re.compile(r"/role(?:assignment|eligibility)schedulerequests/")
_ALTERNATIVE = re.compile(r"\bOR\b|\|\|", re.IGNORECASE)


class Condition:
    """A condition, or its absence. A condition of an unusual form is assumed to apply to everything."""

    def __init__(self, text: str | None) -> None:
        self.is_there = bool(text and text.strip())
        targets = _TARGETED.findall(text or "")
        usual = targets and len(targets) == len(_MENTIONED.findall(text or "")) and _ALTERNATIVE.search(text or "")
        self._targets = tuple(target.lower() for target in targets) if usual else ("*",)

    def decides(self, action: str) -> bool:
        """Whether an action is allowed only if it is met."""
        name = _AS_ASSIGNMENT.sub("/roleassignments/", action.removeprefix(DATA).lower())
        return self.is_there and any(covers(target, name) for target in self._targets)


# --- Built-in roles, as Microsoft publishes them ---


class Published(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A built-in role, as Microsoft publishes it."""

    id: str
    name: str
    actions: tuple[str, ...] = ()
    not_actions: tuple[str, ...] = ()
    data_actions: tuple[str, ...] = ()


@cache
def published_roles() -> Mapping[str, Role]:
    """Common built-in roles by GUID: ``azure_builtin.toml``, read once, and only if a role was not returned."""
    table = read_table("connectors.azure.rights", "azure_builtin.toml", dict[str, tuple[Published, ...]])
    return {
        one.id: Role(
            id=one.id,
            name=one.name,
            custom=False,
            blocks=(Block(actions=one.actions, not_actions=one.not_actions, data_actions=one.data_actions),),
        )
        for one in table["role"]
    }
