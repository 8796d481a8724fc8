"""What each scan changed, counted by the ends of intervals alone: no content is read or compared."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from sqlalchemy import Connection, Select, and_, func, literal_column, select

from scanner.history import scans, schema
from scanner.history.database import Values
from scanner.history.engine import plain_rows
from scanner.history.scans import StoredScan


class Tally(Struct, frozen=True, kw_only=True):
    """Identities that a scan had and the one before had not, that it had otherwise, and that it no longer had."""

    joined: int
    changed: int
    left: int


def newest(connection: Connection, most: int | None) -> tuple[tuple[StoredScan, Tally | None], ...]:
    """The scans stored last (None: all that are kept), the newest first, each with what it changed.

    The oldest that is kept has nothing before it that it could have changed.
    """
    kept = scans.numbered(connection)
    shown = kept[-most:] if most is not None else kept
    since = shown[0][0] if shown else 0
    begun, ended, changed = (_by_scan(plain_rows(connection, query)) for query in _counts(since))
    tallies = [
        Tally(joined=begun.get(seq, 0) - again, changed=again, left=ended.get(seq, 0) - again)
        for seq, _ in shown
        for again in (changed.get(seq, 0),)
    ]
    told = [(scan, None if seq == kept[0][0] else tally) for (seq, scan), tally in zip(shown, tallies, strict=True)]
    return tuple(reversed(told))


def _by_scan(rows: Sequence[Values]) -> dict[int, int]:
    return {seq: number for seq, number in rows}  # noqa: C416  # rows are of any length, as far as types can tell


def _counts(since: int) -> Sequence[Select[tuple[int, int]]]:
    """By scan from that on: identities that begun with it, that ended, and that did both."""
    version, before = schema.identity, schema.identity.alias("before")
    first, until = version.c.first_scan, version.c.until_scan
    # Written out, so that databases find by it the index that leaves out the first scan's rows.
    is_later = and_(first > literal_column("1"), first >= since)
    # Adding 0 keeps SQLite from looking up ``until_scan`` in its index: for each row that began with a scan it would
    # read all that ended with it. By key it reads one or two (30,000 changes in one scan: 0.1 s instead of minutes).
    ended_then = before.c.until_scan + literal_column("0") == first
    again = version.join(before, and_(before.c.key == version.c.key, ended_then))
    return (
        select(first, func.count()).where(is_later).group_by(first),
        select(until, func.count()).where(until.is_not(None), until >= since).group_by(until),
        select(first, func.count()).select_from(again).where(is_later).group_by(first),
    )
