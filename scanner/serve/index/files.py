"""Reading of an index file: connections for any number of threads, and columns as arrays."""

from __future__ import annotations

import sqlite3
import zlib
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Lock
from typing import Any, Generic, TypeVar
from urllib.parse import quote

import msgspec

from scanner.errors import StoreError
from scanner.serve.index.about import IndexInfo, read_about
from scanner.serve.index.numeric import Array, np
from scanner.serve.index.questions import ListName

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class UnusableIndex(StoreError):
    """The file is missing, damaged, of another program or of another version, and has to be rebuilt."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"the index {path} {why}", hint="`muster store index` builds it again")


class Cache(Generic[K, T]):
    """The most recently used values, at most so many, for any number of threads. Each value is made once."""

    def __init__(self, most: int) -> None:
        self._most, self._values, self._lock = most, OrderedDict[K, T](), Lock()
        self._making: dict[K, Lock] = {}

    def get(self, key: K, make: Callable[[], T]) -> T:
        """The value of the key. If it is missing, one thread creates it while others wait."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key]
            making = self._making.setdefault(key, Lock())
        with making:
            with self._lock:
                if key in self._values:
                    return self._values[key]
            try:
                value = make()
                with self._lock:
                    self._values[key] = value
                    if len(self._values) > self._most:
                        self._values.popitem(last=False)
            finally:
                with self._lock:
                    self._making.pop(key, None)
            return value


class IndexFile:
    """An open index file. Its methods raise UnusableIndex; ``is_usable`` is false from then on."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._idle: deque[sqlite3.Connection] = deque()
        self._is_open = self.is_usable = True
        self._columns = Cache[tuple[str, str], tuple[Array, Sequence[Any]]](1_000)
        self.about = self._read_about()

    def _read_about(self) -> IndexInfo:
        if not self._path.is_file():
            raise UnusableIndex(self._path, "is missing")
        with self.connection() as connection:
            about = read_about(connection)
        if about is None:
            raise UnusableIndex(self._path, "was not built by this version of Muster")
        return about

    @contextmanager
    def connection(self) -> Iterator[sqlite3.Connection]:
        """A connection for exclusive use within the context."""
        try:
            try:
                connection = self._idle.pop()
            except IndexError:
                connection = self._connect()
            try:
                yield connection
            except BaseException:
                connection.close()
                raise
            if self._is_open:
                self._idle.append(connection)
            else:
                connection.close()
        except (sqlite3.DatabaseError, msgspec.DecodeError) as error:
            self.is_usable = False
            raise UnusableIndex(self._path, f"is damaged ({error})") from error

    def _connect(self) -> sqlite3.Connection:
        # The file never changes, so SQLite need not check for changes or locks. Damaged files cannot run functions.
        address = f"file:{quote(str(self._path.absolute()))}?mode=ro&immutable=1"
        connection = sqlite3.connect(address, uri=True, check_same_thread=False, isolation_level=None)
        connection.execute("PRAGMA trusted_schema = OFF")
        return connection

    def column(self, of: ListName, name: str) -> tuple[Array, Sequence[Any]]:
        """A column as an array over all rows, and the values of its codes, if it is coded."""
        return self._columns.get((of, name), lambda: self._read_column(of, name))

    def _read_column(self, of: ListName, name: str) -> tuple[Array, Sequence[Any]]:
        with self.connection() as connection:
            wanted = "SELECT kind, content, checksum, vals FROM column_of WHERE list = ? AND name = ?"
            row = connection.execute(wanted, (of, name)).fetchone()
            if row is None or zlib.crc32(row[1]) != row[2]:
                raise sqlite3.DatabaseError(f"the column {name} of {of} is not as it was written")
            values: list[Any] = msgspec.json.decode(row[3]) if row[3] is not None else []
        return np.frombuffer(row[1], dtype=row[0]), values

    def close(self) -> None:
        """Close idle connections now, and others when they are returned."""
        self._is_open = False
        while self._idle:
            with closing(self._idle.pop()):
                pass
