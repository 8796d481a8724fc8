"""Shares pure work between forked processes.

A child inherits everything that its parent knows, so that arguments need no copy: only results travel, pickled. What
computes in a child must be pure, because nothing else of it reaches the parent. A child that fails, as when the system
runs out of memory, loses nothing: its parent does that part, and raises what the child would have raised.

Work is shared where :func:`using` says so, on Linux. Elsewhere everything runs in this process.
"""

from __future__ import annotations

import gc
import logging
import os
import pickle
import signal
import sys
import warnings
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from contextvars import ContextVar
from functools import cache
from io import BytesIO
from itertools import chain, count, islice, pairwise
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from queue import SimpleQueue
from threading import Thread, current_thread, main_thread
from typing import Any, NamedTuple, TypeVar

from msgspec import Struct
from msgspec.structs import fields

T = TypeVar("T")
R = TypeVar("R")

log = logging.getLogger(__name__)

FORKS = sys.platform == "linux"
"""macOS has ``fork``, too, but its system libraries may crash after it."""
PARTS = 16
"""Parts for each process, so that none waits long for the last."""
AHEAD = 3
"""Batches that a child is dealt at once, so that it need not wait for its parent."""
_ENDING = (signal.SIGINT, signal.SIGTERM)
WORTH_IT = 20_000
"""The fewest items to share by default. Forking and the results of fewer take longer than is saved."""


class _Sharing(NamedTuple):
    """How many processes share the work on so many items, or more."""

    processes: int
    least: int


_ALONE = _Sharing(1, WORTH_IT)
_sharing: ContextVar[_Sharing] = ContextVar("sharing", default=_ALONE)


@contextmanager
def using(processes: int | None) -> Iterator[None]:
    """Share work between so many processes, this one included; None: as many as there are cores, if it is worth it."""
    sharing = _Sharing(_cores(), WORTH_IT) if processes is None else _Sharing(processes, processes)
    before = _sharing.set(sharing if FORKS else _ALONE)
    try:
        yield
    finally:
        _sharing.reset(before)


def _cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if FORKS else 1


def spread(work: Callable[[Sequence[T]], R], items: Sequence[T]) -> list[R]:
    """Return the work on contiguous parts of the items, in order; at least one part. Alone, it is one part."""
    sharing = _sharing.get()
    if sharing.processes == 1 or len(items) < sharing.least:
        return [work(items)]
    return list(ahead(work, _parts(items, min(len(items), sharing.processes * PARTS))))


def ahead(work: Callable[[T], R], batches: Iterable[T]) -> Generator[R]:
    """Yield the work on each batch, in order. Other processes do it while this one uses the results before it.

    Every process goes through ``batches`` itself, so they must not come from a file or a connection.
    """
    coming = iter(batches)
    first = list(islice(coming, _sharing.get().processes))
    if len(first) > 1:
        yield from _shared(work, chain(first, coming), others=len(first) - 1)
    else:
        yield from map(work, chain(first, coming))


def batched(items: Iterable[T], size: int) -> Iterator[Sequence[T]]:
    """Yield the items in batches of that size; the last may be smaller."""
    coming = iter(items)
    while batch := tuple(islice(coming, size)):
        yield batch


def _parts(items: Sequence[T], count: int) -> Iterator[Sequence[T]]:
    bounds = (len(items) * number // count for number in range(count + 1))
    return (items[start:end] for start, end in pairwise(bounds))


# --- The parent deals batches to its children by their numbers, and does some itself rather than wait ---


def _shared(work: Callable[[T], R], batches: Iterator[T], others: int) -> Iterator[R]:
    with _children(work, batches, others) as children:
        numbered = enumerate(batches)
        dealt: dict[int, T] = {}
        done: dict[int, R] = {}

        def deal() -> int | None:
            for number, batch in numbered:
                dealt[number] = batch
                return number
            return None

        for number in count():
            while number not in done:
                for child in children:
                    done.update(child.finished())
                    while child.is_idle and (given := deal()) is not None:
                        child.take(given)
                if number in done:
                    break
                is_lost = number in dealt and not any(number in child.owed for child in children)
                mine = number if is_lost else deal()
                if mine is not None:
                    done[mine] = work(dealt[mine])
                elif number in dealt:
                    wait([child.connection for child in children if child.owed])
                else:
                    return
            yield done.pop(number)
            del dealt[number]


class _Child:
    """A child process, seen from its parent. ``owed``: numbers of batches that it was dealt, in order."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.owed: deque[int] = deque()
        self._is_lost = False

    @property
    def is_idle(self) -> bool:
        """Whether it could run out of work."""
        return not self._is_lost and len(self.owed) < AHEAD

    def take(self, number: int) -> None:
        """Deal it a batch."""
        self.owed.append(number)
        try:
            self.connection.send(number)
        except OSError:
            self._lose()

    def finished(self) -> Iterator[tuple[int, Any]]:
        """Yield the results that are there, with the numbers of their batches."""
        try:
            while self.owed and self.connection.poll():
                result = pickle.loads(self.connection.recv_bytes())  # noqa: S301  # from a child, by a pipe that only the two have
                yield self.owed.popleft(), result
        except (EOFError, OSError):
            self._lose()

    def _lose(self) -> None:
        log.warning("a process that shares the work ended early; this one does its part")
        self._is_lost = True
        self.owed.clear()


@contextmanager
def _children(work: Callable[[T], R], batches: Iterator[T], count: int) -> Iterator[Sequence[_Child]]:
    """Fork so many children, or as many as the system allows. Leaving the context ends them."""
    with ExitStack() as stack:
        children: list[_Child] = []
        try:
            for _ in range(count):
                children.append(stack.enter_context(_child(work, batches, children)))
        except OSError as error:
            log.warning("no further process can be started: %s; %d share the work", error, 1 + len(children))
        yield children


@contextmanager
def _child(work: Callable[[T], R], batches: Iterator[T], siblings: Sequence[_Child]) -> Iterator[_Child]:
    """Fork a child that does batches. Raises OSError if the system refuses."""
    fork = get_context("fork")
    ours, theirs = fork.Pipe()
    # Only the parent has the other end of a child's connection, so that its end is the end of all children.
    parents = [ours, *(sibling.connection for sibling in siblings)]
    process = fork.Process(target=_serve, args=(work, batches, parents, theirs), daemon=True)
    with closing(ours):
        with closing(theirs), _signals_deferred(), warnings.catch_warnings():
            # Python warns of threads at a fork. Those that read sources are done; the child takes none of their locks.
            warnings.simplefilter("ignore", DeprecationWarning)
            process.start()
        try:
            yield _Child(ours)
        finally:
            process.kill()
            process.join()


@contextmanager
def _signals_deferred() -> Iterator[None]:
    """Raise signals at the end of the block: Python ignores an exception of a handler that runs during a fork."""
    if current_thread() is not main_thread():
        yield
        return
    received: list[int] = []
    handlers = {one: signal.signal(one, lambda number, _: received.append(number)) for one in _ENDING}
    try:
        yield
    finally:
        for one, handler in handlers.items():
            signal.signal(one, handler or signal.SIG_DFL)
        for number in received:
            signal.raise_signal(number)


def _serve(work: Callable[[T], R], batches: Iterator[T], parents: Sequence[Connection], connection: Connection) -> None:
    """Run in the child: send the work on each batch that the parent deals."""
    for one in parents:
        one.close()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends its children
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    gc.disable()  # a collection would copy the memory that is shared with the parent
    _sharing.set(_ALONE)
    results: SimpleQueue[bytes] = SimpleQueue()
    # A thread sends, so that this one need not wait until the parent receives.
    Thread(target=_send, args=(connection, results), daemon=True).start()
    numbered = enumerate(batches)
    try:
        while True:
            dealt = connection.recv()
            batch = next(batch for number, batch in numbered if number == dealt)
            results.put(_packed(work(batch)))
    finally:
        os._exit(1)  # the parent is done, or does the work itself and meets the error


def _send(connection: Connection, results: SimpleQueue[bytes]) -> None:
    with suppress(OSError):
        while True:
            connection.send_bytes(results.get())


# --- Results: records are pickled without their default values, which halves the time to unpickle them ---


class _Pickler(pickle.Pickler):
    def reducer_override(self, obj: Any) -> Any:
        """Return how to pickle a record; all else is pickled as usual."""
        if not isinstance(obj, Struct):
            return NotImplemented
        values = {name: value for name, default in _defaults(type(obj)) if (value := getattr(obj, name)) is not default}
        return _record, (type(obj), values)


@cache
def _defaults(kind: type[Struct]) -> tuple[tuple[str, Any], ...]:
    return tuple((field.name, field.default) for field in fields(kind))


def _record(kind: type[T], values: Mapping[str, Any]) -> T:
    return kind(**values)


def _packed(result: object) -> bytes:
    out = BytesIO()
    _Pickler(out, pickle.HIGHEST_PROTOCOL).dump(result)
    return out.getvalue()
