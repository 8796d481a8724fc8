"""The sections of a server, from ``sections.toml``, and the statements of the account that reads it."""

from __future__ import annotations

from connectors.databases.sections import read_database
from connectors.mysql.settings import MysqlSettings

TABLE, SPEC = read_database("connectors.mysql", "MySQL, MariaDB", MysqlSettings, extra="mysql")
