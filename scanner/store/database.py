"""What a process calls itself where others wait for it."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, Protocol, TypeAlias

from msgspec import Struct
from sqlalchemy import URL, Connection, Engine, Table

from scanner.text import printable

_MOST_OF_A_HOST = 24


def this_process() -> str:
    """``pid 123 on host x since 2026-11-25T22:15:00Z``: at most the 63 bytes that PostgreSQL takes for a name."""
    host = socket.gethostname().encode("ascii", "replace").decode()[:_MOST_OF_A_HOST]
    return f"pid {os.getpid()} on {host} since {datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"


# --- What differs between databases, as the one interface behind which each of them keeps it to itself ---

Values: TypeAlias = tuple[Any, ...]
"""A row: its values in the order of the columns."""

WRITES = "writes"
"""The execution option of a connection that is to write; without it, it reads one state of the store."""
PATIENCE = "patience"
"""The engine's execution option that says for how many seconds the end of another scan is awaited."""

DEFAULT_PATIENCE = 600.0
SHORT_WAIT = 10.0
"""Seconds for which one transaction waits for another; a URL's ``timeout`` replaces both."""


class Fault(Struct, frozen=True, kw_only=True):
    """What a database's error means here, and what to do. ``lost``: the connection is gone; another may work."""

    what: str
    hint: str
    lost: bool = False


def words(error: BaseException | None) -> str:
    """What the driver says, on one line."""
    return printable(" ".join(str(error).split()))


class Lock(Protocol):
    """The right to conclude a scan, which one process at a time has. It ends with the process, however that ends."""

    def take(self) -> bool:
        """Whether it is ours now."""
        ...

    def holder(self) -> str | None:
        """Who has it, as words: ``pid 123 on host x since …``; None where nobody has, or nobody says."""
        ...

    def release(self) -> None:
        """Give it back. Never fails: what is gone is given back, too."""
        ...


class Database(Protocol):
    """One kind of database. Errors are the driver's own, which :meth:`fault` explains, or StoreErrors."""

    options: ClassVar[frozenset[str]]
    """What the query of a URL may hold, besides ``timeout``."""

    def open(self, address: URL, *, create: bool, timeout: float | None) -> Engine:
        """An engine whose transactions begin as WRITES says. A missing store is made room for if ``create``."""
        ...

    def place(self, url: URL) -> str:
        """Where the store is, for messages."""
        ...

    def dialect(self, statement: str) -> str:
        """A migration's statement in this database's words."""
        ...

    def made_tables(self, connection: Connection) -> None:
        """What is due after tables were made or changed, in the same transaction."""
        ...

    def insert(self, connection: Connection, table: Table, rows: Sequence[Values]) -> None:
        """Insert rows, the quickest way there is."""
        ...

    def refuse_unwritable(self, engine: Engine) -> None:
        """Raise StoreError where it is known beforehand that a scan could not be stored."""
        ...

    def settle(self, engine: Engine) -> None:
        """What is due after a scan was stored."""
        ...

    def compact(self, engine: Engine) -> int:
        """Give back what pruning freed, where that is worth it; returns the bytes."""
        ...

    def damage(self, engine: Engine) -> Sequence[str]:
        """What the database's own check of its files finds, in words."""
        ...

    def mend(self, engine: Engine) -> Sequence[str]:
        """Make indexes anew; returns what :meth:`damage` finds then."""
        ...

    def may_prune(self, engine: Engine) -> bool:
        """Whether this role may delete what old scans had."""
        ...

    def size(self, engine: Engine) -> int:
        """Bytes that the store takes."""
        ...

    def lock(self, engine: Engine) -> Lock | None:
        """The lock of the store; None where nobody else can reach it."""
        ...

    def fault(self, error: BaseException | None) -> Fault:
        """What the driver's error means."""
        ...
