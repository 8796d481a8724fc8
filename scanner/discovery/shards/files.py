"""Write and verify files of shards."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from msgspec import Struct

from scanner import __version__
from scanner.discovery.engine import Source
from scanner.discovery.inventory import ScopeReading
from scanner.discovery.scopes import Listing, every_feed, every_kind
from scanner.discovery.shards.lines import (
    MOST_SHARDS,
    End,
    Head,
    Line,
    ListedLine,
    ListingLine,
    ScopeLine,
    Shard,
    SourceHead,
    Unit,
    config_hash,
    decode,
    encode,
    lines_of,
)
from scanner.errors import InputError, Problem, UsageError
from scanner.model import Coverage
from scanner.text import printable

SCAN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+-]{0,99}")


def parse_shard(text: str) -> Shard:
    """Parse ``I/N``, from 1. Raises UsageError."""
    number, slash, of = text.partition("/")
    if slash and _is_number(number) and _is_number(of) and 1 <= int(number) <= int(of) <= MOST_SHARDS:
        return Shard(int(number), int(of))
    raise UsageError(f"--shard {text} is not I/N", hint="such as 1/4 to 4/4, for a scan split in four")


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < len(str(MOST_SHARDS)) + 1


def check_scan_id(scan_id: str) -> None:
    """Raises UsageError for an invalid scan id."""
    if not SCAN_ID.fullmatch(scan_id):
        raise UsageError(
            f"--scan-id {scan_id} is not a scan id: it has up to 100 letters, digits and . _ : + -",
            hint="such as the number of the job that starts all shards",
        )


def head_of(sources: Sequence[Source], shard: Shard, scan_id: str, started: datetime) -> Head:
    """The head of a shard for these sources."""
    heads = tuple(
        SourceHead(
            name=source.name,
            provider=source.connector.spec.name,
            kinds=every_kind(source.connector.spec),
            feeds=every_feed(source.connector.spec),
            rank=source.rank,
            settings=source.digest,
        )
        for source in sources
    )
    return Head(
        scan=scan_id,
        shard=shard.number,
        of=shard.of,
        config=config_hash(heads),
        started_at=started,
        version=__version__,
        sources=heads,
    )


# --- Files are written as a stream, and used only after the whole file was verified ---

LONGEST_LINE = 16 * 2**20
"""Bytes. The largest identity with all its policies takes a hundredth of it."""


class ShardFile(Struct, frozen=True, kw_only=True):
    """A verified file. ``digest``: the SHA-256 in its last line."""

    path: Path
    head: Head
    digest: str

    def lines(self) -> Iterator[str]:
        """All lines between head and end. Raises InputError if the file changed since it was verified."""
        lines = _numbered(self.path)
        digest = hashlib.sha256(next(lines)[1])
        ahead = next(lines)[1]
        for _, line in lines:
            digest.update(ahead)
            yield ahead.decode().rstrip("\n")
            ahead = line
        if digest.hexdigest() != self.digest:
            raise InputError(Problem(file=printable(str(self.path)), message="was changed while it was read"))


def write_shard(out: BinaryIO, head: Head, outcomes: Iterable[Listing | ScopeReading]) -> None:
    """Write the file, each outcome as it arrives."""
    digest = hashlib.sha256()
    written = 0

    def write(line: Line) -> None:
        text = encode(line)
        digest.update(text)
        out.write(text)

    write(head)
    for outcome in outcomes:
        for line in lines_of(outcome):
            write(line)
            written += 1
    out.write(encode(End(records=written, sha256=digest.hexdigest())))


def check_shard(path: Path) -> ShardFile:
    """Verify every line of a file. Raises InputError with file and line. Keeps no lines in memory."""
    lines = _numbered(path)
    number, text = next(lines, (1, b""))
    with _placed(path, number):
        if not text:
            raise ValueError("is empty")
        head = decode(text)
        if not isinstance(head, Head):
            raise ValueError("does not begin with the head of a shard (muster scan --shard writes one)")  # noqa: TRY004  # a wrong type of line is a wrong value of the file
    digest = hashlib.sha256(text)
    order = _Order(head)
    for number, text in lines:
        with _placed(path, number):
            line = decode(text)
            if isinstance(line, End):
                order.end(line, number - 2, digest.hexdigest())
                if next(lines, None) is not None:
                    raise ValueError("something follows the end")
                return ShardFile(path=path, head=head, digest=line.sha256)
            order.take(line)
        digest.update(text)
    raise InputError(
        Problem(
            file=printable(str(path)),
            line=number,
            message="the file is cut off: it has no end",
            fix="scan this shard again",
        )
    )


class _Order:
    """Verifies the order of lines, and that all scopes of the shard are there."""

    def __init__(self, head: Head) -> None:
        self._shard = head.its
        self._unlisted = {source.name for source in head.sources}
        self._unread: set[Unit] = set()
        self._source = ""
        self._in_scope = False

    def take(self, line: Line) -> None:
        """Accept the next line. Raises ValueError if it is out of order."""
        match line:
            case ListingLine():
                self._begin_listing(line.source)
            case ScopeLine():
                self._begin_scope(line.unit)
            case ListedLine():
                if line.source != self._source or self._in_scope:
                    raise ValueError("a scope is listed outside its source's listing")
                if self._shard.holds(line.unit):
                    self._unread.add(line.unit)
            case Head() | End():
                raise ValueError("a second head")
            case _:
                if line.source != self._source:
                    raise ValueError(f"a record of the source {printable(line.source)} is among those of another")
                if not self._in_scope and not isinstance(line, Coverage):
                    raise ValueError("a record is outside any scope")

    def _begin_listing(self, source: str) -> None:
        if source not in self._unlisted:
            raise ValueError(f"source {printable(source)} is listed twice, or the head does not name it")
        self._unlisted.remove(source)
        self._source, self._in_scope = source, False

    def _begin_scope(self, unit: Unit) -> None:
        if unit not in self._unread:
            raise ValueError(f"{unit} is not this shard's, was not listed, or is there twice")
        self._unread.remove(unit)
        self._source, self._in_scope = unit.source, True

    def end(self, line: End, records: int, digest: str) -> None:
        """Accept the last line. Raises ValueError if something is missing."""
        if line.records != records or line.sha256 != digest:
            raise ValueError("the file is damaged: its lines are not those that were written")
        if self._unlisted:
            raise ValueError(f"source {printable(min(self._unlisted))} was not listed")
        if self._unread:
            raise ValueError(f"{min(self._unread, key=str)} is this shard's and was not read")


@contextmanager
def _placed(path: Path, line: int) -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise InputError(Problem(file=printable(str(path)), line=line, message=str(error))) from error


def _numbered(path: Path) -> Iterator[tuple[int, bytes]]:
    """The file's lines, counted from 1. Raises InputError if one cannot be read, or is too long."""
    file = printable(str(path))
    try:
        if not path.is_file():
            missing = "is not a file" if path.exists() else "no such file"
            raise InputError(Problem(file=file, message=missing))
        with path.open("rb") as opened:
            number = 0
            while line := opened.readline(LONGEST_LINE + 1):
                number += 1
                if len(line) > LONGEST_LINE:
                    raise InputError(Problem(file=file, line=number, message="the line is too long"))
                if not line.endswith(b"\n"):
                    raise InputError(
                        Problem(file=file, line=number, message="the line is cut off", fix="scan this shard again")
                    )
                yield number, line
    except OSError as error:
        raise InputError(Problem(file=file, message=error.strerror or "cannot be read")) from error
