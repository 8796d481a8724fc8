"""What is read of the whole latest scan, loaded once in the background: the attack graph, and who uses what."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from concurrent.futures import Future
from threading import Lock, Thread
from typing import Generic, TypeVar

from msgspec.structs import replace

from scanner.access.attack_paths import AttackGraph
from scanner.app.retiring import RetirementKnowledge, know
from scanner.serve.answers import Refusal
from scanner.store.store import Store

T = TypeVar("T")

_PATIENCE = 20
"""Seconds to wait for what is being loaded."""


class OfLatest(Generic[T]):
    """Keeps one value, of the store's latest scan. Safe for any number of threads."""

    def __init__(self, load: Callable[[Store, str], T], name: str) -> None:
        self._load, self._name = load, name
        self._lock = Lock()
        self._key: Hashable = None
        self._value: Future[T] = Future()

    def begin(self, store: Store, scan: str, since: Hashable = None) -> Future[T]:
        """Load the value for ``scan``, the latest, unless loading has started. ``since``: what else it depends on."""
        with self._lock:
            if self._key != (scan, since):
                self._key, self._value = (scan, since), Future()
                Thread(target=self._fill, args=(self._value, store, scan), name=self._name, daemon=True).start()
            return self._value

    def _fill(self, value: Future[T], store: Store, scan: str) -> None:
        try:
            value.set_result(self._load(store, scan))
        except Exception as error:  # noqa: BLE001  # Future's contract: it holds any error of the call, or those who wait for it wait for ever
            value.set_exception(error)


def loaded(value: Future[T]) -> T:
    """The value, once it is loaded. Raises Refusal if that takes too long."""
    try:
        return value.result(timeout=_PATIENCE)
    except TimeoutError:
        raise Refusal(
            503, "this scan is being read for it", hint="try again", headers={"retry-after": str(_PATIENCE)}
        ) from None


GRAPHS: OfLatest[AttackGraph] = OfLatest(lambda store, _: store.attack_graph(), "graph")
"""The graph of this process, which serves one store."""


def _known(store: Store, scan: str) -> RetirementKnowledge:
    """Without the records of the scan, which would stay in memory."""
    known = know(store, GRAPHS.begin(store, scan).result())
    with store.records(known.result.scan.id) as records:
        return replace(known, result=records.frame)


USES: OfLatest[RetirementKnowledge] = OfLatest(_known, "uses")
"""What answers about retirements look up."""
