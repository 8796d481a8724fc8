"""HTTP within the current budget, for SDKs that use urllib3, most of them through requests.

Bytes are counted as they are read from the socket, including status line and headers: a server that sends single bytes
never reaches the socket's timeout. Content that requests unpacks is counted again, unpacked. urllib3 and requests come
with the extras, so import this module when a session is created.
"""

from __future__ import annotations

import http.client
import io
import time
from collections.abc import Iterator
from functools import cache
from typing import Any

from requests import PreparedRequest, Response, Session
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool

from connectors.core.budget import Answer, current
from scanner.errors import SourceError

PIECE = 64 * 1024
"""Bytes that are read, or unpacked, at once."""


class _Pieces(io.RawIOBase):
    """The bytes of a socket, within the time of an answer."""

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
                time.sleep(0.001)  # clocks are less precise than the timeout
                self._answer.seconds()
                raise
            finally:
                self._sock.settimeout(usual)
        self._answer.take(size or 0)
        return size

    def close(self) -> None:
        self._raw.close()
        super().close()


class _CountedResponse(http.client.HTTPResponse):
    """An answer whose time counts from the end of its request."""

    def __init__(self, sock: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp.close()
        self.fp = io.BufferedReader(_Pieces(sock, current().answer()), PIECE)


class _BoundedConnection(HTTPConnection):
    """Does not connect, send or read for longer than the budget allows. A mixin for each kind of connection."""

    response_class = _CountedResponse

    def connect(self) -> None:
        left = current().check()
        if isinstance(self.timeout, int | float):
            self.timeout = min(self.timeout, left)
        super().connect()

    def request(self, *args: Any, **kwargs: Any) -> None:
        current().check()
        super().request(*args, **kwargs)


class _NoRedirects(HTTPConnectionPool):
    """A mixin that follows no redirect, regardless of the SDK.

    The AWS SDK does not follow them either, but urllib3 then prepares for one, and drops the connection.
    """

    def urlopen(self, *args: Any, **kwargs: Any) -> Any:
        return super().urlopen(*args, **{**kwargs, "redirect": False})


@cache
def _bounded(pool: type[Any]) -> type[Any]:
    """A subclass of a pool with bounded connections, and without redirects."""
    usual = pool.ConnectionCls
    connection = type(usual.__name__, (_BoundedConnection, usual), {})
    return type(pool.__name__, (_NoRedirects, pool), {"ConnectionCls": connection})  # errors show these names


def bound(manager: Any) -> None:
    """Keep all connections of a pool manager of urllib3 within the budget, and on the host that was called."""
    kinds = manager.pool_classes_by_scheme
    manager.pool_classes_by_scheme = {scheme: _bounded(kind) for scheme, kind in kinds.items()}


class _Unpacked:
    """A response of urllib3 that counts what it unpacks."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)

    def stream(self, _: int, *, decode_content: bool) -> Iterator[bytes]:
        answer = current().answer()
        for piece in self._raw.stream(PIECE, decode_content=decode_content):
            answer.take(len(piece))
            yield piece


class BoundedAdapter(HTTPAdapter):
    """An adapter of requests that reads a whole answer, within the budget, before it returns it."""

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
        response = super().send(request, True, *args, **kwargs)
        response.raw = _Unpacked(response.raw)
        try:
            current().take(len(response.content))
        except SourceError:
            response.close()
            raise
        return response


def bound_session(session: Session, adapter: BoundedAdapter | None = None) -> Session:
    """Make a session send all requests through such an adapter."""
    one = adapter or BoundedAdapter()
    session.mount("https://", one)
    session.mount("http://", one)
    return session
