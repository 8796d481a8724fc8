"""The values of ``/metrics``: requests by route, their duration, and the age of the served scan."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send
from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from scanner.errors import MusterError
from scanner.model import ScanInfo
from scanner.serve.index.catalog import Catalog
from scanner.store.store import Store

disable_created_metrics()  # type: ignore[no-untyped-call]  # else each count has a second series: when it began

ROUTE = "route"
"""The key in a request's state for its route, with the names of variable parts."""
_OTHER = "other"
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)


class Meters:
    """The counters of one server."""

    def __init__(self, store: Store, catalog: Catalog, clock: Callable[[], datetime]) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "muster_http_requests", "Requests that were answered.", ("method", "route", "status"),
            registry=self._registry,
        )  # fmt: skip
        self._seconds = Histogram(
            "muster_http_request_duration_seconds", "Time until the last byte of the answer.", ("route",),
            registry=self._registry, buckets=_BUCKETS,
        )  # fmt: skip
        self._registry.register(_MeterState(store, catalog, clock))

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request."""
        self._requests.labels(method if method in _METHODS else _OTHER, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def text(self) -> bytes:
        """All values in the text format of Prometheus."""
        return generate_latest(self._registry)


_METHODS = frozenset({"GET", "POST", "DELETE", "HEAD", "OPTIONS"})
"""Methods with their own count; clients can send any word."""


class _MeterState(Collector):
    """Values that are computed for each request of ``/metrics``."""

    def __init__(self, store: Store, catalog: Catalog, clock: Callable[[], datetime]) -> None:
        self._store, self._catalog, self._clock = store, catalog, clock

    def collect(self) -> Iterator[Metric]:
        now, index, scan = self._clock(), self._catalog.latest(), self._scan()
        up = "Whether the store can be read: 1 or 0."
        yield GaugeMetricFamily("muster_store_up", up, value=float(scan is not None))
        if scan is not None:
            age = (now - scan.finished_at).total_seconds()
            yield GaugeMetricFamily("muster_scan_age_seconds", "Time since the latest scan ended.", value=age)
        if index is not None:
            age = (now - index.built_at).total_seconds()
            yield GaugeMetricFamily("muster_index_age_seconds", "Time since the index was built.", value=age)
            current = float(scan is None or scan.id == index.scan)
            yield GaugeMetricFamily("muster_index_current", "Whether the index is of the latest scan.", value=current)

    def _scan(self) -> ScanInfo | None:
        """The latest scan; None if the store cannot be read."""
        try:
            with self._store.records() as records:
                return records.frame.scan
        except MusterError:
            return None


def measured(app: ASGIApp, meters: Meters) -> ASGIApp:
    """The application, with every request counted."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await app(scope, receive, send)
            return
        started, status = time.monotonic(), 500

        async def sent(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await app(scope, receive, sent)
        finally:
            meters.count(scope["method"], _route(scope), status, time.monotonic() - started)

    return answer


def _route(scope: HTTPScope) -> str:
    state: dict[str, Any] = scope.get("state") or {}
    return str(state.get(ROUTE) or scope.get("path_template") or _OTHER)
