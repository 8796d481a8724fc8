"""A server that answers every request of every provider in one wrong way."""

from __future__ import annotations

import gzip
import itertools
import json
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Literal, Self

Manner = Literal["page", "error", "headers drip", "body drips", "endless", "bomb", "endless pages"]

PAGE = b"<html><body>Please log in</body></html>"
DRIP = 0.05
"""Seconds between two bytes."""
BOMB = 64 * 1024 * 1024
"""Bytes that a short answer unpacks to."""


class HostileServer:
    """Listens on loopback; a context manager. ``asked``: how many requests came."""

    def __init__(self, manner: Manner) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hostile": self}))
        self._server.daemon_threads = True
        self.manner = manner
        self.bomb = gzip.compress(bytes(BOMB), 1) if manner == "bomb" else b""
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.stopped = threading.Event()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.asked = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stopped.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hostile: HostileServer

    def handle(self) -> None:
        with suppress(OSError):  # whoever asked has had enough
            super().handle()

    def handle_any(self) -> None:
        self.hostile.asked += 1
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.reply(self.hostile.manner)

    def reply(self, manner: Manner) -> None:
        match manner:
            case "page" | "error":
                self.whole(PAGE, status=200 if manner == "page" else 500)
            case "headers drip":
                self.wfile.write(b"HTTP/1.1 200 OK\r\n")
                self.drip(b"X-Padding: ")
            case "body drips":
                self.begin({"Content-Length": str(BOMB)})
                self.drip(b"{")
            case "endless":
                self.begin({"Connection": "close"})
                while not self.hostile.stopped.is_set():
                    self.wfile.write(b" " * 65536)
            case "bomb":
                self.whole(self.hostile.bomb, headers={"Content-Encoding": "gzip"})
            case "endless pages":
                asked = str(self.hostile.asked)
                link = f"{self.hostile.url}{self.path.partition('?')[0]}?$skiptoken={asked}"
                page = {"value": [], "@odata.nextLink": link, "nextLink": link, "nextPageToken": asked}
                self.whole(json.dumps(page).encode())

    def begin(self, headers: dict[str, str], status: int = 200) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def whole(self, body: bytes, *, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self.begin({"Content-Length": str(len(body)), **(headers or {})}, status)
        self.wfile.write(body)

    def drip(self, first: bytes) -> None:
        for byte in itertools.chain(first, itertools.repeat(ord("x"))):
            if self.hostile.stopped.is_set():
                return
            self.wfile.write(bytes((byte,)))
            time.sleep(DRIP)

    do_GET = do_LIST = do_POST = handle_any  # noqa: N815 - names that the base class looks for

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Nothing."""
