"""How the numbers moved: the scans that lead up to one, each with what was resolved in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from itertools import groupby
from operator import itemgetter

from sqlalchemy import Connection, select

from scanner.history import scans, schema
from scanner.history.database import Values
from scanner.history.engine import plain_rows
from scanner.model import ScanPoint

SCANS = 366
"""How many scans back a trend reaches: a year of daily ones."""


def trend(connection: Connection, seq: int) -> tuple[ScanPoint, ...]:
    """The scan with that number and those before it, oldest first."""
    stored = scans.upto(connection, seq, SCANS)
    started = scans.start_times(connection)
    resolved = _resolved(connection, started)
    return tuple(
        ScanPoint(id=one.id, started_at=one.started_at, counts=one.counts, resolved=resolved.get(number, {}))
        for number, one in stored.items()
    )


def _resolved(connection: Connection, started: dict[int, datetime]) -> dict[int, Counter[int]]:
    """By the number of the scan that no longer had them: days that findings had stood, and how many had."""
    finding = schema.finding.c
    ended = select(finding.key).where(finding.until_scan.is_not(None))
    rows = select(finding.key, finding.first_scan, finding.until_scan).where(finding.key.in_(ended))
    forgettings = scans.forgettings(connection)
    resolved: dict[int, Counter[int]] = {}
    for first, until in _stood(plain_rows(connection, rows.order_by(finding.key, finding.first_scan))):
        if until not in forgettings:
            resolved.setdefault(until, Counter())[max((started[until] - started[first]).days, 0)] += 1
    return resolved


def _stood(versions: list[Values]) -> Iterator[tuple[int, int]]:
    """From and until which scan findings stood without a break, of those that ended; versions come by key and scan."""
    for _, of_one in groupby(versions, itemgetter(0)):
        since = last = None
        for _, first, until in of_one:
            if since is None or first != last:
                if since is not None and last is not None:
                    yield since, last
                since = first
            last = until
        if since is not None and last is not None:
            yield since, last
