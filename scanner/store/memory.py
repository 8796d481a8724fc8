"""What earlier scans knew, for whoever judges the next one: streamed, and no more of it than is asked for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any, TypeAlias

from sqlalchemy import Engine, Row, select

from scanner.model import Assessment, Assignment, Earlier, EntryAssessment, Finding, StoredSecret, Workload
from scanner.store import fingerprints, scans, schema
from scanner.store import fingerprints as recreated
from scanner.store.engine import reading
from scanner.store.intervals import BATCH, open_places, read, read_open
from scanner.store.kinds import ASSIGNMENTS, ENTRIES, FINDINGS, IDENTITIES, SECRETS, WORKLOADS, R, RecordKind

Wanted: TypeAlias = Callable[[str, str, str], bool]
"""Says by source, scope and kind whether a record is wanted; a stored secret's kind is ``secret``."""


class Memory:
    """The latest scan, where nothing else is said. Any method may raise StoreError.

    A scan must not end because a row is damaged: such rows are recovered where that is certain, else left out.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def assessments(self, wanted: Wanted) -> Iterator[Assessment]:
        """The latest scan's identities in wanted places, by key."""
        with reading(self._engine) as connection:
            seq = scans.latest(connection)
            chosen = {place for place in open_places(connection) if wanted(*place)}
            if seq is not None and chosen:
                yield from read(
                    connection,
                    IDENTITIES,
                    seq,
                    lambda row: (row.source, row.scope, row.kind) in chosen,
                    despite_damage=True,
                )

    def secrets(self, wanted: Wanted) -> Iterator[StoredSecret]:
        """The latest scan's stored secrets in wanted places, by key."""
        return self._latest(SECRETS, lambda row: wanted(row.source, row.scope, "secret"))

    def workloads(self, wanted: Wanted) -> Iterator[Workload]:
        """The latest scan's workloads in wanted places, by key."""
        return self._latest(WORKLOADS, lambda row: wanted(row.source, row.scope, row.kind))

    def assignments(self, wanted: Callable[[str, str], bool]) -> Iterator[Assignment]:
        """The latest scan's assignments in places that are wanted by source and scope, by key."""
        return self._latest(ASSIGNMENTS, lambda row: wanted(row.source, row.scope))

    def entries(self) -> Iterator[EntryAssessment]:
        """The latest scan's registry entries, by id."""
        return self._latest(ENTRIES)

    def findings(self, fingerprints: Collection[str]) -> Iterator[Finding]:
        """Those of the latest scan's findings that have one of these fingerprints, by fingerprint."""
        wanted = iter(sorted(fingerprints))
        with reading(self._engine) as connection:
            while batch := list(islice(wanted, BATCH)):
                found = read_open(connection, FINDINGS, schema.finding.c.key.in_(batch), despite_damage=True)
                yield from sorted(found, key=FINDINGS.key)

    def findings_beginning(self, digits: str) -> Iterator[Finding]:
        """Those of the latest scan's findings whose fingerprint begins with these hexadecimal digits."""
        key = schema.finding.c.key
        with reading(self._engine) as connection:
            found = read_open(connection, FINDINGS, key.between(digits, f"{digits}g"), despite_damage=True)
            yield from sorted(found, key=FINDINGS.key)

    def findings_on_entries(self) -> Iterator[Finding]:
        """Those of the latest scan's findings that are about an entry itself, by entry."""
        entry = schema.finding.c.entry
        with reading(self._engine) as connection:
            yield from read_open(connection, FINDINGS, entry.is_not(None), despite_damage=True)

    def identities_by_place(self) -> dict[tuple[str, str, str], int]:
        """How many identities the latest scan had, by source, scope and kind."""
        with reading(self._engine) as connection:
            return open_places(connection)

    def identities_of(self, sources: Collection[str]) -> Iterator[tuple[str, str, str, str | None]]:
        """Source, provider, key and unique id of each of the latest scan's identities that these sources gave."""
        identity = schema.identity.c
        rows = select(identity.source, identity.provider, identity.key, identity.unique_id)
        wanted = rows.where(identity.until_scan.is_(None), identity.source.in_(sources))
        with reading(self._engine) as connection, connection.execute(wanted) as result:
            while batch := result.cursor.fetchmany(BATCH):
                yield from batch

    def known_fingerprints(self) -> dict[str, datetime | None]:
        """The latest scan's findings that were announced: one that is not among them is new.

        By fingerprint, when the first scan that ever had it started.
        """
        with reading(self._engine) as connection:
            return fingerprints.known(connection)

    def earlier_findings(self, wanted: Collection[str]) -> dict[str, Earlier]:
        """What any scan knew of these findings, by fingerprint; those that there never were are not among them."""
        with reading(self._engine) as connection:
            return fingerprints.earlier(connection, wanted)

    def creators(self) -> dict[str, tuple[str | None, str]]:
        """By key of the latest scan's identities: unique id and creator, where a creator is known."""
        identity = schema.identity.c
        known = select(identity.key, identity.unique_id, identity.created_by)
        with reading(self._engine) as connection:
            rows = connection.execute(known.where(identity.until_scan.is_(None), identity.created_by.is_not(None)))
            return {row.key: (row.unique_id, row.created_by) for row in rows}

    def last_unique_ids(self, keys: Iterable[str]) -> dict[str, tuple[str, str]]:
        """By key of identities, source and unique id that each had when it last had one, gone or not."""
        with reading(self._engine) as connection:
            return recreated.last_unique_ids(connection, keys)

    def last_issued(self, keys: Iterable[str]) -> dict[str, tuple[str, str, str]]:
        """By key of identities, provider, scope and unique id that each had when it last had one, gone or not."""
        with reading(self._engine) as connection:
            return recreated.last_issued(connection, keys)

    def standing_recreations(self) -> Iterator[Finding]:
        """The latest scan's findings of identities that were made anew."""
        with reading(self._engine) as connection:
            yield from recreated.standing(connection)

    def _latest(self, kind: RecordKind[R], wanted: Callable[[Row[Any]], bool] | None = None) -> Iterator[R]:
        with reading(self._engine) as connection:
            seq = scans.latest(connection)
            if seq is not None:
                yield from read(connection, kind, seq, wanted, despite_damage=True)
