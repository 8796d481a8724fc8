"""Reads units of a log in this process, in other processes or on a cluster, and masks the results."""

from __future__ import annotations

import hashlib
import logging
import multiprocessing
import os
import pickle
import signal
import time
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    CancelledError,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    wait,
)
from concurrent.futures.process import BrokenProcessPool
from functools import lru_cache, partial
from threading import Thread
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from connectors.core.contract import own_words
from connectors.logs import LogReader
from scanner import __version__
from scanner.errors import SourceError, with_fix
from scanner.model import CoverageStatus
from scanner.model.activity import CallerDay, Feature, LeftOut, LogDay, LogUnit, NamedChange, UnitReading, feature_of
from scanner.redaction.masking import mask
from scanner.redaction.redact import without_resolved
from scanner.redaction.shapes import public_id
from scanner.text import without_surrogates

log = logging.getLogger(__name__)

PATIENCE = 2.0
"""Seconds that one process reads alone before others are started for the rest."""
AHEAD = 2
"""Units that each process has in its queue."""
AHEAD_ON_CLUSTER = 200
"""Units that a cluster has in its queue."""
LONGEST = 500
"""Maximum characters of a caller's or an action's name; longer names are cut and distinguished by a hash."""


class Failure(Struct, frozen=True):
    """Why a unit could not be read. Errors of plugins may not pickle."""

    status: CoverageStatus
    words: str
    permission: str | None = None


Outcome: TypeAlias = tuple[LogUnit, UnitReading | Failure]


def read_units(
    reader: LogReader, units: Sequence[LogUnit], patience: float = PATIENCE, cluster: str | None = None
) -> Generator[Outcome]:
    """Yield each unit with its reading, as they finish; other processes read what is left after ``patience`` seconds.

    A reader that does not pickle runs in threads: it requests a provider, and mostly waits. ``cluster``: the address of
    a cluster that reads instead. Raises ClusterError if it does not answer, MissingExtra.
    """
    left = deque(units)
    begin = time.monotonic()
    while left and (time.monotonic() - begin < patience or len(left) == 1):
        unit = left.popleft()
        yield unit, read_unit(reader, unit)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    while left:
        try:
            pickled = pickle.dumps((__version__, reader))
        except Exception:  # noqa: BLE001  # a plugin's reader may not pickle; then threads read it
            with ThreadPoolExecutor(cores * AHEAD, thread_name_prefix="log") as threads:
                yield from _spread(threads, partial(read_unit, reader), left, cores * AHEAD)
            return
        read = partial(_read_pickled, pickled)
        if cluster is not None:
            from scanner.discovery.cluster import cluster_executor

            with cluster_executor(cluster) as workers:
                yield from _spread(workers, read, left, AHEAD_ON_CLUSTER)
            return
        children = set(multiprocessing.active_children())
        processes = ProcessPoolExecutor(
            min(cores, len(left)), mp_context=multiprocessing.get_context("spawn"), initializer=_follow_parent
        )
        try:
            yield from _spread(processes, read, left, cores * AHEAD)
            processes.shutdown()
        except BaseException:
            # Their readings are lost anyway, and the exit would wait for them.
            processes.shutdown(wait=False, cancel_futures=True)
            for child in set(multiprocessing.active_children()) - children:
                child.terminate()
            raise


def _follow_parent() -> None:
    """Ignore Ctrl-C, which reaches every process of a terminal: the main process ends the others.

    If that is killed, nobody would: a process that waits for its next unit waits for ever.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


_Read: TypeAlias = "Callable[[LogUnit], UnitReading | Failure]"


def _spread(executor: Executor, read: _Read, left: deque[LogUnit], ahead: int) -> Iterator[Outcome]:
    """Submit units from ``left`` until none remain or the executor breaks; then only submitted units are lost."""
    pending: dict[Future[UnitReading | Failure], LogUnit] = {}
    while left or pending:
        try:
            while left and len(pending) < ahead:
                pending[executor.submit(read, left[0])] = left[0]
                left.popleft()
        except BrokenProcessPool:
            if not pending:
                return
        done, _ = wait(pending, return_when=FIRST_COMPLETED)
        is_broken = False
        for future in done:
            unit = pending.pop(future)
            try:
                yield unit, future.result()
            except BrokenProcessPool:
                is_broken = True
                yield unit, Failure("failed", "the process that read it ended: there may be too little memory")
            except CancelledError:
                yield unit, Failure("failed", "the worker that read it was lost")
            except Exception as error:  # noqa: BLE001  # unpickling runs a plugin's code; the other units are read
                yield unit, Failure("failed", own_words(error))
        if is_broken and not pending:
            return


@lru_cache(maxsize=8)
def _unpickled(reader: bytes) -> LogReader:
    made: LogReader
    version, made = pickle.loads(reader)  # noqa: S301  # our own parent process or scheduler sent it
    if version != __version__:
        raise SourceError(f"the worker runs Muster {__version__}, but the log is read by {version}")
    return made


def _read_pickled(reader: bytes, unit: LogUnit) -> UnitReading | Failure:
    """Read a unit in another process, which creates its reader, session and secrets once."""
    try:
        made = _unpickled(reader)
    except SourceError as error:
        return Failure(error.status, with_fix(own_words(error), error.hint))
    return read_unit(made, unit)


def read_unit(reader: LogReader, unit: LogUnit) -> UnitReading | Failure:
    """The masked reading of a unit; any failure becomes a gap of the unit."""
    try:
        return clean(reader.read(unit))
    except SourceError as error:
        return Failure(error.status, with_fix(own_words(error), error.hint), error.permission)
    except Exception as error:  # a plugin may raise anything; the other units are read
        log.debug("unit %s", unit.name, exc_info=True)
        return Failure("failed", f"{type(error).__name__}: {own_words(error)}")


# --- Every record is masked: no secrets, no overlong text, none that a database refuses ---


def clean(reading: UnitReading) -> UnitReading:
    """The reading, masked and shortened."""
    return replace(
        reading,
        callers=tuple(map(_clean_caller, reading.callers)),
        changes=tuple(map(_clean_change, reading.changes)),
        coverage=tuple(map(clean_day, reading.coverage)),
        counted=_clean_counted(reading.counted),
        left_out=tuple(map(_clean_left_out, reading.left_out)),
    )


def clean_day(day: LogDay) -> LogDay:
    """The day, with its detail masked and shortened."""
    scope = _short(day.scope)
    if scope is day.scope and day.detail is None:
        return day
    return replace(day, scope=scope, detail=None if day.detail is None else own_words(day.detail))


def _clean_counted(counted: Mapping[str, int]) -> dict[str, int]:
    found: Counter[str] = Counter()
    for scope, number in counted.items():
        found[_short(scope)] += number
    return dict(found)


def _clean_left_out(one: LeftOut) -> LeftOut:
    return replace(one, scope=_short(one.scope), what=_short(one.what), example=own_words(one.example))


def _clean_change(change: NamedChange) -> NamedChange:
    texts = ("scope", "target", "action", "by", "event_id")
    return mask(replace(change, **{name: _short(getattr(change, name)) for name in texts}))


def _clean_caller(day: CallerDay) -> CallerDay:
    counts = {_clean_feature(text): numbers for text, numbers in day.counts.items()}
    return replace(
        day,
        scope=_short(day.scope),
        caller=_short(day.caller),
        unique_id=_short(day.unique_id),
        counts=counts,
        samples={_clean_feature(text): _short(event) for text, event in day.samples.items()},
    )


@lru_cache(maxsize=100_000)
def _clean_feature(text: str) -> str:
    feature = feature_of(text)
    return str(Feature(feature.sort, _short(feature.value)))


@lru_cache(maxsize=100_000)
def _short(text: str) -> str:
    safe = public_id(without_resolved(without_surrogates(text)))
    if len(safe) <= LONGEST:
        return safe
    return f"{safe[: LONGEST - 17]}…{hashlib.sha256(safe.encode()).hexdigest()[:16]}"
