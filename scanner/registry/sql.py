"""Reads lists from a database: one query, row by row, in a read-only transaction.

Time and rows are limited, because a query can hang or return endless rows.

Works with any database that has an SQLAlchemy dialect and an installed driver. The password is added to the URL in
memory only. Messages and origins contain only the URL's plain parts.
"""

from __future__ import annotations

import re
import time as clock
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from datetime import date, time, timedelta
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import Any, TypeAlias
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from scanner.errors import Problem, RegistryError, SourceError
from scanner.redaction.redact import SecretRef, redact
from scanner.registry.lists import ListSource
from scanner.registry.tables.parsing import TOO_DEEP, is_too_deep
from scanner.registry.tables.rows import Row, Table, named_headings, sheet_row
from scanner.text import printable

_Records: TypeAlias = Generator[Sequence[Any], None, None]

TIMEOUT = 300.0
"""The default limit in seconds until the last row."""
MAX_ROWS = 1_000_000
"""The default limit of rows."""
_ROWS_AT_ONCE = 1_000
_GRACE = 1.0
"""Seconds that a database gets to end a statement by its own limit, and then to close the connection."""
_MOST_SAID = 300
_ONE_SELECT = re.compile(r"(?:\s|--[^\n]*\n|/\*(?:[^*]|\*(?!/))*\*/|\()*+(?:select|with)\b[^;]*;?\s*", re.IGNORECASE)
_SECRET = re.compile(r"(?:passw\w*|pwd|secret|token)\s*=", re.IGNORECASE)
_READ_ONLY: Mapping[str, str] = {
    "postgresql": "SET TRANSACTION READ ONLY",
    "mysql": "START TRANSACTION READ ONLY",
    "mariadb": "START TRANSACTION READ ONLY",
    "sqlite": "PRAGMA query_only = ON",
}
"""The statement that makes a transaction read-only. All transactions are rolled back as well."""
_TIME_LIMIT: Mapping[str, str] = {
    "postgresql": "SET LOCAL statement_timeout = {milliseconds}",
    "mysql": "SET SESSION max_execution_time = {milliseconds}",
    "mariadb": "SET SESSION max_statement_time = {seconds}",
}
"""The statement that limits a query's time. Queries on other databases are interrupted from here."""
_PACKAGES: Mapping[str, str] = {
    "psycopg": "psycopg[binary]",
    "psycopg2": "psycopg2-binary",
    "MySQLdb": "mysqlclient",
    "cx_Oracle": "oracledb",
}
"""Packages whose name differs from the driver's."""


def read_query(source: ListSource) -> Table:
    """Return the rows of the source's query with its column names as headings, streamed. ``line``: the row number.

    Raises RegistryError, also while rows are read.
    """
    url, shown = _address(source)
    query = source.query or ""
    if not _ONE_SELECT.fullmatch(query):
        fix = "write one statement that begins with SELECT or WITH, and no ; within it"
        raise RegistryError(Problem(file=shown, field="query", message="is not one SELECT", fix=fix))
    if source.password is not None:
        url = url.set(password=_resolved(source.password, shown))
    records = _SqlReading(url, query, shown, source.timeout or TIMEOUT, source.max_rows or MAX_ROWS).records()
    headings = named_headings(shown, 1, next(records))
    return Table(file=shown, headings=headings, rows=_rows(records, shown, headings))


def _address(source: ListSource) -> tuple[URL, str]:
    """Return the database's URL, and the text to show for it."""
    try:
        url = make_url(source.url or "")
    except (ArgumentError, ValueError) as error:  # ValueError: the port is no number
        fix = "write it like postgresql+psycopg://user@host/database"
        raise RegistryError(Problem(file=source.name, message="is not an address of a database", fix=fix)) from error
    shown = url.set(query={}).render_as_string(hide_password=True)
    if url.password is not None or any(_SECRET.search(f"{name}={value}") for name, value in url.query.items()):
        fix = 'take it out, and give it as password = { env = "NAME" }'
        raise RegistryError(Problem(file=shown, field="url", message="holds a password", fix=fix))
    return url, shown


def _resolved(password: SecretRef, shown: str) -> str:
    try:
        return password.resolve()
    except SourceError as error:
        raise RegistryError(Problem(file=shown, field="password", message=str(error), fix=error.hint)) from error


def _rows(records: _Records, file: str, headings: tuple[str, ...]) -> Generator[Row | Problem, None, None]:
    with closing(records):
        for number, cells in enumerate(records, start=1):
            if is_too_deep(list(cells)):
                yield Problem(file=file, line=number, message=TOO_DEEP)
                continue
            row = sheet_row(file, number, headings, [_cell(cell) for cell in cells])
            if row is not None:
                yield row


def _cell(value: Any) -> Any:
    """Return a value as a cell: types of spreadsheets and documents stay, others become text."""
    if value is None or isinstance(value, (str, int, float, date, time, timedelta, dict)):
        return value
    if isinstance(value, (list, tuple)):
        return [_cell(item) for item in value]
    return bytes(value).hex() if isinstance(value, (bytes, memoryview)) else str(value)


# --- The query ---


class _SqlReading:
    """Reads a query in its own thread, because a driver that waits for its database cannot be interrupted."""

    def __init__(self, url: URL, query: str, shown: str, timeout: float, max_rows: int) -> None:
        self._url, self._query, self._shown = url, query, shown
        self._timeout, self._max_rows = timeout, max_rows
        self._read: Queue[list[Sequence[Any]] | Exception | None] = Queue(maxsize=4)
        self._stopped = Event()
        self._driver: Any = None

    def records(self) -> _Records:
        """Yield the column names, then every row. Raises RegistryError, also if a limit is exceeded."""
        ends = clock.monotonic() + self._timeout
        thread = Thread(target=self._run, name=f"reads {self._shown}", daemon=True)
        thread.start()
        rows = -1  # the column names do not count
        try:
            while (batch := self._next(ends)) is not None:
                rows += len(batch)
                if rows > self._max_rows:
                    self._interrupt()
                    fix = "narrow the query, or set max_rows beside its url"
                    raise self._wrong(f"has more than {self._max_rows:,} rows", fix)
                yield from batch
        finally:
            self._stopped.set()
            thread.join(_GRACE)

    def _next(self, ends: float) -> list[Sequence[Any]] | None:
        fix = "narrow the query, or set timeout beside its url"
        late = self._wrong(f"has not given all its rows within {self._timeout:g} seconds", fix)
        try:
            found = self._read.get(timeout=max(0.0, ends - clock.monotonic()) + _GRACE)
        except Empty:
            self._interrupt()
            raise late from None
        if found is not None and clock.monotonic() >= ends:
            self._interrupt()
            raise late from (found if isinstance(found, Exception) else None)
        if isinstance(found, Exception):
            raise found
        return found

    def _wrong(self, message: str, fix: str) -> RegistryError:
        return RegistryError(Problem(file=self._shown, field="query", message=message, fix=fix))

    def _interrupt(self) -> None:
        """Interrupt the query, as far as the driver can do that within a moment."""
        self._stopped.set()
        ending = Thread(target=self._cancel, daemon=True)
        ending.start()
        ending.join(_GRACE)

    def _cancel(self) -> None:
        for name in ("interrupt", "cancel"):
            with suppress(Exception):  # the driver has no such method, or the connection is gone
                getattr(self._driver, name)()

    def _run(self) -> None:
        try:
            with closing(self._batches()) as batches:
                for batch in batches:
                    if not self._hand_over(batch):
                        return
        except Exception as error:  # noqa: BLE001  # any error is raised again in the thread that uses the rows
            self._hand_over(error)
        else:
            self._hand_over(None)

    def _hand_over(self, item: list[Sequence[Any]] | Exception | None) -> bool:
        """Return whether the reader still waits for rows."""
        while not self._stopped.is_set():
            with suppress(Full):
                self._read.put(item, timeout=0.1)
                return True
        return False

    def _batches(self) -> Generator[list[Sequence[Any]], None, None]:
        engine = _engine(self._url, self._shown)
        try:
            with engine.connect() as connection:
                self._driver = connection.connection.driver_connection
                yield from _read(connection, self._query, self._timeout)
        except SQLAlchemyError as error:
            raise RegistryError(Problem(file=self._shown, message=f"cannot be read: {_reason(error)}")) from error
        finally:
            engine.dispose()


def _engine(url: URL, shown: str) -> Engine:
    try:
        return create_engine(_opened_to_read(url), hide_parameters=True)
    except NoSuchModuleError as error:
        fix = f"install SQLAlchemy's dialect for {url.drivername}"
        raise RegistryError(Problem(file=shown, message="is a kind of database we do not know", fix=fix)) from error
    except ModuleNotFoundError as error:
        fix = f"pip install '{_PACKAGES.get(error.name or '', error.name)}'"
        raise RegistryError(Problem(file=shown, message=f"needs the driver {error.name}", fix=fix)) from error


def _opened_to_read(url: URL) -> URL:
    """Return a URL that opens SQLite read-only; otherwise SQLite creates a missing file."""
    if url.get_backend_name() != "sqlite" or url.database in (None, "", ":memory:"):
        return url
    return url.set(database=f"file:{quote(str(url.database))}", query={**url.query, "mode": "ro", "uri": "true"})


def _read(connection: Connection, query: str, timeout: float) -> Iterator[list[Sequence[Any]]]:
    dialect = connection.dialect
    kind = "mariadb" if getattr(dialect, "is_mariadb", False) else dialect.name
    if forbid := _READ_ONLY.get(kind):
        connection.exec_driver_sql(forbid)
    if limit := _TIME_LIMIT.get(kind):
        connection.exec_driver_sql(limit.format(milliseconds=max(1, round(timeout * 1000)), seconds=timeout))
    try:
        # Without parameters, so that % and : in the query are literal.
        options = {"no_parameters": True, "stream_results": True, "yield_per": _ROWS_AT_ONCE}
        with closing(connection.exec_driver_sql(query, execution_options=options)) as result:
            yield [tuple(map(str, result.keys()))]
            yield from map(list, result.partitions(_ROWS_AT_ONCE))
    finally:
        connection.rollback()


def _reason(error: SQLAlchemyError) -> str:
    """Return the driver's message on one line, without the statement and without passwords."""
    said = str(error.orig if isinstance(error, DBAPIError) else error).strip()
    return printable(redact(said.partition("\n")[0]))[:_MOST_SAID]
