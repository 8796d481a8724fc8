"""The engine's executor on a Dask cluster."""

from __future__ import annotations

import logging
import os
import pickle
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Executor, Future
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import lru_cache, partial
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any, TypeVar

from msgspec import Struct

from connectors.core.contract import Connector, Scope
from scanner import __version__
from scanner.discovery.inventory import ScopeReading
from scanner.discovery.scopes import Job, Listing, list_scopes, read_scope
from scanner.discovery.shards.lines import Unit, encode, lines_of
from scanner.errors import ClusterError, MissingExtra, MusterError, StoreError
from scanner.redaction.redact import RedactingFilter
from scanner.store.staging import Part
from scanner.store.store import Store, open_store
from scanner.text import printable

T = TypeVar("T")

LOCAL = "local"
LOCAL_THREADS = 8  # threads of each process, which mostly wait
PATIENCE = "distributed.comm.timeouts.connect"
"""Dask's setting for how long to wait for the scheduler, and then for its first worker: 30 seconds by default."""
RETRIES = 2
"""Retries of a task that failed on its worker. If a worker dies, the scheduler itself moves its tasks."""

FETCHED_AT_ONCE = 100  # results per request: one by one, each would take a round trip
# Loggers that Dask sets up, and the one that reports results of a lost scheduler.
_CHATTY = ("distributed", "distributed.client", "tornado", "tornado.application", "asyncio")


@contextmanager
def cluster_executor(address: str) -> Iterator[Executor]:
    """An executor on the cluster at that address, or on this machine (``local``, ``local:4``).

    Raises MissingExtra without Dask, ClusterError if the scheduler does not answer.
    """
    try:
        import distributed
        from dask import config
    except ImportError:
        raise MissingExtra("[engine] dask", "dask") from None
    for name in _CHATTY:
        # Their handlers would ignore --log-format, and Muster logs what matters itself.
        chatty = logging.getLogger(name)
        chatty.handlers.clear()
        chatty.setLevel(logging.CRITICAL)
    patience = config.get(PATIENCE)
    with _started(address) as where:
        try:
            client = distributed.Client(where, timeout=patience, set_as_default=False)
        except OSError as error:
            raise ClusterError(
                f"the Dask scheduler {printable(address)} does not answer: {printable(str(error))[:200]}",
                hint="check [engine] dask, and that it runs: dask scheduler",
            ) from error
        executor = _OnCluster(client)
        try:
            _wait_for_worker(client, address, patience)
            yield executor
        finally:
            executor.shutdown(wait=False)
            with suppress(OSError, TimeoutError):
                client.close(timeout=patience)


@contextmanager
def _started(address: str) -> Iterator[Any]:
    """The address, or a cluster on this machine, which ends with the ``with`` block."""
    name, _, workers = address.partition(":")
    if name != LOCAL:
        yield address
        return
    from distributed import LocalCluster

    # With temporary certificates: access to a scheduler means running code in its workers.
    # The dashboard, too, is for this machine only: without an address it would listen on port 8787 of every interface.
    options = {"security": True, "dashboard_address": "127.0.0.1:0", "silence_logs": logging.CRITICAL}
    processes = int(workers) if workers else os.cpu_count()
    with LocalCluster(n_workers=processes, threads_per_worker=LOCAL_THREADS, **options) as cluster:
        yield cluster


def _wait_for_worker(client: Any, address: str, patience: str) -> None:
    try:
        client.wait_for_workers(1, timeout=patience)
    except TimeoutError as error:
        scheduler = printable(address)
        raise ClusterError(f"the scheduler {scheduler} has no worker", hint=f"dask worker {scheduler}") from error


class _OnCluster(Executor):
    """Like Dask's executor, but fetches many results per request.

    No future stays pending if the scheduler is lost while it returns results.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self._remote: set[Any] = set()
        self._done: SimpleQueue[tuple[Future[Any], Any] | None] = SimpleQueue()
        Thread(target=self._collect, name="results", daemon=True).start()

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        future: Future[T] = Future()
        # Impure, so that the result of an earlier scan is not reused.
        remote = self._client.submit(fn, *args, **kwargs, pure=False, retries=RETRIES)
        self._remote.add(remote)
        remote.add_done_callback(lambda done: self._done.put((future, done)))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Cancel all unfinished tasks with one message, and never wait for them."""
        del wait, cancel_futures
        self._done.put(None)
        left, self._remote = self._remote, set()
        if left and self._client.status == "running":
            self._client.cancel(list(left))

    def _collect(self) -> None:
        while (one := self._done.get()) is not None:
            batch = [one]
            while len(batch) < FETCHED_AT_ONCE and not self._done.empty() and (one := self._done.get()) is not None:
                batch.append(one)
            self._fetch([(future, remote) for future, remote in batch if future.set_running_or_notify_cancel()])
            self._remote.difference_update(remote for _, remote in batch)
            if one is None:
                return

    def _fetch(self, batch: Sequence[tuple[Future[Any], Any]]) -> None:
        finished = [(future, remote) for future, remote in batch if remote.status == "finished"]
        failed = [pair for pair in batch if pair not in finished]
        try:
            results = self._client.gather([remote for _, remote in finished])
        except Exception:  # noqa: BLE001  # a task may raise any error: fetch one by one to assign it
            failed = list(batch)
        else:
            for (future, _), result in zip(finished, results, strict=True):
                future.set_result(result)
        for future, remote in failed:
            _hand_over(future, remote)


def _hand_over(future: Future[T], remote: Any) -> None:
    try:
        future.set_result(remote.result())
    except (CancelledError, OSError, TimeoutError) as lost:
        future.set_exception(CancelledError(str(lost)))
    except Exception as error:  # noqa: BLE001  # Executor's contract: the future holds any error of the task
        future.set_exception(error)


# --- The tasks of a source, which any worker of a cluster can run ---
#
# A task has the source's settings, in which secrets are references. Each worker process makes the connector once and
# resolves the secrets where it runs.

log = logging.getLogger(__name__)

PAUSES = (1, 2, 4, 8, 16, 32, 64)
"""Seconds between a worker's attempts to reach the store. Reading the scope again would take longer."""

_making = Lock()


class Order(Struct, frozen=True, kw_only=True):
    """A source for a worker. ``settings``: pickled, so that equal settings share a connector."""

    source: str
    kind: Callable[[str, Any], Connector]
    settings: bytes
    version: str = __version__

    def connector(self) -> Connector:
        """The connector, made by the first task that needs it. Raises MusterError for another version of Muster."""
        if self.version != __version__:
            raise MusterError(f"the worker runs Muster {__version__}, but the scan is by {self.version}")
        with _making:
            return _connector(self.kind, self.source, self.settings)


class SharedStore(Struct, frozen=True, kw_only=True):
    """A store that all workers reach, and the scan whose parts they put there."""

    url: str
    scan: str


def job_there(
    source: str, connector: Connector, settings: Struct, *, scope_deadline: float, shared_store: SharedStore | None
) -> Job:
    """The source's work, for any worker. With a ``shared_store``, records go there instead of back to the caller."""
    order = Order(source=source, kind=type(connector), settings=pickle.dumps(settings))
    return Job(
        source=source,
        spec=connector.spec,
        list_scopes=partial(_list, order, scope_deadline),
        read_scope=partial(_read, order, scope_deadline, shared_store),
    )


# The rest runs on a worker.

_MASK = RedactingFilter()


@lru_cache(maxsize=256)
def _connector(kind: Callable[[str, Any], Connector], source: str, settings: bytes) -> Connector:
    for handler in (*logging.getLogger().handlers, *logging.getLogger("distributed").handlers, logging.lastResort):
        if handler is not None:
            handler.addFilter(_MASK)
    return kind(source, pickle.loads(settings))  # noqa: S301  # safe: they come in a task, and a sender of tasks can run any code anyway


@lru_cache(maxsize=4)
def _store(url: str) -> Store:
    return open_store(url)


def _list(order: Order, deadline: float) -> Listing:
    return list_scopes(order.source, order.connector(), deadline=deadline)


def _read(order: Order, deadline: float, shared_store: SharedStore | None, scope: Scope) -> ScopeReading:
    reading = read_scope(order.connector(), scope, deadline=deadline)
    if shared_store is None:
        return reading
    unit = Unit(reading.source, reading.scope, reading.part)
    lines = (encode(line).decode().rstrip("\n") for line in lines_of(reading))
    _put(shared_store, Part(scan=shared_store.scan, part=unit.digest, head="", lines=tuple(lines)))
    return ScopeReading(
        source=reading.source,
        scope=reading.scope,
        part=reading.part,
        staged=len(reading.identities),
        coverage=reading.coverage,
    )


def _put(shared_store: SharedStore, part: Part) -> None:
    """Store the part, with retries while another scan is being saved or the server restarts."""
    for pause in PAUSES:
        try:
            return _store(shared_store.url).staging.put([part], datetime.now(UTC))
        except StoreError as error:
            log.warning("%s; trying again in %d s", error, pause)
            time.sleep(pause)
    return _store(shared_store.url).staging.put([part], datetime.now(UTC))
