"""What the stand-ins have in common: a web server on loopback, faults on order, and a list of calls."""

from __future__ import annotations

import json
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, TypeVar
from urllib.parse import parse_qs, urlsplit

import msgspec

TOKEN = "a-token-of-the-tests"


class Reply(msgspec.Struct, frozen=True):
    """An answer."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = {}


class Fault(msgspec.Struct, frozen=True):
    """What happens to the next request with that method. ``after``: once it was carried out; ``hangs``: no answer."""

    method: str
    reply: Reply = Reply(500)
    after: bool = False
    hangs: float = 0


class Call(msgspec.Struct, frozen=True):
    """A request: ``query`` and ``body`` decoded."""

    method: str
    path: str
    query: Mapping[str, str]
    body: Any
    authorization: str


class Ticket(msgspec.Struct, kw_only=True):
    """A ticket as people see it. ``marks``: labels and the like; ``fields``: everything else."""

    id: str
    title: str
    body: Any
    marks: list[str] = []
    assignee: str | None = None
    is_open: bool = True
    closed_at: datetime | None = None
    comments: list[Any] = []
    fields: dict[str, Any] = {}


class Tracker(ABC):
    """A ticket system that a subclass gives an API."""

    kind: ClassVar[str]

    def __init__(self) -> None:
        self.tickets: dict[str, Ticket] = {}
        self.calls: list[Call] = []
        self.faults: list[Fault] = []
        self.wrong: list[str] = []
        self.accounts = {"ada-account"}
        self.forbidden: set[str] = set()
        self.url = ""

    @abstractmethod
    def answer(self, call: Call) -> Reply:
        """What the API answers."""

    def text_of(self, body: Any) -> str:
        """A description or comment as a reader sees it."""
        return str(body)

    def close(self, ticket: Ticket, at: datetime | None = None) -> None:
        """As people do."""
        ticket.is_open, ticket.closed_at = False, at or datetime.now(UTC)

    def new_id(self) -> str:
        """The next number."""
        return str(len(self.tickets) + 1)

    def taken(self, method: str) -> list[Call]:
        """The calls with that method."""
        return [call for call in self.calls if call.method == method]


class _Server(ThreadingHTTPServer):
    """``tracker``: what it serves."""

    tracker: Tracker


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def _handle(self) -> None:
        parts = urlsplit(self.path)
        data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        call = Call(
            method=self.command,
            path=parts.path,
            query={name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()},
            body=json.loads(data) if data else None,
            authorization=self.headers.get("Authorization", ""),
        )
        self.server.tracker.calls.append(call)
        with suppress(OSError):  # anyone who asked is gone
            self._write(self._replied(call))

    def _replied(self, call: Call) -> Reply:
        tracker = self.server.tracker
        fault = next((one for one in tracker.faults if one.method == call.method), None)
        if fault is not None:
            tracker.faults.remove(fault)
            if fault.after:
                tracker.answer(call)
            time.sleep(fault.hangs)
            return fault.reply
        try:
            return tracker.answer(call)
        except (AssertionError, LookupError, TypeError, ValueError) as error:
            tracker.wrong.append(f"{call.method} {call.path}: {type(error).__name__}: {error}")
            return Reply(500)

    def _write(self, reply: Reply) -> None:
        data = b"" if reply.body is None else json.dumps(reply.body).encode()
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self) -> None:
        self._handle()

    def do_POST(self) -> None:
        self._handle()

    def do_PUT(self) -> None:
        self._handle()

    def do_PATCH(self) -> None:
        self._handle()

    def log_message(self, *_: object) -> None:
        """Tests are quiet."""


T = TypeVar("T", bound=Tracker)


@contextmanager
def serving(tracker: T) -> Iterator[T]:
    """Runs for the length of the block, which fails if a request was none of the API's."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.tracker = tracker
    tracker.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield tracker
    finally:
        server.shutdown()
        server.server_close()
    assert tracker.wrong == []
