"""The engine's executor on a Dask cluster."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Executor, Future
from contextlib import contextmanager, suppress
from queue import SimpleQueue
from threading import Thread
from typing import Any, TypeVar

from scanner.errors import ClusterError, MissingExtra
from scanner.text import printable

T = TypeVar("T")

LOCAL = "local"
LOCAL_THREADS = 8  # of each process: they mostly wait
ANSWER_SECONDS = 30
"""How long to wait for the scheduler, and then for its first worker."""
RETRIES = 2
"""Of a task that failed on its worker. One whose worker died is given to another by the scheduler itself."""

FETCHED_AT_ONCE = 100  # results: each by itself would cost a way to the worker and back
# Loggers that Dask sets up, and the one that tells of results of a lost scheduler that nobody waited for.
_CHATTY = ("distributed", "distributed.client", "tornado", "tornado.application", "asyncio")


@contextmanager
def cluster_executor(address: str) -> Iterator[Executor]:
    """An executor on the cluster at that address, or on one of this machine's own (``local``, ``local:4``).

    Raises MissingExtra without Dask, ClusterError where nobody answers.
    """
    try:
        import distributed
    except ImportError:
        raise MissingExtra("[engine] dask", "dask") from None
    for name in _CHATTY:
        # Their own handlers would write past --log-format, and what matters we say ourselves.
        chatty = logging.getLogger(name)
        chatty.handlers.clear()
        chatty.setLevel(logging.CRITICAL)
    with _started(address) as where:
        try:
            client = distributed.Client(where, timeout=ANSWER_SECONDS, set_as_default=False)
        except OSError as error:
            raise ClusterError(
                f"the Dask scheduler {printable(address)} does not answer: {printable(str(error))[:200]}",
                hint="check [engine] dask, and that it runs: dask scheduler",
            ) from error
        executor = _OnCluster(client)
        try:
            _wait_for_worker(client, address)
            yield executor
        finally:
            executor.shutdown(wait=False)
            with suppress(OSError, TimeoutError):
                client.close(timeout=ANSWER_SECONDS)


@contextmanager
def _started(address: str) -> Iterator[Any]:
    """The address or, of a cluster on this machine, the cluster itself, which ends with the ``with``."""
    name, _, workers = address.partition(":")
    if name != LOCAL:
        yield address
        return
    from distributed import LocalCluster

    # With certificates made for the occasion: whoever can talk to a scheduler can run code in its workers.
    # Its pages, too, are for this machine alone: without an address they would be at port 8787 for everybody.
    options = {"security": True, "dashboard_address": "127.0.0.1:0", "silence_logs": logging.CRITICAL}
    processes = int(workers) if workers else os.cpu_count()
    with LocalCluster(n_workers=processes, threads_per_worker=LOCAL_THREADS, **options) as cluster:
        yield cluster


def _wait_for_worker(client: Any, address: str) -> None:
    try:
        client.wait_for_workers(1, timeout=ANSWER_SECONDS)
    except TimeoutError as error:
        scheduler = printable(address)
        raise ClusterError(f"the scheduler {scheduler} has no worker", hint=f"dask worker {scheduler}") from error


class _OnCluster(Executor):
    """As Dask's own executor, save that results are fetched many at a time.

    And none is left hanging when the scheduler is lost while it hands some back.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self._remote: set[Any] = set()
        self._done: SimpleQueue[tuple[Future[Any], Any] | None] = SimpleQueue()
        Thread(target=self._collect, name="results", daemon=True).start()

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        future: Future[T] = Future()
        # Impure, or an earlier scan's result would do for this one.
        remote = self._client.submit(fn, *args, **kwargs, pure=False, retries=RETRIES)
        self._remote.add(remote)
        remote.add_done_callback(lambda done: self._done.put((future, done)))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Cancel what is not done, with one message for all of it; whatever is asked, nothing is waited for."""
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
        except Exception:  # noqa: BLE001  # a task may raise anything: they are fetched one by one, to know whose it is
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
    except Exception as error:  # noqa: BLE001  # a task may raise anything, and its future holds it, as Executor's contract says
        future.set_exception(error)
