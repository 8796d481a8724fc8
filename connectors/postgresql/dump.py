"""Roles as ``pg_dumpall --roles-only`` writes them. A password in the file is dropped where it is met."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from msgspec import Struct
from msgspec.structs import replace

from connectors.core.offline import Unreadable
from connectors.postgresql.rows import PostgresqlMember, PostgresqlRole, Setting

HEADER = "-- PostgreSQL database cluster dump"
_TOKEN = re.compile(
    r"""(?P<comment>--[^\n]*|^\\[^\n]*)
    |(?P<space>\s+)
    |(?P<text>[eE]?'(?:[^'\\]|''|\\.)*')
    |"(?P<quoted>(?:[^"]|"")*)"
    |(?P<word>[^\s;,'"]+)
    |(?P<sign>[;,])""",
    re.VERBOSE | re.MULTILINE | re.DOTALL,
)
_ATTRIBUTES = {
    "SUPERUSER": "superuser",
    "INHERIT": "inherits",
    "CREATEROLE": "creates_roles",
    "CREATEDB": "creates_databases",
    "LOGIN": "can_login",
    "REPLICATION": "replicates",
    "BYPASSRLS": "bypasses_row_security",
}
_SINCE_OPTIONS = 160000


class Token(Struct, frozen=True):
    """``word``: in upper case if it is a keyword or an unquoted name, whose own case is in ``text``."""

    word: str
    text: str


class Dump(Struct, frozen=True, kw_only=True):
    """What the file says. ``version``: the oldest that writes memberships as it does."""

    roles: tuple[PostgresqlRole, ...]
    members: tuple[PostgresqlMember, ...]
    settings: tuple[Setting, ...]
    version: int


def parse_dump(text: str) -> Dump:
    """The roles of a file. Their ids are made up, and negative. Raises Unreadable."""
    if HEADER not in text:
        raise Unreadable("it is not what pg_dumpall writes")
    reading = _Reading()
    for statement in _statements(text):
        reading.read(statement)
    return reading.result()


def _statements(text: str) -> Iterator[list[Token]]:
    """The statements without their ends. A file that ends within one is cut short."""
    found: list[Token] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise Unreadable(f"it is cut short (line {text.count(chr(10), 0, at) + 1})")
        at = match.end()
        if match["comment"] is not None or match["space"] is not None:
            continue
        if match["sign"] == ";":
            yield found
            found = []
        else:
            found.append(_token(match, found))
    if found:
        raise Unreadable("it is cut short: its last statement does not end")


def _token(match: re.Match[str], before: Sequence[Token]) -> Token:
    if match["quoted"] is not None:
        return Token("", match["quoted"].replace('""', '"'))
    if match["text"] is not None:
        if before and before[-1].word == "PASSWORD":
            return Token("", "")  # dropped: nothing below may have it
        literal = match["text"]
        plain = literal[literal.index("'") + 1 : -1].replace("''", "'")
        return Token("", re.sub(r"\\(.)", r"\1", plain) if literal[0] in "eE" else plain)
    return Token(match[0].upper(), match[0])


class _Reading:
    def __init__(self) -> None:
        self._roles: dict[str, PostgresqlRole] = {}
        self._members: list[PostgresqlMember] = []
        self._settings: list[Setting] = []
        self._has_options = False
        self._has_grants = False
        self._has_passwords = False

    def read(self, statement: Sequence[Token]) -> None:
        """Read a statement; others than those about roles say nothing here."""
        match [token.word for token in statement]:
            case ["CREATE", "ROLE", _, *_]:
                self._role(statement[2].text)
            case ["ALTER", "ROLE", _, *_]:
                self._alter(statement[2].text, statement[3:])
            case ["COMMENT", "ON", "ROLE", _, "IS", _, *_]:
                name = statement[3].text
                self._roles[name] = replace(self._role(name), description=statement[5].text)
            case ["GRANT", _, "TO", _, *_]:
                self._grant(statement)

    def _role(self, name: str) -> PostgresqlRole:
        # Roles that every server has, such as pg_monitor, are not created in a dump.
        return self._roles.setdefault(name, PostgresqlRole(id=-len(self._roles) - 1, name=name))

    def _alter(self, name: str, rest: Sequence[Token]) -> None:
        role = self._role(name)
        words = [token.word for token in rest]
        if "SET" in words:
            after = rest[words.index("SET") + 1 :]
            self._settings += [Setting(role.id, token.text) for token in after[:1]]
            return
        facts = {field: True for word, field in _ATTRIBUTES.items() if word in words}
        facts |= {field: False for word, field in _ATTRIBUTES.items() if f"NO{word}" in words}
        given = replace(role, **facts)
        for word, token in zip(words, rest[1:], strict=False):
            if word == "LIMIT" and token.word.lstrip("-").isdecimal():
                given = replace(given, connections=int(token.word))
            elif word == "UNTIL":
                given = replace(given, valid_until=token.text)
            elif word == "PASSWORD":
                self._has_passwords = True
                given = replace(given, has_password=token.word != "NULL")
        self._roles[name] = given

    def _grant(self, statement: Sequence[Token]) -> None:
        words = [token.word for token in statement]
        options = dict(pairwise(words[4:]))
        self._has_grants = True
        self._has_options |= not options.keys().isdisjoint({"INHERIT", "SET"})
        inherits = options.get("INHERIT")
        self._members.append(
            PostgresqlMember(
                roleid=self._role(statement[1].text).id,
                member=self._role(statement[3].text).id,
                admin_option=options.get("ADMIN") in ("OPTION", "TRUE"),
                inherit_option=None if inherits is None else inherits in ("OPTION", "TRUE"),
                set_option=options.get("SET") != "FALSE",
            )
        )

    def result(self) -> Dump:
        """All that was read. In a file with passwords, a role without one has none."""
        roles = list(self._roles.values())
        if self._has_passwords:
            roles = [replace(role, has_password=bool(role.has_password)) for role in roles]
        older = self._has_grants and not self._has_options
        return Dump(
            roles=tuple(roles),
            members=tuple(self._members),
            settings=tuple(self._settings),
            version=_SINCE_OPTIONS - 1 if older else _SINCE_OPTIONS,
        )
