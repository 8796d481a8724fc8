"""The ``sections.toml`` of a database server: sections with their queries and grants, and the SQL of its least role."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from connectors.core.contract import Spec
from connectors.core.section import SectionRow, read_sections, spec_of
from connectors.databases.settings import DatabaseSettings


class QuerySection(SectionRow, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A section and its query. ``queries``: of kinds of servers that differ, by name, instead of ``query``.

    ``grants``: the statements by which an administrator gives the scanner's account what the query takes, for all kinds
    of servers or by kind; none: every account may run it. ``shown_by``: by kind of server, the global privilege without
    which the server gives no rows, instead of refusing the query.
    """

    query: str = ""
    queries: Mapping[str, str] = {}
    grants: tuple[str, ...] | Mapping[str, tuple[str, ...]] = ()
    shown_by: Mapping[str, str] = {}

    def sql(self, kind: str = "") -> str:
        """The query for a kind of server; empty if it has none there."""
        return self.queries.get(kind, self.query)

    def granted(self, kind: str | None = None) -> tuple[str, ...]:
        """The statements for a kind of server; None: for all kinds."""
        if isinstance(self.grants, tuple):
            return self.grants
        if kind is not None:
            return self.grants.get(kind, ())
        return tuple(dict.fromkeys(grant for grants in self.grants.values() for grant in grants))


class DatabaseTable(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file. ``account``: the statements that create the scanner's account. ``anybody``: what else it takes."""

    account: tuple[str, ...]
    anybody: str
    sections: Mapping[str, QuerySection]

    def permissions(self, section: str) -> tuple[str, ...]:
        """What a section takes."""
        return self.sections[section].granted() or (self.anybody,)

    def policy(self, kind: str | None = None) -> str:
        """The statements that create an account with the least rights on a kind of server."""
        grants = dict.fromkeys(grant for section in self.sections.values() for grant in section.granted(kind))
        return "".join(f"{statement};\n" for statement in (*self.account, *grants))


def read_database(package: str, title: str, settings: type[DatabaseSettings], extra: str) -> tuple[DatabaseTable, Spec]:
    """The table of a database server, and its spec."""
    table = read_sections(package, DatabaseTable)
    return table, spec_of(package, title, settings, table.sections, table.permissions, extra=extra)
