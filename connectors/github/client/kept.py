"""Answers that are kept from one scan to the next with their ETags: GitHub counts no request whose answer still holds.

They are kept as the records that were parsed of them, so that the file has nothing that a scan does not read. Like a
store, it is made for its owner alone.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Raw, Struct

from connectors.http import Received
from scanner.errors import SourceError
from scanner.safe_files import in_place_of

log = logging.getLogger(__name__)

MAX_BYTES = 256 * 2**20
"""A larger file is not read."""
_FORMAT = 1


class _Kept(Struct, frozen=True):
    name: str
    etag: str
    link: str | None
    content: Raw


class _File(Struct, frozen=True):
    format: int
    source: str
    answers: tuple[_Kept, ...]


class KeptAnswers:
    """See ``connectors.http.Answers``. ``path``: the file; None keeps nothing. ``source``: whose answers these are.

    ``shapes``: by a request's path, where its rows are and what each is decoded as.
    """

    def __init__(self, path: Path | None, source: str, shapes: Mapping[str, tuple[str, Any]]) -> None:
        self._path, self._source, self._shapes = path, source, shapes
        self._lock = threading.Lock()
        self._before = {} if path is None else _read(path, source)
        self._now: dict[str, Received] = {}

    def get(self, name: str) -> Received | None:
        """See ``connectors.http.Answers``."""
        with self._lock:
            known = self._now.get(name) or self._before.get(name)
            if known is not None:  # what is asked for again is kept on
                self._now[name] = known
            return known

    def keep(self, name: str, answer: Received, asked_for: str) -> None:
        """See ``connectors.http.Answers``."""
        shape = self._shapes.get(asked_for)
        if self._path is None or not name or shape is None or not (answer.etag.isascii() and answer.etag.isprintable()):
            return
        content = _parsed(answer.content, *shape) if answer.etag else None
        if content is not None:
            with self._lock:
                self._now[name] = Received(answer.etag, content, answer.link)

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
                file.write(msgspec.json.encode(_File(_FORMAT, self._source, answers)))
        except OSError as error:
            log.warning("the cache of the source cannot be written: %s: %s", self._path, error.strerror)


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
        file = msgspec.json.decode(path.read_bytes(), type=_File)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        log.warning("the cache of the source is read anew: %s: %s", path, type(error).__name__)
        return {}
    if file.format != _FORMAT or file.source != source:
        return {}
    return {one.name: Received(one.etag, bytes(one.content), one.link) for one in file.answers}
