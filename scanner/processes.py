"""Shares pure work between forked processes.

A child inherits the memory of its parent, so arguments need no copy: only results are sent. Work in a child must be
pure, because only its result reaches the parent. If a child fails, for example because memory runs out, its parent does
that part, and raises what the child would have raised.

Work is shared within :func:`using`, on Linux. Elsewhere everything runs in this process.
"""

from __future__ import annotations

import gc
import logging
import os
import pickle
import signal
import sys
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from contextvars import ContextVar
from functools import cache
from io import BytesIO
from itertools import chain, count, islice, pairwise
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from pathlib import Path
from queue import SimpleQueue
from threading import Thread, current_thread, main_thread
from typing import Any, Generic, NamedTuple, TypeVar

from msgspec import Struct
from msgspec.structs import fields

T = TypeVar("T")
R = TypeVar("R")

log = logging.getLogger(__name__)

FORKS = sys.platform == "linux"
"""macOS has ``fork``, too, but its system libraries may crash after it."""
PARTS = 16
"""Parts per process, so that none waits long for the last."""
AHEAD = 4
"""Batches per process that are started before the first result is used."""
WORTH_IT = 20_000
"""The fewest items to share by default. For fewer, forking and sending results take longer than is saved."""
_NUMBER = 4
"""Bytes of a batch's number."""
_ENDING = (signal.SIGINT, signal.SIGTERM)
_OOM_SCORE = Path("/proc/self/oom_score_adj")
"""Of the processes to choose from, Linux ends that with the most memory; this adds thousandths of all memory."""


class _Sharing(NamedTuple):
    """The number of processes, the fewest items to share, and the warnings that were given."""

    processes: int
    least: int
    said: set[str]


_ALONE = _Sharing(1, WORTH_IT, set())
_sharing: ContextVar[_Sharing] = ContextVar("sharing", default=_ALONE)


@contextmanager
def using(processes: int | None) -> Iterator[None]:
    """Share work between this many processes, including this one; None: as many as cores, if it is worth it."""
    sharing = (
        _Sharing(len(os.sched_getaffinity(0)) if FORKS else 1, WORTH_IT, set())
        if processes is None
        else _Sharing(processes, processes, set())
    )
    before = _sharing.set(sharing if FORKS else _ALONE)
    try:
        yield
    finally:
        _sharing.reset(before)


@contextmanager
def started(work: Callable[[Sequence[T]], R], items: Sequence[T]) -> Iterator[Callable[[], list[R]]]:
    """Start the work on contiguous parts of the items in other processes, while this one does something else.

    The yielded function does the rest, and returns all results in order. Without other processes, all items are one
    part.
    """
    sharing = _sharing.get()
    if sharing.processes == 1 or len(items) < max(sharing.least, 2):
        yield lambda: [work(items)]
        return
    parts = _parts(items, min(len(items), sharing.processes * PARTS))
    with _shared(work, parts, others=sharing.processes - 1, most=len(items)) as results:
        yield lambda: list(results)


def spread(work: Callable[[Sequence[T]], R], items: Sequence[T]) -> list[R]:
    """Return the results for contiguous parts of the items, in order.

    Without other processes, all items are one part.
    """
    with started(work, items) as results:
        return results()


def ahead(work: Callable[[T], R], batches: Iterable[T], *, items: int | None = None) -> Generator[R]:
    """Yield the result for each batch, in order. Other processes work while this one uses earlier results.

    Every process iterates over ``batches`` itself, so they must not come from a file or a connection. ``items``: the
    total number, if it may be too small to share in spite of several batches.
    """
    sharing = _sharing.get()
    processes = 1 if items is not None and items < sharing.least else sharing.processes
    coming = iter(batches)
    first = list(islice(coming, processes))
    with _shared(work, chain(first, coming), others=len(first) - 1, most=processes * AHEAD) as results:
        yield from results


def batched(items: Iterable[T], size: int) -> Iterator[Sequence[T]]:
    """Yield the items in batches of that size; the last may be smaller."""
    coming = iter(items)
    while batch := tuple(islice(coming, size)):
        yield batch


def _warn(message: str, *given: object) -> None:
    """Warn once: a scan shares work twenty times, and has the same trouble each time."""
    said = _sharing.get().said
    if message not in said:
        said.add(message)
        log.warning(message, *given)


def _parts(items: Sequence[T], count: int) -> Iterator[Sequence[T]]:
    bounds = (len(items) * number // count for number in range(count + 1))
    return (items[start:end] for start, end in pairwise(bounds))


# --- Each free process takes the number of a batch from a pipe; children send back numbers and results ---


class _Job(NamedTuple, Generic[T, R]):
    """The data shared by all processes."""

    work: Callable[[T], R]
    batches: Iterator[T]
    numbers: _Numbers


class _Numbers:
    """A pipe of numbers, each for the first process that takes it. It holds 16,000; they are read and written whole."""

    def __init__(self) -> None:
        self._reads, self._writes = os.pipe()
        os.set_blocking(self._reads, False)

    def offer(self, number: int) -> None:
        """Add a number."""
        os.write(self._writes, number.to_bytes(_NUMBER, "big"))

    def take(self) -> int | None:
        """Return the next number; None if there is none now. Raises EOFError in a child whose parent has ended."""
        try:
            taken = os.read(self._reads, _NUMBER)
        except BlockingIOError:
            return None
        if not taken:
            raise EOFError
        return int.from_bytes(taken, "big")

    def all(self) -> Iterator[int]:
        """In a child: yield numbers as they come, until its parent ends."""
        os.close(self._writes)
        while wait([self._reads]):
            if (number := self.take()) is not None:
                yield number

    def close(self) -> None:
        """Close both ends."""
        os.close(self._reads)
        os.close(self._writes)


@contextmanager
def _shared(work: Callable[[T], R], batches: Iterator[T], *, others: int, most: int) -> Iterator[Iterator[R]]:
    """Fork the other processes, and yield the results in order. ``most``: batches started before a result is used."""
    if others < 1:
        yield map(work, batches)
        return
    with ExitStack() as stack:
        children: list[_Child] = []
        try:
            job = _Job(work, batches, stack.enter_context(closing(_Numbers())))
            for _ in range(others):
                children.append(stack.enter_context(_child(job, children)))
        except OSError as error:
            _warn("no further process can be started: %s; %d share the work", error, 1 + len(children))
        yield _Group(job, children, most).results() if children else map(work, batches)


class _Group(Generic[T, R]):
    """This process and its children, which do batches together."""

    def __init__(self, job: _Job[T, R], children: Sequence[_Child], most: int) -> None:
        self._job = job
        self._children = children
        self._most = most
        self._coming = enumerate(job.batches)
        self._begun: dict[int, T] = {}
        """Batches whose results are not used yet, by number."""
        self._done: dict[int, R] = {}
        self._offer()

    def _offer(self) -> None:
        for number, batch in islice(self._coming, self._most - len(self._begun)):
            self._begun[number] = batch
            self._job.numbers.offer(number)

    def results(self) -> Iterator[R]:
        """Yield the results in order. This process does batches, too, rather than wait."""
        for number in count():
            self._offer()
            if number not in self._begun:
                return
            while number not in self._done:
                for child in self._children:
                    self._done.update(one for one in child.finished() if one[0] in self._begun)
                if number not in self._done:
                    self._help(number)
            del self._begun[number]
            yield self._done.pop(number)

    def _help(self, wanted: int) -> None:
        """Do the next free batch. If none is free, wait for a child, or do the wanted batch if a child was lost."""
        mine = self._job.numbers.take()
        if mine is None and any(child.is_lost for child in self._children):
            mine = wanted
        if mine is None:
            wait([child.connection for child in self._children])
        else:
            self._done[mine] = self._job.work(self._begun[mine])


class _Child:
    """A child process, for its parent."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.is_lost = False

    def finished(self) -> Iterator[tuple[int, Any]]:
        """Yield the results received so far, with the numbers of their batches."""
        try:
            while not self.is_lost and self.connection.poll():
                number, result = pickle.loads(self.connection.recv_bytes())  # noqa: S301  # from a child, through a private pipe
                yield number, result
        except (EOFError, OSError):
            _warn("a process that shares the work ended early; this one does its part")
            self.is_lost = True


@contextmanager
def _child(job: _Job[T, R], siblings: Sequence[_Child]) -> Iterator[_Child]:
    """Fork a child that does batches. Raises OSError if the system refuses."""
    fork = get_context("fork")
    ours, theirs = fork.Pipe(duplex=False)
    # Only the parent has the other end of a child's connection, so that its end is the end of all children.
    parents = [ours, *(sibling.connection for sibling in siblings)]
    process = fork.Process(target=_serve, args=(job, parents, theirs), daemon=True)
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


def _serve(job: _Job[T, R], parents: Sequence[Connection], connection: Connection) -> None:
    """Run in the child: send the work on each batch that it takes."""
    try:
        for one in parents:
            one.close()
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles Ctrl-C and ends its children
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        gc.disable()  # garbage collection would copy the memory shared with the parent
        _sharing.set(_ALONE)
        with suppress(OSError):
            _OOM_SCORE.write_text("1000")  # without memory, the system ends children, and not the parent
        results: SimpleQueue[bytes] = SimpleQueue()
        # A thread sends, so that this one need not wait until the parent receives.
        Thread(target=_send, args=(connection, results), daemon=True).start()
        numbered = enumerate(job.batches)
        for taken in job.numbers.all():
            batch = next(batch for number, batch in numbered if number == taken)
            results.put(_packed((taken, job.work(batch))))
    finally:
        os._exit(1)  # the parent is done, or does the work itself and raises the error


def _send(connection: Connection, results: SimpleQueue[bytes]) -> None:
    try:
        while True:
            connection.send_bytes(results.get())
    finally:
        os._exit(1)  # or the parent would wait for results that cannot come


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
