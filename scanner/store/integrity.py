"""Checksums, by which rows that were changed or damaged outside Muster are found; engine.py finds them.

Every row of a scan, of its coverage and of an interval ends with a *checksum* over the columns that never change.
Commands that read refuse a row that does not match (:class:`DamagedRow`). A scan verifies all open rows first, because
it compares hashes alone and never looks at a body: see ``intervals.differences``.

The checksum has no key, because a key could not be kept from a role that writes to the store. It detects damage and
careless edits, not an attacker who recomputes it. CRC-32 is as good for that as SHA-256, which took a third of the time
of a verification.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any
from zlib import crc32

from sqlalchemy import Column, ColumnElement, Row, Table, Text, literal_column

from scanner.errors import DamagedRow
from scanner.store import schema
from scanner.text import printable

Values = tuple[Any, ...]
_NAMES = ("identity", "secret", "workload", "assignment", "exposure", "entry", "finding")
RECORDS = tuple(schema.metadata.tables[name] for name in _NAMES)
"""The tables of versions: their rows add up to the number of records that a scan was saved with."""

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
    schema.log_note,
)
"""Tables of audit logs; see activity/care.py for repairs."""

EVIDENCE = (schema.review, schema.review_item, schema.review_record, schema.page_record, schema.retirement_record)
"""Access reviews, retirements and records of the served page, which are evidence: a repair does not change them."""

_BETWEEN, _NULL = "\x1f", "\x1e"
"""Control characters between the texts of a checksum, and for NULL."""


@cache
def _lasting(table: Table) -> tuple[int, ...]:
    """The positions of the columns that never change."""
    return tuple(place for place, column in enumerate(table.c) if column.name not in _CHANGING)


def checksum(table: Table, row: Row[Any] | Values) -> str:
    """CRC-32 of a row's constant columns, 8 hexadecimal digits. ``row``: values in column order, the last optional."""
    return digest(_BETWEEN.join([_NULL if (value := row[place]) is None else str(value) for place in _lasting(table)]))


def digest(text: str) -> str:
    """The checksum of a row that :func:`as_one_text` made one text."""
    return digest_of_bytes(text.encode("utf-8", "surrogatepass"))


def digest_of_bytes(text: bytes) -> str:
    """The checksum of that text in UTF-8."""
    return f"{crc32(text):08x}"


@cache
def as_one_text(table: Table) -> ColumnElement[str]:
    """The input of :func:`checksum`, concatenated by the database: in Python this takes as long as all the rest.

    Written as SQL: of expressions for each column, compiling took longer than the verification of a small store.
    """
    texts = (_as_text(table.name, table.c[place]) for place in _lasting(table))
    return literal_column(f" || '{_BETWEEN}' || ".join(texts))


def _as_text(table: str, column: Column[Any]) -> str:
    name = f'{table}."{column.name}"'
    text = name if isinstance(column.type, Text) else f"CAST({name} AS TEXT)"
    return f"coalesce({text}, '{_NULL}')"


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
