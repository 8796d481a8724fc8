"""Which scan somebody means: by its id, by a day, or the latest."""

from __future__ import annotations

import re
from datetime import date, timedelta

from sqlalchemy import Connection, select

from scanner.errors import StoreError, UsageError
from scanner.history import scans, schema
from scanner.history.engine import where

COMPARED = 2
"""So many scans a comparison takes."""
LATEST = "latest"
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def named(connection: Connection, text: str) -> int:
    """The number of the scan: ``latest``, an id, or of a day the last scan up to its end in UTC.

    Raises UsageError for a day that there is not, StoreError for a scan that there is not.
    """
    if text == LATEST:
        return scans.find(connection, None)
    return _up_to(connection, text) if _DAY.fullmatch(text) else scans.find(connection, text)


def two_latest(connection: Connection) -> tuple[int, int]:
    """The numbers of the two scans stored last, the older first. Raises StoreError where there are not two."""
    newest = select(schema.scan.c.seq).where(scans.is_kept()).order_by(schema.scan.c.seq.desc()).limit(COMPARED)
    found = list(connection.execute(newest).scalars())
    if len(found) < COMPARED:
        scans.find(connection, None)
        raise StoreError(
            f"the store {where(connection.engine)} has only one scan so far, and nothing to compare it with",
            hint="scan again, then ask what changed",
        )
    return found[1], found[0]


def _up_to(connection: Connection, text: str) -> int:
    try:
        end = date.fromisoformat(text) + timedelta(days=1)
    except (ValueError, OverflowError) as error:
        raise UsageError(f"there is no day {text}", hint="give it as 2026-11-25") from error
    scan = schema.scan.c
    # Times are kept as ISO 8601 in UTC, which sorts as text.
    begun = select(scan.seq).where(scans.is_kept(), scan.started_at < end.isoformat())
    seq: int | None = connection.execute(begun.order_by(scan.seq.desc()).limit(1)).scalar_one_or_none()
    if seq is None:
        scans.find(connection, None)
        raise StoreError(f"the store has no scan up to {text}", hint="`muster history` lists those it has")
    return seq
