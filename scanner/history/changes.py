"""What two scans do not have alike, found by the intervals' ends, without reading what both have."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, and_, func, literal_column, select, true, union_all

from scanner.history import scans, schema
from scanner.history.database import Values
from scanner.history.engine import plain_rows
from scanner.history.finding_kind import FINDINGS
from scanner.history.intervals import BATCH, holds, restore, restored_rows, unmoved_rows
from scanner.history.record_kinds import ENTRIES, IDENTITIES
from scanner.history.records import R, RecordKind
from scanner.history.wordings import all_wordings
from scanner.model import Assessment, EntryAssessment, Finding, ScanResult

_NOT_RECHECKED = '"rechecked":false'
"""As it stands in a sighting's body; in a text that it holds, quotes would be escaped."""


class Comparison:
    """An older and a newer scan, by number, as one connection sees them. What it lists, it streams by key."""

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
        """Those whose content differs, as the scans had them; dates of use are not content and are left out."""
        return self._pairs(IDENTITIES)

    def findings(self) -> Iterator[tuple[Finding | None, Finding | None]]:
        """Those that only one of the scans has, or that differ."""
        return self._pairs(FINDINGS)

    def entries(self) -> Iterator[tuple[EntryAssessment | None, EntryAssessment | None]]:
        """Those that only one of the scans has, or that differ."""
        return self._pairs(ENTRIES)

    def returned(self) -> dict[str, datetime]:
        """By key of identities that differ and have earlier versions: start of the first scan that lacked the last."""
        started, forgettings = scans.start_times(self._connection), scans.forgettings(self._connection)
        ended = self._earlier(schema.identity)
        return {key: started[until] for key, until in ended if until not in forgettings}

    def came_back(self) -> frozenset[str]:
        """Fingerprints of findings that differ and that a scan before the older one had, not held back."""
        forgettings = scans.forgettings(self._connection)
        ended = self._earlier(schema.finding, lambda row: row.held_back.is_(None))
        return frozenset(key for key, until in ended if until not in forgettings)

    def forgotten(self) -> frozenset[str]:
        """Keys of identities and fingerprints of findings whose last version ended by forgetting, since the older."""
        forgettings = scans.forgettings(self._connection)
        tables = (schema.identity, schema.finding) if forgettings else ()
        return frozenset(key for table in tables for key, until in self._last_ends(table) if until in forgettings)

    def _last_ends(self, table: Table) -> list[Values]:
        """By key of what ended since the older scan: when its last version did."""
        until = table.c.until_scan
        ended = and_(until.is_not(None), until > self._old, until <= self._new)
        return plain_rows(self._connection, select(table.c.key, func.max(until)).where(ended).group_by(table.c.key))

    def not_rechecked(self) -> Iterator[Assessment]:
        """Identities that the newer scan could not look at."""
        if self.new.summary.not_rechecked == 0:
            return
        sightings = schema.identity_sighting
        rows = restored_rows(IDENTITIES, holds(sightings, self._new)).where(
            holds(schema.identity, self._new), sightings.c.body.contains(_NOT_RECHECKED)
        )
        wordings = all_wordings(self._connection)
        for row in self._connection.execute(rows, execution_options={"yield_per": BATCH}):
            yield restore(IDENTITIES, row, wordings)

    def _pairs(self, kind: RecordKind[R]) -> Iterator[tuple[R | None, R | None]]:
        versions: Table = kind.versions
        wordings = all_wordings(self._connection)
        rows = unmoved_rows(kind)
        both = union_all(rows.where(self._ended(versions)), rows.where(self._begun(versions))).order_by(
            "key", "first_scan"
        )
        stored = self._connection.execute(both, execution_options={"yield_per": BATCH})
        for _, of_key in groupby(stored, attrgetter("key")):
            sides = {row.first_scan > self._old: restore(kind, row, wordings) for row in of_key}
            yield sides.get(False), sides.get(True)

    def _earlier(self, table: Table, chosen: Callable[[Any], ColumnElement[bool]] = lambda _: true()) -> list[Values]:
        """By key of what begun between the scans: when the last version that ended by the older one did."""
        earlier = table.alias("earlier")
        was = select(earlier.c.key, func.max(earlier.c.until_scan)).select_from(
            table.join(earlier, earlier.c.key == table.c.key)
        )
        ended = earlier.c.until_scan <= self._old
        return plain_rows(
            self._connection, was.where(self._begun(table), ended, chosen(earlier.c)).group_by(earlier.c.key)
        )

    def _ended(self, table: Table) -> ColumnElement[bool]:
        """Rows that the older scan has and the newer has not."""
        until = table.c.until_scan
        return and_(until.is_not(None), until > self._old, until <= self._new, table.c.first_scan <= self._old)

    def _begun(self, table: Table) -> ColumnElement[bool]:
        """Rows that the newer scan has and the older has not."""
        first = table.c.first_scan
        return and_(first > literal_column("1"), first > self._old, first <= self._new, holds(table, self._new))
