"""The databases behind a store: for each the URL of an empty one, for as long as a ``with`` lasts."""

from __future__ import annotations

import atexit
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeAlias

import pytest
from sqlalchemy import Connection, Engine, Table, select

from scanner.store import schema
from scanner.store.engine import connect, database_of, writing
from scanner.store.store import Store, make_ready_to_write
from tests.servers import postgres

Backend: TypeAlias = Callable[[], AbstractContextManager[str]]


@contextmanager
def sqlite_file() -> Iterator[str]:
    """A file that is gone afterwards."""
    with TemporaryDirectory() as folder:
        yield f"sqlite:///{Path(folder) / 'muster.db'}"


@contextmanager
def sqlite_memory() -> Iterator[str]:
    """Memory, which no one else sees."""
    yield "sqlite://"


@contextmanager
def postgresql() -> Iterator[str]:
    """A schema on a real server."""
    yield postgres.shared().store_url()


SHARED = (
    pytest.param(sqlite_file, id="sqlite_file"),
    pytest.param(postgresql, id="postgresql", marks=postgres.needed),
)
"""Those that another process can open."""

BACKENDS = (*SHARED, pytest.param(sqlite_memory, id="sqlite_memory"))


def empty_stores() -> Iterator[Store]:
    """One on each database, one after the other: an example costs more to make than to try on all of them."""
    yield empty_store(sqlite_memory)
    yield empty_store(sqlite_file)
    if postgres.missing() is None:
        yield empty_store(postgresql)


def empty_store(backend: Backend) -> Store:
    """A store as if no one had used it, which its user leaves open.

    Every one of a database shares an engine, which is emptied: an engine of its own makes all tables, and compiles all
    SQL anew, which takes longer than most tests.
    """
    engine = _engine(backend)
    with writing(engine) as connection:
        for table in reversed(schema.metadata.sorted_tables):
            if table is schema.decision:
                _make_anew(connection, table)
            elif table is not schema.migration:
                connection.execute(table.delete())
    return Store(engine)


def _make_anew(connection: Connection, table: Table) -> None:
    """A table that refuses to delete rows."""
    if connection.execute(select(table).limit(1)).first() is None:
        return
    table.drop(connection)
    table.create(connection)
    for statement in database_of(connection).append_only(table.name):
        connection.exec_driver_sql(statement, execution_options={"no_parameters": True})


@cache
def _engine(backend: Backend) -> Engine:
    """Of a store with all tables, until the tests end."""
    until_the_end = ExitStack()
    engine = connect(until_the_end.enter_context(backend()), create=True)
    until_the_end.callback(engine.dispose)
    atexit.register(until_the_end.close)  # after the database registered its own end, so before it
    make_ready_to_write(engine)
    return engine
