"""The privilege of an App's or token's permissions (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from msgspec import Struct

from scanner.catalog import read_table
from scanner.model import PRIVILEGES, Consequence, ConsequenceKind, Grant, Privilege, PrivilegeLevel
from scanner.model.reach import Way
from scanner.model.rights import with_administration


class _Line(Struct, frozen=True, forbid_unknown_fields=True):
    names: frozenset[str]
    level: PrivilegeLevel
    why: str
    everywhere: bool = False


class _Scopes(Struct, frozen=True, forbid_unknown_fields=True):
    names: frozenset[str]
    why: str


class _Roles(Struct, frozen=True, forbid_unknown_fields=True):
    base: frozenset[str]
    permissions: tuple[str, ...]
    level: PrivilegeLevel
    why: str


class _PrivilegeTable(Struct, frozen=True, forbid_unknown_fields=True):
    permissions: tuple[_Line, ...]
    roles: tuple[_Roles, ...]
    scopes: Mapping[Literal["admin", "high"], _Scopes]


_TABLE = read_table("connectors.github.rights", "privileges.toml", _PrivilegeTable)
_WRITES = frozenset({"write", "admin"})
_CHANGE_CODE = frozenset({"write", "maintain", "admin"})
_CONSEQUENCES: Mapping[ConsequenceKind, frozenset[str]] = {
    "change_rights": frozenset({"organization_administration", "members", "administration"}),
    "read_data": frozenset({"contents"}),
    "delete": frozenset({"administration", "contents"}),
}
_BY_READING = frozenset({"read_data"})


class GithubRights(Struct, frozen=True):
    """Permissions as grants, and what they amount to."""

    grants: tuple[Grant, ...]
    privilege: Privilege
    consequences: tuple[Consequence, ...] = ()


def of_permissions(permissions: Mapping[str, str], selection: str) -> GithubRights:
    """``selection``: ``all`` repositories, a ``subset`` or those ``selected``, or ``none``."""
    on = "all repositories" if selection == "all" else "selected repositories"
    grants = tuple(
        Grant(
            name=f"{name}: {access}",
            via="direct",
            resource=None if name.startswith(("organization_", "enterprise_")) or name == "members" else on,
        )
        for name, access in sorted(permissions.items())
    )
    hits = [
        (line.level, f"{name}: {permissions[name]} {line.why}")
        for line in _TABLE.permissions
        for name in sorted(line.names & permissions.keys())
        if permissions[name] in _WRITES and (selection == "all" or not line.everywhere)
    ]
    privilege = highest(hits)
    allowed = tuple(
        Consequence(kind=kind, actions=tuple(found[:3]), narrow=selection != "all")
        for kind, names in _CONSEQUENCES.items()
        if (found := [one for one in sorted(names & permissions.keys())
                      if permissions[one] in _WRITES or kind in _BY_READING])
    )  # fmt: skip
    return GithubRights(grants, privilege, with_administration(privilege, allowed))


def ways(
    permissions: Mapping[str, str], selection: str, root: str, only: Sequence[str] | None = None
) -> tuple[Way, ...]:
    """The repositories whose workflows anyone who holds these may change, and with them what workflows can become.

    ``root``: what the keys of the organization's repositories begin with; ``only``: the keys of those selected, where
    they are known. Workflow files take a permission of their own, or a deploy key that may write, which administration
    adds; without these, or where it is not known which repositories are selected, a condition decides.
    """
    administers = permissions.get("administration") in _WRITES
    if not (administers or permissions.get("contents") in _WRITES):
        return ()
    changes_workflows = permissions.get("workflows") in _WRITES
    by = "contents and workflows: write" if changes_workflows else "contents: write"
    if administers:
        by = "administration: write"
    is_sure = (administers or changes_workflows) and (selection == "all" or only is not None)
    on = (f"{root}/*",) if only is None else tuple(only)
    return (Way(kind="take_over", on=on, by=by, conditional=not is_sure),) if on else ()


def ways_of_role(name: str, base: str | None, root: str) -> tuple[Way, ...]:
    """The same of a role of the organization: its ``base`` is the access that it gives to all repositories."""
    if base not in _CHANGE_CODE:
        return ()
    return (Way(kind="take_over", on=(f"{root}/*",), by=f"role {name}: {base} on all repositories"),)


def of_scopes(scopes: Iterable[str]) -> Privilege:
    """Of a classic token."""
    held = set(scopes)
    return highest(
        (level, f"{name} {line.why}") for level, line in _TABLE.scopes.items() for name in sorted(line.names & held)
    )


def of_role(name: str, base: str | None, permissions: Iterable[str]) -> Privilege:
    """Of a role of the organization. ``base``: the access that it gives to all repositories."""
    held = tuple(permissions)
    lines = [
        line for line in _TABLE.roles if base in line.base or any(one.startswith(line.permissions) for one in held)
    ]
    return highest((line.level, f"role {name} {line.why}") for line in lines)


def highest(hits: Iterable[tuple[PrivilegeLevel, str]]) -> Privilege:
    """The highest level, with all that gives it; ``normal`` for none."""
    found = list(hits)
    if not found:
        return Privilege(level="normal")
    level = min((one for one, _ in found), key=PRIVILEGES.index)
    return Privilege(level=level, evidence=tuple(dict.fromkeys(why for one, why in found if one == level)))
