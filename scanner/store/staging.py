"""Staging area for the readings of other machines, until the scan is complete: lines of text, in parts.

A part (a shard, a scope) is stored whole or not at all, and once: storing it again changes nothing. The caller defines
the format of the lines.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import chain, groupby, islice
from operator import attrgetter
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, Engine, Row, delete, func, select, text

from scanner.store import schema
from scanner.store.engine import appending, bulk_insert, reading, writing
from scanner.store.intervals import BATCH

_part, _line = schema.staged_part, schema.staged_line

# SQL for both SQLite and PostgreSQL. If two connections store one part at once, the second waits and does nothing.
_CLAIM = text(
    "INSERT INTO staged_part (scan, part, head, received_at) VALUES (:scan, :part, :head, :received_at)"
    " ON CONFLICT DO NOTHING"
)


class Part(Struct, frozen=True, kw_only=True):
    """A part of a scan. ``head``: metadata that can be read without the lines."""

    scan: str
    part: str
    head: str
    lines: Iterable[str]


class Waiting(Struct, frozen=True, kw_only=True):
    """An incomplete scan. ``heads``: by part. ``since``: when its last part was received."""

    scan: str
    heads: dict[str, str]
    since: datetime


class Staging:
    """The staged parts of a store. Any method may raise StoreError."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @property
    def is_shared(self) -> bool:
        """Whether other machines can use it: true for a database server, false for a file."""
        return self._engine.url.host is not None

    def put(self, parts: Iterable[Part], now: datetime, *, instead_of: Sequence[tuple[str, str]] = ()) -> None:
        """Stage all of these parts, or none if there is an error. Parts that are staged already stay unchanged.

        ``instead_of``: scan and part of the parts to remove first.
        """
        # Workers of a cluster stage side by side: with the lock of a writer, they would take turns.
        with writing(self._engine) if instead_of else appending(self._engine) as connection:
            for scan, name in instead_of:
                _remove(connection, scan, name)
            for part in parts:
                row = {"scan": part.scan, "part": part.part, "head": part.head, "received_at": now.isoformat()}
                if connection.execute(_CLAIM, row).rowcount:
                    rows = ((part.scan, part.part, place, line) for place, line in enumerate(part.lines))
                    while batch := list(islice(rows, BATCH)):
                        bulk_insert(connection, _line, batch)

    def heads(self, scan: str) -> dict[str, str]:
        """The heads of a scan's parts, by part."""
        with reading(self._engine) as connection:
            rows = connection.execute(select(_part.c.part, _part.c.head).where(_part.c.scan == scan))
            return {row.part: row.head for row in rows}

    def lines(self, scan: str) -> Iterator[str]:
        """All lines of a scan, part by part, each in its order."""
        ordered = select(_line.c.body).where(_line.c.scan == scan).order_by(_line.c.part, _line.c.position)
        with reading(self._engine) as connection:
            batches = connection.execute(ordered.execution_options(yield_per=BATCH)).scalars().partitions()
            yield from chain.from_iterable(batches)

    def waiting(self) -> tuple[Waiting, ...]:
        """Every incomplete scan, newest first."""
        with reading(self._engine) as connection:
            rows = connection.execute(select(_part).order_by(_part.c.scan, _part.c.part)).all()
        found = [_waiting(scan, list(parts)) for scan, parts in groupby(rows, key=attrgetter("scan"))]
        return tuple(sorted(found, key=lambda scan: (scan.since, scan.scan), reverse=True))

    def discard(self, scan: str) -> int:
        """Delete the parts of a scan; returns how many there were."""
        with writing(self._engine) as connection:
            return _remove(connection, scan)

    def forget(self, before: datetime) -> tuple[str, ...]:
        """Delete scans that received nothing since ``before``; returns their ids."""
        with reading(self._engine) as connection:
            last = func.max(_part.c.received_at)
            old = connection.execute(select(_part.c.scan).group_by(_part.c.scan).having(last < before.isoformat()))
            scans = tuple(sorted(old.scalars()))
        for scan in scans:
            self.discard(scan)
        return scans


def _waiting(scan: str, parts: Sequence[Row[Any]]) -> Waiting:
    since = max(part.received_at for part in parts)
    return Waiting(scan=scan, heads={part.part: part.head for part in parts}, since=datetime.fromisoformat(since))


def _remove(connection: Connection, scan: str, part: str | None = None) -> int:
    for table in (_line, _part):
        chosen = delete(table).where(table.c.scan == scan)
        removed = connection.execute(chosen if part is None else chosen.where(table.c.part == part)).rowcount
    return removed
