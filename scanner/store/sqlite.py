"""Giving back what pruning freed: SQLite keeps the pages of deleted rows for later, and the file never shrinks."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from sqlalchemy import URL, Connection, Engine, Table, create_engine, event, insert
from sqlalchemy.engine.interfaces import DBAPICursor

from scanner.errors import MissingStore, StoreError
from scanner.safe_files import in_place_of, real_path
from scanner.store.database import DEFAULT_PATIENCE, PATIENCE, SHORT_WAIT, WRITES, Fault, Values, this_process
from scanner.text import printable

if TYPE_CHECKING:
    from filelock import BaseFileLock

MOST_FREE = 0.25
"""So much of the file may be free: scans to come fill it again."""
WORTH_IT = 16 * 1024 * 1024
"""Bytes; to write a whole file anew for less is more trouble than it saves."""


def compact(engine: Engine) -> int:
    """Rewrite the file without its free pages where they are many; returns the bytes that were free.

    Readers go on reading meanwhile, as all is written beside the file. Where somebody else is in the way, or there is
    no room for the copy, it is left for the next time.
    """
    with closing(engine.raw_connection()) as connection:
        cursor = connection.cursor()
        size, pages, free = (_asked(cursor, name) for name in ("page_size", "page_count", "freelist_count"))
        is_written_ahead = cursor.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
        if not is_written_ahead or free * size < WORTH_IT or free < pages * MOST_FREE:
            return 0
        with suppress(sqlite3.OperationalError):
            cursor.execute("VACUUM")
            return free * size
    return 0


def _asked(cursor: DBAPICursor, name: str) -> int:
    return int(cursor.execute(f"PRAGMA {name}").fetchone()[0])


# --- The file of a store on SQLite: there, or made, and never an empty one ---

# Larger pages than SQLite's usual: of identities of 1.5 KB each, only two fit into 4 KB and a quarter stays empty.
_LARGER_PAGES = "PRAGMA page_size = 8192"


def ensure(path: Path, *, create: bool, wait: float) -> None:
    """See to it that there is a file, made if ``create`` and for its owner only. Raises MissingStore and StoreError.

    ``wait``: seconds for which another process that is making it is awaited.
    """
    _refuse_links_of_others(path)
    if create and not (path.exists() and path.stat().st_size):
        _make_unless_there(path, wait)
    if not path.exists() and not path.parent.is_dir():
        raise StoreError(
            f"there is no store at {printable(str(path))}, nor is there its directory",
            hint="make the directory, or name another place with --store",
        )
    if not path.exists():
        raise MissingStore(f"there is no store at {printable(str(path))}", hint="`muster scan` makes one")
    if path.stat().st_size == 0:
        raise StoreError(
            f"the store {printable(str(path))} is an empty file, which no store ever is: it was cut off",
            hint="put back the last backup; only if there never was anything in it, remove the file and scan again",
        )


def _refuse_links_of_others(path: Path) -> None:
    """What a scan knows would be written to where another user wants it."""
    try:
        real_path(path)
    except PermissionError as error:
        raise StoreError(
            f"the store {printable(str(path))} is not opened: {printable(error.strerror or str(error))}",
            hint="name the place that it leads to with --store, if it is the right one",
        ) from error
    except OSError:
        return  # whoever opens it says what is wrong


def _make_unless_there(path: Path, wait: float) -> None:
    """Who finds an empty file comes here as well: it may be told to be cut off when nobody is making it."""
    import filelock

    try:
        path = real_path(path)
        path.parent.stat()  # the lock would make a directory that is missing
        with filelock.FileLock(f"{path}.lock", timeout=wait, mode=0o600):
            if not path.exists():
                _make(path)
    except OSError as error:
        raise StoreError(
            f"the store {printable(str(path))} cannot be created: {error.strerror or error}",
            hint="check that its directory exists, that you may write there and that the disk has room",
        ) from error


def _make(path: Path) -> None:
    """A database without tables: to SQLite an empty file would be as good, but not to whoever finds one."""
    # For its owner alone; SQLite gives the files it puts beside this one (-wal, -shm) the same permissions.
    with in_place_of(path) as file, closing(sqlite3.connect(":memory:")) as empty:
        empty.execute(_LARGER_PAGES)
        file.write(empty.serialize())


# --- What is particular to SQLite: a file, its permissions, its one writer, its faults ---

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
        """See :func:`scanner.store.sqlite.compact`."""
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
