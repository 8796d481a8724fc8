"""Delivery to web addresses, against a real server with all its moods."""

from __future__ import annotations

import hashlib
import hmac
import logging
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import msgspec
import pytest

from scanner.errors import SourceError
from scanner.notify.http import address
from scanner.notify.notices import Outgoing
from scanner.notify.sending import Outcome, Sender
from scanner.notify.settings import Channel, SlackChannel, TeamsChannel, WebhookChannel
from scanner.redaction.redact import SecretRef, redact
from scanner.store.outbox import Message
from tests.scanner.notify.samples import make_notice
from tests.servers.receiver import Receiver, Reply, receiver

SECRET = "whsec-0123456789"


def kept(channel: str, outgoing: Outgoing | None = None, age: float = 0) -> Message:
    """A message as the store has it; ``age`` in days."""
    body = msgspec.json.encode(outgoing or Outgoing(channel=channel, notice=make_notice())).decode()
    return Message(id="1", channel=channel, created_at=datetime.now(UTC) - timedelta(days=age), body=body)


def sent(channel: Channel, *, age: float = 0, waits: list[float] | None = None) -> Outcome:
    """What became of a message through the channel; pauses are noted, not taken."""
    pauses = [] if waits is None else waits
    return Sender([channel], sleep=pauses.append).send(kept(channel.name, age=age))


def webhook(server: Receiver, **facts: Any) -> WebhookChannel:
    """A channel to the server."""
    return WebhookChannel(**{"name": "hook", "url": f"{server.url}/in?key=1", "timeout": 0.5, **facts})


def test_a_program_gets_json_with_an_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The id stays the same however often it is sent; nothing of a .netrc goes along."""
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password mine")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    with receiver() as server:
        assert sent(webhook(server)) == Outcome(attempts=1)

    (request,) = server.received
    assert request.path == "/in?key=1"
    assert request.json["schema"] == "muster.notice/1"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["muster-delivery"] == make_notice().id
    assert not {"authorization", "muster-signature"} & set(request.headers)


def test_signatures_are_what_the_docs_say(monkeypatch: pytest.MonkeyPatch) -> None:
    """HMAC-SHA256 over timestamp, dot and body; the timestamp is the moment of sending."""
    monkeypatch.setenv("SIGNING", SECRET)
    with receiver() as server:
        sent(webhook(server, secret=SecretRef(env="SIGNING")))

    (request,) = server.received
    timestamp, given = (part.partition("=")[2] for part in request.headers["muster-signature"].split(","))
    expected = hmac.new(SECRET.encode(), timestamp.encode() + b"." + request.body, hashlib.sha256).hexdigest()
    assert hmac.compare_digest(given, expected)
    assert abs(time.time() - int(timestamp)) < 300
    assert SECRET not in str(request.headers)


@pytest.mark.parametrize(
    ("replies", "outcome", "requests", "pauses"),
    [
        pytest.param([Reply(500), Reply(502)], Outcome(attempts=3), 3, [0.5, 1.0], id="down for a moment"),
        pytest.param([Reply(429, {"Retry-After": "7"})], Outcome(attempts=2), 2, [7.0], id="asked to wait"),
        pytest.param(
            [Reply(429, {"Retry-After": "3600"})],
            Outcome(fault="it answers 429", left=True, attempts=1),
            1,
            [],
            id="asked to wait for too long",
        ),
        pytest.param(
            [Reply(503, {"Retry-After": "nonsense"})], Outcome(attempts=2), 2, [0.5], id="asked for nothing sensible"
        ),
        pytest.param(
            [Reply(503, {"Retry-After": f"Mon, 01 Jan 2026 00:00:00 +{'9' * 20}"})],
            Outcome(attempts=2),
            2,
            [0.5],
            id="asked for a date of no zone that there is",
        ),
        pytest.param(
            [Reply(500)] * 5, Outcome(fault="it answers 500", left=True, attempts=3), 3, [0.5, 1.0], id="down for good"
        ),
        pytest.param([Reply(404)] * 5, Outcome(fault="it answers 404", left=True, attempts=1), 1, [], id="not there"),
        pytest.param([Reply(delay=1.5)], Outcome(attempts=2), 2, [0.5], id="too slow once"),
        pytest.param([Reply(204)], Outcome(attempts=1), 1, [], id="nothing to say"),
    ],
)
def test_what_a_server_may_do(replies: list[Reply], outcome: Outcome, requests: int, pauses: list[float]) -> None:
    """A few attempts for what may pass, none for what will not; nothing is raised."""
    waits: list[float] = []
    with receiver(replies) as server:
        assert sent(webhook(server), waits=waits) == outcome

    assert len(server.received) == requests
    assert waits == pauses


def test_a_redirect_is_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither body nor signature go to where someone else points."""
    monkeypatch.setenv("SIGNING", SECRET)
    with receiver() as other, receiver([Reply(307, {"Location": f"{other.url}/stolen"})]) as server:
        outcome = sent(webhook(server, secret=SecretRef(env="SIGNING")))

    assert outcome.fault == "it answers 307, a redirect, which is not followed: give the new address"
    assert other.received == []


def test_no_one_there() -> None:
    """A closed port is said in words, and the address is not repeated."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]

    outcome = sent(WebhookChannel(name="hook", url=f"http://127.0.0.1:{port}/in"))

    assert outcome == Outcome(fault="the connection failed", left=True, attempts=3)


def test_a_channel_that_is_down_is_not_asked_again_this_time() -> None:
    """A hundred messages do not wait a hundred times for a server that is gone; one bad message stops no other."""
    with receiver([Reply(500)] * 3) as down, receiver([Reply(400)]) as picky:
        channels = [webhook(down), webhook(picky, name="picky")]
        sender = Sender(channels, sleep=lambda _: None)
        down_outcomes = [sender.send(kept("hook")) for _ in range(2)]
        picky_outcomes = [sender.send(kept("picky")) for _ in range(2)]

    assert [one.attempts for one in down_outcomes] == [3, 0]
    assert [one.fault for one in picky_outcomes] == ["it answers 400", None]
    assert len(down.received) == 3


@pytest.mark.parametrize(
    ("channel", "age", "fault", "left"),
    [
        ("hook", 8, "given up after 7 days", False),
        ("gone", 0, "the config has no channel gone", True),
    ],
)
def test_what_is_not_sent_at_all(channel: str, age: float, fault: str, left: bool) -> None:
    """Old news, and news for no one."""
    with receiver() as server:
        outcome = Sender([webhook(server)]).send(kept(channel, age=age))

    assert (outcome, server.received) == (Outcome(fault=fault, left=left), [])


@pytest.mark.parametrize("kind", [SlackChannel, TeamsChannel])
def test_chat_addresses_are_secrets(
    kind: type[SlackChannel | TeamsChannel], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Whole or in part they are in no log, be it a library's."""
    caplog.set_level(logging.DEBUG, "urllib3")
    log = StringIO()
    with receiver() as server, _written_to(log, "urllib3"):
        monkeypatch.setenv("CHAT", f"{server.url}/services/T0/B0/sesame-open")
        assert sent(kind(name="chat", url=SecretRef(env="CHAT"))) == Outcome(attempts=1)

    assert server.received[0].path == "/services/T0/B0/sesame-open"
    assert "sesame-open" in log.getvalue()  # a library says it at -vv
    assert "sesame-open" not in redact(log.getvalue())


@contextmanager
def _written_to(stream: StringIO, logger: str) -> Iterator[None]:
    """Whatever the logger says, as it says it: handlers that are there may mask it already."""
    handler = logging.StreamHandler(stream)
    logging.getLogger(logger).addHandler(handler)
    yield
    logging.getLogger(logger).removeHandler(handler)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        pytest.param(None, "environment variable CHAT is not set or empty", id="not set"),
        pytest.param("http://chat.example/x", "plain http to another machine", id="clear text"),
        pytest.param("https://user:pw@chat.example/x", "must not hold a user name", id="with a password"),
        pytest.param("chat.example", "give an address such as", id="no address"),
    ],
)
def test_an_address_that_cannot_be_used(given: str | None, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said of the reference; what it holds is not repeated."""
    if given is not None:
        monkeypatch.setenv("CHAT", given)
    channel = SlackChannel(name="chat", url=SecretRef(env="CHAT"))

    with pytest.raises(SourceError) as raised:
        address(channel)
    outcome = sent(channel)

    assert message in str(raised.value)
    assert "chat.example" not in str(raised.value)
    assert outcome == Outcome(fault=str(raised.value), left=True, attempts=1)
