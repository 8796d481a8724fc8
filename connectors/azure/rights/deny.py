"""Deny assignments: what Azure keeps from whom, whichever role allows it. Pure.

Azure makes them itself, for managed applications and deployment stacks. Whoever they name is denied their actions at
their scope and below; whom they exclude is not. Who is in a group that they name is not known, nor whether a condition
is met, so what one may take away is doubtful, and never gone. Source:
https://learn.microsoft.com/azure/role-based-access-control/deny-assignments
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from functools import lru_cache

from msgspec import Struct

from connectors.azure.keys import NIL_GUID
from connectors.azure.rights.azure_table import Methods
from connectors.azure.rights.place import Place, place_of
from connectors.azure.rights.role import Block

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
    """A deny assignment, as rights are held against it. ``is_inherited``: it holds below its place, too.

    ``anybody``: it names everybody, or a group. ``principals``, ``excluded``: ids in lower case.
    """

    name: str
    place: Place
    is_inherited: bool
    anybody: bool
    principals: frozenset[str]
    excluded: frozenset[str]
    blocks: tuple[Block, ...]

    def concerns(self, ids: AbstractSet[str]) -> bool:
        """Whether it may be about a principal. ``ids``: its own, and those of groups that it is known to be in."""
        return (self.anybody or not ids.isdisjoint(self.principals)) and ids.isdisjoint(self.excluded)

    def hinders(self, methods: Methods) -> bool:
        """Whether it takes something away that each of these needs."""
        return _hinder(self.blocks, methods)

    def reaches(self, place: Place) -> bool:
        """Whether it holds there. A management group's was listed for whatever is in the group."""
        if self.place.id == place.id:
            return True
        is_above = self.place.breadth == "management_group" or place.id.startswith(f"{self.place.id}/")
        return self.is_inherited and is_above

    def lies_in(self, place: Place) -> bool:
        """Whether it holds in a part of that place only."""
        starts = place.within if place.takes("resource_group") else (f"{place.id}/",)
        return not self.reaches(place) and f"{self.place.id}/".startswith(starts)


def denies(blocks: tuple[Block, ...], action: str) -> bool:
    """Whether one of them is about an action."""
    return any(block.allows(action) for block in blocks)


@lru_cache(maxsize=1024)
def _hinder(blocks: tuple[Block, ...], methods: Methods) -> bool:
    """Of many managed applications all have the same ones."""
    return all(any(denies(blocks, action) for action in method) for method in methods)


def denial_of(row: DenyAssignment) -> Denial:
    """The row as a denial. Raises ValueError where its scope is none."""
    told = row.properties
    return Denial(
        name=told.deny_assignment_name or row.id.rpartition("/")[2],
        place=place_of(told.scope),
        is_inherited=not told.do_not_apply_to_child_scopes,
        anybody=any(one.id == NIL_GUID or one.type.lower() == _GROUP for one in told.principals),
        principals=frozenset(one.id.lower() for one in told.principals),
        excluded=frozenset(one.id.lower() for one in told.exclude_principals),
        blocks=told.permissions,
    )
