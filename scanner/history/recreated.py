"""What the store knows for telling which identities were made anew under their keys, or have another key now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from sqlalchemy import ColumnElement, Connection, literal_column, select

from scanner.history import schema
from scanner.history.database import Values
from scanner.history.engine import plain_rows
from scanner.history.finding_kind import FINDINGS
from scanner.history.intervals import BATCH, read_open
from scanner.model import Finding
from scanner.text import without_surrogates


def last_issued(connection: Connection, keys: Iterable[str]) -> dict[str, tuple[str, str, str]]:
    """By key, provider, scope and unique id that it had when it last had one, gone or not."""
    identity = schema.identity.c
    rows = _last(connection, keys, identity.provider, identity.scope, identity.unique_id)
    return {row[0]: (row[1], row[2], row[3]) for row in rows}


def last_unique_ids(connection: Connection, keys: Iterable[str]) -> dict[str, tuple[str, str]]:
    """By key, source and unique id that it had when it last had one, gone or not."""
    rows = _last(connection, keys, schema.identity.c.source, schema.identity.c.unique_id)
    return {row[0]: (row[1], row[2]) for row in rows}


def _last(connection: Connection, keys: Iterable[str], *facts: ColumnElement[str | None]) -> Iterator[Values]:
    """Key and facts of all versions with a unique id, the last one of each key behind the others."""
    identity = schema.identity.c
    known = select(identity.key, *facts).where(identity.unique_id.is_not(None))
    stored = iter(sorted({without_surrogates(key) for key in keys}))
    while batch := list(islice(stored, BATCH)):
        yield from plain_rows(connection, known.where(identity.key.in_(batch)).order_by(identity.first_scan))


def standing(connection: Connection) -> Iterator[Finding]:
    """The latest scan's findings of those that were made anew."""
    # Written out, for SQLite takes no index for a condition that it is only given later.
    recreations = schema.finding.c.rule == literal_column("'recreated'")
    yield from read_open(connection, FINDINGS, recreations, despite_damage=True)
