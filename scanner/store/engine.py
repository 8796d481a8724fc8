"""The database behind the store: connecting to it, its transactions, and its failures as StoreErrors.

What is particular to one database is in the module of its name; the rest of the store is portable SQLAlchemy Core.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, Engine, Select, Table, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from scanner.errors import LostStore, StoreError
from scanner.store.database import DEFAULT_PATIENCE, PATIENCE, SHORT_WAIT, WRITES, Database, Values, words
from scanner.store.integrity import sealed
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
    """An engine on the database that ``url`` names; a missing SQLite file is created if ``create``.

    Raises StoreError for a URL that cannot be used (its password, if it holds one, is not repeated), and MissingExtra.
    """
    address = _parsed(url)
    database = _DATABASES[address.get_backend_name()]
    unknown = sorted(set(address.query) - database.options - {"timeout"})
    if unknown:
        known = ", ".join(sorted({*database.options, "timeout"}))
        raise StoreError(f"the store's URL has an unknown option, {printable(unknown[0])}", hint=f"it takes: {known}")
    timeout = _timeout(address)
    # A scan waits for its store as long as for another scan; somebody at a terminal does not.
    patience = min(DEFAULT_PATIENCE if create else SHORT_WAIT, DEFAULT_PATIENCE if timeout is None else timeout)
    return _patiently(patience, lambda: database.open(address, create=create, timeout=timeout))


def database_of(bound: Engine | Connection) -> Database:
    """The kind of database that is on the other end."""
    return _DATABASES[bound.dialect.name]


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
    """A connection that sees one state of the store, whatever is written meanwhile. Faults raise StoreError."""
    with faults_told(engine), engine.connect() as connection:
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One transaction, alone in writing: all of it becomes visible at the end, or nothing. Faults raise StoreError."""
    with (
        faults_told(engine),
        engine.connect().execution_options(**{WRITES: True}) as connection,
        connection.begin(),
    ):
        yield connection


@contextmanager
def faults_told(engine: Engine) -> Iterator[None]:
    """Have what the database complains of raise StoreError, or LostStore where the connection is gone."""
    try:
        yield
    except (DBAPIError, engine.dialect.loaded_dbapi.Error, UnicodeDecodeError) as error:
        raise _told(engine, error) from error


def _told(engine: Engine, error: Exception) -> StoreError:
    cause = error.orig if isinstance(error, DBAPIError) else error
    fault = database_of(engine).fault(cause)
    kind = LostStore if fault.lost else StoreError
    return kind(f"the store {where(engine)} {fault.what} ({words(cause)})", hint=fault.hint)


def steadily(engine: Engine, attempt: Callable[[], T], again: Callable[[], T] | None = None) -> T:
    """What ``attempt`` returns. Where the connection is lost meanwhile, it or ``again`` is tried anew.

    For as long as another scan would be awaited: a scan that took an hour outlives a server's upgrade.
    """
    patience: float = engine.get_execution_options()[PATIENCE]
    return _patiently(patience, attempt, again)


def _patiently(patience: float, attempt: Callable[[], T], again: Callable[[], T] | None = None) -> T:
    for pause in _pauses(patience):
        try:
            return attempt()
        except LostStore as lost:
            log.warning("%s; trying again in %g s", lost, pause)
            time.sleep(pause)
            attempt = again or attempt
    return attempt()


def _pauses(patience: float) -> Iterator[float]:
    """Each twice as long as the one before, all of them together as long as patience lasts."""
    pause = _FIRST_PAUSE
    while patience > 0:
        yield min(pause, patience)
        patience -= pause
        pause = min(2 * pause, _LONGEST_PAUSE)


def where(engine: Engine) -> str:
    """The store's place, for messages."""
    return database_of(engine).place(engine.url)


def plain_rows(connection: Connection, query: Select[Any]) -> list[Values]:
    """All rows as the driver has them: SQLAlchemy's own, with names, take three times as long."""
    with connection.execute(query) as result:
        return list(result.cursor.fetchall())


def bulk_insert(connection: Connection, table: Table, rows: Sequence[Values]) -> None:
    """Insert rows given as tuples in the order of the table's columns, as fast as the database takes them.

    The checksum, where a table has one, is added here, so that no row is without.
    """
    if rows:
        database_of(connection).insert(connection, table, sealed(table, rows))
