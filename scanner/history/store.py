"""The store: every scan, as it was saved.

A scan is saved whole in one transaction: until that ends, readers see the scan before it, and when it never ends
(killed, disk full), nothing of it is there.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from itertools import islice
from types import TracebackType
from typing import Any, TypeAlias, TypeVar

from msgspec.structs import replace
from sqlalchemy import Engine, Row, select

from scanner.errors import UsageError
from scanner.history import fingerprints, naming, recreated, retention, scans, schema, tallies
from scanner.history.changes import Comparison
from scanner.history.engine import connect, database_of, reading, steadily, writing
from scanner.history.intervals import (
    BATCH,
    open_places,
    read,
    read_in_order,
    read_open,
)
from scanner.history.lookup import called
from scanner.history.outbox import NO_ALARMS, Alarms, Outbox
from scanner.history.records import ENTRIES, FINDINGS, IDENTITIES, SECRETS, WORKLOADS, R, RecordKind
from scanner.history.retention import Pruning
from scanner.history.saving import Saver
from scanner.history.scans import StoredScan
from scanner.history.staging import Staging
from scanner.history.status import StoreStatus, make_ready_to_write, refuse_older, status
from scanner.history.tallies import Tally
from scanner.history.trend import trend
from scanner.history.versions import IdentityVersion, versions_of
from scanner.model import (
    Assessment,
    Earlier,
    EntryAssessment,
    Finding,
    ScanPoint,
    ScanResult,
    StoredSecret,
    Workload,
)

T = TypeVar("T")

Wanted: TypeAlias = Callable[[str, str, str], bool]
"""Says by source, scope and kind whether a record is wanted; a stored secret's kind is ``secret``."""


class Store:
    """Scans kept in a database. Made by :func:`open_store`; a context manager. Any method may raise StoreError."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._saver = Saver(engine)

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it. An interruption that came too late says so in its text."""
        try:
            if kind is KeyboardInterrupt and (fate := self._saver.fate()):
                raise KeyboardInterrupt(fate) from error
        finally:
            self.close()

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    @property
    def outbox(self) -> Outbox:
        """What is to be told about the scans, and has not been so far."""
        return Outbox(self._engine)

    def alone(self) -> AbstractContextManager[None]:
        """For remembering, judging and saving: nobody else does it meanwhile, or what is saved last would undo it.

        Another scan's end is awaited, for as long as the URL's ``timeout`` says (else 600 seconds); then StoreError.
        """
        return self._saver.alone()

    def save(self, result: ScanResult, alarms: Alarms = NO_ALARMS) -> None:
        """Store the scan and what it has to tell.

        ``result`` is the whole current state, and what it lacks is gone from now on. Where the connection is lost, it
        is stored from the start over another one, unless it was stored after all.
        """
        self._saver.save(result, alarms)

    def load(self, scan_id: str | None = None) -> ScanResult:
        """The named scan, or the latest, exactly as it was saved."""
        with reading(self._engine) as connection:
            seq = scans.find(connection, scan_id)
            return replace(
                scans.frame(connection, seq),
                identities=read_in_order(connection, IDENTITIES, seq),
                secrets=read_in_order(connection, SECRETS, seq),
                workloads=read_in_order(connection, WORKLOADS, seq),
                entries=read_in_order(connection, ENTRIES, seq),
                findings=read_in_order(connection, FINDINGS, seq),
            )

    def steadily(self, read: Callable[[], T]) -> T:
        """What ``read`` returns that reads this store; where the connection is lost meanwhile, it reads anew."""
        return steadily(self._engine, read)

    def status(self) -> StoreStatus:
        """What there is to say of the store itself."""
        return status(self._engine)

    def scans(self) -> tuple[StoredScan, ...]:
        """Every scan in the store, in the order they were saved."""
        with reading(self._engine) as connection:
            return scans.every(connection)

    def trend(self, scan_id: str | None = None) -> tuple[ScanPoint, ...]:
        """What led up to the named scan, or to the latest: see ``ScanResult.trend``."""
        with reading(self._engine) as connection:
            return trend(connection, scans.find(connection, scan_id))

    def newest_scans(self, most: int | None = None) -> tuple[tuple[StoredScan, Tally | None], ...]:
        """The scans stored last, newest first, each with what it changed; None for the oldest in the store."""
        with reading(self._engine) as connection:
            return tallies.newest(connection, most)

    def plan_pruning(self, before: datetime) -> Pruning:
        """What :meth:`prune` would forget."""
        with reading(self._engine) as connection:
            return retention.plan(connection, before)

    def prune(self, before: datetime, now: datetime) -> Pruning:
        """Forget scans that started before that moment, except the latest; those that are kept load as before."""
        with writing(self._engine) as connection:
            pruned = retention.prune(connection, before, now)
        database_of(self._engine).compact(self._engine)
        return pruned

    @property
    def staging(self) -> Staging:
        """What other machines read of scans that are not whole yet."""
        return Staging(self._engine)

    def has_scan(self, scan_id: str) -> bool:
        """Whether a scan of that id was saved."""
        with reading(self._engine) as connection:
            return scans.is_known(connection, scan_id)

    def has_scans(self) -> bool:
        """Whether anything was ever saved."""
        with reading(self._engine) as connection:
            return scans.latest(connection) is not None

    def assessments(self, wanted: Wanted) -> Iterator[Assessment]:
        """The latest scan's identities in wanted places, by key."""
        with reading(self._engine) as connection:
            seq = scans.latest(connection)
            chosen = {place for place in open_places(connection) if wanted(*place)}
            if seq is not None and chosen:
                yield from read(connection, IDENTITIES, seq, lambda row: (row.source, row.scope, row.kind) in chosen)

    def secrets(self, wanted: Wanted) -> Iterator[StoredSecret]:
        """The latest scan's stored secrets in wanted places, by key."""
        return self._latest(SECRETS, lambda row: wanted(row.source, row.scope, "secret"))

    def workloads(self, wanted: Wanted) -> Iterator[Workload]:
        """The latest scan's workloads in wanted places, by key."""
        return self._latest(WORKLOADS, lambda row: wanted(row.source, row.scope, row.kind))

    def entries(self) -> Iterator[EntryAssessment]:
        """The latest scan's registry entries, by id."""
        return self._latest(ENTRIES)

    def findings(self, fingerprints: Collection[str]) -> Iterator[Finding]:
        """Those of the latest scan's findings that have one of these fingerprints, by fingerprint."""
        wanted = iter(sorted(fingerprints))
        with reading(self._engine) as connection:
            while batch := list(islice(wanted, BATCH)):
                yield from sorted(read_open(connection, FINDINGS, schema.finding.c.key.in_(batch)), key=FINDINGS.key)

    def findings_on_entries(self) -> Iterator[Finding]:
        """Those of the latest scan's findings that are about an entry itself, by entry."""
        entry = schema.finding.c.entry
        with reading(self._engine) as connection:
            yield from read_open(connection, FINDINGS, entry.is_not(None))

    def find(self, text: str) -> ScanResult:
        """The latest scan, with nothing in it but the identities that go by this text, and their findings.

        A key is looked up; a name, alias, unique id or credential id is searched for in all of them.
        """
        with reading(self._engine) as connection:
            seq = scans.find(connection, None)
            identities = called(connection, text)
            fingerprints = [fingerprint for one in identities for fingerprint in one.findings]
            found = read_open(connection, FINDINGS, schema.finding.c.key.in_(fingerprints))
            return replace(
                scans.frame(connection, seq),
                identities=identities,
                findings=tuple(sorted(found, key=FINDINGS.order)),
            )

    def _latest(self, kind: RecordKind[R], wanted: Callable[[Row[Any]], bool] | None = None) -> Iterator[R]:
        with reading(self._engine) as connection:
            seq = scans.latest(connection)
            if seq is not None:
                yield from read(connection, kind, seq, wanted)

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

    def standing_recreations(self) -> Iterator[Finding]:
        """The latest scan's findings of identities that were made anew."""
        with reading(self._engine) as connection:
            yield from recreated.standing(connection)

    def identities_by_place(self) -> dict[tuple[str, str, str], int]:
        """How many identities the latest scan had, by source, scope and kind."""
        with reading(self._engine) as connection:
            return open_places(connection)

    @contextmanager
    def comparison(self, old: str | None = None, new: str | None = None) -> Iterator[Comparison]:
        """Two scans as one connection sees them: by id, by day or ``latest``; the two latest unless given.

        Raises UsageError for a day that there is not, or where the old one is the later.
        """
        with reading(self._engine) as connection:
            if old is None:
                yield Comparison(connection, *naming.two_latest(connection))
                return
            numbers = naming.named(connection, old), naming.named(connection, new or naming.LATEST)
            if numbers[0] > numbers[1]:
                raise UsageError("the first scan is later than the second", hint="name the older one first")
            yield Comparison(connection, *numbers)

    def history(self, key: str) -> tuple[IdentityVersion, ...]:
        """Every version of one identity, oldest first; empty for a key that was never seen."""
        with reading(self._engine) as connection:
            return versions_of(connection, key)


def open_store(url: str, *, create: bool = True) -> Store:
    """The store that ``url`` (``sqlite:///muster.db``) names: with ``create`` to scan into, else only to be looked at.

    To be scanned into, it is made if need be, and brought forward to this version's tables. Raises StoreError, with a
    hint, for every store that cannot be used: no such directory, no database, damaged, another program's, written by
    a newer Muster, or not to be written to. Without ``create`` nothing is ever written: raises MissingStore for one
    that is not there, and OlderStore for one with earlier tables.
    """
    engine = connect(url, create=create)
    try:
        if create:
            make_ready_to_write(engine)
        else:
            refuse_older(engine)
    except BaseException:
        engine.dispose()
        raise
    return Store(engine)
