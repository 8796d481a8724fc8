"""Connections, transactions, errors and damaged rows of the store's database.

Code for one database is in the module of its name. The rest of the store is portable SQLAlchemy Core.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from operator import eq
from typing import Any, TypeVar

from sqlalchemy import URL, ColumnElement, Connection, Engine, Select, Table, and_, make_url, select
from sqlalchemy.exc import ArgumentError, DBAPIError

from scanner.errors import LostStore, StoreError
from scanner.store.database import APPENDS, DEFAULT_PATIENCE, PATIENCE, SHORT_WAIT, WRITES, Database, Values, words
from scanner.store.integrity import INTERVALS, as_one_text, sealed
from scanner.store.postgres import Postgres
from scanner.store.sqlite import Sqlite
from scanner.text import printable

T = TypeVar("T")

log = logging.getLogger(__name__)

URL_HINT = (
    "give an SQLite file as sqlite:///muster.db, or sqlite:////var/lib/muster/muster.db for an absolute path, "
    "and a PostgreSQL database as postgresql+psycopg://user@host/database"
)
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0

_DATABASES: Mapping[str, Database] = {"sqlite": Sqlite(), "postgresql": Postgres()}
_FORMS = ("sqlite", "sqlite+pysqlite", "postgresql", "postgresql+psycopg")


def connect(url: str, *, create: bool) -> Engine:
    """An engine for the database at ``url``; ``create`` makes a missing SQLite file.

    Raises StoreError for a URL that cannot be used, and MissingExtra. The message does not repeat the URL, which may
    hold a password.
    """
    address = _parsed(url)
    database = _DATABASES[address.get_backend_name()]
    unknown = sorted(set(address.query) - database.options - {"timeout"})
    if unknown:
        known = ", ".join(sorted({*database.options, "timeout"}))
        raise StoreError(f"the store's URL has an unknown option, {printable(unknown[0])}", hint=f"it takes: {known}")
    timeout = _timeout(address)
    # A scan waits as long as another scan may take; a command at a terminal does not.
    patience = min(DEFAULT_PATIENCE if create else SHORT_WAIT, DEFAULT_PATIENCE if timeout is None else timeout)
    return _with_retries(patience, lambda: database.open(address, create=create, timeout=timeout))


def database_of(bound: Engine | Connection) -> Database:
    """The database that the engine or connection uses."""
    return _DATABASES[bound.dialect.name]


def _parsed(url: str) -> URL:
    try:
        address = make_url(url)
    except (ArgumentError, ValueError):
        # The cause would quote the URL, and with it any password.
        raise StoreError("the store's URL cannot be understood", hint=URL_HINT) from None
    if address.password is not None or any("password" in option.lower() for option in address.query):
        raise StoreError(
            "the store's URL holds a password",
            hint="take it out of the URL; leave it to the database driver's own means, such as a password file",
        )
    file = address.drivername.startswith("sqlite")
    if address.drivername not in _FORMS or (file and address.host is not None):
        raise StoreError(f"no store of the form {printable(address.drivername)}://… is known", hint=URL_HINT)
    if "\0" in (address.database or "") or not (file or address.database):
        raise StoreError(f"the store's URL names no {'file' if file else 'database'}", hint=URL_HINT)
    return address


def _timeout(address: URL) -> float | None:
    given = address.query.get("timeout")
    try:
        return None if given is None else max(0.0, float(str(given)))
    except ValueError as error:
        raise StoreError(
            f"the store's timeout is {printable(str(given))}", hint="give seconds, such as timeout=60"
        ) from error


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection that reads one snapshot of the store. Database errors become StoreErrors."""
    with store_errors(engine), engine.connect() as connection:
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One exclusive write transaction, committed at the end or not at all. Database errors become StoreErrors."""
    with _transaction(engine, WRITES) as connection:
        yield connection


@contextmanager
def appending(engine: Engine) -> Iterator[Connection]:
    """A transaction that only inserts, and so need not wait for a scan where the database has row locks."""
    with _transaction(engine, APPENDS) as connection:
        yield connection


@contextmanager
def _transaction(engine: Engine, option: str) -> Iterator[Connection]:
    with (
        store_errors(engine),
        engine.connect().execution_options(**{option: True}) as connection,
        connection.begin(),
    ):
        yield connection


@contextmanager
def store_errors(engine: Engine) -> Iterator[None]:
    """Raise database errors as StoreError, or as LostStore if the connection is gone."""
    try:
        yield
    except (DBAPIError, engine.dialect.loaded_dbapi.Error, UnicodeDecodeError) as error:
        raise _store_error(engine, error) from error


def _store_error(engine: Engine, error: Exception) -> StoreError:
    cause = error.orig if isinstance(error, DBAPIError) else error
    fault = database_of(engine).fault(cause)
    kind = LostStore if fault.lost else StoreError
    return kind(f"the store {where(engine)} {fault.what} ({words(cause)})", hint=fault.hint)


def retrying(engine: Engine, attempt: Callable[[], T], again: Callable[[], T] | None = None) -> T:
    """Return ``attempt()``. If the connection is lost, retry ``again``, or ``attempt`` if there is none.

    Retries go on for as long as another scan would be awaited, so that a long scan survives an upgrade of the server.
    """
    patience: float = engine.get_execution_options()[PATIENCE]
    return _with_retries(patience, attempt, again)


def _with_retries(patience: float, attempt: Callable[[], T], again: Callable[[], T] | None = None) -> T:
    for pause in _pauses(patience):
        try:
            return attempt()
        except LostStore as lost:
            log.warning("%s; trying again in %g s", lost, pause)
            time.sleep(pause)
            attempt = again or attempt
    return attempt()


def _pauses(patience: float) -> Iterator[float]:
    """Seconds to pause before each retry: doubling, with a sum of ``patience``."""
    pause = _FIRST_PAUSE
    while patience > 0:
        yield min(pause, patience)
        patience -= pause
        pause = min(2 * pause, _LONGEST_PAUSE)


def where(engine: Engine) -> str:
    """The location of the store, for messages."""
    return database_of(engine).place(engine.url)


_FETCHED = 10_000


def plain_rows(connection: Connection, query: Select[Any]) -> list[Values]:
    """All rows as plain tuples of the driver. SQLAlchemy's named rows take three times as long."""
    with connection.execute(query) as result:
        return list(result.cursor.fetchall())


def plain_batches(connection: Connection, query: Select[Any]) -> Iterator[Sequence[Values]]:
    """The rows of :func:`plain_rows`, some thousands at a time."""
    with connection.execute(query) as result:
        while batch := result.cursor.fetchmany(_FETCHED):
            yield batch


def bulk_insert(connection: Connection, table: Table, rows: Sequence[Values]) -> None:
    """Insert rows, given as tuples in the order of the table's columns, with the fastest method of the database.

    Adds the checksum if the table has that column.
    """
    insert_sealed(connection, table, sealed(table, rows))


def insert_sealed(connection: Connection, table: Table, rows: Sequence[Values]) -> None:
    """Like :func:`bulk_insert`, for rows with their checksums."""
    if rows:
        database_of(connection).insert(connection, table, rows)


# --- Rows that were changed or damaged outside Muster, found by their checksums: see integrity.py ---

Damaged = Mapping[str, frozenset[str]]
"""By table, the keys of open rows that do not match their checksum."""


def damaged_open_rows(connection: Connection) -> dict[str, frozenset[str]]:
    """By table, the keys of open rows that do not match their checksum."""
    found = {
        table.name: frozenset(row[0] for row in damaged(connection, table, table.c.until_scan.is_(None)))
        for table in INTERVALS
    }
    return {name: keys for name, keys in found.items() if keys}


def damaged(connection: Connection, table: Table, *chosen: ColumnElement[bool]) -> list[Values]:
    """The rows of a table that do not match their checksum."""
    keys = tuple(table.primary_key.columns)
    rows = select(*keys).where(*chosen)
    unsound = database_of(connection).unsound(connection, rows, table.c.checksum, as_one_text(table))
    its_own = (and_(*map(eq, keys, values)) for values in sorted(unsound, key=str))
    return [tuple(connection.execute(select(table).where(own)).one()) for own in its_own]
