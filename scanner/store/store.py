"""The store itself: whether it can be used, and what there is to say of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from types import TracebackType
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Engine

from scanner.errors import MissingStore, OlderStore, StoreError, UsageError
from scanner.model import Forgotten, ScanPoint, ScanResult
from scanner.store import comparison, past, scans, schema
from scanner.store import scans as naming
from scanner.store.checking import Problem, check, repair
from scanner.store.comparison import Comparison, Tally
from scanner.store.engine import connect, database_of, faults_told, reading, steadily, where, writing
from scanner.store.intervals import read_in_order, read_open, refuse_incomplete
from scanner.store.kinds import ASSIGNMENTS, ENTRIES, FINDINGS, IDENTITIES, SECRETS, WORKLOADS
from scanner.store.memory import Memory
from scanner.store.migrations import MIGRATIONS, Migration, migrate, version
from scanner.store.outbox import NO_ALARMS, Alarms, Outbox
from scanner.store.past import IdentityVersion, Pruning, called, first_seen, named_like, trend, versions_of
from scanner.store.saving import Saver, alone, holder
from scanner.store.scans import StoredScan
from scanner.store.staging import Staging


class StoreStatus(Struct, frozen=True, kw_only=True):
    """Where it is, the number of its last migration, its size, and who concludes a scan just now."""

    place: str
    version: int
    bytes: int
    holder: str | None


def status(engine: Engine) -> StoreStatus:
    """What there is to say of it."""
    with faults_told(engine):
        size = database_of(engine).size(engine)
    return StoreStatus(place=where(engine), version=version(engine), bytes=size, holder=holder(engine))


def make_ready_to_write(engine: Engine) -> None:
    """Bring it forward to today's tables. Raises StoreError where a scan could not be stored."""
    migrate(engine)
    with faults_told(engine):
        database_of(engine).refuse_unwritable(engine)


def refuse_older(engine: Engine, migrations: Sequence[Migration] = MIGRATIONS) -> None:
    """Raise MissingStore where there is none, OlderStore where it has other tables than queries are written for."""
    found = version(engine, migrations)
    if found == 0:
        raise MissingStore(f"there is no store at {where(engine)}", hint="`muster scan` makes one")
    if found < len(migrations):
        raise OlderStore(
            f"the store {where(engine)} has the tables of an earlier version",
            hint="`muster scan` or `muster store upgrade` brings it forward",
        )


# --- The store: every scan, as it was saved ---
#
# A scan is saved whole in one transaction: until that ends, readers see the scan before it, and when it never ends
# (killed, disk full), nothing of it is there.

T = TypeVar("T")


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

    @property
    def damage(self) -> tuple[str, ...]:
        """What is wrong with the latest scan as it is stored, in words; known while :meth:`alone`."""
        return self._saver.damage

    def check(self) -> tuple[Problem, ...]:
        """Every row that does not match its checksum, and whatever else is wrong with the store."""
        return check(self._engine)

    def repair(self) -> tuple[Problem, ...]:
        """What :meth:`check` finds, each with what was done about it; waits for a scan to end."""
        with alone(self._engine):
            return repair(self._engine)

    def save(self, result: ScanResult, alarms: Alarms = NO_ALARMS, forgot: Forgotten | None = None) -> None:
        """Store the scan and what it has to tell.

        ``result`` is the whole current state, and what it lacks is gone from now on. Where the connection is lost, it
        is stored from the start over another one, unless it was stored after all. ``forgot``: the result is no scan,
        but what is left of the one before without that place.
        """
        self._saver.save(result, alarms, forgot)

    def load(self, scan_id: str | None = None) -> ScanResult:
        """The named scan, or the latest, exactly as it was saved. Raises DamagedRow, also where records are missing."""
        with reading(self._engine) as connection:
            seq = scans.find(connection, scan_id)
            loaded = replace(
                scans.frame(connection, seq),
                identities=read_in_order(connection, IDENTITIES, seq),
                secrets=read_in_order(connection, SECRETS, seq),
                workloads=read_in_order(connection, WORKLOADS, seq),
                assignments=read_in_order(connection, ASSIGNMENTS, seq),
                entries=read_in_order(connection, ENTRIES, seq),
                findings=read_in_order(connection, FINDINGS, seq),
            )
            scans.refuse_incomplete(connection, seq, loaded)
            return loaded

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

    def with_past(self, result: ScanResult) -> ScanResult:
        """A result that was saved, with what the store knows of the time before: ``trend`` and ``first_seen``."""
        with reading(self._engine) as connection:
            return replace(
                result,
                trend=trend(connection, scans.find(connection, result.scan.id)),
                first_seen=first_seen(connection, [one.identity.key for one in result.identities]),
            )

    def newest_scans(self, most: int | None = None) -> tuple[tuple[StoredScan, Tally | None], ...]:
        """The scans stored last, newest first, each with what it changed; None for the oldest in the store."""
        with reading(self._engine) as connection:
            return comparison.newest(connection, most)

    def plan_pruning(self, before: datetime) -> Pruning:
        """What :meth:`prune` would forget."""
        with reading(self._engine) as connection:
            return past.plan(connection, before)

    def may_prune(self) -> bool:
        """Whether this role may forget scans: on PostgreSQL only the owner of the tables."""
        with faults_told(self._engine):
            return database_of(self._engine).may_prune(self._engine)

    def started_before(self, scan_id: str) -> datetime:
        """When the scan before the named one started; the named one's own start for the store's first."""
        with reading(self._engine) as connection:
            return scans.started_before(connection, scan_id)

    def prune(self, before: datetime, now: datetime) -> Pruning:
        """Forget scans that started before that moment, except the latest; those that are kept load as before.

        Raises StoreError for a role that may not.
        """
        if not self.may_prune():
            raise StoreError(
                f"the store {where(self._engine)} does not let this role do that: to prune takes the owner's role",
                hint="name the owner in the store's URL",
            )
        with writing(self._engine) as connection:
            pruned = past.prune(connection, before, now)
        database_of(self._engine).compact(self._engine)
        return pruned

    @property
    def memory(self) -> Memory:
        """What earlier scans knew, for whoever judges the next one."""
        return Memory(self._engine)

    @property
    def staging(self) -> Staging:
        """What other machines read of scans that are not whole yet."""
        return Staging(self._engine)

    def has_scan(self, scan_id: str) -> bool:
        """Whether a scan of that id was saved."""
        return self._saver.has(scan_id)

    def has_scans(self) -> bool:
        """Whether anything was ever saved."""
        with reading(self._engine) as connection:
            return scans.latest(connection) is not None

    def find(self, text: str) -> ScanResult:
        """The latest scan, with nothing in it but the identities that go by this text, and their findings.

        A key is looked up; a name, alias, unique id or credential id is searched for in all of them.
        """
        with reading(self._engine) as connection:
            seq = scans.find(connection, None)
            refuse_incomplete(connection, seq)
            identities = called(connection, text)
            fingerprints = [fingerprint for one in identities for fingerprint in one.findings]
            found = read_open(connection, FINDINGS, schema.finding.c.key.in_(fingerprints))
            return replace(
                scans.frame(connection, seq),
                identities=identities,
                first_seen=first_seen(connection, [one.identity.key for one in identities]),
                findings=tuple(sorted(found, key=FINDINGS.order)),
            )

    def named_like(self, text: str) -> tuple[str, ...]:
        """A few names of the latest scan's identities that are like the text, for whoever mistyped one."""
        with reading(self._engine) as connection:
            return named_like(connection, text)

    @contextmanager
    def comparison(self, old: str | None = None, new: str | None = None) -> Iterator[Comparison]:
        """Two scans as one connection sees them: by id, by day or ``latest``; the two latest unless given.

        Raises UsageError for a day that there is not, or where the old one is the later.
        """
        with reading(self._engine) as connection:
            if old is None:
                numbers = naming.two_latest(connection)
            else:
                numbers = naming.named(connection, old), naming.named(connection, new or naming.LATEST)
            if numbers[0] > numbers[1]:
                raise UsageError("the first scan is later than the second", hint="name the older one first")
            for seq in numbers:
                refuse_incomplete(connection, seq)
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
