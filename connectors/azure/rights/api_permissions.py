"""What permissions on an API amount to: those of an application, and those that it was granted in users' names. Pure.

A delegated grant is ``high`` at most: the application acts only where a user has signed in to it, and never beyond what
that user may do; but the user may be an administrator. Granted by some users for themselves only, it counts where an
application permission of the name would lead to the whole tenant.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files

import msgspec
from msgspec import Struct

from connectors.azure.rights.directory_roles import Reached, patterns
from connectors.azure.rights.power import POTENTIAL, Power, judged
from connectors.azure.rights.role import covers
from scanner.model import PrivilegeLevel


class Way(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What permissions of some APIs let one do. ``potential``: it leads on only where a target is."""

    apis: tuple[str, ...]
    level: PrivilegeLevel
    name: str
    permissions: tuple[str, ...]
    reaches: tuple[Reached, ...] = ()
    potential: bool = False


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
    text = files("connectors.azure.rights").joinpath("api_permissions.toml").read_bytes()
    return msgspec.toml.decode(text, type=ApiTable)


@cache
def application_power(permission: Permission, tenant: str) -> Power:
    """What an application may do by itself."""
    ways = tuple(_ways(permission))
    reached = frozenset(kind for way in ways for kind in way.reaches)
    return Power(privilege=judged(_reasons(permission)), becomes=patterns(tenant, reached))


@cache
def delegated_power(permission: Permission, *, for_everybody: bool) -> Power:
    """What an application may do in the name of users: of everybody, or of some who agreed."""
    privilege = judged(_reasons(permission))
    leads_on = privilege.level in ("admin", "escalation")
    if not leads_on and not (for_everybody and privilege.level == "high"):
        return Power()
    names = "in the name of every user who signs in" if for_everybody else "in the name of some users"
    return Power(privilege=judged([("high", f"{text}, {names}") for text in privilege.evidence]))


def _reasons(permission: Permission) -> Iterator[tuple[PrivilegeLevel, str]]:
    for way in _ways(permission):
        doubt = f" ({POTENTIAL})" if way.potential else ""
        yield way.level, f"{way.name}: {permission.name} of {permission.api_name}{doubt}"


def _ways(permission: Permission) -> Iterator[Way]:
    name, table = permission.name.lower(), api_table()
    own = {short for short, client_id in table.apis.items() if client_id == permission.api.lower()}
    for way in table.way:
        if own & set(way.apis) and any(covers(pattern.lower(), name) for pattern in way.permissions):
            yield way
