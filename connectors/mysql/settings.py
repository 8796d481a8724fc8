"""The settings of ``[[source]] type = "mysql"``."""

from __future__ import annotations

from typing import ClassVar

from connectors.databases.settings import DatabaseSettings


class MysqlSettings(DatabaseSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A server; see :class:`DatabaseSettings`."""

    scheme: ClassVar[str] = "mysql"
    port: ClassVar[int] = 3306
    url: str = "mysql://muster@localhost:3306/"
