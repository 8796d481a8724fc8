"""Clients that hold connections: whatever they do, health checks and others are answered, and their time ends."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from scanner.store.store import open_store
from tests.factories import make_assessment, make_identity, make_result
from tests.processes import PATIENCE
from tests.scanner.serve.served import Served, scanned

MANY = 1_100
"""More than the server has slots."""
PROXY = '[serve]\nproxies = ["127.0.0.1"]\nuser_header = "X-User"\nviewers = ["ada"]\n'

Hold = Callable[[socket.socket, Served], None]


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with an export that no socket's buffers take as a whole."""
    folder = scanned(tmp_path_factory.mktemp("large"))
    bots = (make_assessment(make_identity(f"bot-{number:05}", description="x" * 4_000)) for number in range(4_000))
    with open_store(f"sqlite:///{folder}/muster.db") as store:
        store.save(make_result(*bots))
    return folder


@pytest.fixture(scope="module")
def served(large: Path) -> Iterator[Served]:
    """A server on loopback, where everybody has the same address."""
    with Served(large, "", "--as", "ada") as running:
        yield running


def head(served: Served, target: str = "/", *lines: str) -> bytes:
    """The head of a GET."""
    return "\r\n".join((f"GET {target} HTTP/1.1", f"Host: 127.0.0.1:{served.port}", *lines, "", "")).encode()


def signed(served: Served, target: str) -> bytes:
    """The head of a GET by the token's holder."""
    return head(served, target, f"Authorization: Bearer {served.token}")


def refused_body(connection: socket.socket, served: Served) -> None:
    """A request that is refused at its head, one byte of its body, and no more."""
    connection.sendall(head(served, "/api/v1/me", "Content-Length: 1000"))
    connection.recv(1)
    connection.sendall(b"x")


def half_closed(connection: socket.socket, served: Served) -> None:
    """A request, of which the answer is not read, and then the end of what the client sends."""
    connection.sendall(signed(served, "/export/identities.json"))
    connection.shutdown(socket.SHUT_WR)


def idle(connection: socket.socket, served: Served) -> None:
    """A request and its answer, and nothing after."""
    connection.sendall(head(served, "/healthz"))
    connection.recv(65_536)


HOLDS: Mapping[str, Hold] = {
    "nothing": lambda _connection, _served: None,
    "a head without end": lambda connection, served: connection.sendall(head(served)[:-2]),
    "a header without end": lambda connection, served: connection.sendall(head(served)[:-4] + b"x" * 60_000),
    "a body of which one byte comes": lambda connection, served: connection.sendall(
        head(served, "/sign-out", f"Authorization: Bearer {served.token}", "Content-Length: 9").replace(b"GET", b"POST")
        + b"x"
    ),
    "a refused body": refused_body,
    "requests before their answers": lambda connection, served: connection.sendall(head(served, "/healthz") * 50),
    "an idle connection": idle,
    "an answer that is not read": lambda connection, served: connection.sendall(
        signed(served, "/export/identities.json")
    ),
    "half of a connection": half_closed,
}


def connected(served: Served) -> socket.socket:
    """A connection that takes little at once."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    connection.settimeout(PATIENCE)
    connection.connect(("127.0.0.1", served.port))
    return connection


def still_answers(served: Served) -> None:
    """Whether somebody new is answered: a health check, and a person."""
    for path, headers in (("/healthz", {}), ("/api/v1/identities?limit=1", served.bearer)):
        with closing(connected(served)) as connection:
            lines = (f"{name}: {value}" for name, value in headers.items())
            connection.sendall(head(served, path, *lines, "Connection: close"))
            assert connection.recv(65_536).startswith(b"HTTP/1.1 200 "), path


@pytest.mark.parametrize(
    "what", [what for what in HOLDS if what not in ("an answer that is not read", "half of a connection")]
)
def test_nobody_is_kept_out_by_connections_that_wait(served: Served, what: str) -> None:
    """More of them than there are slots, from the address that everybody has."""
    with ExitStack() as opened:
        for _ in range(MANY):
            connection = opened.enter_context(closing(connected(served)))
            try:
                HOLDS[what](connection, served)
            except OSError:  # it had to give way already
                continue
        still_answers(served)
    still_answers(served)


def test_a_person_fetches_a_few_files_at_a_time(served: Served) -> None:
    """So that those who want many leave the store to others."""
    with ExitStack() as opened:
        statuses = []
        for _ in range(6):
            connection = opened.enter_context(closing(connected(served)))
            connection.sendall(signed(served, "/export/identities.json"))
            statuses.append(connection.recv(12)[-3:])
        assert statuses == [b"200"] * 4 + [b"429"] * 2
        still_answers(served)


@pytest.mark.parametrize("what", ["an answer that is not read", "half of a connection"])
def test_nobody_is_kept_out_by_answers_that_are_not_taken(served: Served, what: str) -> None:
    """As many as an address may have."""
    with ExitStack() as opened:
        for _ in range(120):
            HOLDS[what](opened.enter_context(closing(connected(served))), served)
        still_answers(served)


def test_every_part_of_a_request_ends(served: Served) -> None:
    """The server ends each of them, also if a byte comes now and then."""
    with ExitStack() as opened:
        held = {what: opened.enter_context(closing(connected(served))) for what in HOLDS}
        for what, connection in held.items():
            HOLDS[what](connection, served)
            connection.setblocking(False)
        dripping = [connection for what, connection in held.items() if what != "half of a connection"]
        ends = time.monotonic() + PATIENCE
        while dripping and time.monotonic() < ends:
            dripping = [connection for connection in dripping if takes_a_byte(connection)]
            time.sleep(0.5)
        assert dripping == []
        still_answers(served)


def takes_a_byte(connection: socket.socket) -> bool:
    """Whether the other end is still there."""
    try:
        connection.send(b"x")
    except BlockingIOError:
        return True
    except OSError:
        return False
    return True


def test_a_slow_download_is_taken_whole(served: Served) -> None:
    """A client that takes what it is sent, piece by piece, gets all of it."""
    with closing(socket.create_connection(("127.0.0.1", served.port), PATIENCE)) as connection:
        lines = (f"Authorization: Bearer {served.token}", "Connection: close")
        connection.sendall(head(served, "/export/identities.json", *lines))
        pieces = []
        while piece := connection.recv(1 << 18):
            pieces.append(piece)
            time.sleep(0.01)
    assert pieces[-1].endswith(b"0\r\n\r\n")
    assert sum(map(len, pieces)) > 16_000_000


def test_a_refused_request_is_answered_before_its_body(served: Served) -> None:
    """And then closed, although the client goes on sending."""
    with closing(connected(served)) as connection:
        connection.sendall(head(served, "/api/v1/me", "Content-Length: 1000000"))
        answer = connection.recv(65_536)
        connection.sendall(b"x" * 500)
        while piece := connection.recv(65_536):
            answer += piece
    assert answer.startswith(b"HTTP/1.1 401 ")
    assert b"connection: close" in answer
    assert b"sign in first" in answer


def test_clients_behind_a_proxy_have_their_own_limit(large: Path) -> None:
    """By the header of a trusted proxy alone: its connections are those of many."""
    with Served(large, PROXY + "connections_per_address = 2\n", "--as", "ada") as served, ExitStack() as opened:
        for _ in range(20):
            connection = opened.enter_context(closing(connected(served)))
            connection.sendall(
                head(
                    served,
                    "/export/identities.json",
                    "X-User: ada",
                    "X-Forwarded-For: 2001:db8::1",
                    "Connection: close",
                )
            )
            statuses = connection.recv(12)
            if statuses.endswith(b"429"):
                break
        else:
            raise AssertionError("no limit")
        for client, status in (("2001:db8::2", 429), ("2001:db8:0:1::1", 200)):
            asked = {"x-user": "ada", "x-forwarded-for": client}
            assert served.http.get("/api/v1/me", headers=asked).status_code == status, client
        for headers in ({"x-forwarded-for": "2001:db8::2"}, {}):
            assert served.http.get("/healthz", headers=headers).status_code == 200
