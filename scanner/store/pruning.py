"""Pruning: rows of old scans are deleted, open rows stay, and the other scans load as before.

A row of the table of scans is emptied, not deleted: open versions may have begun with it, and their history needs its
start.
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct
from sqlalchemy import Connection, Table, delete, func, select, update

from scanner.store import runs, scans, schema
from scanner.store.history import keep_from_pruning
from scanner.store.integrity import checksum
from scanner.store.policies import forget_unused

_INTERVALS: tuple[Table, ...] = tuple(table for table in schema.metadata.sorted_tables if "until_scan" in table.c)
_EMPTY = {"summary": "{}", "policy": "{}", "notices": "[]"}


class Pruning(Struct, frozen=True, kw_only=True):
    """What pruning deletes: scans, and versions and sightings that no other scan has."""

    scans: int
    rows: int
    kept: int


def plan(connection: Connection, before: datetime) -> Pruning:
    """What :func:`prune` would delete."""
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
    """Delete the scans that started before ``before``, except the latest, and versions that only they had."""
    planned, oldest = plan(connection, before), _oldest_kept(connection, before)
    runs.prune(connection, before)
    if planned.scans:
        keep_from_pruning(connection, oldest)
        for table in _INTERVALS:
            connection.execute(delete(table).where(table.c.until_scan <= oldest))
        forget_unused(connection)
        connection.execute(delete(schema.coverage).where(schema.coverage.c.scan < oldest))
        going = select(schema.scan).where(scans.is_kept(), schema.scan.c.seq < oldest)
        for row in connection.execute(going).all():
            names = (column.name for column in schema.scan.c)
            emptied = dict(zip(names, row, strict=True)) | _EMPTY | {"pruned_at": now.isoformat()}
            emptied["checksum"] = checksum(schema.scan, tuple(emptied.values()))
            connection.execute(update(schema.scan).where(schema.scan.c.seq == row.seq).values(emptied))
    return planned


def _oldest_kept(connection: Connection, before: datetime) -> int:
    """The number of the first scan that is not too old. All scans stored after it are kept, too."""
    scan = schema.scan.c
    recent = select(func.min(scan.seq)).where(scans.is_kept(), scan.started_at >= before.isoformat())
    oldest: int | None = connection.execute(recent).scalar_one()
    return (scans.latest(connection) or 0) if oldest is None else oldest
