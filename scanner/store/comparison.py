"""The differences between two scans, found from the ends of intervals: unchanged records are not read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any

from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, Select, Table, and_, func, literal_column, select, true, union_all

from scanner.model import Assessment, EntryAssessment, Finding, ScanResult
from scanner.store import scans, schema
from scanner.store.database import Values
from scanner.store.engine import plain_rows
from scanner.store.intervals import BATCH, holds, restore, restored_rows, unmoved_rows
from scanner.store.kinds import ENTRIES, FINDINGS, IDENTITIES, R, RecordKind, Shared
from scanner.store.scans import StoredScan

_NOT_RECHECKED = '"rechecked":false'
"""The field in a sighting's JSON body. Inside a text value the quotes would be escaped."""


class Comparison:
    """An older and a newer scan, by number, as one connection sees them. Listings stream in the order of keys."""

    def __init__(self, connection: Connection, old: int, new: int) -> None:
        self._connection, self._old, self._new = connection, old, new

    @property
    def old(self) -> ScanResult:
        """The older scan without its records."""
        return scans.frame(self._connection, self._old)

    @property
    def new(self) -> ScanResult:
        """The newer scan without its records."""
        return scans.frame(self._connection, self._new)

    def identities(self) -> Iterator[tuple[Assessment | None, Assessment | None]]:
        """Identities that differ, as both scans had them. Dates of use are not compared, so no listing has them."""
        return self._pairs(IDENTITIES)

    def findings(self) -> Iterator[tuple[Finding | None, Finding | None]]:
        """Findings that only one of the scans has, or that differ."""
        return self._pairs(FINDINGS)

    def entries(self) -> Iterator[tuple[EntryAssessment | None, EntryAssessment | None]]:
        """Registry entries that only one of the scans has, or that differ."""
        return self._pairs(ENTRIES)

    def returned(self) -> dict[str, datetime]:
        """Identities that came back: by key, the start of the first scan that lacked them."""
        started, forgettings = scans.start_times(self._connection), scans.forgettings(self._connection)
        ended = self._earlier(schema.identity)
        return {key: started[until] for key, until in ended if until not in forgettings}

    def came_back(self) -> frozenset[str]:
        """Fingerprints of findings that differ and that a scan before the older one announced."""
        forgettings = scans.forgettings(self._connection)
        ended = self._earlier(schema.finding, lambda row: row.held_back.is_(None))
        return frozenset(key for key, until in ended if until not in forgettings)

    def forgotten(self) -> frozenset[str]:
        """Keys of identities and fingerprints of findings that ended after the older scan by ``history forget``."""
        forgettings = scans.forgettings(self._connection)
        tables = (schema.identity, schema.finding) if forgettings else ()
        return frozenset(key for table in tables for key, until in self._last_ends(table) if until in forgettings)

    def _last_ends(self, table: Table) -> list[Values]:
        """By key of the rows that ended after the older scan: the number of the scan that ended their last version."""
        until = table.c.until_scan
        ended = and_(until.is_not(None), until > self._old, until <= self._new)
        return plain_rows(self._connection, select(table.c.key, func.max(until)).where(ended).group_by(table.c.key))

    def not_rechecked(self) -> Iterator[Assessment]:
        """Identities that the newer scan did not re-check."""
        if self.new.summary.not_rechecked == 0:
            return
        sightings = schema.identity_sighting
        rows = restored_rows(IDENTITIES, holds(sightings, self._new)).where(
            holds(schema.identity, self._new), sightings.c.body.contains(_NOT_RECHECKED)
        )
        shared = Shared(self._connection)
        for row in self._connection.execute(rows, execution_options={"yield_per": BATCH}):
            yield restore(IDENTITIES, row, shared)

    def _pairs(self, kind: RecordKind[R]) -> Iterator[tuple[R | None, R | None]]:
        versions: Table = kind.versions
        shared = Shared(self._connection)
        rows = unmoved_rows(kind)
        both = union_all(rows.where(self._ended(versions)), rows.where(self._begun(versions))).order_by(
            "key", "first_scan"
        )
        stored = self._connection.execute(both, execution_options={"yield_per": BATCH})
        for _, of_key in groupby(stored, attrgetter("key")):
            sides = {row.first_scan > self._old: restore(kind, row, shared) for row in of_key}
            yield sides.get(False), sides.get(True)

    def _earlier(self, table: Table, chosen: Callable[[Any], ColumnElement[bool]] = lambda _: true()) -> list[Values]:
        """By key of the rows that began between the scans: the last end of a version at or before the older scan."""
        earlier = table.alias("earlier")
        was = select(earlier.c.key, func.max(earlier.c.until_scan)).select_from(
            table.join(earlier, earlier.c.key == table.c.key)
        )
        ended = earlier.c.until_scan <= self._old
        return plain_rows(
            self._connection, was.where(self._begun(table), ended, chosen(earlier.c)).group_by(earlier.c.key)
        )

    def _ended(self, table: Table) -> ColumnElement[bool]:
        """Rows that the older scan has and the newer one does not."""
        until = table.c.until_scan
        return and_(until.is_not(None), until > self._old, until <= self._new, table.c.first_scan <= self._old)

    def _begun(self, table: Table) -> ColumnElement[bool]:
        """Rows that the newer scan has and the older one does not."""
        first = table.c.first_scan
        return and_(first > literal_column("1"), first > self._old, first <= self._new, holds(table, self._new))


# --- What each scan changed, counted from the ends of intervals; no record is read ---


class Tally(Struct, frozen=True, kw_only=True):
    """Numbers of identities that a scan added, changed and removed, compared with the scan before."""

    joined: int
    changed: int
    left: int


def newest(connection: Connection, most: int | None) -> tuple[tuple[StoredScan, Tally | None], ...]:
    """The latest scans, newest first, each with its changes; ``most`` limits them, None returns all.

    The oldest scan in the store has no predecessor: its changes are None.
    """
    kept = scans.kept_by_number(connection)
    shown = kept[-most:] if most is not None else kept
    since = shown[0][0] if shown else 0
    begun, ended, changed = (_by_scan(plain_rows(connection, query)) for query in _counts(since))
    tallies = [
        Tally(joined=begun.get(seq, 0) - again, changed=again, left=ended.get(seq, 0) - again)
        for seq, _ in shown
        for again in (changed.get(seq, 0),)
    ]
    listed = [(scan, None if seq == kept[0][0] else tally) for (seq, scan), tally in zip(shown, tallies, strict=True)]
    return tuple(reversed(listed))


def _by_scan(rows: Sequence[Values]) -> dict[int, int]:
    return {seq: number for seq, number in rows}  # noqa: C416  # mypy: dict() takes no rows of unknown length


def _counts(since: int) -> Sequence[Select[tuple[int, int]]]:
    """By number of scan, from ``seq`` on: identities that it added, ended, and replaced."""
    version, before = schema.identity, schema.identity.alias("before")
    first, until = version.c.first_scan, version.c.until_scan
    # Written out, so that the planner uses the partial index that leaves out the first scan's rows.
    is_later = and_(first > literal_column("1"), first >= since)
    # Adding 0 keeps SQLite from using the index on ``until_scan``: for each row that began with a scan it would read
    # all rows that ended with it. The primary key needs one or two reads (30,000 changes in one scan: 0.1 s instead of
    # minutes).
    ended_then = before.c.until_scan + literal_column("0") == first
    again = version.join(before, and_(before.c.key == version.c.key, ended_then))
    return (
        select(first, func.count()).where(is_later).group_by(first),
        select(until, func.count()).where(until.is_not(None), until >= since).group_by(until),
        select(first, func.count()).select_from(again).where(is_later).group_by(first),
    )
