"""The content of log files: unpacked within limits, and decoded into records of one type.

Rows of Parquet are converted to JSON, so that records are decoded in one way. A truncated or damaged file, or one that
unpacks to more than the limit, is :class:`Unreadable`.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import chain, pairwise
from typing import Any, Generic, TypeAlias, TypeVar

import msgspec
from msgspec import UNSET, Raw, UnsetType, defstruct

from connectors.core.budget import MEBIBYTE
from connectors.core.offline import Unreadable
from connectors.logs.spoilt import WRONG, Spoilt, words_of
from scanner.errors import SourceError, install_command

_zlib: Any
try:  # in half the time
    from isal import isal_zlib as _zlib
except ImportError:
    _zlib = zlib


class CutLine(Unreadable):
    """The last line of a file is incomplete. All lines before it were read."""


MOST_DOCUMENT = 256 * MEBIBYTE
"""Unpacked bytes of one JSON document, which is held as a whole."""
MOST_ROW_GROUP = 1024 * MEBIBYTE
MOST_LINE = 16 * MEBIBYTE
MOST_RATIO = 250
"""The most that a file may grow by unpacking, above :data:`MOST_DOCUMENT`."""
PIECE = 4 * MEBIBYTE
_PARQUET = b"PAR1"
_ROWS = 2_000
_SPACE = b" \t\r\n\xef\xbb\xbf"

T = TypeVar("T")
Row: TypeAlias = Callable[[dict[str, Any]], Any]


def unpacked(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The content without gzip, if it has any. Raises Unreadable where it is cut short, damaged or a bomb."""
    source = (piece for piece in pieces if piece)
    first = next(source, None)
    if first is None:
        raise Unreadable("it is empty")
    whole = chain((first,), source)
    yield from _gunzipped(whole) if first.startswith(b"\x1f\x8b") else whole


def _gunzipped(pieces: Iterable[bytes]) -> Iterator[bytes]:
    packed = size = 0
    unpacker = _zlib.decompressobj(wbits=31)
    for piece in pieces:
        packed += len(piece)
        rest, out = piece, b""
        while rest or len(out) == PIECE:
            if unpacker.eof:
                if not rest.strip(b"\0"):
                    break
                unpacker = _zlib.decompressobj(wbits=31)  # a further member
            out = _decompressed(unpacker, rest)
            size += len(out)
            if size > MOST_DOCUMENT and size > packed * MOST_RATIO:
                raise Unreadable(f"it unpacks to more than {MOST_RATIO} times its size")
            if out:
                yield out
            rest = unpacker.unused_data if unpacker.eof else unpacker.unconsumed_tail
    if not unpacker.eof:
        raise Unreadable("its gzip stream is cut short")


def _decompressed(unpacker: Any, content: bytes) -> bytes:
    try:
        out: bytes = unpacker.decompress(content, PIECE)
    except (zlib.error, _zlib.error) as error:
        raise Unreadable("its gzip stream is damaged") from error
    return out


class Records(Generic[T]):
    """Decodes a file's content into records of one type: a document with a list of them, a list, or lines of JSON.

    ``lists``: the members of a document that hold records, such as ``Records``. The type needs one member without a
    default, so that a document is not taken for a record. ``row``: converts a row of a table to JSON; without it,
    Parquet is not supported. ``columns``: to read of a table.
    """

    def __init__(
        self, record: type[T], lists: Sequence[str], *, row: Row | None = None, columns: Collection[str] = ()
    ) -> None:
        self._row = row
        self._columns = columns
        # The types are made at run time, which mypy cannot follow.
        wrapped = defstruct("Wrapped", [(name, list[record] | UnsetType, UNSET) for name in lists])  # type: ignore[valid-type]
        wraps = defstruct("Wraps", [(name, list[Raw] | UnsetType, UNSET) for name in lists])
        self._lists = tuple(lists)
        self._line = msgspec.json.Decoder(record)
        self._rows = msgspec.json.Decoder(list[record])  # type: ignore[valid-type]
        self._wrapped: msgspec.json.Decoder[Any] = msgspec.json.Decoder(wrapped)
        self._wraps: msgspec.json.Decoder[Any] = msgspec.json.Decoder(wraps)

    def of(self, pieces: Iterable[bytes], spoilt: Spoilt | None = None) -> Iterator[list[T]]:
        """The records, as many at a time as there are in a piece. Raises Unreadable.

        A record that cannot be decoded costs itself. ``spoilt``: where it is counted.
        """
        source, spoilt = iter(pieces), spoilt or Spoilt()
        try:
            head = _head(source)
            if head.startswith(_PARQUET):
                for rows in self._tables(_joined(head, source)):
                    yield from self._document(rows, spoilt)
            elif _is_lines(head):
                yield from self._lines(chain((head,), source), spoilt)
            else:
                yield from self._document(_joined(head, source), spoilt)
        except msgspec.MsgspecError as error:
            raise Unreadable(words_of(error)) from error
        except (RecursionError, UnicodeDecodeError) as error:
            raise Unreadable("its JSON cannot be read") from error

    def _tables(self, content: bytes) -> Iterator[bytes]:
        """The rows of a table, as lists of JSON."""
        row = self._row
        if row is None:
            raise Unreadable("it is Parquet, which this log does not come in")
        for rows in _batches(content, self._columns):
            yield msgspec.json.encode([_converted(row, one) for one in rows], enc_hook=str)

    def _document(self, content: bytes, spoilt: Spoilt) -> Iterator[list[T]]:
        content = content.lstrip(_SPACE)
        if not content:
            raise Unreadable("it is empty")
        try:
            if content.startswith(b"["):
                found: list[T] | None = self._rows.decode(content)
            else:
                found = self._held(self._wrapped.decode(content))
            records = [self._line.decode(content)] if found is None else found
        except msgspec.ValidationError:
            yield from self._one_by_one(content, spoilt)
        else:
            yield spoilt.next(records)

    def _one_by_one(self, content: bytes, spoilt: Spoilt) -> Iterator[list[T]]:
        """The records of a document between those that cannot be decoded."""
        good: list[T] = []
        for raw in map(bytes, self._undecoded(content)):
            try:
                good.append(self._line.decode(raw))
            except WRONG as error:
                yield spoilt.next(good)
                good = []
                spoilt.undecoded(raw, error)
        yield spoilt.next(good)

    def _undecoded(self, content: bytes) -> list[Raw]:
        """The records of a document's list or lists; the document itself if it has none."""
        if content.startswith(b"["):
            return _EACH.decode(content)
        try:
            found: list[Raw] | None = self._held(self._wraps.decode(content))
        except msgspec.ValidationError:
            found = None
        return [_ANY.decode(content)] if found is None else found

    def _held(self, document: Any) -> list[Any] | None:
        held = [rows for name in self._lists if (rows := getattr(document, name)) is not UNSET]
        return list(chain.from_iterable(held)) if held else None

    def _lines(self, pieces: Iterable[bytes], spoilt: Spoilt) -> Iterator[list[T]]:
        rest = b""
        for piece in pieces:
            whole, end, after = piece.rpartition(b"\n")
            if not end:
                rest += piece
            else:
                yield from self._some(rest + whole, spoilt)
                rest = after
            if len(rest) > MOST_LINE:
                raise Unreadable(f"one of its lines is longer than {MOST_LINE // MEBIBYTE} MB")
        if rest.strip():
            if not _is_whole(rest):
                raise CutLine("its last line is cut short")
            yield from self._some(rest, spoilt)

    def _some(self, lines: bytes, spoilt: Spoilt) -> Iterator[list[T]]:
        try:
            yield spoilt.next(self._line.decode_lines(lines.lstrip(_SPACE)))
        except WRONG:
            for line in filter(bytes.strip, lines.split(b"\n")):
                try:
                    yield from self._document(line, spoilt)
                except WRONG as error:
                    spoilt.undecoded(line, error)


def _converted(row: Row, held: dict[str, Any]) -> Any:
    """A row of a table as JSON; nothing for one that is not as expected, which no record is."""
    try:
        return row(held)
    except (*WRONG, OSError, AttributeError):
        return None


def _batches(content: bytes, columns: Collection[str]) -> Iterator[list[dict[str, Any]]]:
    """Rows of a Parquet file. Raises Unreadable, SourceError without the library."""
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        hint = f"install it: {install_command('parquet')}"
        raise SourceError("a log in Parquet needs the extra 'parquet'", hint=hint) from error
    try:
        table = parquet.ParquetFile(pa.BufferReader(content))
        groups = [table.metadata.row_group(number).total_byte_size for number in range(table.metadata.num_row_groups)]
        if max(groups, default=0) > MOST_ROW_GROUP:
            raise Unreadable(f"one of its row groups is larger than {MOST_ROW_GROUP // MEBIBYTE} MB")
        wanted = [name for name in table.schema_arrow.names if name.lower() in columns]
        for batch in table.iter_batches(_ROWS, columns=wanted):
            yield batch.to_pylist()
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        if isinstance(error, Unreadable):
            raise
        raise Unreadable("its Parquet is damaged") from error


def begun(pieces: Iterable[bytes], enough: int) -> tuple[bytes, Iterator[bytes]]:
    """The beginning, with ``enough`` bytes after white space if there are so many, and the whole.

    It ends at :data:`MOST_LINE`, so that a file of nothing but spaces is not held.
    """
    source, head = iter(pieces), b""
    while len(head.lstrip(_SPACE)) < enough and len(head) < MOST_LINE and (piece := next(source, b"")):
        head += piece
    return head, chain((head,), source)


def _head(pieces: Iterator[bytes]) -> bytes:
    """The beginning of a file, enough to see whether it has lines."""
    head = b""
    while not head.startswith(_PARQUET) and not head.lstrip(_SPACE).partition(b"\n")[2].strip() and len(head) < PIECE:
        piece = next(pieces, b"")
        if not piece:
            break
        head += piece
    return head


_ANY = msgspec.json.Decoder(Raw)
_EACH = msgspec.json.Decoder(list[Raw])
_TWO, _LOOKED_AT = 2, 20
"""Lines at the beginning of a file that are looked at."""


def _is_lines(head: bytes) -> bool:
    """Whether it has a JSON object in each line: in the first of several, or in two that follow one another.

    Where the first is malformed, two objects without a comma between them are in no document.
    """
    if b"\n" not in head:
        return False
    lines = list(filter(bytes.strip, head.lstrip(_SPACE).split(b"\n", _LOOKED_AT)[:_LOOKED_AT]))
    if len(lines) < _TWO:
        return False
    if not lines[0].startswith((b"{", b"[")) or _is_object(lines[0]):
        return True
    return any(one and other for one, other in pairwise(map(_is_object, lines[1:])))


def _is_object(line: bytes) -> bool:
    return line.lstrip(_SPACE).startswith(b"{") and _is_whole(line)


def _is_whole(line: bytes) -> bool:
    try:
        _ANY.decode(line)
    except msgspec.DecodeError:
        return False
    except RecursionError:
        pass
    return True


def _joined(head: bytes, pieces: Iterable[bytes]) -> bytes:
    parts, size = [head], len(head)
    for piece in pieces:
        size += len(piece)
        if size > MOST_DOCUMENT:
            raise Unreadable(f"it is larger than {MOST_DOCUMENT // MEBIBYTE} MB unpacked")
        parts.append(piece)
    return b"".join(parts) if len(parts) > 1 else head
