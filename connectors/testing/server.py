"""A server on loopback that answers as a check decides, and keeps every request."""

from __future__ import annotations

import itertools
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self, TypeAlias

from msgspec import Struct

MANY = 500
"""Requests that a server answers by default. No estate needs as many."""
LONGEST = 8.0
"""Seconds after which a server ends an endless answer."""
LARGEST = 64 * 1024 * 1024
"""Bytes after which a server ends an endless answer."""
_DRIP = 0.05

Json: TypeAlias = Any


class Asked(Struct, frozen=True, kw_only=True):
    """A request that a server received.

    ``path``: without the query. ``at``: when it arrived, in seconds of the monotonic clock. ``certificate``: the client
    certificate as ``ssl`` decodes it, or None.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    at: float
    certificate: Mapping[str, Any] | None = None

    @property
    def target(self) -> str:
        """Path and query."""
        return f"{self.path}?{self.query}" if self.query else self.path


class Reply(Struct, frozen=True, kw_only=True):
    """A response. ``{url}`` in a JSON body and in headers is replaced by the address of the server.

    ``body``: JSON, or the bytes to send. ``encode``: turns a body into bytes for an API that does not use JSON, such as
    XML; the checks change ``body`` first. ``cut``: bytes that ``Content-Length`` counts and the server never sends.
    ``pieces``: sent after the headers, or instead of them with ``raw``, until the client closes the connection.
    """

    body: Json = None
    status: int = 200
    headers: Mapping[str, str] = {}
    cut: int = 0
    pieces: Callable[[], Iterator[bytes]] | None = None
    raw: bool = False
    encode: Callable[[Json], bytes] | None = None

    def content(self, url: str = "{url}") -> bytes:
        """The bytes of the body as the server at ``url`` sends them."""
        if isinstance(self.body, bytes):
            return self.body
        return self.encode(self.body) if self.encode else json.dumps(self.body).replace("{url}", url).encode()


Answering: TypeAlias = Callable[[Asked], Reply]


class Server:
    """A server on loopback. Use it as a context manager.

    ``url``: its address. ``asked``: the requests in the order they arrived. ``most``: requests to answer before it
    returns status 410; None for no limit. ``tls``: None for plain HTTP. ``outlasted``: whether a client was still
    reading when the server ended an endless answer.
    """

    def __init__(self, answering: Answering, *, most: int | None = MANY, tls: ssl.SSLContext | None = None) -> None:
        self.most = most
        self.answering = answering
        self.asked: list[Asked] = []
        self.outlasted = False
        self.stopped = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"owner": self}))
        self._server.daemon_threads = True
        if tls is not None:
            # The handler does the handshake, so that a slow client does not block the others.
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self.url = f"{'http' if tls is None else 'https'}://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Headers and body are two packets. With Nagle's algorithm the second waits 40 ms for an acknowledgement.
    disable_nagle_algorithm = True
    owner: Server

    def handle(self) -> None:
        with suppress(OSError):  # the client closed the connection
            super().handle()

    def handle_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path, _, query = self.path.partition("?")
        decoded = self.connection.getpeercert() if isinstance(self.connection, ssl.SSLSocket) else None
        asked = Asked(
            method=self.command,
            path=path,
            query=query,
            headers=dict(self.headers),
            body=body,
            at=time.monotonic(),
            certificate=decoded or None,
        )
        self.owner.asked.append(asked)
        if self.owner.most is not None and len(self.owner.asked) > self.owner.most:
            # Otherwise the test of a client that never stops would not end.
            self._send(Reply(status=410, body={}))
        else:
            self._send(self.owner.answering(asked))

    def _send(self, reply: Reply) -> None:
        own = self.owner.url
        if reply.raw:
            self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        content = reply.content(own)
        if not reply.raw:
            self.send_response(reply.status)
            length = len(content) + reply.cut if reply.pieces is None else LARGEST
            for name, value in {"Content-Type": "application/json", **reply.headers}.items():
                self.send_header(name, value.replace("{url}", own))
            self.send_header("Content-Length", str(length))
            self.end_headers()
        if reply.pieces is None:
            self.wfile.write(content)
            self.close_connection = self.close_connection or reply.cut > 0
            return
        self.close_connection = True
        sent, ends = 0, time.monotonic() + LONGEST
        for piece in reply.pieces():
            sent += len(piece)
            if self.owner.stopped.is_set():
                return
            if sent > LARGEST or time.monotonic() > ends:
                self.owner.outlasted = True
                return
            self.wfile.write(piece)

    def __getattr__(self, name: str) -> Callable[[], None]:
        """Every ``do_<verb>`` that the base class looks for is the same handler."""
        if name.startswith("do_"):
            return self.handle_any
        raise AttributeError(name)

    def log_message(self, *_: object) -> None:
        """Log nothing: ``Server.asked`` lists the requests."""


def drip(first: bytes) -> Iterator[bytes]:
    """Yield ``first`` byte by byte, then more bytes without end, 20 per second."""
    for byte in itertools.chain(first, itertools.repeat(ord("x"))):
        yield bytes((byte,))
        time.sleep(_DRIP)
