"""The settings of ``[[source]] type = "postgresql"``, and its sections, from ``sections.toml``."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from connectors.databases.sections import read_database
from connectors.databases.settings import DatabaseSettings

_OWN_MACHINE = "postgresql://muster@localhost:5432/"


class PostgresqlSettings(DatabaseSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A server with all its databases; see :class:`DatabaseSettings`.

    ``databases``: the databases whose functions and user mappings are read; none: all that the role may connect to.
    ``from_files``: what ``pg_dumpall --roles-only`` wrote, a file or a folder of files, which is read instead.
    """

    scheme: ClassVar[str] = "postgresql"
    port: ClassVar[int] = 5432
    url: str = _OWN_MACHINE
    databases: tuple[str, ...] = ()
    from_files: Path | None = None

    def exported_place(self, file: Path, *, alone: bool) -> str:
        """The scope's id of an export: the server that ``url`` names, else the file's name without its ending."""
        is_named = self.url != _OWN_MACHINE and alone
        return self.place if is_named else file.stem


TABLE, SPEC = read_database("connectors.postgresql", "PostgreSQL", PostgresqlSettings, extra="postgres")
