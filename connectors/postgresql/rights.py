"""What a role can do: its own attributes, and the roles that it acts with or can become. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from connectors.postgresql.rows import PostgresqlMember, PostgresqlRole
from scanner.catalog import read_table
from scanner.model import PRIVILEGES, Consequence, ConsequenceKind, Grant, Privilege, PrivilegeLevel

SETS_ROLES_APART = 160000
"""The version since which memberships have options, and CREATEROLE gives only roles that it administers."""
MOST_ROLES = 2000
"""The most roles that are followed from a role; with more, its privileges are unknown."""
REASONS = 5


class PostgresqlRight(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an attribute or a predefined role allows. ``name``: of an attribute."""

    level: PrivilegeLevel
    does: str
    name: str = ""
    consequences: tuple[ConsequenceKind, ...] = ()


class Service(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A managed service. ``sign``: the superuser by whom it is known. ``own``, ``databases``: its own.

    ``signs_in``: roles whose members sign in by the cloud's IAM, ``machines`` as its service accounts.
    """

    title: str
    sign: str
    own: frozenset[str]
    databases: frozenset[str]
    roles: Mapping[str, PostgresqlRight]
    signs_in: tuple[str, ...] = ()
    machines: frozenset[str] = frozenset()


class _PostgresqlRightTable(Struct, frozen=True, forbid_unknown_fields=True):
    attributes: Mapping[str, PostgresqlRight]
    createrole_before_16: PostgresqlRight
    roles: Mapping[str, PostgresqlRight]
    services: Mapping[str, Service]


_TABLE = read_table("connectors.postgresql", "rights.toml", _PostgresqlRightTable)


def service_of(roles: Iterable[PostgresqlRole]) -> tuple[str, Service | None]:
    """The managed service that has these roles, by name; empty and None for any other server."""
    superusers = {role.name for role in roles if role.superuser}
    return next(((name, one) for name, one in _TABLE.services.items() if one.sign in superusers), ("", None))


class Reached(Struct, frozen=True):
    """A role that another one reaches by memberships. ``becomes``: it can be that role, not only use its privileges.

    ``via``: the role before it on the way; ``how``: what allows the last step.
    """

    role: PostgresqlRole
    becomes: bool
    via: PostgresqlRole
    how: str


class RoleGraph:
    """The memberships of a server. ``version``: of the server, as a number."""

    def __init__(self, roles: Sequence[PostgresqlRole], members: Sequence[PostgresqlMember], version: int) -> None:
        self.by_id = {role.id: role for role in roles}
        self.version = version
        self.service_name, self.service = service_of(roles)
        self._in: defaultdict[int, list[PostgresqlMember]] = defaultdict(list)
        for member in members:
            if member.roleid in self.by_id and member.member in self.by_id:
                self._in[member.member].append(member)
        self._predefined = {**_TABLE.roles, **(self.service.roles if self.service else {})}

    def direct(self, role: PostgresqlRole) -> list[PostgresqlMember]:
        """Its memberships."""
        return self._in[role.id]

    def reached(self, role: PostgresqlRole) -> tuple[list[Reached], bool]:
        """The roles that a role reaches, nearest first, without itself, and whether those are all.

        A role is used by INHERIT, and become by SET or by ADMIN, whose holder can give itself SET. What is only
        inherited takes no SET of its own further.
        """
        found: dict[tuple[int, bool], Reached] = {}
        ahead: list[tuple[PostgresqlRole, bool]] = [(role, True)]
        for at, is_become in ahead:
            for member in self._in[at.id]:
                target = self.by_id[member.roleid]
                for becomes, how in self._steps(at, member, is_become=is_become):
                    step = (target.id, becomes)
                    if target.id != role.id and step not in found:
                        if len(found) >= MOST_ROLES:
                            return list(found.values()), False
                        found[step] = Reached(target, becomes, at, how)
                        ahead.append((target, becomes))
        return [one for (id_, becomes), one in found.items() if becomes or (id_, True) not in found], True

    @staticmethod
    def _steps(at: PostgresqlRole, member: PostgresqlMember, *, is_become: bool) -> Iterator[tuple[bool, str]]:
        if is_become and member.set_option:
            yield True, "SET ROLE"
        if member.admin_option:
            yield True, "ADMIN OPTION"
        if at.inherits if member.inherit_option is None else member.inherit_option:
            yield False, "INHERIT"

    def rights(self, role: PostgresqlRole) -> Iterator[PostgresqlRight]:
        """What a role's own attributes and its name allow. The name of a predefined role decides only as itself."""
        for attribute, right in _TABLE.attributes.items():
            if getattr(role, attribute):
                before = attribute == "creates_roles" and self.version < SETS_ROLES_APART and self.service is None
                yield _TABLE.createrole_before_16 if before else right
        if role.name in self._predefined:
            yield self._predefined[role.name]


class PostgresqlPowers(Struct, frozen=True, kw_only=True):
    """What a role can do in the end. ``whole``: whether all roles that it reaches were followed."""

    privilege: Privilege
    grants: tuple[Grant, ...]
    consequences: tuple[Consequence, ...]
    reached: tuple[Reached, ...]
    whole: bool


def powers_of(graph: RoleGraph, role: PostgresqlRole, *, members_read: bool) -> PostgresqlPowers:
    """The privileges of a role, with the reasons. ``members_read``: whether the memberships are known."""
    reached, whole = graph.reached(role)
    levels: list[tuple[PrivilegeLevel, str]] = []
    grants: list[Grant] = []
    kinds: dict[ConsequenceKind, Consequence] = {}
    for right in graph.rights(role):
        _note(right, right.level, right.name or role.name, levels, kinds)
        if right.name:
            grants.append(Grant(name=right.name, via="direct", admin=right.level == "admin"))
    for one in reached:
        rights = [right for right in graph.rights(one.role) if one.becomes or not right.name]  # attributes stay behind
        for right in rights:
            if right.name and one.role.can_login:
                continue  # an identity of its own, to which a link leads
            level: PrivilegeLevel = "escalation" if right.name and right.level == "admin" else right.level
            _note(right, level, f"{right.name or one.role.name} by {one.how} of {one.role.name}", levels, kinds)
        via = "direct" if one.via is role else f"group:{one.via.name}"
        is_admin = any(right.level == "admin" for right in rights)
        grants.append(Grant(name=one.role.name, via=via, resource=one.how, admin=is_admin))
    level = min((level for level, _ in levels), key=PRIVILEGES.index, default="normal")
    reasons = tuple(dict.fromkeys(why for each, why in levels if each == level))[:REASONS]
    if level == "normal":
        reasons = reasons or ("no attribute and no predefined role",)
        if not (members_read and whole):
            level, reasons = "unknown", ("not all of its memberships were read",)
    return PostgresqlPowers(
        privilege=Privilege(level=level, evidence=reasons),
        grants=tuple(grants),
        consequences=tuple(kinds.values()),
        reached=tuple(reached),
        whole=whole,
    )


def _note(
    right: PostgresqlRight,
    level: PrivilegeLevel,
    why: str,
    levels: list[tuple[PrivilegeLevel, str]],
    kinds: dict[ConsequenceKind, Consequence],
) -> None:
    levels.append((level, f"{why}: {right.does}"))
    for kind in right.consequences:
        kinds.setdefault(kind, Consequence(kind=kind, by=why, actions=(why.partition(" ")[0],)))
