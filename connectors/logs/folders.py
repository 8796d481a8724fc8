"""The files of a log, on a disk or in a bucket, and the meaning of their names."""

from __future__ import annotations

import glob
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from msgspec import Struct

from connectors.core.contract import own_words
from connectors.core.offline import Unreadable
from connectors.logs.content import PIECE, unpacked
from scanner.catalog import Catalog
from scanner.errors import SourceError
from scanner.model import EVERY_SCOPE
from scanner.model.activity import LogDay

_LONGEST_FIRST_LINE = 4096


class FileEndings(NamedTuple):
    """What names of log files end in. ``said``: as a hint."""

    pattern: re.Pattern[str]
    said: str


def file_endings(*endings: str, whole: str | None = None) -> FileEndings:
    """Return these endings, also before a mark of rotation and ``.gz``. ``whole``: one that nothing follows."""
    packed = rf"\.(?:{'|'.join(endings)})(?:[.-][\w-]{{1,40}})?(?:\.gz)?$"
    pattern = re.compile(packed if whole is None else rf"{packed}|\.{whole}$", re.IGNORECASE)
    every = [f".{one}" for one in (*endings, *filter(None, (whole,)))]
    return FileEndings(pattern, f"files end in {', '.join(every[:-1])} or {every[-1]}, also with .gz")


class LogFile(NamedTuple):
    """A file. ``name``: path or key. ``version``: changes with its content, like an ETag. ``changed``: when."""

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

        Files of one scope are adjacent, so that only those of one scope are in memory.
        """
        ...

    def pieces(self, files: Sequence[tuple[int, str]]) -> Iterator[tuple[str, Iterable[bytes]]]:
        """Each file (size and name) and its content in pieces. Raises SourceError, Unreadable."""
        ...

    def identity(self, file: LogFile) -> str:
        """An id of a file that survives renaming, compression and appending; its name, if these do not occur."""
        ...


def folder_catalog() -> Catalog:
    """By scheme, the function that returns the folder of a URL, without I/O."""
    return Catalog("muster.log_folders", "scheme of log files")


class Redelivery(Struct, frozen=True, kw_only=True):
    """Of a log that delivers events again. ``stamp``: when a file was written that day, groups ``hour`` and ``minute``.

    ``when``, ``which``: time (UTC) and id of a record.
    """

    stamp: re.Pattern[str]
    when: Callable[[Any], str]
    which: Callable[[Any], str]


class Layout(Struct, frozen=True, kw_only=True):
    """The layout of a log's files, in their names.

    ``dated``: patterns with the groups ``year``, ``month``, ``day``, perhaps ``scope`` and ``part``; the first one that
    fits counts. Without the group ``scope``, files are of several scopes, which their events say. ``left_out``: names,
    and names of folders that end in ``/``, of something else. ``branch``: folders below which names begin with
    ``YYYY/MM/DD/``, with the group ``scope``.

    ``appended``: undated files are added to and renamed (``audit.log``, ``audit.log.1.gz``), so each is a unit of its
    own, and the last line of today may be under way. Otherwise those of a folder are one. ``redelivery``: how an event
    is known that lies in files of two days. ``unique_names``: no two files of the log have the same name in different
    folders. ``endings``: what names of its files end in.
    """

    dated: tuple[re.Pattern[str], ...] = ()
    appended: bool = False
    left_out: re.Pattern[str] | None = None
    branch: re.Pattern[str] | None = None
    redelivery: Redelivery | None = None
    unique_names: bool = False
    endings: FileEndings = file_endings("json", "ndjson", "jsonl", "log", whole="parquet")

    def place(self, name: str) -> tuple[str, date] | None:
        """Scope and day of a file; None where its events have to say."""
        for pattern in self.dated:
            if found := pattern.search(name):
                try:
                    day = date(int(found["year"]), int(found["month"]), int(found["day"]))
                    return (found.groupdict().get("scope") or EVERY_SCOPE).lower(), day
                except ValueError:
                    return None
        return None

    def scope(self, name: str) -> str:
        """The scope of a file, empty where its events have to say."""
        place = self.place(name)
        return "" if place is None else place[0]

    def part(self, name: str) -> str:
        """The part of the scope, such as a region, that a file is of; empty without one."""
        found = next((match for pattern in self.dated if (match := pattern.search(name))), None)
        return (found.groupdict().get("part") or "") if found else ""

    def among_its_unit(self, name: str) -> str:
        """What tells a file apart from others of its unit, wherever the whole log is copied to."""
        if not self.unique_names:
            for pattern in self.dated:
                if found := pattern.search(name):
                    return name[found.start() :].lstrip("/")
        return name.rpartition("/")[2]

    def is_left_out(self, name: str) -> bool:
        """Whether it is something else."""
        return self.left_out is not None and self.left_out.search(name) is not None


class LocalFolder:
    """A file, a folder with all folders in it, or those that a glob pattern names. Raises SourceError without any."""

    calls = 0

    def __init__(self, path: str) -> None:
        self._path = path

    def listed(self, layout: Layout, since: date, until: date) -> Iterator[LogFile | LogDay]:
        """See ``Folder``. Undated files say their days only when they are read: all are listed."""
        del since, until
        files = {
            name: file for root in self._roots() for file in self._below(root, layout)
            if not layout.is_left_out(name := file.as_posix())
        }  # fmt: skip
        if not files:
            raise SourceError(f"no log file is found in {own_words(self._path)}", hint=layout.endings.said)
        yield from by_scope((_stated(name, file) for name, file in files.items()), layout)

    def _roots(self) -> Iterator[Path]:
        path = Path(self._path).expanduser()
        try:
            if path.exists():
                yield path.absolute()
            elif glob.has_magic(self._path):
                found = sorted(glob.iglob(str(path), recursive=True))  # noqa: PTH207  # Path.glob takes no absolute pattern
                yield from (Path(one).absolute() for one in found)
            else:
                raise SourceError(f"{own_words(self._path)} does not exist")
        except OSError as error:
            raise SourceError(f"{own_words(self._path)} cannot be read: {error.strerror}") from error

    def _below(self, root: Path, layout: Layout) -> Iterator[Path]:
        try:
            if root.is_file():
                yield root
                return
            yield from (
                each for each in sorted(root.rglob("*")) if layout.endings.pattern.search(each.name) and each.is_file()
            )  # fmt: skip
        except OSError as error:
            raise SourceError(f"{own_words(self._path)} cannot be read: {error.strerror}") from error

    def pieces(self, files: Sequence[tuple[int, str]]) -> Iterator[tuple[str, Iterable[bytes]]]:
        """See ``Folder``."""
        for _, name in files:
            yield name, _read(Path(name))

    def identity(self, file: LogFile) -> str:
        """See ``Folder``: by the first line."""
        try:
            head = next(unpacked(_read(Path(file.name), _LONGEST_FIRST_LINE)), b"")
        except (SourceError, Unreadable):
            return file.name
        line, newline, _ = head[:_LONGEST_FIRST_LINE].partition(b"\n")
        is_whole = newline or len(line) == _LONGEST_FIRST_LINE
        return hashlib.blake2b(line, digest_size=12).hexdigest() if is_whole else file.name


def _stated(name: str, file: Path) -> LogFile:
    stat = file.stat()
    return LogFile(name, stat.st_size, str(stat.st_mtime_ns), datetime.fromtimestamp(stat.st_mtime, UTC))


def by_scope(files: Iterable[LogFile], layout: Layout) -> list[LogFile]:
    """The files in the order that ``Folder.listed`` owes."""
    return sorted(files, key=lambda one: (layout.scope(one.name), one.name))


def _read(path: Path, size: int = PIECE) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while piece := file.read(size):
                yield piece
    except OSError as error:
        raise SourceError(f"{own_words(path)} cannot be read: {error.strerror}") from error
