"""Where what other machines read waits in the store until a scan is whole: lines of text, in parts.

A part (a shard, a scope) is there whole or not at all, and once: putting it again changes nothing. What the lines say
is the business of whoever wrote them.
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
from scanner.store.engine import bulk_insert, reading, writing
from scanner.store.intervals import BATCH

_part, _line = schema.staged_part, schema.staged_line

# The same words in SQLite and PostgreSQL; of two that put one part at once, the second waits and does nothing.
_CLAIM = text(
    "INSERT INTO staged_part (scan, part, head, received_at) VALUES (:scan, :part, :head, :received_at)"
    " ON CONFLICT DO NOTHING"
)


class Part(Struct, frozen=True, kw_only=True):
    """Some of a scan. ``head``: what is to be known of it without reading its lines."""

    scan: str
    part: str
    head: str
    lines: Iterable[str]


class Waiting(Struct, frozen=True, kw_only=True):
    """A scan that is not whole yet. ``heads``: by part. ``since``: when the last of them came."""

    scan: str
    heads: dict[str, str]
    since: datetime


class Staging:
    """The staged parts of a store. Any method may raise StoreError."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @property
    def is_shared(self) -> bool:
        """Whether other machines reach it as well: a database server, not a file."""
        return self._engine.url.host is not None

    def put(self, parts: Iterable[Part], now: datetime, *, instead_of: Sequence[tuple[str, str]] = ()) -> None:
        """Stage all of these parts or, where anything fails, none; those that are there already stay as they are.

        ``instead_of``: scan and part of what goes first.
        """
        with writing(self._engine) as connection:
            for scan, name in instead_of:
                _remove(connection, scan, name)
            for part in parts:
                row = {"scan": part.scan, "part": part.part, "head": part.head, "received_at": now.isoformat()}
                if connection.execute(_CLAIM, row).rowcount:
                    rows = ((part.scan, part.part, place, line) for place, line in enumerate(part.lines))
                    while batch := list(islice(rows, BATCH)):
                        bulk_insert(connection, _line, batch)

    def heads(self, scan: str) -> dict[str, str]:
        """What is there of a scan, by part."""
        with reading(self._engine) as connection:
            rows = connection.execute(select(_part.c.part, _part.c.head).where(_part.c.scan == scan))
            return {row.part: row.head for row in rows}

    def lines(self, scan: str) -> Iterator[str]:
        """All lines of a scan, one part after the other, each in its order."""
        ordered = select(_line.c.body).where(_line.c.scan == scan).order_by(_line.c.part, _line.c.position)
        with reading(self._engine) as connection:
            batches = connection.execute(ordered.execution_options(yield_per=BATCH)).scalars().partitions()
            yield from chain.from_iterable(batches)

    def waiting(self) -> tuple[Waiting, ...]:
        """Every scan of which there is something, the newest first."""
        with reading(self._engine) as connection:
            rows = connection.execute(select(_part).order_by(_part.c.scan, _part.c.part)).all()
        found = [_waiting(scan, list(parts)) for scan, parts in groupby(rows, key=attrgetter("scan"))]
        return tuple(sorted(found, key=lambda one: (one.since, one.scan), reverse=True))

    def discard(self, scan: str) -> int:
        """Forget what there is of a scan; returns of how many parts."""
        with writing(self._engine) as connection:
            return _remove(connection, scan)

    def forget(self, before: datetime) -> tuple[str, ...]:
        """Discard scans to which nothing was added since then; returns their ids."""
        with reading(self._engine) as connection:
            last = func.max(_part.c.received_at)
            old = connection.execute(select(_part.c.scan).group_by(_part.c.scan).having(last < before.isoformat()))
            scans = tuple(sorted(old.scalars()))
        for scan in scans:
            self.discard(scan)
        return scans


def _waiting(scan: str, parts: Sequence[Row[Any]]) -> Waiting:
    since = max(one.received_at for one in parts)
    return Waiting(scan=scan, heads={one.part: one.head for one in parts}, since=datetime.fromisoformat(since))


def _remove(connection: Connection, scan: str, part: str | None = None) -> int:
    for table in (_line, _part):
        chosen = delete(table).where(table.c.scan == scan)
        removed = connection.execute(chosen if part is None else chosen.where(table.c.part == part)).rowcount
    return removed
