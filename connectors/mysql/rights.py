"""What an account can do: its own privileges, and those of its roles. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from msgspec import Struct

from connectors.mysql import rows as r
from scanner.catalog import read_table
from scanner.model import PRIVILEGES, Consequence, ConsequenceKind, Grant, Privilege, PrivilegeLevel

Name: TypeAlias = tuple[str, str]
"""User and host; of a role of MariaDB, the host is empty."""
MOST_ROLES = 2000
"""The most roles that are followed from an account; with more, its privileges are unknown."""
MOST_GRANTS = 100
REASONS = 5
EVERYBODY: Name = ("PUBLIC", "")
"""MariaDB's role that every account has."""


class MysqlRight(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a global privilege allows. ``becomes``: the kinds of servers on which it leads to every account.

    ``until``: by kind, the first version on which it does not.
    """

    level: PrivilegeLevel
    does: str
    consequences: tuple[ConsequenceKind, ...] = ()
    becomes: tuple[str, ...] = ()
    until: Mapping[str, tuple[int, int]] = {}

    def leads_to_all(self, kind: str, version: tuple[int, int] | None) -> bool:
        """Whether it leads to every account of a server; of an unknown version, it does."""
        return kind in self.becomes and not (version and kind in self.until and version >= self.until[kind])


class _RightTable(Struct, frozen=True, forbid_unknown_fields=True):
    admin: frozenset[str]
    writes: frozenset[str]
    accounts_in: frozenset[str]
    bits: tuple[str, ...]
    own: frozenset[str]
    privileges: Mapping[str, MysqlRight]
    plugins: Mapping[str, str]


_TABLE = read_table("connectors.mysql", "rights.toml", _RightTable)
_NOTHING = MysqlRight(level="normal", does="nothing of consequence")
OWN = _TABLE.own
PLUGINS = _TABLE.plugins


class Rows(Struct, frozen=True, kw_only=True):
    """All that was read about rights. ``kind``: ``mariadb`` or ``mysql``. ``version``: None if it cannot be read."""

    kind: str
    version: tuple[int, int] | None = None
    accounts: Sequence[r.MysqlAccount] = ()
    dynamic: Sequence[r.Dynamic] = ()
    members: Sequence[r.MysqlMember] = ()
    schemas: Sequence[r.Schema] = ()
    tables: Sequence[r.MysqlTables] = ()


class Powers(Struct, frozen=True, kw_only=True):
    """What an account can do in the end.

    ``becomes_all``: the privilege that leads to every account. ``roles``: all that it has, by name. ``whole``: whether
    all were followed.
    """

    privilege: Privilege
    grants: tuple[Grant, ...]
    consequences: tuple[Consequence, ...]
    becomes_all: str | None
    roles: tuple[str, ...]
    whole: bool
    is_system: bool


class MysqlRights:
    """The privileges of a server's accounts and roles."""

    def __init__(self, rows: Rows) -> None:
        self._kind, self._version = rows.kind, rows.version
        self._global: dict[Name, set[str]] = {one.account: set(_names(one)) for one in rows.accounts}
        for given in rows.dynamic:
            self._global.setdefault(given.account, set()).add(given.privilege.upper())
        self._members: defaultdict[Name, list[Name]] = defaultdict(list)
        for member in rows.members:
            self._members[member.account].append((member.role, member.role_host))
        self._schemas: defaultdict[Name, list[r.Schema]] = defaultdict(list)
        for schema in rows.schemas:
            self._schemas[schema.account].append(schema)
        self._tables: defaultdict[Name, list[r.MysqlTables]] = defaultdict(list)
        for table in rows.tables:
            self._tables[table.account].append(table)
        granted = {(member.role, member.role_host) for member in rows.members}
        self.roles = {
            one.account
            for one in rows.accounts
            # MySQL's roles are accounts that are locked, and granted to others.
            if one.is_role or (rows.kind == "mysql" and one.locked and one.account in granted)
        }

    def powers(self, account: r.MysqlAccount, *, whole: bool) -> Powers:
        """What an account can do, with the reasons. ``whole``: whether all that could say so was read."""
        holders, followed = self._holders(account.account)
        held: dict[str, Name] = {}
        levels: list[tuple[PrivilegeLevel, str]] = []
        grants: list[Grant] = []
        for holder in holders:
            held |= {name: holder for name in self._global.get(holder, ()) if name not in held}
            levels += self._on_accounts(holder)
            grants += self._grants(holder, "direct" if holder == account.account else f"group:{holder[0]}")
        kinds: dict[ConsequenceKind, Consequence] = {}
        becomes_all: str | None = None
        for name, holder in sorted(held.items()):
            right = _TABLE.privileges.get(name, _NOTHING)
            said = name if holder == account.account else f"{name} by the role {holder[0]}"
            levels.append((right.level, f"{said}: {right.does}"))
            if right.leads_to_all(self._kind, self._version):
                becomes_all = becomes_all or f"{said}: {right.does}"
            for kind in right.consequences:
                kinds.setdefault(kind, Consequence(kind=kind, by=said, actions=(name,)))
        if held.keys() >= _TABLE.admin:
            levels.append(("admin", "all privileges on *.*, which it can also grant"))
            grants = [Grant(name="ALL PRIVILEGES", via="direct", resource="*.*", admin=True), *grants]
        elif held.keys() & _TABLE.writes:
            levels.append(("escalation", "it writes all tables, those with the accounts among them"))
        level: PrivilegeLevel = min((level for level, _ in levels), key=PRIVILEGES.index, default="normal")
        reasons = tuple(dict.fromkeys(why for each, why in levels if each == level))[:REASONS]
        if level == "normal":
            reasons = reasons or ("no privilege of consequence on *.*",)
            if not (whole and followed):
                level, reasons = "unknown", ("not all of its privileges were read",)
        return Powers(
            privilege=Privilege(level=level, evidence=reasons),
            grants=tuple(grants[:MOST_GRANTS]),
            consequences=tuple(kinds.values()),
            becomes_all=becomes_all,
            roles=tuple(name for name, _ in holders[1:]),
            whole=followed,
            is_system="SYSTEM_USER" in held,
        )

    def _holders(self, account: Name) -> tuple[list[Name], bool]:
        """The account, and every role that it has or can set, and whether those are all."""
        found = dict.fromkeys([account, *([EVERYBODY] if EVERYBODY in self._global else [])])
        ahead = list(found)
        for at in ahead:
            for role in self._members.get(at, ()):
                if role not in found:
                    if len(found) > MOST_ROLES:
                        return list(found), False
                    found[role] = None
                    ahead.append(role)
        return list(found), True

    def _on_accounts(self, holder: Name) -> Iterator[tuple[PrivilegeLevel, str]]:
        """What writes the accounts themselves."""
        for schema in self._schemas.get(holder, ()):
            if _fits(schema.name, "mysql") and _split(schema.privileges) & _TABLE.writes:
                yield "escalation", "it writes the schema mysql, in which the accounts are"
            elif _fits(schema.name, "mysql") and "SELECT" in _split(schema.privileges):
                yield "high", "it reads the schema mysql, hashes of passwords included"
        for table in self._tables.get(holder, ()):
            is_accounts = table.name == "mysql" and table.table_name in _TABLE.accounts_in
            if is_accounts and _split(table.privileges) & _TABLE.writes:
                yield "escalation", f"it writes mysql.{table.table_name}, in which accounts are"

    def _grants(self, holder: Name, via: str) -> Iterator[Grant]:
        for name in sorted(self._global.get(holder, ())):
            yield Grant(name=name, via=via, resource="*.*")
        for schema in self._schemas.get(holder, ()):
            for name in sorted(_split(schema.privileges)):
                yield Grant(name=name, via=via, resource=f"{schema.name}.*")
        for table in self._tables.get(holder, ()):
            where = f"mysql.{table.table_name}" if table.table_name else f"{table.number} tables of {table.name}"
            for name in sorted(_split(table.privileges)):
                yield Grant(name=name, via=via, resource=where)


def _names(account: r.MysqlAccount) -> Iterable[str]:
    if account.privileges:
        return _split(account.privileges)
    return (name for bit, name in enumerate(_TABLE.bits) if account.access >> bit & 1)


def _split(names: str | None) -> set[str]:
    return {name for name in (names or "").split(",") if name}


def _fits(pattern: str, name: str) -> bool:
    """Whether a schema's name in a grant, with the wildcards ``%`` and ``_``, means this schema."""
    parts = re.split(r"(\\.|%|_)", pattern)
    wild = {"%": ".*", "_": "."}
    literal = "".join(wild.get(part) or re.escape(part.removeprefix("\\")) for part in parts)
    return re.fullmatch(literal, name, re.DOTALL) is not None
