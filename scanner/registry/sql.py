"""Lists kept in a database: one query, read row by row in a transaction that can change nothing.

Any database for which SQLAlchemy has a dialect and a driver is installed. The password is put into the address in
memory only; neither it nor anything else of the address but its plain parts is in a message or an origin.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from datetime import date, time, timedelta
from typing import Any, TypeAlias
from urllib.parse import quote

from sqlalchemy import URL, Connection, create_engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from scanner.errors import Problem, RegistryError, SourceError
from scanner.redact import SecretRef, redact
from scanner.registry.lists import ListSource
from scanner.tables.rows import Row, Table, named_headings, sheet_row
from scanner.text import printable

_Records: TypeAlias = Generator[Sequence[Any], None, None]

_ROWS_AT_ONCE = 1_000
_MOST_SAID = 300
_ONE_SELECT = re.compile(r"(?:\s|--[^\n]*\n|/\*(?:[^*]|\*(?!/))*\*/|\()*+(?:select|with)\b[^;]*;?\s*", re.IGNORECASE)
_SECRET = re.compile(r"(?:passw\w*|pwd|secret|token)\s*=", re.IGNORECASE)
_READ_ONLY: Mapping[str, str] = {
    "postgresql": "SET TRANSACTION READ ONLY",
    "mysql": "START TRANSACTION READ ONLY",
    "mariadb": "START TRANSACTION READ ONLY",
    "sqlite": "PRAGMA query_only = ON",
}
"""How a database is told that nothing may be written. Everywhere the transaction is rolled back besides."""
_PACKAGES: Mapping[str, str] = {
    "psycopg": "psycopg[binary]",
    "psycopg2": "psycopg2-binary",
    "MySQLdb": "mysqlclient",
    "cx_Oracle": "oracledb",
}
"""The packages of drivers that are called otherwise."""


def read_query(source: ListSource) -> Table:
    """The rows of the source's query under the names of its columns, streamed; ``line`` is the number of the row.

    Raises RegistryError, also while the rows are read.
    """
    url, shown = _address(source)
    query = source.query or ""
    if not _ONE_SELECT.fullmatch(query):
        fix = "write one statement that begins with SELECT or WITH, and no ; within it"
        raise RegistryError(Problem(file=shown, field="query", message="is not one SELECT", fix=fix))
    if source.password is not None:
        url = url.set(password=_resolved(source.password, shown))
    records = _records(url, query, shown)
    headings = named_headings(shown, 1, next(records))
    return Table(file=shown, headings=headings, rows=_rows(records, shown, headings))


def _address(source: ListSource) -> tuple[URL, str]:
    """Where the database is, and that as it may be shown."""
    try:
        url = make_url(source.url or "")
    except (ArgumentError, ValueError) as error:  # ValueError: a port that is no number
        fix = "write it like postgresql+psycopg://user@host/database"
        raise RegistryError(Problem(file=source.name, message="is no address of a database", fix=fix)) from error
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
            row = sheet_row(file, number, headings, [_cell(cell) for cell in cells])
            if row is not None:
                yield row


def _cell(value: Any) -> Any:
    """The value as a cell: what spreadsheets and documents hold stays, anything else is its text."""
    if value is None or isinstance(value, (str, int, float, date, time, timedelta, dict)):
        return value
    if isinstance(value, (list, tuple)):
        return [_cell(item) for item in value]
    return bytes(value).hex() if isinstance(value, (bytes, memoryview)) else str(value)


# --- the database -----------------------------------------------------------------


def _records(url: URL, query: str, shown: str) -> _Records:
    """The names of the columns, then every row; the connection is closed however the reading ends."""
    try:
        engine = create_engine(_opened_to_read(url), hide_parameters=True)
    except NoSuchModuleError as error:
        fix = f"install SQLAlchemy's dialect for {url.drivername}"
        raise RegistryError(Problem(file=shown, message="is a kind of database we do not know", fix=fix)) from error
    except ModuleNotFoundError as error:
        fix = f"pip install '{_PACKAGES.get(error.name or '', error.name)}'"
        raise RegistryError(Problem(file=shown, message=f"needs the driver {error.name}", fix=fix)) from error
    try:
        with engine.connect() as connection:
            yield from _read(connection, query)
    except SQLAlchemyError as error:
        raise RegistryError(Problem(file=shown, message=f"cannot be read: {_reason(error)}")) from error
    finally:
        engine.dispose()


def _opened_to_read(url: URL) -> URL:
    """SQLite makes a file that is not there, unless told to open it for reading only."""
    if url.get_backend_name() != "sqlite" or url.database in (None, "", ":memory:"):
        return url
    return url.set(database=f"file:{quote(str(url.database))}", query={**url.query, "mode": "ro", "uri": "true"})


def _read(connection: Connection, query: str) -> _Records:
    if forbid := _READ_ONLY.get(connection.dialect.name):
        connection.exec_driver_sql(forbid)
    try:
        # As it is written: no % or : in it stands for a parameter.
        options = {"no_parameters": True, "stream_results": True, "yield_per": _ROWS_AT_ONCE}
        with closing(connection.exec_driver_sql(query, execution_options=options)) as result:
            yield tuple(map(str, result.keys()))
            yield from result
    finally:
        connection.rollback()


def _reason(error: SQLAlchemyError) -> str:
    """What the driver says, on one line; without the statement, and without any password."""
    said = str(error.orig if isinstance(error, DBAPIError) else error).strip()
    return printable(redact(said.partition("\n")[0]))[:_MOST_SAID]
