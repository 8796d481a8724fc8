"""Deny assignments: permissions that Azure denies, whichever role allows them, and how they are read.

Azure makes them itself, for managed applications and deployment stacks. They deny actions at a scope and below to
principals except the excluded ones. Members of their groups are unknown, and so is whether a condition is met, so an
action that one denies counts as uncertain. Source:
https://learn.microsoft.com/azure/role-based-access-control/deny-assignments
"""

from __future__ import annotations

from collections.abc import Collection, Generator
from collections.abc import Set as AbstractSet
from functools import lru_cache
from urllib.parse import quote

from msgspec import Struct

from connectors.azure import sections as s
from connectors.azure.keys import NIL_GUID
from connectors.azure.reader import AzureReader
from connectors.azure.rights.azure_role import Block, Methods
from connectors.azure.rights.places import AzureScope, place_of
from scanner.model import Coverage

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
    place: AzureScope
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

    def reaches(self, place: AzureScope) -> bool:
        """Whether it applies at a place. One of a management group was listed for everything in the group."""
        if self.place.id == place.id:
            return True
        is_above = self.place.breadth == "management_group" or place.id.startswith(f"{self.place.id}/")
        return self.is_inherited and is_above

    def lies_in(self, place: AzureScope) -> bool:
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


# --- Deny assignments at and below a subscription, or at and above a management group ---

VERSION = "2022-04-01"


def read_denials(
    reader: AzureReader, place: str, rows: Collection[object]
) -> Generator[Coverage, None, tuple[Denial, ...]]:
    """Read deny assignments that may apply to the holders of ``rows``. Unreadable ones deny nothing."""
    found: list[Denial] = []
    params = {"$filter": "atScope()"} if reader.unit.kind == "management_group" else {}
    path = f"{quote(place, safe='/')}/providers/Microsoft.Authorization/denyAssignments"
    with reader.section(s.DENY_ASSIGNMENTS) as section:
        pages = reader.api.arm_pages(path, api_version=VERSION, params=params) if rows else ()
        for row in reader.rows(section, pages, DenyAssignment):
            try:
                found.append(denial_of(row))
            except ValueError as error:
                section.malformed(row.id, str(error))
        section.found(len(found))
    yield reader.done(section)
    return tuple(found)
