"""A cache of answers with their ETags between scans: GitHub does not count a request whose answer has not changed.

Answers are kept as parsed records, so that the file contains only fields that a scan reads. Only its owner can read
the file, like the store.

Within a scan, answers that are the same for many repositories, such as no secrets, are requested with the ETag of one
of them. GitHub's ETags are digests of the content, which is verified for each: equal ETags mean equal content.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from hashlib import new as digest_by
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Raw, Struct

from connectors.core.etags import Received
from scanner.errors import SourceError
from scanner.safe_files import in_place_of

log = logging.getLogger(__name__)

MAX_BYTES = 256 * 2**20
"""A larger file is not read."""
_FORMAT = 2
_DIGESTS = ("sha256", "md5", "sha1")
"""Hash functions of ETags: GitHub uses the first, proxies and Enterprise Servers also others."""
_SHORTEST_TAG = 32
"""Hexadecimal digits of a digest, or of its beginning, that tell contents apart."""
_LONGEST_SHARED = 1024
"""Bytes of an answer that repositories may have in common; a longer one has rows of its own."""


class _Kept(Struct, frozen=True):
    name: str
    etag: str
    link: str | None
    content: Raw


class _KeptFile(Struct, frozen=True):
    format: int
    source: str
    answers: tuple[_Kept, ...]


class _Shared:
    """The answer of one request's path that came most often, with its newest ETag."""

    def __init__(self) -> None:
        self.answer: Received | None = None
        self._times: Counter[bytes] = Counter()

    def add(self, answer: Received) -> None:
        self._times[answer.content] += 1
        known = self.answer
        if known is None or self._times[answer.content] >= self._times[known.content] + (
            answer.content != known.content
        ):
            self.answer = answer


class KeptAnswers:
    """See ``connectors.core.http.ResponseCache``. ``path``: the file; None keeps nothing. ``source``: whose answers.

    ``shapes``: by a request's path, where its rows are and what each is decoded as. ``shared``: the paths with answers
    that repositories may have in common. ``signed_with``: the headers that GitHub's ETags are made of, besides the
    content.
    """

    def __init__(
        self,
        path: Path | None,
        source: str,
        shapes: Mapping[str, tuple[str, Any]],
        shared: AbstractSet[str] = frozenset(),
        signed_with: Callable[[], str] = str,
    ) -> None:
        self._path, self._source, self._shapes = path, source, shapes
        self._lock = threading.Lock()
        self._before = {} if path is None else _read(path, source)
        self._now: dict[str, Received] = {}
        self._shared = {one: _Shared() for one in shared}
        self._signed_with = signed_with

    def get(self, key: str, route: str) -> Received | None:
        """See ``connectors.core.http.ResponseCache``."""
        with self._lock:
            known = self._now.get(key) or self._before.get(key)
            if known is None and key and route in self._shared:
                known = self._shared[route].answer
            if known is not None:  # what is asked for again is kept on
                self._now[key] = known
            return known

    def put(self, key: str, answer: Received, route: str) -> None:
        """See ``connectors.core.http.ResponseCache``."""
        shape = self._shapes.get(route)
        may_be_shared = route in self._shared and answer.link is None and len(answer.content) <= _LONGEST_SHARED
        if not key or shape is None or not (self._path or may_be_shared):
            return
        content = _parsed(answer.content, *shape) if answer.etag.isascii() and answer.etag.isprintable() else None
        if content is None or not answer.etag:
            return
        kept = Received(answer.etag, content, answer.link)
        is_shared = may_be_shared and is_made_of(answer.etag, answer.content, self._signed_with())
        with self._lock:
            self._now[key] = kept
            if is_shared:
                self._shared[route].add(kept)

    def write(self) -> None:
        """Write the file anew. One that cannot be written costs the next scan requests, and nothing else."""
        if self._path is None or not self._now:
            return
        with self._lock:
            answers = tuple(
                _Kept(name, one.etag, one.link, Raw(one.content)) for name, one in sorted(self._now.items())
            )
        try:
            with in_place_of(self._path) as file:
                file.write(msgspec.json.encode(_KeptFile(_FORMAT, self._source, answers)))
        except OSError as error:
            log.warning("the cache of the source cannot be written: %s: %s", self._path, error.strerror)


def is_made_of(etag: str, content: bytes, signed_with: str) -> bool:
    """Whether an ETag is a digest of the content, or its beginning, also behind what the request was signed with.

    GitHub does not document this. Where it is otherwise, nothing is shared.
    """
    tag = etag.removeprefix("W/").strip('"').lower()
    return len(tag) >= _SHORTEST_TAG and any(
        digest_by(name, before + content, usedforsecurity=False).hexdigest().startswith(tag)
        for name in _DIGESTS
        for before in (signed_with.encode(), b"")
    )


def _parsed(content: bytes, at: str, shape: Any) -> bytes | None:
    """The answer with nothing but the fields that are read; None for one that is not understood in full."""
    name = at.strip("/")
    try:
        if not name:
            return msgspec.json.encode(msgspec.json.decode(content, type=shape))
        rows = msgspec.json.decode(content, type=dict[str, Raw]).get(name, Raw(b"[]"))
        return msgspec.json.encode({name: msgspec.json.decode(rows, type=shape)})
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError, RecursionError, SourceError):
        return None


def _read(path: Path, source: str) -> dict[str, Received]:
    try:
        if not path.exists() or path.stat().st_size > MAX_BYTES:
            return {}
        file = msgspec.json.decode(path.read_bytes(), type=_KeptFile)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        log.warning("the cache of the source is read anew: %s: %s", path, type(error).__name__)
        return {}
    if file.format != _FORMAT or file.source != source:
        return {}
    return {one.name: Received(one.etag, bytes(one.content), one.link) for one in file.answers}
