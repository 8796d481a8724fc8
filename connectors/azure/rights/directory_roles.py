"""Privilege of a directory role at a scope (pure).

Decided by the actions of its definition, so that custom roles count for what they are. A built-in role is at least
what ``directory_builtin.csv`` has for it: which users' passwords it may reset it decides itself, and what
Microsoft's own accounts do is not all listed. A role that is not in it, and of whose actions none is known to lead
anywhere, is ``unknown``. On an administrative unit a role is ``high`` at most: roles assigned there cannot touch
administrators outside it. On one application it makes its holder no more than that application.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Literal, TypeAlias

import msgspec
from msgspec import Struct

from connectors.azure.rights.power import Power, judged, some
from scanner.catalog import read_table
from scanner.model import POTENTIAL, PrivilegeLevel

TENANT = "/"
_UNIT = "/administrativeunits/"
Reached = Literal["applications", "blueprints"]
RulingGroups: TypeAlias = tuple[str, ...] | None
"""The names of the groups that hold a role of an admin on the whole directory; None if they were not read."""


class Leading(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The level of a way, and the identities that it gives access to.

    ``potential``: it leads to more only if there is a target.
    """

    level: PrivilegeLevel
    name: str
    reaches: tuple[Reached, ...] = ()
    potential: bool = False

    @property
    def words(self) -> str:
        """What it allows, in evidence."""
        return f"{POTENTIAL}could {self.name}" if self.potential else self.name


class AzureWay(Leading, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A consequence of any of the actions. ``joins``: a group that holds a directory role is a target."""

    actions: tuple[str, ...]
    joins: bool = False


class BuiltIn(Leading, frozen=True, kw_only=True):
    """The least power of a built-in role. ``role``: its name; ``name``: what it allows."""

    role: str


class DirectoryTable(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``directory_roles.toml``."""

    way: tuple[AzureWay, ...]


class DirectoryRole(Struct, frozen=True, kw_only=True):
    """A role definition. ``template``: its id in every tenant; ``actions``: those that no condition narrows."""

    id: str
    name: str
    template: str
    actions: tuple[str, ...] = ()
    custom: bool | None = None


@cache
def directory_table() -> DirectoryTable:
    """The table, read once."""
    return read_table("connectors.azure.rights", "directory_roles.toml", DirectoryTable)


@cache
def built_in_roles() -> Mapping[str, BuiltIn]:
    """By template id, which is the same in every tenant: ``directory_builtin.csv``, read once."""
    lines = files("connectors.azure.rights").joinpath("directory_builtin.csv").read_text("utf-8").splitlines()
    rows = {row.pop("template"): row for row in csv.DictReader(line for line in lines if not line.startswith("#"))}
    return {
        template: msgspec.convert(
            {**row, "reaches": row["reaches"].split(), "potential": row["potential"] == "yes"}, type=BuiltIn
        )
        for template, row in rows.items()
    }


def as_published(definition: str) -> DirectoryRole | None:
    """A built-in role whose definition was not read; its id is that of its template. None for any other."""
    known = built_in_roles().get(definition.lower())
    if known is None:
        return None
    return DirectoryRole(id=definition, name=known.role, template=definition, custom=False)


def directory_power(
    role: DirectoryRole, scope: str, tenant: str, objects: Mapping[str, str], ruling: RulingGroups = ()
) -> Power:
    """The power of a role on a scope: ``/``, an administrative unit, or one object.

    ``objects``: keys of identities by the object ids of applications and service principals.
    """
    if scope == TENANT:
        return _everywhere(role, tenant, ruling)
    if scope.lower().startswith(_UNIT):
        return Power(privilege=judged(_capped(_reasons(role, "an administrative unit", None))))
    return _on_object(role, scope, objects)


def _everywhere(role: DirectoryRole, tenant: str, ruling: RulingGroups) -> Power:
    privilege = judged(_reasons(role, "the whole directory", ruling))
    reached = frozenset(kind for way in _leading(role) for kind in way.reaches)
    if privilege.level == "admin":  # it needs no other identity
        return Power(privilege=privilege)
    return Power(privilege=privilege, becomes=patterns(tenant, reached))


def _on_object(role: DirectoryRole, scope: str, objects: Mapping[str, str]) -> Power:
    able = [way for way in _leading(role) if way.reaches]
    key = objects.get(scope.strip("/").lower())
    if not able:
        return Power()
    if key is None:
        return Power(privilege=judged([("unknown", f"{able[0].name} that is not among those read, by {role.name}")]))
    return Power(becomes=(key,))


def patterns(tenant: str, reached: frozenset[Reached]) -> tuple[str, ...]:
    """Patterns of the keys of all that are reached in the tenant."""
    kinds = {"applications": "applications", "blueprints": "agentBlueprints"}
    return tuple(f"azure://{tenant.lower()}/{kinds[kind]}/*" for kind in sorted(reached))


def joining(ruling: tuple[str, ...], by: str) -> str:
    """What makes an admin of whoever changes groups that hold directory roles, in evidence."""
    return f"adding itself to the group {ruling[0]}, which holds the role of an admin: {by}"


def unread(ruling: RulingGroups) -> str:
    """A note if it is not known which groups hold directory roles."""
    return ", and which groups do was not read" if ruling is None else ""


def _reasons(role: DirectoryRole, where: str, ruling: RulingGroups) -> Iterator[tuple[PrivilegeLevel, str]]:
    by = f", by {role.name} on {where}"
    found: list[tuple[PrivilegeLevel, str]] = []
    for way in _ways(role):
        names = some([action for action in way.actions if _allows(role, action)])
        if way.joins and ruling:
            found.append(("escalation", joining(ruling, f"{names}{by}")))
        else:
            found.append((way.level, f"{way.words}: {names}{unread(ruling) if way.joins else ''}{by}"))
    yield from found
    known = _built_in(role)
    says_more = known and known.potential and not any(text.startswith(POTENTIAL) for _, text in found)
    if known and known.level != "normal" and (says_more or known.level != judged(found).level):
        yield known.level, f"{known.words}{by}"
    elif role.custom is False and role.template and not known and not found:
        yield "unknown", f"what {role.name} allows on {where} is not known"


def _capped(reasons: Iterator[tuple[PrivilegeLevel, str]]) -> Iterator[tuple[PrivilegeLevel, str]]:
    for level, text in reasons:
        yield ("high" if level in ("admin", "escalation") else level), text.removeprefix(POTENTIAL)


def _leading(role: DirectoryRole) -> tuple[Leading, ...]:
    known = _built_in(role)
    return (*_ways(role), *((known,) if known else ()))


def _ways(role: DirectoryRole) -> Iterator[AzureWay]:
    return (way for way in directory_table().way if any(_allows(role, action) for action in way.actions))


def _built_in(role: DirectoryRole) -> BuiltIn | None:
    return built_in_roles().get(role.template.lower())


def _allows(role: DirectoryRole, wanted: str) -> bool:
    return any(takes_in(granted, wanted) for granted in role.actions)


def takes_in(granted: str, wanted: str) -> bool:
    """Whether an action of a role includes another: all tasks of an entity, or of a service, include each task."""
    granted, wanted = granted.lower(), wanted.lower()
    if granted == wanted:
        return True
    start, _, task = granted.rpartition("/")
    entity = start.removesuffix("/allproperties")
    if task == "alltasks":
        return wanted.startswith(f"{entity.removesuffix('allentities').rstrip('/')}/")
    every = f"{entity}/"
    return granted == f"{entity}/allproperties/update" and wanted.startswith(every) and wanted.endswith("/update")
