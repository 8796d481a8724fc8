"""The settings of ``[[source]] type = "postgresql"``."""

from __future__ import annotations

from typing import ClassVar

from connectors.databases.settings import DatabaseSettings


class PostgresqlSettings(DatabaseSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A server with all its databases; see :class:`DatabaseSettings`.

    ``databases``: the databases whose functions and user mappings are read; none: all that the role may connect to.
    """

    scheme: ClassVar[str] = "postgresql"
    port: ClassVar[int] = 5432
    url: str = "postgresql://muster@localhost:5432/"
    databases: tuple[str, ...] = ()
