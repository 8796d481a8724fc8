"""``azure_roles.toml``: what the actions of an Azure role let its holder do."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import msgspec
from msgspec import Struct

from connectors.azure.rights.place import Breadth
from connectors.azure.rights.role import DATA, Block, Role, covers

Methods = tuple[tuple[str, ...], ...]


class OwnRights(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Ways to give oneself rights. ``only_wide``: they count on a subscription or more."""

    name: str
    methods: Methods
    only_wide: bool = False


class RunningAs(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Ways to run code as a resource of a type, and so with its identity."""

    type: str
    methods: Methods


class Becoming(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Ways to become a user-assigned identity: at once, or by assigning it to something that can be run."""

    federated: Methods
    assigned: Methods
    runs: Methods


class High(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Actions of consequence. ``within``: the narrowest scope on which they count."""

    name: str
    within: Breadth
    actions: tuple[str, ...]


class Data(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every other data action comes to on a subscription or more, but for the harmless ones, as patterns."""

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

    def tells_of(self, pattern: str) -> bool:
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
    """By GUID, of those that are met most: ``azure_builtin.toml``, read once, and only where one is not told."""
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
