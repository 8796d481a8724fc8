"""The ``sections.toml`` of a database server: sections with their queries and grants, and the SQL of its least role."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from connectors.core.contract import Spec
from connectors.core.section import SectionRow, read_sections, spec_of
from connectors.databases.settings import DatabaseSettings


class QuerySection(SectionRow, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A section and its query. ``queries``: of kinds of servers that differ, by name, instead of ``query``.

    ``grants``: the statements by which an administrator gives the scanner's account what the query takes; none: every
    account may run it.
    """

    query: str = ""
    queries: Mapping[str, str] = {}
    grants: tuple[str, ...] = ()

    def sql(self, kind: str = "") -> str:
        """The query for a kind of server; empty if it has none there."""
        return self.queries.get(kind, self.query)


class DatabaseTable(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file. ``account``: the statements that create the scanner's account. ``anybody``: what else it takes."""

    account: tuple[str, ...]
    anybody: str
    sections: Mapping[str, QuerySection]

    def permissions(self, section: str) -> tuple[str, ...]:
        """What a section takes."""
        return self.sections[section].grants or (self.anybody,)

    def policy(self) -> str:
        """The statements that create an account with the least rights."""
        grants = dict.fromkeys(grant for section in self.sections.values() for grant in section.grants)
        return "".join(f"{statement};\n" for statement in (*self.account, *grants))


def read_database(package: str, title: str, settings: type[DatabaseSettings], extra: str) -> tuple[DatabaseTable, Spec]:
    """The table of a database server, and its spec."""
    table = read_sections(package, DatabaseTable)
    return table, spec_of(package, title, settings, table.sections, table.permissions, extra=extra)
