"""The rows of the queries in ``sections.toml``."""

from __future__ import annotations

import re

from msgspec import Struct

from connectors.databases.sections import QuerySection


class Server(Struct, frozen=True):
    """``lifetime``: days after which passwords end, 0 for never.

    ``privileges``: those of the scanner's account on everything by which sections are shown, joined by commas.
    """

    version: str
    comment: str = ""
    lifetime: int = 0
    privileges: str | None = None

    @property
    def kind(self) -> str:
        """``mariadb`` or ``mysql``."""
        return "mariadb" if "mariadb" in f"{self.version} {self.comment}".lower() else "mysql"

    @property
    def release(self) -> tuple[int, int] | None:
        """The first two numbers of the version, past the prefix that MariaDB has for old clients; None: unknown."""
        found = re.match(r"(?:5\.5\.5-)?(\d{1,4})\.(\d{1,4})", self.version, re.ASCII)
        return (int(found[1]), int(found[2])) if found else None

    def shows(self, section: QuerySection) -> bool:
        """Whether it gives the scanner's account the rows of a section."""
        needed = section.shown_by.get(self.kind)
        return needed is None or needed in (self.privileges or "").split(",")


class Held(Struct, frozen=True, kw_only=True):
    """The account that a row is about."""

    user: str
    host: str

    @property
    def account(self) -> tuple[str, str]:
        """User and host."""
        return self.user, self.host


class MysqlAccount(Held, frozen=True, kw_only=True):
    """An account or a role. ``access``: MariaDB's bits; ``privileges``: the names of MySQL's, joined by commas.

    ``changed``: seconds since 1970; ``lifetime``: days, 0 for never, None or -1 for the server's default.
    ``tls``: 0 where none is needed. ``is_empty``: whether there is no hash of a password; None: not read.
    """

    plugin: str | None = None
    more_plugins: str | None = None
    access: int = 0
    privileges: str = ""
    is_role: bool | None = None
    locked: bool | None = None
    default_role: str | None = None
    changed: int | None = None
    lifetime: int | None = None
    tls: int | None = None
    is_empty: bool | None = None


class Dynamic(Held, frozen=True, kw_only=True):
    """A dynamic privilege of MySQL."""

    privilege: str
    grantable: bool = False


class MysqlMember(Held, frozen=True, kw_only=True):
    """A role that an account, or another role, has."""

    role: str
    role_host: str = ""
    is_admin: bool = False


class Default(Held, frozen=True, kw_only=True):
    """A role that is active from the start."""

    role: str


class Schema(Held, frozen=True, kw_only=True):
    """Privileges on a schema, or on schemas that a pattern names."""

    name: str
    privileges: str = ""


class MysqlTables(Held, frozen=True, kw_only=True):
    """Privileges on tables of a schema. ``table_name``: of the schema ``mysql`` alone."""

    name: str
    table_name: str = ""
    number: int = 1
    privileges: str | None = ""


class Proxy(Held, frozen=True, kw_only=True):
    """An account that another one may act as; empty for any."""

    proxied: str
    proxied_host: str


class Program(Struct, frozen=True, kw_only=True):
    """What runs as its definer: a routine, an event, a view, a trigger. ``on_table``: whose writes fire a trigger."""

    name_of_schema: str
    name: str
    type: str
    definer: str
    status: str | None = None
    last_run: int | None = None
    on_table: str | None = None
