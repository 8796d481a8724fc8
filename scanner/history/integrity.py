"""Rows that were falsified or damaged outside Muster: found when they are read back, and repaired on request.

Every row of a scan, of its coverage and of an interval ends with a *checksum* over what never changes in it. Reading
commands refuse a row that does not match (:class:`DamagedRow`). A scan verifies all open rows first, since it compares
by hash alone and would never look at a body: see :func:`damaged_open_rows` and ``intervals.differences``.

The checksum has no key, as none could be kept from whoever may write to the store: it finds damage and careless edits,
not an attacker who computes it anew. On 2 cores, 1,000,000 open rows of 1 kB are verified in 3 s.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, Table, select

from scanner.errors import DamagedRow
from scanner.history import schema
from scanner.text import printable

Values = tuple[Any, ...]
Damaged = Mapping[str, frozenset[str]]
"""By table, the keys of open rows that do not match their checksum."""

_NAMES = ("identity", "secret", "workload", "assignment", "entry", "finding")
RECORDS = tuple(schema.metadata.tables[name] for name in _NAMES)
"""The tables of versions: each scan has as many of their rows as it was saved with records."""

BATCH = 10_000
HINT = "`muster store check` lists all such rows, and `--repair` mends or removes them; or put back the last backup"
_CHANGING = frozenset({"until_scan", "pruned_at", "removed", "checksum"})
INTERVALS = tuple(table for table in schema.metadata.sorted_tables if "until_scan" in table.c)
CHECKED = tuple(table for table in schema.metadata.sorted_tables if "checksum" in table.c)

_packer = msgspec.msgpack.Encoder()


@cache
def _lasting(table: Table) -> tuple[tuple[int, int], ...]:
    """The runs of columns that never change, as slices: two slices of a tuple cost less than picking its items."""
    places = [place for place, column in enumerate(table.c) if column.name not in _CHANGING]
    starts = [place for place in places if place - 1 not in places]
    ends = [place + 1 for place in places if place + 1 not in places]
    return tuple(zip(starts, ends, strict=True))


def checksum(table: Table, row: Row[Any] | Values) -> str:
    """16 hex digits over a row's lasting columns. ``row``: values in the columns' order, with or without the last."""
    lasting = [row[start:end] for start, end in _lasting(table)]
    return hashlib.sha256(_packer.encode(lasting)).hexdigest()[:16]


def sealed(table: Table, rows: Sequence[Values]) -> Sequence[Values]:
    """The rows with their checksums, if the table has such a column."""
    return [(*row, checksum(table, row)) for row in rows] if table in CHECKED else rows


def is_sound(table: Table, row: Row[Any] | Values) -> bool:
    """Whether a row, as it is stored, matches its checksum."""
    return bool(row[-1] == checksum(table, row))


def verify(table: Table, row: Values) -> None:
    """Raise DamagedRow for a row that does not match its checksum."""
    if not is_sound(table, row):
        raise DamagedRow(f"the store's {named(table, row)} was changed or damaged outside Muster", hint=HINT)


def named(table: Table, row: Values) -> str:
    """A row as people look for it: its table, key and the number of its first scan."""
    if table is schema.scan:
        return f"scan {printable(str(row[1]))}"
    if table is schema.coverage:
        source, scope, section = row[2:5]
        return printable(f"coverage of {section} in {source}, {scope} (scan number {row[0]})")
    return printable(f"{table.name.replace('_', ' ')} {row[0]} (since scan number {row[1]})")


def damaged_open_rows(connection: Connection) -> dict[str, frozenset[str]]:
    """By table, the keys of the open rows that do not match their checksum."""
    found = {
        table.name: frozenset(row[0] for row in damaged(connection, table, table.c.until_scan.is_(None)))
        for table in INTERVALS
    }
    return {name: keys for name, keys in found.items() if keys}


def damaged(connection: Connection, table: Table, *chosen: ColumnElement[bool]) -> Iterator[Values]:
    """The rows of a table that do not match their checksum."""
    with connection.execute(select(table).where(*chosen), execution_options={"yield_per": BATCH}) as result:
        yield from (tuple(row) for row in result if not is_sound(table, row))
