"""The server process: socket, uvicorn, and background work."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from threading import Event, Thread
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from scanner.config.serving import Listen
from scanner.errors import MusterError, UsageError

log = logging.getLogger(__name__)

THREADS = 12
"""Threads that read the store; at most as many as its connections."""
MOST_CONNECTIONS = 1000
HEADER_SECONDS = 15.0
"""Seconds for the head of a request to arrive."""
SCANS_EVERY, LISTS_EVERY = 5.0, 2.0
"""Seconds between checks for a new scan, and for changes of config and roster."""
LAST_ANSWERS = 5
"""Seconds for running answers at shutdown."""


def bind(listen: Listen) -> socket.socket:
    """A socket bound to an address, not listening yet. Raises UsageError if binding fails."""
    family = socket.AF_INET6 if ":" in listen.host else socket.AF_INET
    # With an explicit protocol, asyncio disables Nagle's algorithm; otherwise every answer takes 40 ms longer.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((listen.host, listen.port))
    except OSError as error:
        bound.close()
        what = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be listened on: {error.strerror or error}"
        hint = "choose another with --listen HOST:PORT"
        raise UsageError(f"the address {listen.host}:{listen.port} {what}", hint=hint) from error
    return bound


@contextmanager
def repeating(work: Callable[[], object], seconds: float) -> Iterator[None]:
    """Call a function every few seconds, in a separate thread."""
    ended = Event()

    def work_on() -> None:
        while not ended.wait(seconds):
            try:
                work()
            except MusterError as error:
                log.warning("%s", error)

    # A daemon, so that shutdown does not wait for an index that is being built.
    Thread(target=work_on, daemon=True).start()
    try:
        yield
    finally:
        ended.set()


class _Patient(H11Protocol):
    """Closes a connection if the head of its request does not arrive in time."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # the signature of uvicorn
        super().connection_made(transport)
        self._await_head()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.their_state is h11.IDLE:
            self._await_head()
        elif self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def connection_lost(self, exc: Exception | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        super().connection_lost(exc)

    def _await_head(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(HEADER_SECONDS, self.transport.close)


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, listening: Callable[[], None]) -> None:
        super().__init__(config)
        self._listening = listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(THREADS, "serve"))
        await super().startup(sockets)
        self._listening()


def run(app: Any, bound: socket.socket, listening: Callable[[], None]) -> None:
    """Serve until SIGINT or SIGTERM. ``listening`` is called when requests are answered."""
    config = uvicorn.Config(
        app,
        http=_Patient,
        ws="none",
        loop="asyncio",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=LAST_ANSWERS,
    )
    with suppress(KeyboardInterrupt):  # uvicorn raises the signal again when it has ended
        _Server(config, listening).run([bound])
