"""The records of one scan, looked up by key, for answers that show few of many."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any

from sqlalchemy import Connection, Select, bindparam

from scanner.model import Assessment, EntryAssessment, Exposure, Finding, ScanResult, StoredSecret
from scanner.store import history, scans
from scanner.store.intervals import holds, read, restore, restored_rows
from scanner.store.kinds import ENTRIES, EXPOSURES, FINDINGS, IDENTITIES, SECRETS, R, RecordKind, Shared

_LOOKED_UP = 500
"""The keys in one query."""


class Records:
    """Every method takes keys, and returns the records in that order; keys that the scan does not have are left out.

    Any method may raise StoreError.
    """

    def __init__(self, connection: Connection, scan_id: str | None) -> None:
        self._connection = connection
        self._seq = scans.find(connection, scan_id)

    @cached_property
    def frame(self) -> ScanResult:
        """The scan without its records."""
        return scans.frame(self._connection, self._seq)

    def identities(self, keys: Sequence[str]) -> tuple[Assessment, ...]:
        """Identities by key."""
        return tuple(self._found(IDENTITIES, keys))

    def findings(self, fingerprints: Sequence[str]) -> tuple[Finding, ...]:
        """Findings by fingerprint."""
        return tuple(self._found(FINDINGS, fingerprints))

    def entries(self, ids: Sequence[str]) -> tuple[EntryAssessment, ...]:
        """Registry entries by id."""
        return tuple(self._found(ENTRIES, ids))

    def secrets(self, keys: Sequence[str]) -> tuple[StoredSecret, ...]:
        """Stored secrets by key."""
        return tuple(self._found(SECRETS, keys))

    def exposures(self) -> tuple[Exposure, ...]:
        """All exposures of the scan: they are few."""
        return tuple(read(self._connection, EXPOSURES, self._seq))

    def first_seen(self, keys: Collection[str]) -> dict[str, datetime]:
        """By key of an identity, the start of the first scan that had it."""
        return history.first_seen(self._connection, keys)

    def _found(self, kind: RecordKind[R], keys: Sequence[str]) -> Iterator[R]:
        shared = self._shared
        found: dict[str, R] = {}
        for start in range(0, len(keys), _LOOKED_UP):
            some = {"seq": self._seq, "keys": keys[start : start + _LOOKED_UP]}
            for row in self._connection.execute(_BY_KEY[kind.name], some):
                found[row.key] = restore(kind, row, shared)
        return (found[key] for key in keys if key in found)

    @cached_property
    def _shared(self) -> Shared:
        return Shared(self._connection)


def _by_key(kind: RecordKind[R]) -> Select[Any]:
    """Rows of a scan by key. Built once: SQLAlchemy takes as long to build a query as SQLite to answer it."""
    seq: Any = bindparam("seq")
    some = kind.versions.c.key.in_(bindparam("keys", expanding=True))
    return restored_rows(kind, holds(kind.sightings, seq)).where(holds(kind.versions, seq), some)


_BY_KEY = {
    IDENTITIES.name: _by_key(IDENTITIES),
    FINDINGS.name: _by_key(FINDINGS),
    ENTRIES.name: _by_key(ENTRIES),
    SECRETS.name: _by_key(SECRETS),
}
