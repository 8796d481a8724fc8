"""The settings of ``[[source]] type = "mysql"``, and its sections, from ``sections.toml``."""

from __future__ import annotations

from typing import ClassVar

from connectors.databases.sections import read_database
from connectors.databases.settings import DatabaseSettings


class MysqlSettings(DatabaseSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A server; see :class:`DatabaseSettings`."""

    scheme: ClassVar[str] = "mysql"
    port: ClassVar[int] = 3306
    url: str = "mysql://muster@localhost:3306/"


TABLE, SPEC = read_database("connectors.mysql", "MySQL, MariaDB", MysqlSettings, extra="mysql")
