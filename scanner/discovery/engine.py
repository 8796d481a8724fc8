"""Read the scopes of many sources in parallel. A failure in one scope never stops another.

Work runs on a ``concurrent.futures.Executor``, by default with threads. Results come back in the order they finish; the
inventory sorts them.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import CancelledError, Executor, Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from functools import partial
from itertools import chain
from queue import SimpleQueue
from typing import ParamSpec, Protocol, TypeVar

from msgspec import Struct

from connectors.core.contract import Connector, Scope, own_words
from scanner.config.settings import EngineSettings
from scanner.discovery.inventory import Inventory, ScopeReading, join
from scanner.discovery.scopes import Job, Listing, gap_of, list_scopes, read_scope, rest_of
from scanner.discovery.shards.joining import parts
from scanner.discovery.shards.lines import decode
from scanner.errors import ClusterError, SourceError
from scanner.matching.places import SourceRef
from scanner.model import EVERY_SCOPE, WHOLE_SCOPE
from scanner.stages import stage
from scanner.store.staging import Staging

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")


class Observer(Protocol):
    """Receives the progress of a run. Called from one thread."""

    def planned(self, source: str, scopes: int) -> None:
        """``scopes`` more scopes of this source will be read."""

    def done(self, reading: ScopeReading) -> None:
        """A scope was read."""


def read_all(
    connectors: Sequence[tuple[str, Connector]],
    *,
    executor: Executor,
    scope_deadline: float,
    observer: Observer,
) -> Iterator[ScopeReading]:
    """Read every scope of every connector, by name of source. Closing the iterator stops the reading.

    ``scope_deadline``: in seconds, for one scope, and for listing the scopes.
    """
    stop = threading.Event()
    jobs = [job_here(source, connector, scope_deadline, stop) for source, connector in connectors]
    try:
        with closing(run(jobs, executor=executor, observer=observer)) as outcomes:
            yield from chain.from_iterable(map(readings_of, outcomes))
    finally:
        stop.set()


def job_here(source: str, connector: Connector, scope_deadline: float, stop: threading.Event) -> Job:
    """The connector's work, for threads of this process. Setting ``stop`` ends scopes early."""
    return Job(
        source=source,
        spec=connector.spec,
        list_scopes=partial(list_scopes, source, connector, deadline=scope_deadline),
        read_scope=partial(read_scope, connector, deadline=scope_deadline, stop=stop),
    )


def run(
    jobs: Sequence[Job],
    *,
    executor: Executor,
    observer: Observer,
    wanted: Callable[[Scope], bool] = lambda _: True,
) -> Generator[Listing | ScopeReading]:
    """Yield the listing of each source and the readings of its ``wanted`` scopes, in the order they finish.

    Closing the generator cancels work that has not started. Raises ClusterError if the executor itself is lost.
    """
    done: SimpleQueue[Future[Listing | ScopeReading]] = SimpleQueue()
    pending: dict[Future[Listing | ScopeReading], tuple[Job, Scope | None]] = {}

    def submit(job: Job, scope: Scope | None = None) -> None:
        future: Future[Listing | ScopeReading] = (
            executor.submit(job.list_scopes) if scope is None else executor.submit(job.read_scope, scope)
        )
        pending[future] = job, scope
        future.add_done_callback(done.put)

    try:
        for job in jobs:
            submit(job)
        while pending:
            future = done.get()
            job, scope = pending.pop(future)
            outcome = _outcome(future, job, scope)
            if isinstance(outcome, ScopeReading):
                observer.done(outcome)
            else:
                chosen = [one for one in outcome.scopes if wanted(one)]
                for one in chosen:
                    submit(job, one)
                if chosen:
                    observer.planned(job.source, len(chosen))
            yield outcome
    finally:
        for future in pending:
            future.cancel()


def readings_of(outcome: Listing | ScopeReading) -> Iterator[ScopeReading]:
    """The readings of an outcome: a reading itself, or the gaps of a listing."""
    if isinstance(outcome, ScopeReading):
        yield outcome
        return
    for coverage in outcome.coverage:
        yield ScopeReading(source=coverage.source, scope=coverage.scope, coverage=(coverage,))


def _outcome(future: Future[Listing | ScopeReading], job: Job, scope: Scope | None) -> Listing | ScopeReading:
    try:
        return future.result()
    except CancelledError as error:
        raise ClusterError(
            "the cluster that reads the scopes was lost; nothing of this run was stored",
            hint="see the log of its scheduler, then scan again",
        ) from error
    except Exception as error:  # noqa: BLE001  # a worker may fail with any error, which is a gap
        log.warning("source %s: a worker could not read a scope: %s", job.source, own_words(error))
        lost = SourceError(f"the worker could not read it: {own_words(error)}")
    if scope is None:
        return Listing(source=job.source, coverage=(gap_of(job.spec, job.source, EVERY_SCOPE, WHOLE_SCOPE, lost),))
    gap = gap_of(job.spec, scope.source, scope.id, rest_of(scope.part), lost)
    return ScopeReading(source=scope.source, scope=gap.scope, part=scope.part, coverage=(gap,))


# --- Reading sources into an inventory, with threads or on a cluster ---

LIVE, EXPORT, LIST = range(3)
"""The priority of sources that report the same identity, highest first."""


class Source(Struct, frozen=True, kw_only=True):
    """A source with its connector. ``rank``: LIVE, EXPORT or LIST. ``digest``: a hash of its settings as written."""

    name: str
    type: str
    connector: Connector
    settings: Struct
    rank: int
    digest: str

    @property
    def ref(self) -> SourceRef:
        """How registry entries refer to the source."""
        return SourceRef(name=self.name, provider=self.type)


Outcomes = Generator[Listing | ScopeReading]


class _InTurn(Executor):
    """Runs each call at once."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        done: Future[T] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001  # Executor's contract: the future holds any error of the call
            done.set_exception(error)
        return done


@contextmanager
def reading_here(
    engine: EngineSettings,
    sources: Sequence[Source],
    observer: Observer,
    wanted: Callable[[Scope], bool] = lambda _: True,
) -> Iterator[Outcomes]:
    """Read the ``wanted`` scopes with threads of this process; yields outcomes in the order they finish.

    Lists alone are read one after the other: threads would only take turns, and processes cannot be shared by them.
    """
    stop = threading.Event()
    only_lists = all(source.rank == LIST for source in sources)
    executor = _InTurn() if only_lists else ThreadPoolExecutor(engine.workers, thread_name_prefix="scope")
    jobs = [job_here(source.name, source.connector, engine.scope_deadline, stop) for source in sources]
    try:
        with closing(run(jobs, executor=executor, observer=observer, wanted=wanted)) as outcomes:
            yield outcomes
    finally:
        stop.set()
        # Does not wait: after Ctrl-C a thread may be in a call until its timeout.
        executor.shutdown(wait=False, cancel_futures=True)


def discover(
    engine: EngineSettings,
    sources: Sequence[Source],
    observer: Observer,
    *,
    staging: Staging,
    url: str,
    scan_id: str,
    believed: Callable[[ScopeReading], ScopeReading] = lambda reading: reading,
) -> Inventory:
    """Read all sources. A cluster's workers write to ``staging`` in the store at ``url`` if they can reach it.

    ``believed``: returns the part of a reading that counts. Raises ClusterError if the cluster cannot be reached, or
    is lost.
    """
    ranks = {source.name: source.rank for source in sources}
    if engine.dask is None:
        with reading_here(engine, sources, observer) as outcomes:
            return join(map(believed, chain.from_iterable(map(readings_of, outcomes))), ranks)
    from scanner.discovery.cluster import SharedStore, cluster_executor, job_there

    shared_store = SharedStore(url=url, scan=scan_id) if staging.is_shared else None
    jobs = [
        job_there(
            source.name,
            source.connector,
            source.settings,
            scope_deadline=engine.scope_deadline,
            shared_store=shared_store,
        )
        for source in sources
    ]
    try:
        with (
            cluster_executor(engine.dask) as executor,
            closing(run(jobs, executor=executor, observer=observer)) as outcomes,
        ):
            came_back = [one for one in chain.from_iterable(map(readings_of, outcomes)) if one.staged is None]
        with stage("fetching"):
            staged = [part for part in parts(map(decode, staging.lines(scan_id))) if isinstance(part, ScopeReading)]
        return join(map(believed, chain(came_back, staged)), ranks)
    finally:
        if shared_store is not None:
            staging.discard(scan_id)
