"""What a database must offer to hold a store, and the name of this process for others that wait for it."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, Protocol, TypeAlias

from msgspec import Struct
from sqlalchemy import URL, Column, ColumnElement, Connection, Engine, Select, Table

from scanner.text import printable

_MOST_OF_A_HOST = 24


def this_process() -> str:
    """``pid 123 on host x since 2026-11-25T22:15:00Z``, at most 63 bytes: PostgreSQL's limit for a name."""
    host = socket.gethostname().encode("ascii", "replace").decode()[:_MOST_OF_A_HOST]
    return f"pid {os.getpid()} on {host} since {datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"


# --- The interface that each database implements ---

Values: TypeAlias = tuple[Any, ...]
"""A row: its values in the order of the columns."""

WRITES = "writes"
"""Execution option of a connection that writes. Without it, a connection reads one snapshot of the store."""
APPENDS = "appends"
"""Execution option of a connection that only inserts rows of the served page, also while a scan is being saved."""
PATIENCE = "patience"
"""The engine's execution option for how many seconds to wait for another scan."""

DEFAULT_PATIENCE = 600.0
SHORT_WAIT = 10.0
"""Seconds that one transaction waits for another, unless it is a scan's. The URL's ``timeout`` replaces both."""


def wait_of(timeout: float | None, *, scans: bool) -> float:
    """Seconds that a transaction waits for another: what a scan read for an hour is not lost because a person decides.

    ``timeout``: that of the URL. ``scans``: whether it is opened for a scan.
    """
    usual = DEFAULT_PATIENCE if scans else SHORT_WAIT
    return usual if timeout is None else timeout


class Fault(Struct, frozen=True, kw_only=True):
    """What a database error means, and a hint. ``lost``: the connection is gone, and another one may work."""

    what: str
    hint: str
    lost: bool = False


def words(error: BaseException | None) -> str:
    """The driver's message on one line."""
    return printable(" ".join(str(error).split()))


class Lock(Protocol):
    """The lock of a store: one process at a time may conclude a scan. It ends with the process."""

    def take(self) -> bool:
        """Try to take the lock; returns whether this process has it."""
        ...

    def holder(self) -> str | None:
        """The process that holds the lock, such as ``pid 123 on host x since …``; None if it is free or unknown."""
        ...

    def release(self) -> None:
        """Release the lock. Never fails: if the connection is gone, so is the lock."""
        ...


class Database(Protocol):
    """One kind of database. Its methods raise the driver's errors, which :meth:`fault` explains, or StoreErrors."""

    options: ClassVar[frozenset[str]]
    """Options that a URL may have besides ``timeout``."""

    def open(self, address: URL, *, create: bool, timeout: float | None) -> Engine:
        """An engine whose transactions begin as WRITES says. ``create`` prepares the place of a missing store."""
        ...

    def place(self, url: URL) -> str:
        """The location of the store, for messages."""
        ...

    def dialect(self, statement: str) -> str:
        """A migration's statement in the SQL of this database."""
        ...

    def append_only(self, table: str) -> Sequence[str]:
        """Statements that make the database refuse to change or delete rows of a table, numbered from 1 on."""
        ...

    def wait_to_log(self, connection: Connection) -> None:
        """Wait until no other transaction adds to the log of decisions; others wait until this one ends."""
        ...

    def made_tables(self, connection: Connection) -> None:
        """Finish a migration, in its transaction."""
        ...

    def insert(self, connection: Connection, table: Table, rows: Sequence[Values]) -> None:
        """Insert rows with the fastest method of the database."""
        ...

    def unsound(
        self, connection: Connection, rows: Select[Any], checksum: Column[str], text: ColumnElement[str]
    ) -> Sequence[Values]:
        """Those of the rows whose checksum is not that of their text, in any order."""
        ...

    def refuse_unwritable(self, engine: Engine) -> None:
        """Raise StoreError if it is clear beforehand that a scan could not be stored."""
        ...

    def settle(self, engine: Engine) -> None:
        """Finish the storing of a scan."""
        ...

    def compact(self, engine: Engine) -> int:
        """Return space that pruning freed to the system where that is worthwhile; returns the bytes."""
        ...

    def damage(self, engine: Engine) -> Sequence[str]:
        """Problems that the database's own check of its files finds, as messages."""
        ...

    def rebuild_indexes(self, engine: Engine) -> Sequence[str]:
        """Rebuild the indexes; returns what :meth:`damage` finds afterwards."""
        ...

    def may_prune(self, engine: Engine) -> bool:
        """Whether this role may delete rows of old scans."""
        ...

    def size(self, engine: Engine) -> int:
        """Size of the store in bytes."""
        ...

    def lock(self, engine: Engine) -> Lock | None:
        """The lock of the store; None if no other process can reach it."""
        ...

    def fault(self, error: BaseException | None) -> Fault:
        """What the driver's error means."""
        ...
