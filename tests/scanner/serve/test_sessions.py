"""What is kept in memory for a while: sessions, started sign-ins, and bodies on their way."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from litestar.types import ReceiveMessage

from scanner.serve.answers import Refusal
from scanner.serve.limits import in_time
from scanner.serve.sessions import Expiring, Seal


def test_a_key_is_good_until_it_expires_or_is_taken() -> None:
    """And no longer, nor is any other text."""
    kept: Expiring[str] = Expiring(0.2)
    first, second = kept.add("ada"), kept.add("bob")

    assert (kept.get(first), kept.get(first[:-1]), kept.get("")) == ("ada", None, None)
    assert (kept.pop(second), kept.pop(second)) == ("bob", None)
    time.sleep(0.25)
    assert kept.get(first) is None


def test_the_oldest_go_first() -> None:
    """However many sign-ins someone starts, memory is bounded."""
    kept: Expiring[int] = Expiring(60, most=3)
    keys = [kept.add(number) for number in range(5)]

    assert [kept.get(key) for key in keys] == [None, None, 2, 3, 4]


def test_a_token_fits_its_own_visit() -> None:
    """And only in the process that made it."""
    seal = Seal()

    assert seal.fits("a", seal.of("a"))
    assert not seal.fits("b", seal.of("a"))
    assert not Seal().fits("a", seal.of("a"))
    assert not seal.fits("a", "ä")


def test_a_body_that_does_not_end_is_refused() -> None:
    """After that time in all, however often something of it arrives; what comes after the body is awaited as ever."""

    async def drip() -> ReceiveMessage:
        await asyncio.sleep(0.05)
        return {"type": "http.request", "body": b"x", "more_body": True}

    async def read() -> None:
        receive = in_time(drip, 0.2)
        for _ in range(100):
            await receive()

    # In a thread: Playwright, if a browser is open, has a loop in this one.
    with ThreadPoolExecutor(1) as pool, pytest.raises(Refusal) as refused:
        pool.submit(lambda: asyncio.run(read())).result()
    assert refused.value.status == 408
