"""Find rows that were changed or damaged outside Muster, by their checksums; see integrity.py."""

from __future__ import annotations

from collections.abc import Mapping
from operator import eq

from sqlalchemy import ColumnElement, Connection, Table, and_, select

from scanner.store.database import Values
from scanner.store.engine import database_of
from scanner.store.integrity import INTERVALS, as_one_text

Damaged = Mapping[str, frozenset[str]]
"""By table, the keys of open rows that do not match their checksum."""


def damaged_open_rows(connection: Connection) -> dict[str, frozenset[str]]:
    """By table, the keys of open rows that do not match their checksum."""
    found = {
        table.name: frozenset(row[0] for row in damaged(connection, table, table.c.until_scan.is_(None)))
        for table in INTERVALS
    }
    return {name: keys for name, keys in found.items() if keys}


def damaged(connection: Connection, table: Table, *chosen: ColumnElement[bool]) -> list[Values]:
    """The rows of a table that do not match their checksum."""
    keys = tuple(table.primary_key.columns)
    rows = select(*keys).where(*chosen)
    unsound = database_of(connection).unsound(connection, rows, table.c.checksum, as_one_text(table))
    its_own = (and_(*map(eq, keys, values)) for values in sorted(unsound, key=str))
    return [tuple(connection.execute(select(table).where(own)).one()) for own in its_own]
