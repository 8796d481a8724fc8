"""Stores on SQLite: the file, its permissions, its lock, its errors, and compaction."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import (
    URL,
    Column,
    ColumnElement,
    Connection,
    Engine,
    LargeBinary,
    Select,
    Table,
    cast,
    create_engine,
    event,
    func,
    insert,
)
from sqlalchemy.pool import NullPool

from scanner.errors import MissingStore, StoreError
from scanner.safe_files import in_place_of, is_writable, real_path
from scanner.store.database import APPENDS, DEFAULT_PATIENCE, PATIENCE, WRITES, Fault, Values, this_process, wait_of
from scanner.store.integrity import digest_of_bytes
from scanner.text import printable

if TYPE_CHECKING:
    from filelock import BaseFileLock

log = logging.getLogger(__name__)

MOST_FREE = 0.25
"""Up to this share of the file may be free, for later scans to fill."""
WORTH_IT = 16 * 1024 * 1024
"""Bytes. Rewriting a whole file to free less is not worthwhile."""


def compact(engine: Engine) -> int:
    """Rewrite the file without its free pages if they are many; returns the bytes that were free.

    SQLite keeps the pages of deleted rows, so the file never shrinks by itself. Readers are not blocked, because the
    copy is written beside the file. If another process is in the way, or there is no room for the copy, nothing happens
    until the next time.
    """
    with closing(engine.raw_connection()) as connection:
        cursor = connection.cursor()
        size, pages, free = (
            int(cursor.execute(f"PRAGMA {name}").fetchone()[0])
            for name in ("page_size", "page_count", "freelist_count")
        )
        is_written_ahead = cursor.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
        if not is_written_ahead or free * size < WORTH_IT or free < pages * MOST_FREE:
            return 0
        with suppress(sqlite3.OperationalError):
            cursor.execute("VACUUM")
            return free * size
    return 0


# --- The file: it exists or is created, and is never empty ---

# Larger pages than SQLite's default: only two identities of 1.5 KB fit into 4 KB, and a quarter stays empty.
_LARGER_PAGES = "PRAGMA page_size = 8192"


def ensure(path: Path, *, create: bool, wait: float) -> None:
    """Ensure that the file exists; ``create`` makes it, readable by its owner only. Raises MissingStore and StoreError.

    ``wait``: seconds to wait for another process that is creating it.
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
            f"the store {printable(str(path))} is empty: it was truncated",
            hint="put back the last backup; only if there never was anything in it, remove the file and scan again",
        )


def _refuse_links_of_others(path: Path) -> None:
    """Refuse a link that another user made: it would send the store's content where that user wants it."""
    try:
        real_path(path)
    except PermissionError as error:
        raise StoreError(
            f"the store {printable(str(path))} is not opened: {printable(error.strerror or str(error))}",
            hint="name the place that it leads to with --store, if it is the right one",
        ) from error
    except OSError:
        return  # opening it gives the error


def _make_unless_there(path: Path, wait: float) -> None:
    """Create the file under the lock. Also called for an empty file, which another process may be creating."""
    import filelock

    try:
        path = real_path(path)
        path.parent.stat()  # the lock would create a missing directory
        with filelock.FileLock(f"{path}.lock", timeout=wait, mode=0o600):
            if not path.exists():
                # A database without tables: SQLite would accept an empty file, but a truncated file looks the same.
                # It is for its owner only; the files beside it (-wal, -shm) get the same permissions from SQLite.
                with in_place_of(path) as file, closing(sqlite3.connect(":memory:")) as empty:
                    empty.execute(_LARGER_PAGES)
                    file.write(empty.serialize())
    except OSError as error:
        raise StoreError(
            f"the store {printable(str(path))} cannot be created: {error.strerror or error}",
            hint="check that its directory exists, that you may write there and that the disk has room",
        ) from error


# --- The database: one writer, and errors ---

_MAKE_WRITABLE = "make the file and its directory writable, or name another with --store"
_MOST_OF_A_HOLDER = 200

# SQLite's error names (prefixes of extended names), their meaning here, and a hint.
_FAULTS = (
    ("SQLITE_CANTOPEN", "cannot be opened", "check that its directory exists and that you may write there"),
    ("SQLITE_PERM", "cannot be opened", "check the permissions of the file and its directory"),
    ("SQLITE_AUTH", "cannot be opened", "check the permissions of the file and its directory"),
    ("SQLITE_NOTADB", "is not a Muster store: the file is not an SQLite database", "name another file with --store"),
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


_CHANGES = ("UPDATE", "DELETE")


class Sqlite:
    """A file, or memory."""

    options: ClassVar[frozenset[str]] = frozenset()

    def open(self, address: URL, *, create: bool, timeout: float | None) -> Engine:
        """Creates a missing file, for its owner only."""
        wait = wait_of(timeout, scans=create)
        # Python's handling of transactions is off; _begin starts them.
        options: dict[str, Any] = {"connect_args": {"isolation_level": None, "timeout": wait}}
        if path := _file(address):
            ensure(path, create=create, wait=wait)
            if create:
                _refuse_unwritable(path)
            elif _is_read_as_it_is(path):
                _say_read_as_it_is(path.absolute(), printable(str(path)))
                # Each connection is new, and so sees a file that was put in the place of this one.
                options = {"creator": partial(_connect_as_it_is, path), "poolclass": NullPool}
        engine = create_engine(
            address.set(query={}),
            execution_options={PATIENCE: DEFAULT_PATIENCE if timeout is None else timeout},
            **options,
        )
        event.listen(engine, "connect", _set_up)
        event.listen(engine, "begin", _begin)
        return engine

    def place(self, url: URL) -> str:
        """The path of the file."""
        return printable(url.database or ":memory:")

    def dialect(self, statement: str) -> str:
        """Unchanged: migrations are written in SQLite's SQL."""
        return statement

    def append_only(self, table: str) -> Sequence[str]:
        """Triggers. That of inserts is for ``INSERT OR REPLACE``, which deletes a row without the trigger for that."""
        refused = f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        following = f"WHEN NEW.number <> (SELECT coalesce(max(number), 0) + 1 FROM {table})"  # noqa: S608  # a table of ours
        return (
            *(f"CREATE TRIGGER {table}_no_{how.lower()} BEFORE {how} ON {table} {refused}" for how in _CHANGES),
            f"CREATE TRIGGER {table}_next BEFORE INSERT ON {table} {following} {refused}",
        )

    def wait_to_log(self, connection: Connection) -> None:
        """Nothing to do: each transaction that writes waits for the one before."""

    def made_tables(self, connection: Connection) -> None:
        """Nothing to do: the permissions of the file decide."""

    def insert(self, connection: Connection, table: Table, rows: Sequence[Values]) -> None:
        """Tuples straight to the driver: three times as fast as ``insert(dicts)``."""
        connection.exec_driver_sql(str(insert(table).compile(dialect=connection.dialect)), list(rows))

    def unsound(
        self, connection: Connection, rows: Select[Any], checksum: Column[str], text: ColumnElement[str]
    ) -> Sequence[Values]:
        """SQLite asks Python for each checksum, which takes less time than reading the texts."""
        # As bytes, because a damaged text may not be UTF-8.
        wrong = checksum.is_distinct_from(func.muster_checksum(cast(text, LargeBinary)))
        with connection.execute(rows.where(wrong)) as result:
            return list(result.cursor.fetchall())

    def refuse_unwritable(self, engine: Engine) -> None:
        """An early check before an hour of reading. SQLite itself decides when writing."""
        if path := _file(engine.url):
            _refuse_unwritable(path)

    def settle(self, engine: Engine) -> None:
        """Switch to write-ahead logging, so that readers and a writer do not block each other.

        Done once the store holds a scan: the log writes everything twice, and a first scan has no readers. While
        another process reads, it is left for the next time.
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

    def rebuild_indexes(self, engine: Engine) -> Sequence[str]:
        """``REINDEX``."""
        with closing(engine.raw_connection()) as connection:
            connection.cursor().execute("REINDEX")
        return self.damage(engine)

    def may_prune(self, engine: Engine) -> bool:
        """Every role that may write to the file may."""
        del engine
        return True

    def size(self, engine: Engine) -> int:
        """Size of the file and of the files that SQLite keeps beside it."""
        path = _file(engine.url)
        if path is None:
            return 0
        return sum(file.stat().st_size for end in ("", "-wal", "-journal") if (file := Path(f"{path}{end}")).exists())

    def lock(self, engine: Engine) -> FileLock | None:
        """A file beside the database, after links are resolved. A store in memory has none."""
        path = _file(engine.url)
        return FileLock(Path(f"{path.resolve()}.lock")) if path else None

    def fault(self, error: BaseException | None) -> Fault:
        """By SQLite's error name. Text that is not UTF-8, which Python reports, is damage too."""
        code = "SQLITE_CORRUPT" if isinstance(error, UnicodeDecodeError) else getattr(error, "sqlite_errorname", "")
        return next(
            (Fault(what=what, hint=hint) for name, what, hint in _FAULTS if code.startswith(name)), _OTHER_FAULT
        )


class FileLock:
    """The kernel's lock on a file that names its holder. A file of a dead process locks nothing."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock: BaseFileLock | None = None

    def take(self) -> bool:
        """Raises StoreError if the file cannot be created."""
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
        self._write_holder(this_process())
        return True

    def holder(self) -> str | None:
        """The content of the file if it is locked."""
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
        """The file stays, empty. If it were deleted, two processes could lock two files of the same name."""
        if self._lock is not None:
            self._write_holder("")
            self._lock.release()
            self._lock = None

    def _write_holder(self, holder: str) -> None:
        with suppress(OSError):
            self._path.write_text(holder, encoding="utf-8")


def _file(address: URL) -> Path | None:
    return None if address.database in (None, "", ":memory:") else Path(str(address.database))


def _refuse_unwritable(path: Path) -> None:
    if not (is_writable(path) and is_writable(path.parent)):
        raise StoreError(f"the store {printable(str(path))} is read-only", hint=_MAKE_WRITABLE)


# --- A file in a folder that cannot be written to, such as on a read-only mount ---

_WRITE_AHEAD = b"\2\2"
"""Bytes 18 and 19 of a file with write-ahead logging: to read it, SQLite makes a file beside it."""


def _is_read_as_it_is(path: Path) -> bool:
    """Return whether SQLite can read the file only as it is. Raises StoreError if it does not have all changes.

    Where SQLite's own files are beside it, they are used: another process may be writing.
    """
    real = path.resolve()
    if is_writable(real.parent) or Path(f"{real}-shm").exists():
        return False
    try:
        with real.open("rb") as file:
            head = file.read(20)
        log = Path(f"{real}-wal")
        pending = log.exists() and log.stat().st_size > 0
    except OSError:
        return False  # opening it gives the error
    if head[18:] != _WRITE_AHEAD:
        return False
    if pending:
        raise StoreError(
            f"the store {printable(str(path))} is read-only, and its last changes are in a file beside it, -wal",
            hint="copy it with `sqlite3 muster.db \".backup 'backup.db'\"` where it can be written, and name the copy",
        )
    return True


@cache  # a server opens it again and again
def _say_read_as_it_is(_path: Path, name: str) -> None:
    log.warning("the store %s is read-only: it is read as it is, so nothing should write to it meanwhile", name)


def _connect_as_it_is(path: Path) -> sqlite3.Connection:
    address = f"{path.resolve().as_uri()}?mode=ro&immutable=1"
    return sqlite3.connect(address, uri=True, isolation_level=None, check_same_thread=False)


def _set_up(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute("PRAGMA foreign_keys = ON")
    # What is deleted is overwritten with zeros; only some builds of SQLite do so by default.
    connection.execute("PRAGMA secure_delete = ON")
    connection.create_function("muster_checksum", 1, digest_of_bytes, deterministic=True)


def _begin(connection: Connection) -> None:
    options = connection.get_execution_options()
    if not (options.get(WRITES, False) or options.get(APPENDS, False)):
        connection.exec_driver_sql("BEGIN")
        return
    # IMMEDIATE takes the write lock at once: a second writer waits at its beginning, not at its end.
    connection.exec_driver_sql("BEGIN IMMEDIATE")
