"""HTTP answers that are taken in by pieces, each of which the current budget pays for.

Every SDK here speaks HTTP through urllib3, most of them through requests. What a connection reads from its socket is
looked at as it comes, status line and headers included: a server that sends a byte now and then never runs into a
time-out of the socket. What requests unpacks is looked at once more, unpacked.

urllib3 and requests come with the extras, so this module is imported when a client is made.
"""

from __future__ import annotations

import http.client
import io
import time
from functools import cache
from typing import Any

from requests import PreparedRequest, Response, Session
from requests.adapters import HTTPAdapter

from connectors.budget import Answer, current
from scanner.errors import SourceError

PIECE = 64 * 1024
"""Bytes that are read, or unpacked, at once."""


class _Pieces(io.RawIOBase):
    """A socket's bytes, as long as the answer may take."""

    def __init__(self, sock: Any, answer: Answer) -> None:
        self._sock = sock
        self._raw: io.RawIOBase = sock.makefile("rb", buffering=0)
        self._answer = answer

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        seconds = self._answer.seconds()
        usual = self._sock.gettimeout()
        if usual is not None and usual <= seconds:
            size = self._raw.readinto(buffer)
        else:
            self._sock.settimeout(seconds)
            try:
                size = self._raw.readinto(buffer)
            except TimeoutError:
                time.sleep(0.001)  # clocks are not as fine as the time-out
                self._answer.seconds()
                raise
            finally:
                self._sock.settimeout(usual)
        self._answer.take(size or 0)
        return size

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Socket:
    """As much of a socket as an answer needs."""

    def __init__(self, sock: Any) -> None:
        self._sock = sock

    def makefile(self, *_: Any, **__: Any) -> io.BufferedReader:
        return io.BufferedReader(_Pieces(self._sock, current().answer()), PIECE)


class _PaidFor(http.client.HTTPResponse):
    """An answer that begins to cost once its request is out."""

    def __init__(self, sock: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(_Socket(sock), *args, **kwargs)  # type: ignore[arg-type]  # it takes nothing but a file of it


@cache
def _bounded(pool: type[Any]) -> type[Any]:
    """The kind of pool, with connections that are no longer tried, and answers no longer read, than may be."""
    usual = pool.ConnectionCls

    class Connection(usual):  # type: ignore[misc, valid-type]  # which class, is known at run time
        response_class = _PaidFor
        timeout: Any

        def connect(self) -> None:
            budget = current()
            budget.check()
            if isinstance(self.timeout, int | float):
                self.timeout = min(self.timeout, max(0.001, budget.left()))
            super().connect()

        def request(self, *args: Any, **kwargs: Any) -> Any:
            current().check()
            return super().request(*args, **kwargs)

    return type(f"Bounded{pool.__name__}", (pool,), {"ConnectionCls": Connection})


def bound(manager: Any) -> None:
    """Make whatever a pool manager of urllib3 connects to pay for its answers."""
    kinds = manager.pool_classes_by_scheme
    manager.pool_classes_by_scheme = {scheme: _bounded(kind) for scheme, kind in kinds.items()}


class BoundedAdapter(HTTPAdapter):
    """An adapter of requests that takes in a whole answer, within the budget, before it hands it on."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        bound(self.poolmanager)

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        known = set(self.proxy_manager)
        manager = super().proxy_manager_for(*args, **kwargs)
        if self.proxy_manager.keys() - known:
            bound(manager)
        return manager

    def send(self, request: PreparedRequest, stream: bool = False, *args: Any, **kwargs: Any) -> Response:
        del stream
        budget = current()
        budget.check()
        response = super().send(request, True, *args, **kwargs)
        answer, content = budget.answer(), bytearray()
        try:
            for piece in response.iter_content(PIECE):
                answer.take(len(piece))
                content += piece
        except SourceError:
            content.clear()  # else whoever keeps the error would keep this, by its traceback
            response.close()
            raise
        budget.take(len(content))
        response._content = bytes(content)  # noqa: SLF001  # as its own `content` would, without a limit
        return response


def bound_session(session: Session, adapter: BoundedAdapter | None = None) -> Session:
    """The session, with all that it sends going through such an adapter."""
    one = adapter or BoundedAdapter()
    session.mount("https://", one)
    session.mount("http://", one)
    return session
