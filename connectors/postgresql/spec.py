"""The sections of a server, from ``sections.toml``."""

from __future__ import annotations

from connectors.databases.sections import read_database
from connectors.postgresql.settings import PostgresqlSettings

TABLE, SPEC = read_database("connectors.postgresql", "PostgreSQL", PostgresqlSettings, extra="postgres")
