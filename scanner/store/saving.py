"""Save a scan under the store's lock."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine

from scanner.errors import StoreError
from scanner.model import Forgotten, ScanResult
from scanner.model.decisions import Act
from scanner.store import bodies, outbox, scans, schema
from scanner.store.database import PATIENCE, Lock
from scanner.store.decisions import log as log_decisions
from scanner.store.engine import (
    Damaged,
    damaged,
    damaged_open_rows,
    database_of,
    reading,
    retrying,
    store_errors,
    where,
    writing,
)
from scanner.store.integrity import named
from scanner.store.intervals import incompleteness, write
from scanner.store.kinds import (
    ASSIGNMENTS,
    ENTRIES,
    EXPOSURES,
    FINDINGS,
    IDENTITIES,
    SECRETS,
    WORKLOADS,
    RecordKind,
)
from scanner.store.outbox import Alarms
from scanner.store.policies import keep_policies
from scanner.text import printable

log = logging.getLogger(__name__)

_ASKED_EVERY = 0.25
_UNKNOWN_HOLDER = "another process"


@contextmanager
def alone(engine: Engine) -> Iterator[None]:
    """Hold the store's lock. A store in memory has none. Raises StoreError if another scan holds it for too long."""
    lock = database_of(engine).lock(engine)
    if lock is None:
        yield
        return
    _take(engine, lock)
    try:
        yield
    finally:
        lock.release()


def holder(engine: Engine) -> str | None:
    """The process that holds the lock; None if it is free."""
    with store_errors(engine):
        lock = database_of(engine).lock(engine)
        return lock.holder() if lock else None


def _take(engine: Engine, lock: Lock) -> None:
    patience: float = engine.get_execution_options()[PATIENCE]
    deadline, last_holder = time.monotonic() + patience, None
    while not retrying(engine, lambda: _taken(engine, lock)):
        holding = retrying(engine, lambda: holder(engine)) or _UNKNOWN_HOLDER
        if time.monotonic() >= deadline:
            raise StoreError(
                f"the store {where(engine)} is in use by the scan of {holding}, for more than {patience:g} seconds",
                hint="wait for it to end; `timeout` in the store's URL says for how many seconds it is awaited",
            )
        if holding != last_holder:
            log.warning("waiting for the scan of %s", holding)
            last_holder = holding
        time.sleep(min(_ASKED_EVERY, max(0.0, deadline - time.monotonic())))


def _taken(engine: Engine, lock: Lock) -> bool:
    with store_errors(engine):
        return lock.take()


# --- Saving a scan: under the lock, in one transaction, once, with retries over another connection ---


class Saver:
    """Saves scans, and keeps track of the scan being saved."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._saving: str | None = None
        self._begun_after: int | None = None
        self._damaged: Damaged = {}
        self.damage: tuple[str, ...] = ()
        """Problems of the latest scan when this process took the lock, as messages."""

    @contextmanager
    def alone(self) -> Iterator[None]:
        """See :meth:`Store.alone`."""
        with alone(self._engine):
            self._begun_after, self._damaged, self.damage = retrying(self._engine, self._examine)
            try:
                yield
            finally:
                self._begun_after, self._damaged, self.damage = None, {}, ()

    def save(self, result: ScanResult, alarms: Alarms, forgot: Forgotten | None, decided: Sequence[Act] = ()) -> None:
        """See :meth:`Store.save`. After a lost connection it first checks whether the scan was stored."""
        self._saving = result.scan.id
        retrying(
            self._engine,
            lambda: self._save(result, alarms, forgot, decided),
            lambda: self._save_unless_there(result, alarms, forgot, decided),
        )
        if self._begun_after is not None:
            self._begun_after += 1
        with store_errors(self._engine):
            database_of(self._engine).settle(self._engine)

    def outcome(self) -> str | None:
        """A message about the scan that was being saved; None if it was not stored."""
        if self._saving is None:
            return None
        try:
            return f"the scan {self._saving} was stored" if self.has(self._saving) else None
        except StoreError:
            return f"whether the scan {self._saving} was stored is unknown: the store cannot be read"

    def _save(self, result: ScanResult, alarms: Alarms, forgot: Forgotten | None, decided: Sequence[Act]) -> None:
        with writing(self._engine) as connection:
            seq = scans.insert_scan(connection, result, forgot)
            if self._begun_after not in (None, seq - 1):
                # The lock ends with its connection, so another scan may have been saved since this one was judged.
                raise StoreError(
                    f"another scan was stored in {where(self._engine)} while this one was judged",
                    hint="scan again; nothing of this scan was stored, and nothing of the other is lost",
                )
            _write_records(connection, seq, result, self._damaged)
            outbox.write(connection, alarms)
            log_decisions(connection, decided)

    def _save_unless_there(
        self, result: ScanResult, alarms: Alarms, forgot: Forgotten | None, decided: Sequence[Act]
    ) -> None:
        if not self.has(result.scan.id):
            self._save(result, alarms, forgot, decided)

    def _examine(self) -> tuple[int, Damaged, tuple[str, ...]]:
        """The number of the latest scan, its damaged records, and all its problems as messages."""
        with reading(self._engine) as connection:
            latest = scans.latest(connection)
            if latest is None:
                return 0, {}, ()
            records = damaged_open_rows(connection)
            words = [f"{table.replace('_', ' ')} {key}" for table, keys in records.items() for key in sorted(keys)]
            for table, its_scan in ((schema.scan, schema.scan.c.seq), (schema.coverage, schema.coverage.c.scan)):
                words += [named(table, row) for row in damaged(connection, table, its_scan == latest)]
            lacking = incompleteness(connection, latest)
        damage = [printable(f"the store's {what} was changed or damaged outside Muster") for what in words]
        return latest, records, (*damage, *([lacking] if lacking else []))

    def has(self, scan_id: str) -> bool:
        """See :meth:`Store.has_scan`."""
        with reading(self._engine) as connection:
            return scans.is_known(connection, scan_id)


def _write_records(connection: Connection, seq: int, result: ScanResult, damaged: Damaged) -> None:
    bodies.keep(connection, result.findings)
    keep_policies(connection, result.identities)
    records: tuple[tuple[RecordKind[Any], Sequence[Any]], ...] = (
        (IDENTITIES, result.identities),
        (SECRETS, result.secrets),
        (WORKLOADS, result.workloads),
        (ASSIGNMENTS, result.assignments),
        (EXPOSURES, result.exposures),
        (ENTRIES, result.entries),
        (FINDINGS, result.findings),
    )
    write(connection, seq, records, damaged)
