"""What is particular to SQLite: a file, its permissions, its one writer, its faults."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from sqlalchemy import URL, Connection, Engine, Table, create_engine, event, insert

from scanner.errors import StoreError
from scanner.history.compaction import compact
from scanner.history.database import DEFAULT_PATIENCE, PATIENCE, SHORT_WAIT, WRITES, Fault, Values
from scanner.history.process import this_process
from scanner.history.sqlite_file import ensure
from scanner.text import printable

if TYPE_CHECKING:
    from filelock import BaseFileLock

_MAKE_WRITABLE = "make the file and its directory writable, or name another with --store"
_MOST_OF_A_HOLDER = 200

# SQLite's names of what went wrong (the longer ones begin with these), what that means here, and what to do.
_FAULTS = (
    ("SQLITE_CANTOPEN", "cannot be opened", "check that its directory exists and that you may write there"),
    ("SQLITE_PERM", "cannot be opened", "check the permissions of the file and its directory"),
    ("SQLITE_AUTH", "cannot be opened", "check the permissions of the file and its directory"),
    ("SQLITE_NOTADB", "is not a Muster store: the file is no SQLite database", "name another file with --store"),
    ("SQLITE_READONLY", "is read-only", _MAKE_WRITABLE),
    ("SQLITE_BUSY", "is in use: another scan is writing to it", "wait for it to end and try again"),
    ("SQLITE_LOCKED", "is in use: another scan is writing to it", "wait for it to end and try again"),
    ("SQLITE_CORRUPT", "is damaged", "move it away and put back the last backup"),
    ("SQLITE_FULL", "has no room left: the disk is full", "make room and scan again; what was stored is intact"),
    ("SQLITE_TOOBIG", "cannot hold a record of this size", "find out which identity has such huge tags or policies"),
    (
        "SQLITE_IOERR",
        "cannot be read or written: the disk reports an error",
        "check disk and file size limit",
    ),
)
_OTHER_FAULT = Fault(
    what="does not work", hint="check that it was written by Muster; put back the last backup if need be"
)


class Sqlite:
    """A file, or memory."""

    options: ClassVar[frozenset[str]] = frozenset()

    def open(self, address: URL, *, create: bool, timeout: float | None) -> Engine:
        """A missing file is created, for its owner only."""
        wait = SHORT_WAIT if timeout is None else timeout
        if path := _file(address):
            ensure(path, create=create, wait=wait)
        engine = create_engine(
            address.set(query={}),
            # Python's own idea of when a transaction begins is switched off; _begin decides.
            connect_args={"isolation_level": None, "timeout": wait},
            execution_options={PATIENCE: DEFAULT_PATIENCE if timeout is None else timeout},
        )
        event.listen(engine, "connect", _set_up)
        event.listen(engine, "begin", _begin)
        return engine

    def place(self, url: URL) -> str:
        """The file."""
        return printable(url.database or ":memory:")

    def dialect(self, statement: str) -> str:
        """Migrations are written in words that SQLite understands."""
        return statement

    def made_tables(self, connection: Connection) -> None:
        """Nothing: the file's mode says who may do what."""

    def insert(self, connection: Connection, table: Table, rows: Sequence[Values]) -> None:
        """Tuples straight to the driver: three times as fast as ``insert(dicts)``."""
        connection.exec_driver_sql(str(insert(table).compile(dialect=connection.dialect)), list(rows))

    def refuse_unwritable(self, engine: Engine) -> None:
        """A hint before an hour of reading, not a guarantee: SQLite itself has the last word."""
        path = _file(engine.url)
        if path and not (_writable(path) and _writable(path.parent)):
            raise StoreError(f"the store {self.place(engine.url)} is read-only", hint=_MAKE_WRITABLE)

    def settle(self, engine: Engine) -> None:
        """From now on, what is written stays beside the file until it is whole: readers and a writer need not wait.

        For a store that holds something: all is written twice then, and of a first scan there is nothing to read
        before it is whole. Where somebody reads just now it is left for the next time.
        """
        with closing(engine.raw_connection()) as connection, suppress(sqlite3.OperationalError):
            connection.cursor().execute("PRAGMA journal_mode = WAL")

    def compact(self, engine: Engine) -> int:
        """See :func:`scanner.history.compaction.compact`."""
        return compact(engine)

    def damage(self, engine: Engine) -> Sequence[str]:
        """``PRAGMA integrity_check``."""
        with closing(engine.raw_connection()) as connection:
            found = connection.cursor().execute("PRAGMA integrity_check").fetchall()
        return [row[0] for row in found if row[0] != "ok"]

    def mend(self, engine: Engine) -> Sequence[str]:
        """``REINDEX``."""
        with closing(engine.raw_connection()) as connection:
            connection.cursor().execute("REINDEX")
        return self.damage(engine)

    def may_prune(self, engine: Engine) -> bool:
        """Whoever may write to the file may."""
        del engine
        return True

    def size(self, engine: Engine) -> int:
        """The file and what SQLite keeps beside it."""
        path = _file(engine.url)
        if path is None:
            return 0
        return sum(one.stat().st_size for end in ("", "-wal", "-journal") if (one := Path(f"{path}{end}")).exists())

    def lock(self, engine: Engine) -> FileLock | None:
        """A file beside the database, whatever links lead there; memory is nobody else's."""
        path = _file(engine.url)
        return FileLock(Path(f"{path.resolve()}.lock")) if path else None

    def fault(self, error: BaseException | None) -> Fault:
        """By SQLite's name of the error. Text that is none, which Python tells, is damage too."""
        code = "SQLITE_CORRUPT" if isinstance(error, UnicodeDecodeError) else getattr(error, "sqlite_errorname", "")
        return next(
            (Fault(what=what, hint=hint) for name, what, hint in _FAULTS if code.startswith(name)), _OTHER_FAULT
        )


class FileLock:
    """The kernel's lock on a file in which the holder says who it is. What a dead process left there locks nothing."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock: BaseFileLock | None = None

    def take(self) -> bool:
        """Raises StoreError where there can be no such file."""
        import filelock

        lock = filelock.FileLock(self._path, mode=0o600, thread_local=False)
        try:
            lock.acquire(blocking=False)
        except filelock.Timeout:
            return False
        except OSError as error:
            raise StoreError(
                f"the store cannot be locked: {printable(str(self._path))}: {error.strerror}", hint=_MAKE_WRITABLE
            ) from error
        self._lock = lock
        self._say(this_process())
        return True

    def holder(self) -> str | None:
        """What the file says, if it is locked."""
        import filelock

        probe = filelock.FileLock(self._path, mode=0o600, thread_local=False)
        if not self._path.exists():
            return None
        with suppress(filelock.Timeout, OSError):
            probe.acquire(blocking=False)
            probe.release()
            return None
        with suppress(OSError):
            return printable(self._path.read_bytes()[:_MOST_OF_A_HOLDER].decode(errors="replace")) or None
        return None

    def release(self) -> None:
        """The file stays, empty: taking it away would let two hold what they take for the same lock."""
        if self._lock is not None:
            self._say("")
            self._lock.release()
            self._lock = None

    def _say(self, holder: str) -> None:
        with suppress(OSError):
            self._path.write_text(holder, encoding="utf-8")


def _file(address: URL) -> Path | None:
    return None if address.database in (None, "", ":memory:") else Path(str(address.database))


def _writable(path: Path) -> bool:
    return os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids)


def _set_up(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute("PRAGMA foreign_keys = ON")


def _begin(connection: Connection) -> None:
    if not connection.get_execution_options().get(WRITES, False):
        connection.exec_driver_sql("BEGIN")
        return
    # IMMEDIATE takes the write lock at once: a second writer waits at its beginning, not at its end.
    connection.exec_driver_sql("BEGIN IMMEDIATE")
