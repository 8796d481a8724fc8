"""A session with a database server: queries within the budget, and rows in the shape that is expected."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self, TypeVar

import msgspec
from msgspec import Struct

from connectors.core.budget import current
from connectors.core.contract import Malformed, Meter, SectionReading
from scanner.errors import DeadlineExceeded

T = TypeVar("T", bound=Struct)
_ROW_BYTES = 64
"""What a row costs besides its values."""


class DatabaseSession:
    """A session that only reads. A driver's subclass runs the queries; see :meth:`run`."""

    def __init__(self, meter: Meter, timeout: float) -> None:
        self._meter = meter
        self._timeout = timeout

    @abstractmethod
    def run(self, sql: str) -> Iterator[dict[str, Any]]:
        """The rows of a query, one by one. Raises SourceError."""
        ...

    @abstractmethod
    def close(self) -> None:
        """End the session."""
        ...

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def rows(self, section: SectionReading, sql: str, shape: type[T]) -> Iterator[T]:
        """The rows of a section's query; a row of another shape is a gap of that row. Raises SourceError."""
        for row in self.raw(sql):
            try:
                yield msgspec.convert(row, shape, strict=False)
            except msgspec.ValidationError as error:
                section.malformed(str(next(iter(row.values()), "")), str(error))

    def one(self, sql: str, shape: type[T]) -> T:
        """The only row of a query. Raises Malformed, or another SourceError."""
        found = list(self.raw(sql))
        try:
            (row,) = found
            return msgspec.convert(row, shape, strict=False)
        except ValueError as error:  # no row, several, or one of another shape
            raise Malformed(f"the server's answer has an unexpected structure: {error}") from None

    def raw(self, sql: str) -> Iterator[dict[str, Any]]:
        """The rows of a query, within the budget of the section. Raises SourceError."""
        budget = current()
        answer = budget.answer()
        self._meter.add()
        for row in self.run(sql):
            size = _ROW_BYTES + sum(len(value) for value in row.values() if isinstance(value, (str, bytes)))
            budget.take(size)
            answer.take(size)
            answer.seconds()
            yield row

    def seconds(self) -> float:
        """How long the next query may take. Raises DeadlineExceeded if no time is left."""
        return min(self._timeout, current().answer().seconds())


@contextmanager
def ended_after(seconds: float, descriptor: int) -> Iterator[None]:
    """Within the context, a connection's socket is shut down after some seconds, whatever its driver waits for.

    ``descriptor``: of the socket. Raises DeadlineExceeded if that happened.
    """
    late = threading.Event()
    line = socket.socket(fileno=os.dup(descriptor))

    def end() -> None:
        late.set()
        with contextlib.suppress(OSError):
            line.shutdown(socket.SHUT_RDWR)

    watch = threading.Timer(seconds, end)
    watch.daemon = True
    watch.start()
    try:
        yield
    except Exception as error:  # clients differ in what they make of a closed socket
        if late.is_set():
            raise DeadlineExceeded(f"a response was incomplete after {seconds:g} seconds") from error
        raise
    finally:
        watch.cancel()
        line.close()
