"""What the store knows for telling which identities were made anew under their keys."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from sqlalchemy import Connection, literal_column, select

from scanner.history import schema
from scanner.history.finding_kind import FINDINGS
from scanner.history.intervals import BATCH, read_open
from scanner.model import Finding
from scanner.text import without_surrogates


def last_unique_ids(connection: Connection, keys: Iterable[str]) -> dict[str, tuple[str, str]]:
    """By key, source and unique id that it had when it last had one, gone or not."""
    identity = schema.identity.c
    known = select(identity.key, identity.source, identity.unique_id).where(identity.unique_id.is_not(None))
    stored = iter(sorted({without_surrogates(key) for key in keys}))
    found: dict[str, tuple[str, str]] = {}
    while batch := list(islice(stored, BATCH)):
        rows = connection.execute(known.where(identity.key.in_(batch)).order_by(identity.first_scan))
        found |= {row.key: (row.source, row.unique_id) for row in rows}
    return found


def standing(connection: Connection) -> Iterator[Finding]:
    """The latest scan's findings of those that were made anew."""
    # Written out, for SQLite takes no index for a condition that it is only given later.
    recreations = schema.finding.c.rule == literal_column("'recreated'")
    yield from read_open(connection, FINDINGS, recreations, despite_damage=True)
