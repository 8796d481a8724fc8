"""How fast each service is asked: as fast as it goes, until it says that it is near its limit.

Source: https://learn.microsoft.com/graph/throttling-limits and Azure Resource Manager's throttling page.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping

from connectors.azure.clouds import Service
from connectors.budget import pause
from connectors.rates import RateLimit

_RATES: dict[Service, float] = {"graph": 50, "arm": 20, "vault": 200}
"""Requests a second once a service has asked for fewer; below what it gives one application again in that time."""
_REPORTS, _REPORTS_RATE, _REPORTS_BURST = "/reports/", 0.5, 5
"""Graph's reports give five in ten seconds, and their refusals do not always say when to come back."""
_NEARNESS, _NEAR = "x-ms-throttle-limit-percentage", 0.8
_QUOTA_LEFT, _QUOTA_RESETS = "x-ms-user-quota-remaining", "x-ms-user-quota-resets-after"
"""Resource Graph tells with each answer how many queries are left, and in what time (hh:mm:ss) there are more."""
_RESOURCE_GRAPH, _QUOTA_WAIT = "/providers/microsoft.resourcegraph/", 60.0
_CLOCK = re.compile(r"(\d{1,2}):(\d{2}):(\d{2})(?:\.\d+)?", re.ASCII)
_TOO_MANY = 429


class Pace:
    """One for all clients of a source. ``clock`` and ``sleep`` are in seconds."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = pause) -> None:
        self._limits = {name: RateLimit(rate, clock=clock, sleep=sleep) for name, rate in _RATES.items()}
        self._clock, self._sleep = clock, sleep
        self._queries_from = 0.0
        self._reports = RateLimit(_REPORTS_RATE, burst=_REPORTS_BURST, limited=True, clock=clock, sleep=sleep)

    def before(self, service: Service, url: str) -> None:
        """Wait until one more request may go out."""
        self._limits[service].acquire()
        if service == "graph" and _REPORTS in url.partition("?")[0]:
            self._reports.acquire()
        if service == "arm" and _RESOURCE_GRAPH in url.lower() and (wait := self._queries_from - self._clock()) > 0:
            self._sleep(wait)

    def after(self, service: Service, status: int, headers: Mapping[str, str]) -> None:
        """Hold back from now on where the answer says that the limit is near."""
        try:
            is_near = float(headers.get(_NEARNESS, 0)) >= _NEAR
        except ValueError:
            is_near = False
        if is_near or status == _TOO_MANY:
            self._limits[service].slow_down()
        if headers.get(_QUOTA_LEFT) == "0":
            self._queries_from = self._clock() + min(_seconds(headers.get(_QUOTA_RESETS)), _QUOTA_WAIT)


def _seconds(told: str | None) -> float:
    """Of ``hh:mm:ss``; 0 for what is none."""
    parts = _CLOCK.fullmatch(told or "")
    return sum(int(part) * unit for part, unit in zip(parts.groups(), (3600, 60, 1), strict=True)) if parts else 0.0
