"""What the proxies before a test server share: they listen, pass on, and stop."""

from __future__ import annotations

import http.client
import threading
from collections import deque
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import NamedTuple, Self
from urllib.parse import urlsplit

# Of one connection, not of the request.
_OWN_HEADERS = {"content-length", "connection"}


class Request(NamedTuple):
    """What came in."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class Answer(NamedTuple):
    """What goes back. ``promised``: the length that is reported, where the connection breaks off before."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    promised: int | None = None


class Proxy:
    """A running proxy on loopback; a context manager. What it does with a request is ``answer``'s."""

    def __init__(self, upstream: str) -> None:
        self._upstream = urlsplit(upstream)
        self._connections: deque[http.client.HTTPConnection] = deque()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def answer(self, request: Request) -> Answer | None:
        """The answer to a request; None: close the connection without one."""
        return self.forward(request)

    def forward(self, request: Request) -> Answer:
        """The server's own answer."""
        passed = {name: value for name, value in request.headers.items() if name.lower() not in _OWN_HEADERS}
        try:
            connection = self._connections.pop()
        except IndexError:
            connection = http.client.HTTPConnection(self._upstream.hostname or "", self._upstream.port, timeout=60)
        try:
            connection.request(request.method, request.path, request.body or None, passed)
            response = connection.getresponse()
            kind = response.getheader("Content-Type", "")
            answer = Answer(response.status, {"Content-Type": kind} if kind else {}, response.read())
        except BaseException:
            connection.close()
            raise
        self._connections.append(connection)
        return answer

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        while self._connections:
            self._connections.pop().close()


def _handler(proxy: Proxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # headers and body in one packet, or each answer waits for an acknowledgement

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            answer = proxy.answer(Request(self.command, self.path, dict(self.headers.items()), body))
            if answer is None:
                self.close_connection = True
                return
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(answer.promised or len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)
            self.close_connection = self.close_connection or answer.promised is not None

        def __getattr__(self, name: str) -> Callable[[], None]:
            """The base class looks for ``do_`` and the verb: every verb is passed on."""
            if name.startswith("do_"):
                return self.handle_any
            raise AttributeError(name)

        def log_message(self, *_: object) -> None:
            """Nothing: what matters is in the proxy's own log."""

    return Handler
