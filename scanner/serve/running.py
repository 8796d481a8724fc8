"""The server process: socket, uvicorn, and background work."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import resource
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from multiprocessing import active_children
from threading import Event, Thread
from types import FrameType
from typing import Any

import uvicorn

from scanner.config.serving import Listen, ServeSettings
from scanner.errors import MusterError, UsageError
from scanner.serve import audit
from scanner.serve.connections import IDLE_SECONDS, Connection
from scanner.serve.memory import few_arenas, give_back
from scanner.serve.signin import is_within
from scanner.serve.slots import Slots

log = logging.getLogger(__name__)

THREADS = 12
"""Threads that read the store; at most as many as its connections."""
MOST_CONNECTIONS, KEPT_CONNECTIONS = 1000, 50
"""Open connections, and further ones that only get the health check."""
_FILES_ASKED, _OTHER_FILES = 4096, 250
"""File descriptors of the process, and those that are no connections: of the store, the index, exports."""
SCANS_EVERY, LISTS_EVERY, MEMORY_EVERY = 5.0, 2.0, 20.0
"""Seconds between checks for a new scan, for changes of config and roster, and between returns of free memory."""
LONGEST_PAUSE = 300.0
"""Seconds between two calls that end with an error."""
LAST_ANSWERS, LAST_MOMENT = 3, 4.0
"""Seconds after a signal for running answers, and for everything else: then the process ends, whatever is left."""


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


def prepare() -> None:
    """Prepare the process, before it starts threads."""
    audit.always()
    few_arenas()


@contextmanager
def repeating(*works: tuple[Callable[[], object], float]) -> Iterator[None]:
    """Call each of these functions at once and then every so many seconds, in a thread of its own.

    After an error it is called again later each time, for an index that cannot be built takes minutes to fail.
    """
    ended = Event()

    def work_on(work: Callable[[], object], seconds: float) -> None:
        pause = seconds
        while not ended.is_set():
            try:
                work()
                pause = seconds
            except MusterError as error:
                log.warning("%s", error)
                pause = min(2 * pause, LONGEST_PAUSE)
            ended.wait(pause)

    # Daemons, so that shutdown does not wait for an index that is being built.
    for job in works:
        Thread(target=work_on, args=job, daemon=True).start()
    try:
        yield
    finally:
        ended.set()


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, listening: Callable[[], None]) -> None:
        super().__init__(config)
        self._listening = listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(THREADS, "serve"))
        await super().startup(sockets)
        self._listening()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """End, also if a thread waits for a database or a client: nothing that is half done is lost by it."""
        if not self.should_exit:
            Thread(target=_end, daemon=True).start()
        super().handle_exit(sig, frame)


def _end() -> None:
    """End the process and its children when the last moment is over."""
    time.sleep(LAST_MOMENT)
    log.warning("what is still at work is stopped")
    for child in active_children():
        child.kill()
    os._exit(0)


def _most_connections() -> int:
    """As many as the process may have files for, after asking the system for more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < _FILES_ASKED:
        soft = _FILES_ASKED if hard == resource.RLIM_INFINITY else min(hard, _FILES_ASKED)
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return MOST_CONNECTIONS
    return max(min(MOST_CONNECTIONS, soft - _OTHER_FILES - KEPT_CONNECTIONS), KEPT_CONNECTIONS)


def run(app: Any, bound: socket.socket, settings: ServeSettings, listening: Callable[[], None]) -> None:
    """Serve until SIGINT or SIGTERM. ``listening`` is called when requests are answered."""
    slots = Slots(_most_connections(), KEPT_CONNECTIONS, settings.connections_per_address)
    protocol: Any = partial(Connection, slots, partial(is_within, settings.proxy_networks))
    config = uvicorn.Config(
        app,
        http=protocol,
        ws="none",
        loop="asyncio",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=int(IDLE_SECONDS),
        timeout_graceful_shutdown=LAST_ANSWERS,
    )
    with (
        repeating((give_back, MEMORY_EVERY)),
        suppress(KeyboardInterrupt),
    ):  # uvicorn raises the signal again when it has ended
        _Server(config, listening).run([bound])
