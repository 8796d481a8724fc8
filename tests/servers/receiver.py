"""A web server on loopback that takes notifications, and does with them what a test gives it to."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec


class Reply(msgspec.Struct, frozen=True):
    """What to answer: a status, headers, and how many seconds to wait before it."""

    status: int = 200
    headers: dict[str, str] = {}
    delay: float = 0


class Received(msgspec.Struct, frozen=True):
    """A request: path, headers (lower case) and body."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, decoded."""
        return msgspec.json.decode(self.body)


class Receiver:
    """Answers with ``replies`` in turn, then with 200."""

    def __init__(self, server: ThreadingHTTPServer) -> None:
        self._server = server
        self.replies: list[Reply] = []
        self.received: list[Received] = []

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_port}"


@contextmanager
def receiver(replies: Sequence[Reply] = ()) -> Iterator[Receiver]:
    """Runs for the length of the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            running.received.append(Received(self.path, headers, body))
            reply = running.replies.pop(0) if running.replies else Reply()
            time.sleep(reply.delay)
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_: object) -> None:
            """Tests are quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    running = Receiver(server)
    running.replies.extend(replies)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield running
    finally:
        server.shutdown()
        server.server_close()
