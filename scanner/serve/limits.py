"""Rate limits of clients, and the time limit of a request."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from typing import Literal, TypeAlias

from litestar.types import Receive, ReceiveMessage

from scanner.serve.answers import Refusal
from scanner.serve.slots import neighbourhood

Kind: TypeAlias = Literal["guess", "sign-in", "write", "read"]

PER_MINUTE: dict[Kind, int] = {"guess": 30, "sign-in": 300, "write": 120, "read": 30_000}
"""Limits per minute: failed sign-ins, started sign-ins and requests of an address, which many people may share; writes
of a person.
"""
_MOST_CLIENTS = 50_000
_MINUTE = 60.0


class Rates:
    """A token bucket for each client and kind, with the capacity of one minute."""

    def __init__(self) -> None:
        self._buckets: OrderedDict[tuple[Kind, str], tuple[float, float]] = OrderedDict()

    def limit(self, kind: Kind, client: str) -> None:
        """Count one event. Raises Refusal if there were too many."""
        most, client = PER_MINUTE[kind], neighbourhood(client)
        now = time.monotonic()
        left, at = self._buckets.pop((kind, client), (float(most), now))
        left = min(most, left + (now - at) * most / _MINUTE)
        self._buckets[kind, client] = (max(left - 1, 0.0), now)
        if len(self._buckets) > _MOST_CLIENTS:
            self._buckets.popitem(last=False)
        if left < 1:
            raise Refusal(429, "too many requests", headers={"retry-after": "60"})


BODY_SECONDS = 20.0


def in_time(receive: Receive, seconds: float = BODY_SECONDS) -> Receive:
    """Raise Refusal if the body does not arrive in time."""
    ends = time.monotonic() + seconds
    whole = False

    async def received() -> ReceiveMessage:
        nonlocal whole
        if whole:
            return await receive()  # waits for the end of the connection
        try:
            message = await asyncio.wait_for(receive(), max(ends - time.monotonic(), 0))
        except TimeoutError:
            raise Refusal(408, "the request took too long", headers={"connection": "close"}) from None
        whole = message["type"] != "http.request" or not message.get("more_body", False)
        return message

    return received
