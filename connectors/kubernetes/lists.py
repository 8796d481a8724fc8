"""Lists of objects in files, read object by object: files of large clusters have hundreds of megabytes.

In the output of ``kubectl``, each object is between two lines with the same indentation. Strings in JSON have no line
breaks, so such lines are never part of a string. Files in another format are read as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Raw, Struct, field

from connectors.core.offline import MAX_BYTES, Unreadable, content_of, text_of

DAMAGE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
PIECE: Final = 2**20
"""Bytes per read."""
MOST_PIECES: Final = 32
"""The most pieces of one object; a file with a larger object is read as a whole."""
_HEAD: Final = re.compile(rb'\s*\{[^{}\[\]]*"items": \[(?P<line>\r?\n)(?P<indent> +)(?=\{)')


class Sort(Struct, frozen=True):
    """The kind of an object with its API, and the type of a secret."""

    kind: str = ""
    type: str = ""
    api: str | None = field(name="apiVersion", default=None)

    @property
    def group(self) -> str | None:
        """The API group; None if the object does not say it. Groups may have kinds of one name."""
        return None if self.api is None else self.api.rpartition("/")[0]


class _List(Struct, frozen=True):
    kind: str = ""
    items: list[Raw] | None = None


class KubernetesListed(Struct, frozen=True, kw_only=True):
    """A file with a list. ``plurals``: its resources. ``usual``: the kind of objects without a kind.

    ``in_lines``: it can be read object by object, in pieces of ``piece`` bytes.
    """

    path: Path
    plurals: frozenset[str]
    usual: str
    in_lines: bool
    piece: int = PIECE

    def objects(self, plural: str) -> Iterator[bytes | Raw]:
        """Its objects of a resource. Raises Unreadable, OSError, and the exceptions in DAMAGE."""
        everything = _pieces(self.path, self.piece) if self.in_lines else iter(_whole(self.path).items or ())
        for raw in everything:
            if not isinstance(raw, _Rest) and (len(self.plurals) == 1 or self._plural(raw) == plural):
                yield raw

    def _plural(self, raw: bytes | Raw) -> str:
        return _plural_of(raw, self.usual) or self.path.stem.lower()


def listed_in(path: Path, piece: int = PIECE) -> KubernetesListed:
    """The resources in a file; of an empty list, the file's name. Raises Unreadable, OSError, DAMAGE."""
    plurals = {path.stem.lower()}
    try:
        usual = ""
        for part in _pieces(path, piece):
            if isinstance(part, _Rest):
                usual = msgspec.json.decode(part.document, type=_List).kind.removesuffix("List")
            else:
                plurals.add(plural_of(msgspec.json.decode(part, type=Sort).kind))
    except (_InAnotherWay, *DAMAGE):
        content = _whole(path)
        usual = content.kind.removesuffix("List")
        plurals |= {_plural_of(raw, usual) for raw in content.items or ()}
        return KubernetesListed(path=path, plurals=frozenset(filter(None, plurals)), usual=usual, in_lines=False)
    if usual:
        plurals.add(plural_of(usual))
    return KubernetesListed(
        path=path, plurals=frozenset(filter(None, plurals)), usual=usual, in_lines=True, piece=piece
    )


def plural_of(kind: str) -> str:
    """The plural name of a kind, as in paths."""
    name = kind.lower()
    return name if not name or name.endswith("s") else f"{name[:-1]}ies" if name.endswith("y") else f"{name}s"


def _plural_of(raw: bytes | Raw, usual: str) -> str:
    try:
        return plural_of(msgspec.json.decode(raw, type=Sort).kind or usual)
    except DAMAGE:
        return ""


def _whole(path: Path) -> _List:
    return msgspec.json.decode(text_of(content_of(path, MAX_BYTES)), type=_List)


class _InAnotherWay(Exception):
    """The file does not have the format of ``kubectl``."""


class _Rest(Struct, frozen=True):
    """The document without its objects."""

    document: bytes


def _pieces(path: Path, piece: int) -> Iterator[bytes | _Rest]:
    """Yield its objects, then the rest of the document. Raises _InAnotherWay, possibly after some objects."""
    if path.stat().st_size > MAX_BYTES:
        raise Unreadable(f"it is larger than {MAX_BYTES // 2**20} MB")
    with path.open("rb") as file:
        buffer = file.read(piece)
        start = _HEAD.match(buffer)
        if start is None:
            raise _InAnotherWay
        head, at = buffer[: start.end()], start.end()
        line = start["line"] + start["indent"]
        between, end, looked = line + b"}," + line + b"{", line + b"}" + start["line"], at
        while True:
            while (found := buffer.find(between, looked)) >= 0:
                yield buffer[at:found] + b"}"
                at = looked = found + len(between) - 1
            more = file.read(piece)
            if not more:
                break
            looked = max(at, len(buffer) - len(between)) - at  # a line may be split between pieces
            buffer, at = buffer[at:] + more, 0
            if len(buffer) > MOST_PIECES * piece:
                raise _InAnotherWay
        last = buffer.find(end, at)
        if last < 0:
            raise _InAnotherWay
        yield buffer[at:last] + b"}"
        yield _Rest(head + buffer[last + len(end) :])
