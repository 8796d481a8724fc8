"""Detect and repair rows that were changed or damaged outside Muster.

Every row of a scan, of its coverage and of an interval ends with a *checksum* over the columns that never change.
Commands that read refuse a row that does not match (:class:`DamagedRow`). A scan verifies all open rows first, because
it compares hashes alone and never looks at a body: see :func:`damaged_open_rows` and ``intervals.differences``.

The checksum has no key, because a key could not be kept from a role that writes to the store. It detects damage and
careless edits, not an attacker who recomputes it. CRC-32 is as good for that as SHA-256, which took a third of the time
of a verification. Verifying 100,000 identities of 1.7 kB with their sightings takes 0.6 s of CPU; saving them first
takes 2.4 s.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from operator import eq
from typing import Any
from zlib import crc32

from sqlalchemy import ColumnElement, Connection, Row, Select, Table, and_, literal, literal_column, select, tuple_

from scanner.errors import DamagedRow
from scanner.store import schema
from scanner.text import printable

Values = tuple[Any, ...]
Damaged = Mapping[str, frozenset[str]]
"""By table, the keys of open rows that do not match their checksum."""

_NAMES = ("identity", "secret", "workload", "assignment", "exposure", "entry", "finding")
RECORDS = tuple(schema.metadata.tables[name] for name in _NAMES)
"""The tables of versions: their rows add up to the number of records that a scan was saved with."""

BATCH = 10_000
HINT = "`muster store check` lists all such rows, and `--repair` mends or removes them; or put back the last backup"
_CHANGING = frozenset({"until_scan", "pruned_at", "removed", "checksum"})
INTERVALS = tuple(table for table in schema.metadata.sorted_tables if "until_scan" in table.c)
CHECKED = tuple(table for table in schema.metadata.sorted_tables if "checksum" in table.c)
ACTIVITY = (
    schema.audit_log,
    schema.log_unit,
    schema.log_caller,
    schema.log_feature,
    schema.log_day,
    schema.log_change,
)
"""What audit logs gave; see activity/care.py for what is done where it is damaged."""

EVIDENCE = (schema.review, schema.review_item, schema.review_record, schema.page_record)
"""Access reviews and what the served page wrote, which are evidence: a repair does not touch them."""

_BETWEEN, _NULL = "\x1f", "\x1e"
"""Control characters between the texts of a checksum, and for NULL."""


@cache
def _lasting(table: Table) -> tuple[int, ...]:
    """The positions of the columns that never change."""
    return tuple(place for place, column in enumerate(table.c) if column.name not in _CHANGING)


def checksum(table: Table, row: Row[Any] | Values) -> str:
    """CRC-32 of a row's constant columns, 8 hexadecimal digits. ``row``: values in column order, the last optional."""
    return _digest(_BETWEEN.join([_NULL if (value := row[place]) is None else str(value) for place in _lasting(table)]))


def _digest(text: str) -> str:
    return f"{crc32(text.encode('utf-8', 'surrogatepass')):08x}"


@cache
def _as_one_text(table: Table) -> ColumnElement[str]:
    """The input of :func:`checksum`, concatenated by the database: in Python this takes as long as all the rest.

    Written as SQL: of expressions for each column, compiling took longer than the verification of a small store.
    """
    names = (f'{table.name}."{table.c[place].name}"' for place in _lasting(table))
    return literal_column(f" || '{_BETWEEN}' || ".join(f"coalesce(CAST({name} AS TEXT), '{_NULL}')" for name in names))


def sealed(table: Table, rows: Sequence[Values]) -> Sequence[Values]:
    """The rows with their checksums if the table has that column."""
    return [(*row, checksum(table, row)) for row in rows] if table in CHECKED else rows


def is_sound(table: Table, row: Row[Any] | Values) -> bool:
    """Whether a stored row matches its checksum."""
    return bool(row[-1] == checksum(table, row))


def verify(table: Table, row: Values) -> None:
    """Raise DamagedRow for a row that does not match its checksum."""
    if not is_sound(table, row):
        raise DamagedRow(f"the store's {named(table, row)} was changed or damaged outside Muster", hint=HINT)


def named(table: Table, row: Values) -> str:
    """A row in a message: its table, its key and the number of its first scan."""
    if table is schema.scan:
        return f"scan {printable(str(row[1]))}"
    if table is schema.coverage:
        source, scope, section = row[2:5]
        return printable(f"coverage of {section} in {source}, {scope} (scan number {row[0]})")
    if table in ACTIVITY or table in EVIDENCE:
        keys = (f"{key.name} {value}" for key, value in zip(table.primary_key.columns, row, strict=False))
        return f"row of {table.name} with {', '.join(keys)}"
    return printable(f"{table.name.replace('_', ' ')} {row[0]} (since scan number {row[1]})")


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
    texts = select(table.c.checksum, _as_one_text(table), *keys).where(*chosen).order_by(*keys).limit(BATCH)
    page, unsound = texts, list[Values]()
    while rows := _plain(connection, page):
        unsound += [row[2:] for row in rows if _digest(row[1]) != row[0]]
        page = texts.where(tuple_(*keys) > tuple_(*map(literal, rows[-1][2:])))
    its_own = (and_(*map(eq, keys, values)) for values in unsound)
    return [tuple(connection.execute(select(table).where(own)).one()) for own in its_own]


def _plain(connection: Connection, query: Select[Any]) -> list[Values]:
    """All rows as plain tuples of the driver. SQLAlchemy's rows double the time of a verification."""
    with connection.execute(query) as result:
        return list(result.cursor.fetchall())
