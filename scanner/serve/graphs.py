"""The attack graph of the latest scan, loaded once in the background."""

from __future__ import annotations

from concurrent.futures import Future
from threading import Lock, Thread

from scanner.access.attack_paths import AttackGraph
from scanner.store.store import Store


class Graphs:
    """Keeps one graph. Safe for any number of threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._scan: str | None = None
        self._graph: Future[AttackGraph] = Future()

    def begin(self, store: Store, scan: str) -> Future[AttackGraph]:
        """Load the graph of the store's latest scan, ``scan``, unless loading has started."""
        with self._lock:
            if self._scan != scan:
                self._scan, self._graph = scan, Future()
                Thread(target=_load, args=(store, self._graph), name="graph", daemon=True).start()
            return self._graph


def _load(store: Store, graph: Future[AttackGraph]) -> None:
    try:
        graph.set_result(store.attack_graph())
    except Exception as error:  # noqa: BLE001  # raised to the requests that wait for it
        graph.set_exception(error)


GRAPHS = Graphs()
"""The graph of this process, which serves one store."""
