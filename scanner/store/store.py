"""The store: open it, save scans, and read them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from functools import partial
from types import TracebackType
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Engine

from scanner.access.attack_paths import AttackGraph
from scanner.access.blast_radius.walk import blast_radius_of
from scanner.errors import MissingStore, OlderStore, StoreError, UsageError
from scanner.model import BlastRadius, Forgotten, ScanPoint, ScanResult
from scanner.model.decisions import Act, Actor
from scanner.model.trends import Trends
from scanner.store import comparison, history, pruning, scans, schema
from scanner.store.activity.store import ActivityStore
from scanner.store.acts import STATED
from scanner.store.chain import Printed
from scanner.store.checking import Problem, check, repair
from scanner.store.comparison import Comparison, Tally
from scanner.store.decisions import Decisions, log
from scanner.store.engine import connect, database_of, reading, retrying, store_errors, where, writing
from scanner.store.estate import StoredEstate
from scanner.store.graph import attack_graph
from scanner.store.history import IdentityVersion, first_seen, trend, versions_of
from scanner.store.intervals import read_in_order, read_open, refuse_incomplete
from scanner.store.kinds import ASSIGNMENTS, ENTRIES, EXPOSURES, FINDINGS, IDENTITIES, SECRETS, WORKLOADS
from scanner.store.lists import opened
from scanner.store.memory import Memory
from scanner.store.migrations import MIGRATIONS, Migration, migrate, version
from scanner.store.outbox import NO_ALARMS, Alarms, Outbox
from scanner.store.pruning import Pruning
from scanner.store.records import Records
from scanner.store.retirements import Retirements
from scanner.store.reviews import Reviews
from scanner.store.runs import Runs
from scanner.store.saving import Saver, alone, holder
from scanner.store.scans import StoredScan
from scanner.store.search import find_by_name, similar_names
from scanner.store.served import ServedRecords
from scanner.store.staging import Staging
from scanner.store.streaming import StreamedScan
from scanner.store.tickets import Tickets
from scanner.store.trends import About, trends


class StoreStatus(Struct, frozen=True, kw_only=True):
    """Location, number of the last migration, size in bytes, and the process that is saving a scan."""

    place: str
    version: int
    bytes: int
    holder: str | None


def status(engine: Engine) -> StoreStatus:
    """The status of the store."""
    with store_errors(engine):
        size = database_of(engine).size(engine)
    return StoreStatus(place=where(engine), version=version(engine), bytes=size, holder=holder(engine))


def make_ready_to_write(engine: Engine) -> None:
    """Migrate the store to this version's tables. Raises StoreError if a scan could not be stored."""
    migrate(engine)
    with store_errors(engine):
        database_of(engine).refuse_unwritable(engine)


def refuse_older(engine: Engine, migrations: Sequence[Migration] = MIGRATIONS) -> None:
    """Raise MissingStore if there is no store, OlderStore if its tables are those of an earlier version."""
    found = version(engine, migrations)
    if found == 0:
        raise MissingStore(f"there is no store at {where(engine)}", hint="`muster scan` makes one")
    if found < len(migrations):
        raise OlderStore(
            f"the store {where(engine)} has the tables of an earlier version",
            hint="`muster scan` or `muster store upgrade` brings it forward",
        )


# --- The store ---
#
# A scan is saved in one transaction. Until it commits, readers see the scan before it. If it fails (killed, disk full),
# nothing of the scan remains.

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
        """Close the store. If an interruption came after a scan was stored, its message says so."""
        try:
            if kind is KeyboardInterrupt and (outcome := self._saver.outcome()):
                raise KeyboardInterrupt(outcome) from error
        finally:
            self.close()

    def close(self) -> None:
        """Close the connections to the database."""
        self._engine.dispose()

    @property
    def outbox(self) -> Outbox:
        """Undelivered notifications."""
        return Outbox(self._engine)

    @property
    def tickets(self) -> Tickets:
        """Tickets in other systems, and what they should say."""
        return Tickets(self._engine)

    def alone(self) -> AbstractContextManager[None]:
        """Hold the store's lock while reading the last scan, judging and saving, so that no other scan is lost.

        Waits for another scan for the URL's ``timeout``, 600 seconds by default, and then raises StoreError.
        """
        return self._saver.alone()

    @property
    def damage(self) -> tuple[str, ...]:
        """Problems of the latest scan in the store, as messages. Known while :meth:`alone` holds the lock."""
        return self._saver.damage

    def check(self, printed: Sequence[Printed] = ()) -> tuple[Problem, ...]:
        """Every row that does not match its checksum, and every other problem of the store.

        ``printed``: heads of the log of decisions, which it must continue.
        """
        return check(self._engine, printed)

    def repair(self, actor: Actor = STATED, printed: Sequence[Printed] = ()) -> tuple[Problem, ...]:
        """Repair the problems that :meth:`check` finds, and log who did it; returns them. Waits for a running scan."""
        with alone(self._engine):
            return repair(self._engine, actor, printed)

    def save(
        self,
        result: ScanResult,
        alarms: Alarms = NO_ALARMS,
        forgot: Forgotten | None = None,
        decided: Sequence[Act] = (),
    ) -> None:
        """Store the scan and its notifications. ``decided``: decisions that are logged with it.

        ``result`` is the whole current state: what it lacks has left. If the connection is lost, the scan is stored
        again over another one, unless it was stored already. ``forgot``: the result is no scan, but the scan before
        without that place.
        """
        self._saver.save(result, alarms, forgot, decided)

    def load(self, scan_id: str | None = None) -> ScanResult:
        """The named scan, or the latest, as it was saved. Raises DamagedRow, also if records are missing."""
        with reading(self._engine) as connection:
            seq = scans.find(connection, scan_id)
            loaded = replace(
                scans.frame(connection, seq),
                identities=read_in_order(connection, IDENTITIES, seq),
                secrets=read_in_order(connection, SECRETS, seq),
                workloads=read_in_order(connection, WORKLOADS, seq),
                assignments=read_in_order(connection, ASSIGNMENTS, seq),
                exposures=read_in_order(connection, EXPOSURES, seq),
                entries=read_in_order(connection, ENTRIES, seq),
                findings=read_in_order(connection, FINDINGS, seq),
            )
            scans.refuse_incomplete_load(connection, seq, loaded)
            return loaded

    @contextmanager
    def opened(self, scan_id: str | None = None) -> Iterator[ScanResult]:
        """The named scan, or the latest, with ``trend`` and ``first_seen``.

        Its identities and findings stay in the store, and are read while they are iterated: see ``Stored``. A scan
        without counts is loaded: see ``scans.counts``.
        """
        with reading(self._engine) as connection:
            seq = scans.find(connection, scan_id)
            if (result := opened(connection, seq)) is not None:
                yield result
                return
        yield self.with_past(self.load(scan_id))

    @contextmanager
    def streamed(self, scan_id: str | None = None) -> Iterator[StreamedScan]:
        """The named scan, or the latest, record by record. Raises DamagedRow, also if records are missing."""
        with reading(self._engine) as connection:
            yield StreamedScan(connection, scan_id)

    def retrying(self, read: Callable[[], T]) -> T:
        """Return ``read()``, which only reads or may be done twice, with retries if the connection is lost."""
        return retrying(self._engine, read)

    def status(self) -> StoreStatus:
        """The status of the store."""
        return status(self._engine)

    def scans(self) -> tuple[StoredScan, ...]:
        """Every scan in the store, in the order they were saved."""
        with reading(self._engine) as connection:
            return scans.kept_scans(connection)

    def latest_scan(self) -> StoredScan:
        """The latest scan. Raises StoreError if there is none."""
        with reading(self._engine) as connection:
            (scan,) = scans.scans_up_to(connection, scans.find(connection, None), 1).values()
            return scan

    def trend(self, scan_id: str | None = None) -> tuple[ScanPoint, ...]:
        """The trend up to the named scan, or the latest: see ``ScanResult.trend``."""
        with reading(self._engine) as connection:
            return trend(connection, scans.find(connection, scan_id))

    def trends(self, scan_id: str | None = None, about: About | None = None) -> Trends:
        """Trends by team up to the named scan, or the latest; of everything, or of these. Raises DamagedRow."""
        with reading(self._engine) as connection:
            return trends(connection, scans.find(connection, scan_id), about)

    def with_past(self, result: ScanResult) -> ScanResult:
        """A saved result with ``trend`` and ``first_seen`` from the store."""
        with reading(self._engine) as connection:
            return replace(
                result,
                trend=trend(connection, scans.find(connection, result.scan.id)),
                first_seen=first_seen(connection, [assessment.identity.key for assessment in result.identities]),
            )

    def newest_scans(self, most: int | None = None) -> tuple[tuple[StoredScan, Tally | None], ...]:
        """The latest scans, newest first, each with its changes; None for the oldest in the store."""
        with reading(self._engine) as connection:
            return comparison.newest(connection, most)

    def plan_pruning(self, before: datetime) -> Pruning:
        """What :meth:`prune` would delete."""
        with reading(self._engine) as connection:
            return pruning.plan(connection, before)

    def may_prune(self) -> bool:
        """Whether this role may delete scans: on PostgreSQL only the owner of the tables."""
        with store_errors(self._engine):
            return database_of(self._engine).may_prune(self._engine)

    def started_before(self, scan_id: str) -> datetime:
        """The start of the scan before the named one; the named one's own start if it is the first."""
        with reading(self._engine) as connection:
            return scans.started_before(connection, scan_id)

    def prune(self, before: datetime, now: datetime, actor: Actor | None = None) -> Pruning:
        """Delete scans that started before ``before``, except the latest. The other scans load as before.

        ``actor``: logged as the one who did; None if the configuration asks for it. Raises StoreError if this role may
        not delete them.
        """
        self._check_may_prune()
        with writing(self._engine) as connection:
            pruned = pruning.prune(connection, before, now)
            if actor is not None:
                after = f"{pruned.scans} scans from before {before:%Y-%m-%d}"
                log(connection, [Act(what="pruned", actor=actor, at=now, after=after)])
        database_of(self._engine).compact(self._engine)
        return pruned

    def forget_log(self, name: str, decided: Act) -> None:
        """Remove all data of an audit log, and log that decision. Raises StoreError as :meth:`prune` does."""
        self._check_may_prune()
        self.activity.forget(name, [decided])
        database_of(self._engine).compact(self._engine)

    def _check_may_prune(self) -> None:
        if not self.may_prune():
            raise StoreError(
                f"the store {where(self._engine)} does not let this role do that: to prune takes the owner's role",
                hint="name the owner in the store's URL",
            )

    @property
    def memory(self) -> Memory:
        """Earlier scans, for judging the next one."""
        return Memory(self._engine)

    @property
    def runs(self) -> Runs:
        """Runs of scans that ended without a result."""
        return Runs(self._engine)

    @property
    def activity(self) -> ActivityStore:
        """Activity from audit logs."""
        return ActivityStore(self._engine)

    @property
    def reviews(self) -> Reviews:
        """Access reviews."""
        return Reviews(self._engine)

    @property
    def retirements(self) -> Retirements:
        """Retirements of identities."""
        return Retirements(self._engine)

    @property
    def served(self) -> ServedRecords:
        """Records of the served page."""
        return ServedRecords(self._engine)

    @property
    def decisions(self) -> Decisions:
        """The log of decisions."""
        return Decisions(self._engine)

    @property
    def staging(self) -> Staging:
        """Readings of other machines for incomplete scans."""
        return Staging(self._engine)

    def has_scan(self, scan_id: str) -> bool:
        """Whether a scan with that id was saved."""
        return self._saver.has(scan_id)

    def has_scans(self) -> bool:
        """Whether any scan was saved."""
        with reading(self._engine) as connection:
            return scans.latest(connection) is not None

    def find(self, text: str) -> ScanResult:
        """The latest scan, reduced to identities with this key, name, alias or id, and their findings.

        A key is looked up; a name, alias, unique id or credential id is searched for in all identities.
        """
        with reading(self._engine) as connection:
            seq = scans.find(connection, None)
            refuse_incomplete(connection, seq)
            identities = find_by_name(connection, text)
            fingerprints = [fingerprint for assessment in identities for fingerprint in assessment.findings]
            found = read_open(connection, FINDINGS, schema.finding.c.key.in_(fingerprints))
            return replace(
                scans.frame(connection, seq),
                identities=identities,
                first_seen=first_seen(connection, [assessment.identity.key for assessment in identities]),
                findings=tuple(sorted(found, key=FINDINGS.order)),
            )

    def similar_names(self, text: str) -> tuple[str, ...]:
        """A few similar names among the latest scan's identities, to suggest for a mistyped one."""
        with reading(self._engine) as connection:
            return similar_names(connection, text)

    @contextmanager
    def estate(self) -> Iterator[StoredEstate]:
        """The latest scan, to be looked up piece by piece."""
        with reading(self._engine) as connection:
            yield StoredEstate(connection)

    @contextmanager
    def records(self, scan_id: str | None = None) -> Iterator[Records]:
        """The named scan, or the latest, whose records are looked up by key. Raises StoreError for an unknown scan."""
        with reading(self._engine) as connection:
            yield Records(connection, scan_id)

    def attack_graph(self) -> AttackGraph:
        """The latest scan's graph of which identity can become which. It reads evidence while the store is open."""
        with reading(self._engine) as connection:
            seq = scans.find(connection, None)
            refuse_incomplete(connection, seq)
            return attack_graph(connection, partial(self.records, scans.frame(connection, seq).scan.id))

    def blast_radius(self, key: str) -> BlastRadius | None:
        """The blast radius of one of the latest scan's identities, with its evidence; None for an unknown key."""
        with self.estate() as estate:
            return blast_radius_of(estate, key)

    @contextmanager
    def comparison(self, old: str | None = None, new: str | None = None) -> Iterator[Comparison]:
        """Compare two scans, each by id, by day or ``latest``; by default the two latest.

        Raises UsageError for a day that does not exist, and if ``old`` is the later scan.
        """
        with reading(self._engine) as connection:
            if old is None:
                numbers = scans.two_latest(connection)
            else:
                numbers = scans.named(connection, old), scans.named(connection, new or scans.LATEST)
            if numbers[0] > numbers[1]:
                raise UsageError("the first scan is later than the second", hint="name the older one first")
            for seq in numbers:
                refuse_incomplete(connection, seq)
            yield Comparison(connection, *numbers)

    def versions(self, keys: Collection[str]) -> Sequence[tuple[str, IdentityVersion]]:
        """Every version of these identities, by key, oldest first. Damaged ones are left out."""
        with reading(self._engine) as connection:
            return tuple(history.sound_versions(connection, keys))

    def retired_since(self, entries: Collection[str]) -> dict[str, datetime]:
        """By id of retired registry entries, the start of the first scan since which they are."""
        with reading(self._engine) as connection:
            return history.retired_since(connection, entries)

    def history(self, key: str) -> tuple[IdentityVersion, ...]:
        """Every version of one identity, oldest first; empty for an unknown key."""
        with reading(self._engine) as connection:
            return versions_of(connection, key)


def open_store(url: str, *, create: bool = True) -> Store:
    """Open the store at ``url``, such as ``sqlite:///muster.db``: with ``create`` for scanning, else read-only.

    ``create`` makes a missing store and migrates an older one. Raises StoreError, with a hint, for every store that
    cannot be used: no such directory, no database, damaged, of another program, written by a newer Muster, or not
    writable. Without ``create`` nothing is ever written: raises MissingStore if there is no store, and OlderStore if it
    has the tables of an earlier version.
    """
    engine = connect(url, create=create)
    try:
        if create:
            make_ready_to_write(engine)
        else:
            refuse_older(engine)
    except BaseException:  # also an interruption: the connection must not leak
        engine.dispose()
        raise
    return Store(engine)
