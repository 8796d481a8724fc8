"""Answers with ETags that a client keeps."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Protocol

from msgspec import Struct


class Received(Struct, frozen=True):
    """An answer with status 200. ``etag``: empty if it has none.

    ``link``: of the next page, from the ``Link`` header.
    """

    etag: str
    content: bytes
    link: str | None


class ResponseCache(Protocol):
    """A cache of answers with ETags, by request. Threads share it."""

    def get(self, key: str, route: str) -> Received | None:
        """The cached answer to a request, or a likely one. ``key``, ``route``: see ``put``."""
        ...

    def put(self, key: str, answer: Received, route: str) -> None:
        """Cache an answer. ``key``: of the request, empty if it is never cached; ``route``: its path."""
        ...


class MemoryCache:
    """The most recently used answers with an ETag, up to a size in bytes."""

    def __init__(self, size: int) -> None:
        self._left = size
        self._lock = threading.Lock()
        self._answers: OrderedDict[str, Received] = OrderedDict()

    def get(self, key: str, route: str) -> Received | None:
        del route
        with self._lock:
            return self._answers.get(key)

    def put(self, key: str, answer: Received, route: str) -> None:
        del route
        if not (key and answer.etag and answer.etag.isascii() and answer.etag.isprintable()):
            return
        with self._lock:
            before = self._answers.pop(key, None)
            self._answers[key] = answer
            self._left += (len(before.content) if before else 0) - len(answer.content)
            while self._left < 0:
                self._left += len(self._answers.popitem(last=False)[1].content)
