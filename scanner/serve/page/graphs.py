"""The attack graph of the latest scan, loaded beside the requests: a panel names who can become its identity."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from itertools import chain, islice
from threading import Lock, Thread

from scanner.access.attack_paths import AttackGraph
from scanner.model import Link
from scanner.store.store import Store

_MOST = 100
"""Identities that a panel names in each direction."""


class Graphs:
    """Keeps one graph. Safe for any number of threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._scan: str | None = None
        self._graph: Future[AttackGraph] = Future()

    def begin(self, store: Store, scan: str) -> Future[AttackGraph]:
        """Load the graph of the store's latest scan, which this is, unless that has begun."""
        with self._lock:
            if self._scan == scan:
                return self._graph
            self._scan, self._graph = scan, Future()
            Thread(target=_load, args=(store, self._graph), name="graph", daemon=True).start()
            return self._graph


def _load(store: Store, graph: Future[AttackGraph]) -> None:
    try:
        graph.set_result(store.attack_graph())
    except Exception as error:  # noqa: BLE001  # whoever waits for it gets the error
        graph.set_exception(error)


def around(graph: AttackGraph, key: str) -> Iterator[str]:
    """Keys on the shortest path to an admin, and the nearest that it can become and that can become it."""
    to_admin = next(graph.shortest(key, graph.admins), None)
    onward, back = graph.reached((key,)), graph.reached((key,), back=True)
    return chain(to_admin.keys if to_admin else (), islice(onward, _MOST), islice(back, _MOST))


def conditional(graph: AttackGraph, keys: Sequence[str]) -> dict[str, list[Link]]:
    """What these can become of each other under a condition, by key."""
    among = frozenset(keys)
    pairs = [
        (source, target)
        for source in keys
        for target in graph.neighbours(source)
        if target in among and graph.edges.is_conditional(graph.numbers[source], graph.numbers[target])
    ]
    found: dict[str, list[Link]] = {}
    for step in graph.steps(pairs):
        link = Link(relation=step.relation, target=step.target, evidence=step.evidence)
        found.setdefault(step.source, []).append(link)
    return found


GRAPHS = Graphs()
"""Of this process, which serves one store."""
