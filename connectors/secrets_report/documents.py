"""Splits a report into rows, each with its line: an array, a document of lists, or lines with a log in between."""

from __future__ import annotations

import codecs
import gzip
import io
import json
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from msgspec import UNSET, DecodeError, Raw, Struct, UnsetType, ValidationError
from msgspec.json import Decoder

from connectors.core.contract import Malformed
from connectors.exposed import Leak
from connectors.secrets_report.findings import Ending
from connectors.secrets_report.formats import DETECT_SECRETS, SARIF, format_of
from connectors.secrets_report.rows import Format, NoLeak
from scanner.errors import SourceError

LARGEST = 256 * 1024 * 1024
"""Bytes of one report."""
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
"""Byte order marks of files that PowerShell wrote."""
_GZIP = b"\x1f\x8b"


_DAMAGED = "the report is broken off or damaged here"
_ARRAY = re.compile(rb"\s*\[\s*[\[{\]]")
_ROW_BEGINS = re.compile(r"^[ \t]*\{", re.MULTILINE)


class LeakRow(Struct, frozen=True):
    """A row. ``format`` and ``content`` are None for what is none; ``wrong`` says why."""

    line: int
    format: Format[Any] | None = None
    content: bytes | Raw | None = None
    wrong: str = ""

    def read(self) -> Leak | NoLeak:
        """Return the leak in the row. Raises Malformed."""
        if self.format is None or self.content is None:
            raise Malformed(self.wrong)
        return self.format.read(self.content)


class _Run(Struct, frozen=True):
    results: list[Raw] | None = None


class _Document(Ending, frozen=True):
    """SARIF has ``runs``, a baseline of detect-secrets ``results`` by file; Betterleaks and Kingfisher ``findings``."""

    runs: list[_Run] | UnsetType = UNSET
    results: Mapping[str, list[Raw]] | UnsetType = UNSET
    findings: list[Raw] | UnsetType = UNSET


_array: Decoder[list[Raw]] = Decoder(list[Raw])
_document = Decoder(_Document)


def read_report(path: Path) -> bytes:
    """Return the bytes of a report as UTF-8. Raises SourceError if it is no file, too large, or empty."""
    try:
        if path.stat().st_size > LARGEST:
            raise SourceError(f"{path.name} is larger than {LARGEST // 1024**2} MiB")
        data = path.read_bytes()
        if data.startswith(_GZIP):
            with gzip.open(io.BytesIO(data)) as packed:
                data = packed.read(LARGEST + 1)
            if len(data) > LARGEST:
                raise SourceError(f"{path.name} is larger than {LARGEST // 1024**2} MiB when unpacked")
        if data.startswith(_UTF_16):
            data = data.decode("utf-16").encode()
    except (OSError, EOFError, zlib.error, UnicodeError) as error:
        why = (isinstance(error, OSError) and error.strerror) or "its text is broken off"
        raise SourceError(f"{path.name} cannot be read: {why}") from None
    data = data.removeprefix(codecs.BOM_UTF8)
    if not data.strip():
        raise SourceError(f"{path.name} is empty: a scanner that found nothing writes [] or its log")
    return data


def rows_of(data: bytes) -> Iterator[LeakRow]:
    """Yield every row of the report, and one without content for what could not be read."""
    begin = data.lstrip()[:1]
    if begin == b"[" and (listed := _elements(data)) is not None:
        yield from _placed(data, listed, None)
    elif begin == b"{" and (document := _whole(data)) is not None:
        yield from document
    elif _ARRAY.match(data) is None and _has_lines(data):
        yield from _lines(data)
    else:
        yield from _salvaged(data)


def _elements(data: bytes | Raw) -> list[Raw] | None:
    """The elements of an array, and of arrays in it: ``gh api --slurp`` nests pages. None if it is no whole array."""
    try:
        found = _array.decode(data)
        nested = (_array.decode(one) if bytes(one).startswith(b"[") else (one,) for one in found)
        return list(chain.from_iterable(nested))
    except (DecodeError, RecursionError, UnicodeError):
        return None


def _whole(data: bytes) -> Iterator[LeakRow] | None:
    """The rows of a document that has them in a list; None if it has none."""
    try:
        document = _document.decode(data)
    except (ValidationError, DecodeError, RecursionError, UnicodeError):
        return None
    if document.runs is not UNSET:
        results = chain.from_iterable(run.results or () for run in document.runs)
        return _placed(data, list(results), SARIF)
    if document.results is not UNSET:
        return _placed(data, list(chain.from_iterable(document.results.values())), DETECT_SECRETS)
    if document.findings is not UNSET:
        ended = (LeakRow(1, wrong=document.wrong),) if document.wrong else ()
        return chain(ended, _placed(data, document.findings, None))
    return None


def _placed(data: bytes, rows: Sequence[Raw], known: Format[Any] | None) -> Iterator[LeakRow]:
    """The rows with their lines: they are pieces of the data, in order."""
    line, before = 1, 0
    for content in rows:
        at = data.find(content, before)
        line += data.count(b"\n", before, at)
        before = at
        yield from _row(line, content, known)


def _has_lines(data: bytes) -> bool:
    """Whether the first line that could be a row is one as a whole, or there is none: then all is a log."""
    first = next((line for line in data.splitlines() if line.lstrip().startswith(b"{")), None)
    return first is None or _is_json(first)


def _is_json(line: bytes) -> bool:
    try:
        Decoder(Raw).decode(line)
    except (DecodeError, RecursionError, UnicodeError):
        return False
    return True


def _lines(data: bytes) -> Iterator[LeakRow]:
    is_report = False
    for number, line in enumerate(data.split(b"\n"), start=1):
        if line.lstrip().startswith(b"{"):
            is_report = True
            yield from _row(number, line.strip(), None)
    if not is_report:
        yield LeakRow(1, wrong="it has no row of a report")


def _salvaged(data: bytes) -> Iterator[LeakRow]:
    """The rows of a document that is broken somewhere: after what cannot be read, the next line that begins one."""
    text = data.decode("utf-8", "replace")
    decode, at, length = json.JSONDecoder().raw_decode, 0, len(text)
    counted_to, line, depth, is_broken = 0, 1, 0, False
    while at < length:
        line += text.count("\n", counted_to, at)
        counted_to = at
        if text[at] in " \t\r\n,[]":
            depth += {"[": 1, "]": -1}.get(text[at], 0)
            at += 1
            continue
        try:
            end = decode(text, at)[1] if text[at] == "{" else at
        except (ValueError, RecursionError):
            end = at
        if end == at:
            is_broken = True
            yield LeakRow(line, wrong=_DAMAGED)
            following = _ROW_BEGINS.search(text, at + 1)
            at = length if following is None else following.end() - 1
            continue
        yield from _row(line, text[at:end].encode(), None)
        at = end
    if depth and not is_broken:
        yield LeakRow(line, wrong=_DAMAGED)


def _row(line: int, content: bytes | Raw, known: Format[Any] | None) -> Iterator[LeakRow]:
    try:
        found = known or format_of(content)
    except Malformed as error:
        yield LeakRow(line, wrong=str(error))
    else:
        if found is not None:
            yield LeakRow(line, found, content)
