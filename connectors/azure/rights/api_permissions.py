"""Privilege of API permissions: application and delegated (pure).

A delegated grant is ``high`` at most: the application acts only where a user has signed in to it, and never beyond what
that user may do; but the user may be an administrator. Granted by some users for themselves only, it counts where an
application permission of the name would lead to the whole tenant. A permission of a Microsoft API that is in no table
is ``unknown``.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files

from msgspec import Struct
from msgspec.structs import replace

from connectors.azure.rights.azure_role import covers
from connectors.azure.rights.directory_roles import Reached, RulingGroups, joining, patterns, unread
from connectors.azure.rights.power import Power, judged
from scanner.catalog import read_table
from scanner.model import POTENTIAL, Consequence, ConsequenceKind, PrivilegeLevel


class Way(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An action that permissions allow: those of Graph listed under its key, and patterns for other APIs.

    ``potential``: it leads to more only if there is a target. ``joins``: a group that holds a directory role is one.
    ``consequences``: for the blast radius.
    """

    key: str
    level: PrivilegeLevel
    name: str
    apis: tuple[str, ...] = ()
    permissions: tuple[str, ...] = ()
    reaches: tuple[Reached, ...] = ()
    potential: bool = False
    joins: bool = False
    consequences: tuple[ConsequenceKind, ...] = ()


class ApiTable(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``api_permissions.toml``. ``apis``: client ids by the names that the ways use."""

    apis: Mapping[str, str]
    way: tuple[Way, ...]


class Permission(Struct, frozen=True, kw_only=True):
    """A permission: its name, and the client id and the name of the API it is of."""

    name: str
    api: str
    api_name: str


@cache
def api_table() -> ApiTable:
    """The table, read once."""
    return read_table("connectors.azure.rights", "api_permissions.toml", ApiTable)


@cache
def graph_permissions() -> Mapping[str, str]:
    """Keys of ways by each permission that Microsoft Graph publishes, in lower case: ``graph_permissions.csv``."""
    lines = files("connectors.azure.rights").joinpath("graph_permissions.csv").read_text("utf-8").splitlines()
    rows = csv.DictReader(line for line in lines if not line.startswith("#"))
    return {row["permission"].lower(): row["way"] for row in rows}


@cache
def application_power(permission: Permission, tenant: str, ruling: RulingGroups = ()) -> Power:
    """The power of an application permission."""
    reached = frozenset(kind for way in _ways(permission) or () for kind in way.reaches)
    return Power(
        privilege=judged(_reasons(permission, ruling)),
        becomes=patterns(tenant, reached),
        consequences=_consequences(permission),
    )


@cache
def delegated_power(permission: Permission, *, for_everybody: bool) -> Power:
    """The power of a delegated permission, for all users or for those who consented."""
    reasons = list(_reasons(permission, None))
    leads_on = any(level in ("admin", "escalation") for level, _ in reasons) or any(
        way.potential for way in _ways(permission) or ()
    )
    privilege = judged(reasons)
    if privilege.level == "unknown":
        return Power(privilege=privilege)
    if not leads_on and not (for_everybody and privilege.level == "high"):
        return Power()
    names = "on behalf of every user who signs in" if for_everybody else "on behalf of some users"
    texts = (text.removeprefix(POTENTIAL) for text in privilege.evidence)  # a user decides, whatever the target
    return Power(
        privilege=judged([("high", f"{text}, {names}") for text in texts]),
        consequences=tuple(replace(one, conditional=True) for one in _consequences(permission)),
    )


def _consequences(permission: Permission) -> tuple[Consequence, ...]:
    kinds = dict.fromkeys(kind for way in _ways(permission) or () for kind in way.consequences)
    return tuple(Consequence(kind=kind, actions=(permission.name,), by=permission.api_name) for kind in kinds)


def _reasons(permission: Permission, ruling: RulingGroups) -> Iterator[tuple[PrivilegeLevel, str]]:
    """The reasons for a privilege above normal."""
    ways = _ways(permission)
    if ways == []:
        yield (
            "unknown",
            f"what {permission.name or 'a permission without a name'} of {permission.api_name} allows is not known",
        )
    for way in ways or ():
        by = f"{permission.name} of {permission.api_name}"
        if way.joins and ruling:
            yield "escalation", joining(ruling, by)
        elif way.potential:
            yield way.level, f"{POTENTIAL}could {way.name}: {by}{unread(ruling) if way.joins else ''}"
        elif way.level != "normal":
            yield way.level, f"{way.name}: {by}"


def _ways(permission: Permission) -> list[Way] | None:
    """None for an API that is not in the table."""
    name, table = permission.name.lower(), api_table()
    api = next((short for short, client_id in table.apis.items() if client_id == permission.api.lower()), None)
    if api is None:
        return None
    listed = graph_permissions().get(name) if api == "graph" else None
    if listed is not None:
        return [way for way in table.way if way.key == listed]
    return [way for way in table.way if api in way.apis and any(covers(one.lower(), name) for one in way.permissions)]
