"""An Azure role: which actions it allows. Pure.

Each block of a definition allows its actions except the excluded ones, which another block may allow.
Source: https://learn.microsoft.com/azure/role-based-access-control/role-definitions
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Literal

import msgspec
from msgspec import Struct

from connectors.azure.keys import arm_key
from scanner.model import ConsequenceKind

DATA = "data:"
"""The prefix of a data action, here and in the table."""
_UNHEARD_OF = tuple(f"Muster.Unheard/of/{verb}" for verb in ("read", "write", "delete", "any/action"))
"""Invented actions: a role that allows them allows everything."""


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
    """A role definition. ``id``: its GUID in lower case, the same wherever it may be assigned."""

    id: str
    name: str
    custom: bool | None = None
    blocks: tuple[Block, ...] = ()

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


# --- Conditions of role assignments: the actions they cover (pure) ---
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


# --- Scopes of role assignments (pure) ---
#
# Source: https://learn.microsoft.com/azure/role-based-access-control/scope-overview

Breadth = Literal["part", "resource", "resource_group", "subscription", "management_group"]
BREADTHS: tuple[Breadth, ...] = ("part", "resource", "resource_group", "subscription", "management_group")
"""From narrow to broad; a part is inside a resource, such as one secret of a vault."""

USER_ASSIGNED = "Microsoft.ManagedIdentity/userAssignedIdentities"
GROUPS = "/providers/microsoft.management/managementgroups/"
"""The prefix of a management group's id, in lower case."""
_SUBSCRIPTIONS = "/subscriptions/"
# Resource Manager allows no wildcard in a name, and it would be read as a pattern.
_PLAIN = re.compile(r"/[^*?\x00-\x1f]*")
_RESOURCE_GROUP_PARTS = 4


class Place(Struct, frozen=True, kw_only=True):
    """A scope. ``id`` in lower case; ``within``: prefixes of the ids of resources in it, or its own id.

    A management group has a prefix for each known subscription.
    """

    id: str
    breadth: Breadth
    within: tuple[str, ...]

    @property
    def is_wide(self) -> bool:
        """Whether it is a subscription or more."""
        return self.takes("subscription")

    def takes(self, narrowest: Breadth) -> bool:
        """Whether it includes another place."""
        return BREADTHS.index(self.breadth) >= BREADTHS.index(narrowest)

    @property
    def words(self) -> str:
        """Its description in evidence."""
        if self.id == "/":
            return "the whole tenant"
        kind = self.breadth.replace("_", " ") if self.breadth != "part" else "resource"
        return f"{kind} {self.id if self.breadth in ('part', 'resource') else self.id.rpartition('/')[2]}"

    def keys_of(self, resource_type: str) -> tuple[str, ...]:
        """Patterns of the keys of resources of a type, and of what is inside them."""
        kind = resource_type.lower()
        provider, *parts = kind.split("/")
        names = "/".join((provider, *(f"{part}/*" for part in parts)))
        if self.takes("subscription"):
            return tuple(f"{start}*/providers/{names}" for start in self.within)
        if self.breadth == "resource_group":
            return (f"{self.id}/providers/{names}",)
        own = type_of(self.id)
        if own == kind or own.startswith(f"{kind}/"):
            return (self.id, f"{self.id}/*")
        return (f"{self.id}/{kind.removeprefix(own + '/')}/*",) if kind.startswith(f"{own}/") else ()

    def has(self, action: str) -> bool:
        """Whether an action can act on anything in it; a resource only has its own type."""
        if self.takes("resource_group"):
            return True
        return action.removeprefix(DATA).lower().startswith(f"{type_of(self.id)}/")

    @property
    def every_key(self) -> tuple[str, ...]:
        """Patterns of the keys of everything in it."""
        if self.takes("subscription"):
            return tuple(f"{start}*" for start in self.within)
        return (self.id, f"{self.id}/*")


def place_of(scope: str, *, holds: tuple[str, ...] = ()) -> Place:
    """The place of a scope of Resource Manager; ``holds``: subscriptions in it, for a management group or ``/``.

    Raises ValueError for an invalid scope.
    """
    key = arm_key(scope) or "/"
    if not _PLAIN.fullmatch(key) or (scope.strip() and not scope.strip().startswith("/")):
        raise ValueError("not a scope of Resource Manager")
    if key == "/" or key.startswith(GROUPS):
        starts = tuple(f"{_SUBSCRIPTIONS}{one.lower()}/" for one in holds) or ((_SUBSCRIPTIONS,) if key == "/" else ())
        return Place(id=key, breadth="management_group", within=starts)
    parts = key.strip("/").split("/")
    if parts[0] != "subscriptions" or len(parts) % 2:
        return Place(id=key, breadth="part", within=(key,))
    if len(parts) < _RESOURCE_GROUP_PARTS:
        return Place(id=key, breadth="subscription", within=(f"{key}/",))
    if len(parts) == _RESOURCE_GROUP_PARTS and parts[2] == "resourcegroups":
        return Place(id=key, breadth="resource_group", within=(f"{key}/",))
    return Place(id=key, breadth="resource" if type_of(key).count("/") == 1 else "part", within=(key,))


def type_of(resource_id: str) -> str:
    """The type in a resource's id: ``microsoft.web/sites/slots``; empty where there is none."""
    provider, *rest = resource_id.lower().rpartition("/providers/")[2].strip("/").split("/")
    return "/".join((provider, *rest[::2])) if "/providers/" in resource_id.lower() and rest else ""


# --- Consequences of actions (``azure_roles.toml``) ---

Methods = tuple[tuple[str, ...], ...]


class OwnRights(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Ways to grant oneself rights. ``only_wide``: they count on a subscription or more."""

    name: str
    methods: Methods
    only_wide: bool = False


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


class Published(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A built-in role, as Microsoft publishes it."""

    id: str
    name: str
    actions: tuple[str, ...] = ()
    not_actions: tuple[str, ...] = ()
    data_actions: tuple[str, ...] = ()


class AzureTable(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file."""

    iam: tuple[str, ...]
    own_rights: tuple[OwnRights, ...]
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
    text = files("connectors.azure.rights").joinpath("azure_roles.toml").read_bytes()
    return msgspec.toml.decode(text, type=AzureTable)


@cache
def published_roles() -> Mapping[str, Role]:
    """Common built-in roles by GUID: ``azure_builtin.toml``, read once, and only if a role was not returned."""
    text = files("connectors.azure.rights").joinpath("azure_builtin.toml").read_bytes()
    table = msgspec.toml.decode(text, type=dict[str, tuple[Published, ...]])
    return {
        one.id: Role(
            id=one.id,
            name=one.name,
            custom=False,
            blocks=(Block(actions=one.actions, not_actions=one.not_actions, data_actions=one.data_actions),),
        )
        for one in table["role"]
    }
