"""HTTP within a budget: what counts as bytes of an answer, and that no time is spent after its end."""

from __future__ import annotations

import gzip
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from requests import ConnectionError as NoConnection
from requests import Session
from urllib3 import PoolManager

from connectors.core.budget import AnswerTooLarge, Limits, spending
from connectors.core.transport import bound, bound_session
from connectors.testing import Reply, Server
from scanner.errors import DeadlineExceeded
from tests.processes import PATIENCE

LARGE = b"0" * 5_000
SMALL = Limits(answer_bytes=1_000)


@pytest.fixture
def session() -> Iterator[Session]:
    """A bound session that takes nothing from the environment."""
    with Session() as made:
        made.trust_env = False
        yield bound_session(made)


@pytest.mark.parametrize("by_proxy", [False, True], ids=["direct", "by proxy"])
@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(Reply(body=LARGE), id="body"),
        pytest.param(Reply(body={}, headers={"X-Filler": LARGE.decode()}), id="headers"),
        pytest.param(Reply(body=gzip.compress(LARGE), headers={"Content-Encoding": "gzip"}), id="unpacked"),
    ],
)
def test_every_byte_of_an_answer_counts(reply: Reply, by_proxy: bool, session: Session) -> None:
    """As it was sent, headers included, and as it is unpacked."""
    with Server(lambda _: reply) as server, spending(60, SMALL):
        session.proxies = {"http": server.url} if by_proxy else {}

        with pytest.raises(AnswerTooLarge, match="larger than 1000 bytes"):
            session.get("http://api.invalid/" if by_proxy else server.url)


def test_the_bytes_of_an_sdk_that_uses_urllib3_count() -> None:
    """Without requests in between."""
    manager = PoolManager()
    bound(manager)
    with Server(lambda _: Reply(body=LARGE)) as server, spending(60, SMALL), pytest.raises(AnswerTooLarge):
        manager.request("GET", server.url, retries=False)
    manager.clear()


def test_answers_of_a_session_are_added_up(session: Session) -> None:
    """Each is small enough, and both together are not."""
    with Server(lambda _: Reply(body=LARGE)) as server, spending(60, Limits(scope_bytes=8_000)):
        assert session.get(server.url).content == LARGE

        with pytest.raises(AnswerTooLarge, match="larger than 8000 bytes together"):
            session.get(server.url)


def test_a_bound_answer_is_still_one_of_urllib3(session: Session) -> None:
    """SDKs look at more of it than its bytes."""
    with Server(lambda _: Reply(body=LARGE)) as server:
        assert (session.get(server.url).raw.status, session.get(server.url).raw.version) == (200, 11)


@pytest.mark.parametrize(("scheme", "is_connected"), [("http", False), ("http", True), ("https", False)])
def test_nothing_is_sent_after_the_end_of_the_budget(scheme: str, is_connected: bool) -> None:
    """Nor is a connection made, which urllib3 does for TLS before it sends a request."""
    manager = PoolManager()
    bound(manager)
    with Server(lambda _: Reply(body={})) as server, ExitStack() as opened:
        url = server.url.replace("http", scheme)
        if is_connected:
            manager.request("GET", url)
        before = list(server.asked)
        opened.enter_context(spending(0))

        with pytest.raises(DeadlineExceeded):
            manager.request("GET", url, retries=False)
    manager.clear()

    assert server.asked == before


def test_connecting_takes_no_longer_than_the_budget(session: Session) -> None:
    """However long the SDK would wait for a host that does not answer."""
    with socket.socket() as listening, ExitStack() as waiting:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        address: Any = listening.getsockname()
        for _ in range(3):  # more than its queue holds: the next one is not accepted
            one = waiting.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex(address)
        began = time.monotonic()

        with spending(0.2), pytest.raises(NoConnection):
            session.get(f"http://127.0.0.1:{address[1]}/", timeout=PATIENCE)

    assert time.monotonic() - began < PATIENCE
