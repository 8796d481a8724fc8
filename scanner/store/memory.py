"""Reads earlier scans for judging the next one. Records are streamed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any, TypeAlias

import msgspec
from sqlalchemy import ColumnElement, Engine, Row, Select, func, literal_column, select

from scanner.model import (
    EXPOSURE_KIND,
    POWERFUL,
    Assessment,
    Assignment,
    Earlier,
    EntryAssessment,
    Exposure,
    Finding,
    KnownFinding,
    OwnershipVerdict,
    Severity,
    StoredSecret,
    Workload,
)
from scanner.store import arrivals, fingerprints, scans, schema
from scanner.store import fingerprints as recreated
from scanner.store.engine import reading
from scanner.store.history import first_seen
from scanner.store.intervals import BATCH, open_places, read, read_open
from scanner.store.kinds import ASSIGNMENTS, ENTRIES, EXPOSURES, FINDINGS, IDENTITIES, SECRETS, WORKLOADS, R, RecordKind
from scanner.store.scans import Setup

Wanted: TypeAlias = Callable[[str, str, str], bool]
"""Whether a record is wanted, by source, scope and kind. A stored secret's kind is ``secret``."""


class Memory:
    """Queries about the latest scan, unless a method says otherwise. Any method may raise StoreError.

    A damaged row must not end a scan: it is recovered if that is certain, else skipped.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def assessments(self, wanted: Wanted) -> Iterator[Assessment]:
        """The latest scan's identities in wanted places, ordered by key."""
        identity = schema.identity.c
        places = self._open_rows(select(identity.source, identity.scope, identity.kind).distinct())
        chosen = {tuple(place) for place in places if wanted(*place)}
        with reading(self._engine) as connection:
            seq = scans.latest(connection)
            if seq is not None and chosen:
                yield from read(
                    connection,
                    IDENTITIES,
                    seq,
                    lambda row: (row.source, row.scope, row.kind) in chosen,
                    despite_damage=True,
                )

    def setup(self) -> Setup | None:
        """How the latest scan was set up; None for an empty store."""
        with reading(self._engine) as connection:
            seq = scans.latest(connection)
            return None if seq is None else scans.setup(connection, seq)

    def assessments_of(self, keys: Collection[str]) -> Iterator[Assessment]:
        """The latest scan's identities with these keys."""
        wanted = iter(sorted(keys))
        with reading(self._engine) as connection:
            while batch := list(islice(wanted, BATCH)):
                yield from read_open(connection, IDENTITIES, schema.identity.c.key.in_(batch), despite_damage=True)

    def ownership(self) -> dict[str, OwnershipVerdict]:
        """The latest scan's verdict on who owns each identity, by key."""
        return {one.identity.key: one.ownership for one in self.assessments(lambda *_: True)}

    def unseen(self, keys: Collection[str]) -> frozenset[str]:
        """Those of these keys that no scan had."""
        if not keys:
            return frozenset()
        with reading(self._engine) as connection:
            return frozenset(keys) - first_seen(connection, keys).keys()

    def issued(self, ids: Collection[tuple[str, str, str | None]]) -> frozenset[tuple[str, str, str]]:
        """Those of these unique ids, with provider and scope, that an identity of the latest scan has."""
        identity, wanted = schema.identity.c, iter(sorted({one or "" for _, _, one in ids}))
        columns = select(identity.provider, identity.scope, identity.unique_id).where(identity.until_scan.is_(None))
        found: set[tuple[str, str, str]] = set()
        with reading(self._engine) as connection:
            while batch := list(islice(wanted, BATCH)):
                found |= {tuple(row) for row in connection.execute(columns.where(identity.unique_id.in_(batch)))}
        return frozenset(found & set(ids))

    def sources_of_scans(self, among: Collection[str]) -> frozenset[str]:
        """Those of these sources that any kept scan read."""
        if not among:
            return frozenset()
        named = select(schema.coverage.c.source).where(schema.coverage.c.source.in_(among))
        with reading(self._engine) as connection:
            return frozenset(connection.execute(named.distinct()).scalars())

    def every_key(self) -> Iterator[tuple[str, str]]:
        """Provider and key of the latest scan's identities."""
        identity = schema.identity.c
        return self._open_rows(select(identity.provider, identity.key))

    def powerful(self) -> dict[str, list[str]]:
        """Keys of the latest scan's identities that are admins or can escalate to one, by provider."""
        identity = schema.identity.c
        found: dict[str, list[str]] = {}
        wanted = select(identity.provider, identity.key).where(identity.privilege_level.in_(sorted(POWERFUL)))
        for provider, key in self._open_rows(wanted):
            found.setdefault(provider, []).append(key)
        return found

    def scopes(self) -> tuple[tuple[str, str], ...]:
        """Provider and scope of the latest scan's identities."""
        identity = schema.identity.c
        return tuple(sorted(self._open_rows(select(identity.provider, identity.scope).distinct())))

    def _open_rows(self, wanted: Select[Any]) -> Iterator[Any]:
        with reading(self._engine) as connection:
            rows = connection.execute(wanted.where(schema.identity.c.until_scan.is_(None)))
            with rows as result:
                while batch := result.cursor.fetchmany(BATCH):
                    yield from batch

    def secrets(self, wanted: Wanted) -> Iterator[StoredSecret]:
        """The latest scan's stored secrets in wanted places, ordered by key."""
        return self._latest(SECRETS, lambda row: wanted(row.source, row.scope, "secret"))

    def workloads(self, wanted: Wanted) -> Iterator[Workload]:
        """The latest scan's workloads in wanted places, ordered by key."""
        return self._latest(WORKLOADS, lambda row: wanted(row.source, row.scope, row.kind))

    def assignments(self, wanted: Callable[[str, str], bool]) -> Iterator[Assignment]:
        """The latest scan's assignments in places that are wanted by source and scope, ordered by key."""
        return self._latest(ASSIGNMENTS, lambda row: wanted(row.source, row.scope))

    def exposures(self, wanted: Wanted) -> Iterator[Exposure]:
        """The latest scan's exposures in wanted places, ordered by key. The kind is EXPOSURE_KIND."""
        return self._latest(EXPOSURES, lambda row: wanted(row.source, row.scope, EXPOSURE_KIND))

    def entries(self) -> Iterator[EntryAssessment]:
        """The latest scan's registry entries, ordered by id.

        Scans of earlier versions did not say when an entry was first seen: by its versions that are kept.
        """
        since: dict[str, datetime] | None = None
        for one in self._latest(ENTRIES):
            if one.first_seen is None:
                since = self._entries_since() if since is None else since
                yield msgspec.structs.replace(one, first_seen=since.get(one.entry.id))
            else:
                yield one

    def _entries_since(self) -> dict[str, datetime]:
        """By id of an entry, the start of the first kept scan that had it."""
        version = schema.entry.c
        with reading(self._engine) as connection:
            started = scans.start_times(connection)
            rows = connection.execute(select(version.key, func.min(version.first_scan)).group_by(version.key))
            return {key: started[seq] for key, seq in rows if seq in started}

    def findings(self, fingerprints: Collection[str]) -> Iterator[Finding]:
        """The latest scan's findings with one of these fingerprints, ordered by fingerprint."""
        wanted = iter(sorted(fingerprints))
        with reading(self._engine) as connection:
            while batch := list(islice(wanted, BATCH)):
                found = read_open(connection, FINDINGS, schema.finding.c.key.in_(batch), despite_damage=True)
                yield from sorted(found, key=FINDINGS.key)

    def findings_beginning(self, digits: str) -> Iterator[Finding]:
        """The latest scan's findings whose fingerprint begins with these hexadecimal digits."""
        key = schema.finding.c.key
        with reading(self._engine) as connection:
            found = read_open(connection, FINDINGS, key.between(digits, f"{digits}g"), despite_damage=True)
            yield from sorted(found, key=FINDINGS.key)

    def findings_on_entries(self) -> Iterator[Finding]:
        """The latest scan's findings about an entry itself, ordered by entry."""
        entry = schema.finding.c.entry
        with reading(self._engine) as connection:
            yield from read_open(connection, FINDINGS, entry.is_not(None), despite_damage=True)

    def findings_on_trusts(self) -> Iterator[Finding]:
        """The latest scan's findings that tokens of other sources decide, ordered by fingerprint."""
        # The condition of the partial index finding_on_trust: a query with parameters would not use it.
        that: ColumnElement[bool] = literal_column("rule IN ('trust_unused', 'trust_never_matches')")
        with reading(self._engine) as connection:
            yield from read_open(connection, FINDINGS, that, despite_damage=True)

    def identities_by_place(self) -> dict[tuple[str, str, str], int]:
        """The number of the latest scan's identities by source, scope and kind."""
        with reading(self._engine) as connection:
            return open_places(connection)

    def unconfirmed(self, sources: Collection[str]) -> dict[str, arrivals.Place]:
        """Places of the latest scan's identities that these lists had only in readings with a gap, by key."""
        with reading(self._engine) as connection:
            return arrivals.unconfirmed(connection, sources)

    def identities_of(self, sources: Collection[str]) -> Iterator[tuple[str, str, str, str | None]]:
        """Source, provider, key and unique id of the latest scan's identities from these sources."""
        identity = schema.identity.c
        rows = select(identity.source, identity.provider, identity.key, identity.unique_id)
        wanted = rows.where(identity.until_scan.is_(None), identity.source.in_(sources))
        with reading(self._engine) as connection, connection.execute(wanted) as result:
            while batch := result.cursor.fetchmany(BATCH):
                yield from batch

    def sources_of_type(self, kind: str, among: Collection[str]) -> frozenset[str]:
        """Sources with these names that any kept scan read by a connector of that type: its sections begin with it."""
        if not among:
            return frozenset()
        coverage = schema.coverage.c
        named = select(coverage.source).where(coverage.source.in_(among), coverage.section.like(f"{kind}.%"))
        with reading(self._engine) as connection:
            return frozenset(connection.execute(named.distinct()).scalars())

    def known_fingerprints(self) -> dict[str, KnownFinding]:
        """Announced findings of the latest scan, by fingerprint.

        A finding that is not among them is new.
        """
        with reading(self._engine) as connection:
            return fingerprints.known(connection)

    def held_back(self) -> dict[str, Severity]:
        """Severities of the latest scan's findings that a gap keeps from being announced, by fingerprint."""
        with reading(self._engine) as connection:
            return fingerprints.held_back(connection)

    def earlier_findings(self, wanted: Collection[str]) -> dict[str, Earlier]:
        """The history of these findings, by fingerprint. Findings that no scan had are left out."""
        with reading(self._engine) as connection:
            return fingerprints.earlier(connection, wanted)

    def creators(self) -> dict[str, tuple[str | None, str]]:
        """Unique id and creator by key, for the latest scan's identities with a known creator."""
        identity = schema.identity.c
        known = select(identity.key, identity.unique_id, identity.created_by)
        with reading(self._engine) as connection:
            rows = connection.execute(known.where(identity.until_scan.is_(None), identity.created_by.is_not(None)))
            return {row.key: (row.unique_id, row.created_by) for row in rows}

    def last_unique_ids(self, keys: Iterable[str]) -> dict[str, tuple[str, str]]:
        """Key, source and the last known unique id of every identity, including identities that left."""
        with reading(self._engine) as connection:
            return recreated.last_unique_ids(connection, keys)

    def last_issued(self, keys: Iterable[str]) -> dict[str, tuple[str, str, str]]:
        """Key, provider, scope and the last known unique id of every identity, including identities that left."""
        with reading(self._engine) as connection:
            return recreated.last_issued(connection, keys)

    def open_recreations(self) -> Iterator[Finding]:
        """The latest scan's findings of the rule ``recreated``."""
        with reading(self._engine) as connection:
            yield from recreated.open_recreations(connection)

    def _latest(self, kind: RecordKind[R], wanted: Callable[[Row[Any]], bool] | None = None) -> Iterator[R]:
        with reading(self._engine) as connection:
            seq = scans.latest(connection)
            if seq is not None:
                yield from read(connection, kind, seq, wanted, despite_damage=True)
