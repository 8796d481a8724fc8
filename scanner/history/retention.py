"""Forgetting old scans: their rows go, what still holds stays, and scans that are kept load as before.

A row of the table of scans is never deleted, but emptied: versions that still hold may have begun with it, and
when that was is part of their history.
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct
from sqlalchemy import Connection, Table, delete, func, select, update

from scanner.history import first_seen, scans, schema
from scanner.history.integrity import checksum

_INTERVALS: tuple[Table, ...] = tuple(table for table in schema.metadata.sorted_tables if "until_scan" in table.c)
_EMPTY = {"summary": "{}", "policy": "{}", "notices": "[]"}


class Pruning(Struct, frozen=True, kw_only=True):
    """What is forgotten, or would be: scans, and versions and sightings that no kept scan has."""

    scans: int
    rows: int
    kept: int


def plan(connection: Connection, before: datetime) -> Pruning:
    """What :func:`prune` would do."""
    oldest = _oldest_kept(connection, before)
    scan = schema.scan.c
    kept = select(func.count()).where(scans.is_kept(), scan.seq >= oldest)
    going = select(func.count()).where(scans.is_kept(), scan.seq < oldest)
    rows = [select(func.count()).where(table.c.until_scan <= oldest) for table in _INTERVALS]
    return Pruning(
        scans=connection.execute(going).scalar_one(),
        rows=sum(connection.execute(count).scalar_one() for count in rows),
        kept=connection.execute(kept).scalar_one(),
    )


def prune(connection: Connection, before: datetime, now: datetime) -> Pruning:
    """Forget the scans that started before that moment, but for the latest, and what only they had."""
    planned, oldest = plan(connection, before), _oldest_kept(connection, before)
    if planned.scans:
        first_seen.keep_from_pruning(connection, oldest)
        for table in _INTERVALS:
            connection.execute(delete(table).where(table.c.until_scan <= oldest))
        connection.execute(delete(schema.coverage).where(schema.coverage.c.scan < oldest))
        going = select(schema.scan).where(scans.is_kept(), schema.scan.c.seq < oldest)
        for row in connection.execute(going).all():
            names = (column.name for column in schema.scan.c)
            emptied = dict(zip(names, row, strict=True)) | _EMPTY | {"pruned_at": now.isoformat()}
            emptied["checksum"] = checksum(schema.scan, tuple(emptied.values()))
            connection.execute(update(schema.scan).where(schema.scan.c.seq == row.seq).values(emptied))
    return planned


def _oldest_kept(connection: Connection, before: datetime) -> int:
    """The number of the first scan that is not too old; all that were stored after it are kept, too."""
    scan = schema.scan.c
    recent = select(func.min(scan.seq)).where(scans.is_kept(), scan.started_at >= before.isoformat())
    oldest: int | None = connection.execute(recent).scalar_one()
    return (scans.latest(connection) or 0) if oldest is None else oldest
