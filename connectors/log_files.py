"""Logs that lie in files: on a disk or in a bucket, one JSON document, lines of JSON or Parquet, packed or not.

A reader of such a log says how names of its files tell scope and day (:class:`Layout`) and what a record is; the rest
is here. A file that is cut short, damaged, or unpacks to more than is taken in, ends the reading of its unit with
:class:`Unreadable`: nothing of the unit is kept.
"""

from __future__ import annotations

import glob
import hashlib
import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from functools import partial
from itertools import chain, groupby
from pathlib import Path
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import msgspec
from msgspec import UNSET, Struct, UnsetType, defstruct, structs

from connectors.base import own_words
from connectors.exported import Unreadable
from connectors.logs import LogSettings
from scanner.errors import SourceError
from scanner.model import EVERY_SCOPE
from scanner.model.activity import LogDay, LogUnit

MEBIBYTE = 1024 * 1024
MOST_DOCUMENT = 256 * MEBIBYTE
"""Unpacked bytes of one JSON document, which is held as a whole."""
MOST_LINE = 16 * MEBIBYTE
MOST_RATIO = 250
"""A file that unpacks to more than so many times its size is no log, from :data:`MOST_DOCUMENT` on."""
_PIECE = 4 * MEBIBYTE
_S3 = "s3://"
LOG_FILE = re.compile(r"\.(?:json|ndjson|jsonl|log)(?:[.-][\w-]{1,40})?(?:\.gz)?$|\.parquet$", re.IGNORECASE)
_NAMED_SO = "files end in .json, .ndjson, .jsonl, .log or .parquet, also with .gz"
_SPACE = b" \t\r\n\xef\xbb\xbf"

T = TypeVar("T")


# --- Where files are ---


class LogFile(NamedTuple):
    """A file. ``name``: path or key. ``version``: differs when its content does, as an ETag. ``changed``: when."""

    name: str
    size: int
    version: str
    changed: datetime


class Folder(Protocol):
    """A place with files. ``calls``: requests sent so far."""

    @property
    def calls(self) -> int: ...

    def listed(self, layout: Layout, since: date, until: date) -> Iterator[LogFile | LogDay]:
        """All files that may be of these days, and days of a part that cannot be listed. Raises SourceError.

        Files of one scope follow each other, so that those of one scope are in memory at a time.
        """
        ...

    def pieces(self, files: Sequence[tuple[int, str]]) -> Iterator[tuple[str, Iterable[bytes]]]:
        """Each file (size and name) and its content in pieces. Raises SourceError, Unreadable."""
        ...


class Layout(Struct, frozen=True, kw_only=True):
    """What names of a log's files tell.

    ``dated``: patterns with the groups ``scope``, ``year``, ``month``, ``day``; the first one that fits counts.
    ``left_out``: names, and names of folders that end in ``/``, of something else. ``branch``: folders below which
    names begin with ``YYYY/MM/DD/``, with the group ``scope``.
    """

    dated: tuple[re.Pattern[str], ...] = ()
    left_out: re.Pattern[str] | None = None
    branch: re.Pattern[str] | None = None

    def place(self, name: str) -> tuple[str, date] | None:
        """Scope and day of a file; None where its events have to tell."""
        for pattern in self.dated:
            if found := pattern.search(name):
                try:
                    return found["scope"], date(int(found["year"]), int(found["month"]), int(found["day"]))
                except ValueError:
                    return None
        return None

    def scope(self, name: str) -> str:
        """The scope of a file, empty where its events have to tell."""
        place = self.place(name)
        return "" if place is None else place[0]

    def is_left_out(self, name: str) -> bool:
        """Whether it is something else."""
        return self.left_out is not None and self.left_out.search(name) is not None


class LocalFolder:
    """A file, a folder with all folders in it, or those that a glob pattern names. Raises SourceError without any."""

    calls = 0

    def __init__(self, path: str) -> None:
        self._path = path

    def listed(self, layout: Layout, since: date, until: date) -> Iterator[LogFile | LogDay]:  # noqa: ARG002  # all
        """See ``Folder``."""
        files = {
            name: file for root in self._roots() for file in self._below(root)
            if not layout.is_left_out(name := file.as_posix())
        }  # fmt: skip
        if not files:
            raise SourceError(f"no log file is found in {own_words(self._path)}", hint=_NAMED_SO)
        yield from by_scope((_stated(name, file) for name, file in files.items()), layout)

    def _roots(self) -> Iterator[Path]:
        path = Path(self._path).expanduser()
        try:
            if path.exists():
                yield path.absolute()
            elif glob.has_magic(self._path):
                yield from (Path(one).absolute() for one in sorted(glob.glob(str(path), recursive=True)))  # noqa: PTH207
            else:
                raise SourceError(f"{own_words(self._path)} does not exist")
        except OSError as error:
            raise SourceError(f"{own_words(self._path)} cannot be read: {error.strerror}") from error

    def _below(self, root: Path) -> Iterator[Path]:
        try:
            if root.is_file():
                yield root
                return
            yield from (
                each for each in sorted(root.rglob("*")) if LOG_FILE.search(each.name) and each.is_file()
            )  # fmt: skip
        except OSError as error:
            raise SourceError(f"{own_words(self._path)} cannot be read: {error.strerror}") from error

    def pieces(self, files: Sequence[tuple[int, str]]) -> Iterator[tuple[str, Iterable[bytes]]]:
        """See ``Folder``."""
        for _, name in files:
            yield name, _read(Path(name))


def _stated(name: str, file: Path) -> LogFile:
    stat = file.stat()
    return LogFile(name, stat.st_size, str(stat.st_mtime_ns), datetime.fromtimestamp(stat.st_mtime, UTC))


def by_scope(files: Iterable[LogFile], layout: Layout) -> list[LogFile]:
    """The files in the order that ``Folder.listed`` owes."""
    return sorted(files, key=lambda one: (layout.scope(one.name), one.name))


def _read(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while piece := file.read(_PIECE):
                yield piece
    except OSError as error:
        raise SourceError(f"{own_words(path)} cannot be read: {error.strerror}") from error


def is_bucket(path: str) -> bool:
    """Whether it is ``s3://bucket/prefix``."""
    return path.startswith(_S3)


# --- Units ---


def units_of(
    settings: LogSettings, folder: Folder, layout: Layout, since: date, until: date, *, today: date
) -> Iterator[LogUnit | LogDay]:
    """The units of a log in files, and days without any file between days with files.

    A unit is a scope and a day; undated files are one unit for each folder. No unit covers ``today``.
    """
    undated: dict[str, list[LogFile]] = {}
    for scope, found in groupby(folder.listed(layout, since, until), key=partial(_scope_of, layout)):
        days: dict[date, list[LogFile]] = {}
        lost: set[date] = set()
        for one in found:
            place = None if isinstance(one, LogDay) else layout.place(one.name)
            if isinstance(one, LogDay):
                lost.add(one.day)
                if one.day < today:
                    yield one
            elif place is None:
                undated.setdefault(one.name.rpartition("/")[0], []).append(one)
            elif since <= place[1] <= until:
                days.setdefault(place[1], []).append(one)
        yield from (gap for gap in _missing(scope, sorted(days), today) if gap.day not in lost)
        for day in sorted(days):
            covered = (LogDay(scope=scope, day=day),) if day < today and day not in lost else ()
            yield _unit(settings.log, f"{scope}/{day}", days[day], covered)
    root = _common_folder(list(undated))
    for where, files in sorted(undated.items()):
        # Which days they are of, only their events tell; until then, a gap would be the days that they were written.
        written = tuple(LogDay(scope=EVERY_SCOPE, day=day) for day in sorted({one.changed.date() for one in files}))
        yield _unit(settings.log, f"files/{where.removeprefix(root).strip('/')}", files, written)


def _scope_of(layout: Layout, one: LogFile | LogDay) -> str:
    return one.scope if isinstance(one, LogDay) else layout.scope(one.name)


def _missing(scope: str, days: Sequence[date], today: date) -> Iterator[LogDay]:
    for ordinal in range(days[0].toordinal() + 1, days[-1].toordinal()) if days else ():
        day = date.fromordinal(ordinal)
        if day not in days and day < today:
            yield LogDay(scope=scope, day=day, status="failed", detail="there is no file of this day")


def _common_folder(folders: Sequence[str]) -> str:
    if not folders:
        return ""
    parts = [each.split("/") for each in folders]
    common = [each[0] for each in zip(*parts, strict=False) if len(set(each)) == 1]
    same = len(common)
    while same and any(each[:same] != common[:same] for each in parts):
        same -= 1
    return "/".join(common[:same])


def _unit(log: str, name: str, files: Sequence[LogFile], days: tuple[LogDay, ...]) -> LogUnit:
    ordered = sorted(files)
    digest = hashlib.blake2b(digest_size=16)
    for one in ordered:
        digest.update(f"{one.name.rpartition('/')[2]}\0{one.size}\0{one.version}\n".encode("utf-8", "surrogatepass"))
    return LogUnit(
        log=log,
        name=name,
        digest=digest.hexdigest(),
        files=tuple(f"{one.size} {one.name}" for one in ordered),
        days=days,
    )


def files_of(unit: LogUnit) -> list[tuple[int, str]]:
    """Size and name of each file of a unit."""
    return [(int(size), name) for size, _, name in (one.partition(" ") for one in unit.files)]


def gap_of(unit: LogUnit, reason: str) -> tuple[LogDay, ...]:
    """The unit's days, none of which could be read."""
    return tuple(structs.replace(day, status="failed", detail=reason) for day in unit.days)


# --- Content ---


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
    unpacker = _new_decompressor()
    for piece in pieces:
        packed += len(piece)
        rest, out = piece, b""
        while rest or len(out) == _PIECE:
            if unpacker.eof:
                if not rest.strip(b"\0"):
                    break
                unpacker = _new_decompressor()  # a further member
            out = _decompressed(unpacker, rest)
            size += len(out)
            if size > MOST_DOCUMENT and size > packed * MOST_RATIO:
                raise Unreadable(f"it unpacks to more than {MOST_RATIO} times its size")
            if out:
                yield out
            rest = unpacker.unused_data if unpacker.eof else unpacker.unconsumed_tail
    if not unpacker.eof:
        raise Unreadable("its gzip stream is cut short")


def _new_decompressor() -> Any:
    """ISA-L's, which takes half the time, else zlib's."""
    try:
        from isal import isal_zlib
    except ImportError:
        return zlib.decompressobj(wbits=31)
    return isal_zlib.decompressobj(wbits=31)


def _decompressed(unpacker: Any, content: bytes) -> bytes:
    try:
        out: bytes = unpacker.decompress(content, _PIECE)
    except Exception as error:
        if isinstance(error, zlib.error) or type(error).__module__.startswith("isal"):
            raise Unreadable("its gzip stream is damaged") from error
        raise
    return out


class Records(Generic[T]):
    """Decodes a file's content into records of one type: a document with a list of them, a list, or lines of JSON.

    ``lists``: the members of a document that hold records, such as ``Records``. The type needs one member without a
    default, so that a document is not taken for a record.
    """

    def __init__(self, record: type[T], lists: Sequence[str]) -> None:
        wrapped = defstruct("Wrapped", [(name, list[record] | UnsetType, UNSET) for name in lists])  # type: ignore[valid-type]
        self._lists = tuple(lists)
        self._line = msgspec.json.Decoder(record)
        self._rows = msgspec.json.Decoder(list[record])  # type: ignore[valid-type]
        self._wrapped: msgspec.json.Decoder[Any] = msgspec.json.Decoder(wrapped)

    def of(self, pieces: Iterable[bytes]) -> Iterator[list[T]]:
        """The records, as many at a time as there are in a piece. Raises Unreadable."""
        source = iter(pieces)
        head = next(source, b"")
        try:
            if _is_lines(head):
                yield from self._lines(chain((head,), source))
            else:
                yield self._document(_joined(head, source))
        except msgspec.MsgspecError as error:
            raise Unreadable(f"it is not as expected: {own_words(error)}") from error
        except (RecursionError, UnicodeDecodeError) as error:
            raise Unreadable("its JSON cannot be read") from error

    def _document(self, content: bytes) -> list[T]:
        content = content.lstrip(_SPACE)
        if not content:
            raise Unreadable("it is empty")
        if content.startswith(b"["):
            return self._rows.decode(content)
        found = self._unwrapped(content)
        return [self._line.decode(content)] if found is None else found

    def _unwrapped(self, content: bytes) -> list[T] | None:
        document = self._wrapped.decode(content)
        held = [rows for name in self._lists if (rows := getattr(document, name)) is not UNSET]
        return list(chain.from_iterable(held)) if held else None

    def _lines(self, pieces: Iterable[bytes]) -> Iterator[list[T]]:
        rest = b""
        for piece in pieces:
            whole, end, after = piece.rpartition(b"\n")
            if not end:
                rest += piece
            else:
                yield self._some(rest + whole)
                rest = after
            if len(rest) > MOST_LINE:
                raise Unreadable(f"one of its lines is longer than {MOST_LINE // MEBIBYTE} MB")
        if rest.strip():
            yield self._some(rest)

    def _some(self, lines: bytes) -> list[T]:
        try:
            return self._line.decode_lines(lines.lstrip(_SPACE))
        except msgspec.ValidationError:
            found: list[T] = []
            for line in lines.splitlines():
                if line.strip():
                    found += self._document(line)
            return found


_ANY = msgspec.json.Decoder(msgspec.Raw)


def _is_lines(head: bytes) -> bool:
    """Whether the first line is a JSON object of its own, and another line follows."""
    first, newline, after = head.lstrip(_SPACE).partition(b"\n")
    if not newline or not first.startswith(b"{") or not after.strip():
        return False
    try:
        _ANY.decode(first)
    except msgspec.DecodeError:
        return False
    return True


def _joined(head: bytes, pieces: Iterable[bytes]) -> bytes:
    parts, size = [head], len(head)
    for piece in pieces:
        size += len(piece)
        if size > MOST_DOCUMENT:
            raise Unreadable(f"it is larger than {MOST_DOCUMENT // MEBIBYTE} MB unpacked")
        parts.append(piece)
    return b"".join(parts) if len(parts) > 1 else head
