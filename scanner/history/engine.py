"""The database behind the store: connecting to it, what is particular to SQLite, and its failures as StoreErrors.

Everything that knows which database it talks to is here; the rest of the store is portable SQLAlchemy Core.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, TypeAlias

from sqlalchemy import URL, Connection, Engine, Select, Table, create_engine, event, insert, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from scanner.errors import MissingStore, StoreError
from scanner.text import printable

Values: TypeAlias = tuple[Any, ...]
"""A row: its values in the order of the columns."""

URL_HINT = (
    "so far a store is an SQLite file: give it as sqlite:///muster.db, "
    "or sqlite:////var/lib/muster/muster.db for an absolute path"
)
WAIT_SECONDS = "10"
"""How long to wait for another scan's write to end, unless the URL's ``timeout`` says otherwise."""

# Larger pages than SQLite's usual: of identities of 1.5 KB each, only two fit into 4 KB and a quarter stays empty.
_LARGER_PAGES = "PRAGMA page_size = 8192"

# SQLite's names of what went wrong (the longer ones begin with these), what that means here, and what to do.
_FAULTS = (
    ("SQLITE_CANTOPEN", "cannot be opened", "check that its directory exists and that you may write there"),
    ("SQLITE_PERM", "cannot be opened", "check the permissions of the file and its directory"),
    ("SQLITE_AUTH", "cannot be opened", "check the permissions of the file and its directory"),
    ("SQLITE_NOTADB", "is not a Muster store: the file is no SQLite database", "name another file with --store"),
    ("SQLITE_READONLY", "is read-only", "make the file and its directory writable, or name another with --store"),
    ("SQLITE_BUSY", "is in use: another scan is writing to it", "wait for it to end and try again"),
    ("SQLITE_LOCKED", "is in use: another scan is writing to it", "wait for it to end and try again"),
    ("SQLITE_CORRUPT", "is damaged", "move it away and put back the last backup"),
    ("SQLITE_FULL", "has no room left: the disk is full", "make room and scan again; what was stored is intact"),
    ("SQLITE_TOOBIG", "cannot hold a record of this size", "find out which identity has such huge tags or policies"),
    ("SQLITE_IOERR", "cannot be read or written: the disk reports an error", "check the disk"),
)
_OTHER_FAULT = ("does not work", "check that it was written by Muster; put back the last backup if need be")


def connect(url: str, *, create: bool) -> Engine:
    """An engine on the database that ``url`` names. A missing file is created, for its owner only, if ``create``.

    Raises StoreError for a URL that cannot be used (its password, if it holds one, is not repeated).
    """
    address = _parsed(url)
    if address.database not in (None, "", ":memory:"):
        _ensure_file(Path(str(address.database)), create=create)
    # Python's own idea of when a transaction begins is switched off; _begin decides.
    engine = create_engine(address, connect_args={"isolation_level": None, "timeout": _wait(address)})
    event.listen(engine, "connect", _set_up)
    event.listen(engine, "begin", _begin)
    return engine


def _parsed(url: str) -> URL:
    try:
        address = make_url(url)
    except (ArgumentError, ValueError):
        # The cause would quote the URL, and whatever secret is in it.
        raise StoreError("the store's URL cannot be understood", hint=URL_HINT) from None
    if address.password is not None or any("password" in option.lower() for option in address.query):
        raise StoreError(
            "the store's URL holds a password",
            hint="take it out of the URL; leave it to the database driver's own means, such as a password file",
        )
    if address.drivername not in ("sqlite", "sqlite+pysqlite") or address.host is not None:
        raise StoreError(
            f"no store of the form {printable(address.drivername)}://… is known",
            hint=URL_HINT,
        )
    if "\0" in (address.database or ""):
        raise StoreError("the store's URL names no file", hint=URL_HINT)
    unknown = sorted(set(address.query) - {"timeout"})
    if unknown:
        raise StoreError(f"the store's URL has an unknown option, {printable(unknown[0])}", hint="it takes: timeout")
    return address


def _wait(address: URL) -> float:
    given = address.query.get("timeout", WAIT_SECONDS)
    try:
        return float(str(given))
    except ValueError as error:
        raise StoreError(
            f"the store's timeout is {printable(str(given))}", hint="give seconds, such as timeout=60"
        ) from error


def _ensure_file(path: Path, *, create: bool) -> None:
    if path.exists():
        return
    if not create and not path.parent.is_dir():
        raise StoreError(
            f"there is no store at {printable(str(path))}, nor is there its directory",
            hint="make the directory, or name another place with --store",
        )
    if not create:
        raise MissingStore(f"there is no store at {printable(str(path))}", hint="`muster scan` makes one")
    try:
        # SQLite gives the files it puts beside this one (-wal, -shm) the same permissions.
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    except OSError as error:
        raise StoreError(
            f"the store {printable(str(path))} cannot be created: {error.strerror}",
            hint="check that its directory exists and that you may write there",
        ) from error


def _set_up(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute("PRAGMA foreign_keys = ON")


def _begin(connection: Connection) -> None:
    if not connection.get_execution_options().get("writes", False):
        connection.exec_driver_sql("BEGIN")
        return
    # Not on connecting: that would change a file that was only looked at, and may be another program's.
    connection.exec_driver_sql(_LARGER_PAGES)
    # IMMEDIATE takes the write lock at once: a second writer waits at its beginning, not at its end.
    connection.exec_driver_sql("BEGIN IMMEDIATE")


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection that sees one state of the store, whatever is written meanwhile. Faults raise StoreError."""
    with _faults_told(engine), engine.connect() as connection:
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One transaction, alone in writing: all of it becomes visible at the end, or nothing. Faults raise StoreError."""
    with (
        _faults_told(engine),
        engine.connect().execution_options(writes=True) as connection,
        connection.begin(),
    ):
        yield connection


def write_ahead(engine: Engine) -> None:
    """From now on, what is written stays beside the file until it is whole: readers and a writer need not wait.

    For a store that holds something: all is written twice then, and of a first scan there is nothing to read before
    it is whole. Where somebody reads just now it is left for the next time.
    """
    with closing(engine.raw_connection()) as connection, suppress(sqlite3.OperationalError):
        connection.cursor().execute("PRAGMA journal_mode = WAL")


@contextmanager
def _faults_told(engine: Engine) -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        raise _told(engine, error.orig) from error


def _told(engine: Engine, error: BaseException | None) -> StoreError:
    code = getattr(error, "sqlite_errorname", "")
    what, hint = next(((what, hint) for name, what, hint in _FAULTS if code.startswith(name)), _OTHER_FAULT)
    return StoreError(f"the store {where(engine)} {what} ({printable(str(error))})", hint=hint)


def where(engine: Engine) -> str:
    """The store's place, for messages."""
    return printable(engine.url.database or ":memory:")


def plain_rows(connection: Connection, query: Select[Any]) -> list[Values]:
    """All rows as the driver has them: SQLAlchemy's own, with names, take three times as long."""
    with connection.execute(query) as result:
        return list(result.cursor.fetchall())


def bulk_insert(connection: Connection, table: Table, rows: Sequence[Values]) -> None:
    """Insert rows given as tuples in the order of the table's columns: three times as fast as ``insert(dicts)``."""
    if rows:
        connection.exec_driver_sql(str(insert(table).compile(dialect=connection.dialect)), list(rows))
