"""Rows of a store as tests need them, without a whole scan around them."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, Table, select, update

from scanner.store import schema
from scanner.store.engine import bulk_insert
from scanner.store.integrity import checksum


def number_scans(connection: Connection, numbers: Iterable[int]) -> None:
    """Empty scans that rows can refer to."""
    rows = [(seq, str(seq), *[""] * 7, 0, None, None, 0) for seq in numbers]
    bulk_insert(connection, schema.scan, rows)


def seal_anew(connection: Connection, table: Table) -> None:
    """Give every row of an interval table the checksum of what it holds now."""
    for row in connection.execute(select(table)).all():
        its_own = update(table).where(table.c.key == row.key, table.c.first_scan == row.first_scan)
        connection.execute(its_own.values(checksum=checksum(table, tuple(row))))
