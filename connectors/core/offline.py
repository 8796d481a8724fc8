"""Exports in files: finding and decoding them, and reporting what they lack.

JSON may be in the encoding of any shell. Files are hostile input: any fault is an :class:`Unreadable` that quotes none
of the content.
"""

from __future__ import annotations

import codecs
import glob
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec
from msgspec import structs

from connectors.core.contract import Check, DiscoveredRecord, Malformed, SectionReading
from scanner.errors import SourceError
from scanner.model import Coverage, Identity
from scanner.text import few, printable, without_surrogates

T = TypeVar("T")

MAX_BYTES = 512 * 2**20
"""Larger files are not read."""

_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_DECODER = json.JSONDecoder()
_WRITE_JSON = "write it with --output json"


class Unreadable(ValueError):
    """The problem of a file, as a message that follows its name."""


class NotExported(SourceError):
    """No exported file holds the answer to a request."""

    status = "skipped"


def files_in(path: Path) -> Iterator[Path]:
    """The file, or every file of the folder and the folders in it, hidden ones left out, in the order of their names.

    Raises OSError if it cannot be read.
    """
    if path.is_file():
        yield path
        return
    for each in sorted(path.iterdir()):
        if not each.name.startswith("."):
            yield from files_in(each) if each.is_dir() and not each.is_symlink() else filter(Path.is_file, (each,))


def named_files(path: Path, is_wanted: Callable[[Path], bool]) -> list[Path]:
    """The files that a setting names: one file, the wanted files in a folder and its subfolders, or those of a glob.

    Sorted by name, including hidden files; empty if there are none.
    """
    found: Iterable[Path]
    if path.is_dir():
        found = filter(is_wanted, path.rglob("*"))
    elif path.exists():
        found = (path,)
    else:
        found = map(Path, glob.iglob(str(path), recursive=True, include_hidden=True))  # noqa: PTH207  # Path.glob accepts no absolute pattern
    return sorted(one for one in found if one.is_file())


def file_checks(path: Path, files: Callable[[], Iterable[Path]], check: Callable[[Path], Check]) -> Iterator[Check]:
    """A check for each file. ``path``: the setting that names them; ``files`` and ``check`` raise SourceError."""
    try:
        paths = files()
    except SourceError as error:
        yield Check(name=str(path), ok=False, detail=str(error), fix=error.hint)
        return
    for each in paths:
        try:
            yield check(each)
        except SourceError as error:
            yield Check(name=str(each), ok=False, detail=str(error))


def content_of(path: Path, at_most: int) -> bytes:
    """All of a file. Raises Unreadable."""
    try:
        if path.stat().st_size > at_most:
            raise Unreadable(f"it is larger than {at_most // 2**20} MB")
        return path.read_bytes()
    except OSError as error:
        raise Unreadable(error.strerror or "it cannot be opened") from error


def text_of(content: bytes) -> str:
    """The text of UTF-8, or of UTF-16 with a byte order mark. Raises Unreadable."""
    encoding = next((encoding for mark, encoding in _MARKS if content.startswith(mark)), "utf-8")
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise Unreadable(f"it is not text: {_WRITE_JSON}") from error


def json_values(text: str) -> Iterator[Any]:
    """The concatenated JSON values in a text, without surrogates. Raises Unreadable."""
    may_have_surrogates = "\\ud" in text or "\\uD" in text
    for value in _values(text):
        yield _clean(value) if may_have_surrogates else value


def _clean(value: Any) -> Any:
    """The value without lone surrogates, which JSON can write but UTF-8 cannot."""
    match value:
        case str():
            return without_surrogates(value)
        case list():
            return [_clean(each) for each in value]
        case dict():
            return {without_surrogates(name): _clean(each) for name, each in value.items()}
        case _:
            return value


def _values(text: str) -> Iterator[Any]:
    at = _after_space(text, 0)
    if at == len(text):
        raise Unreadable("it is empty: the command that should have written it failed")
    while at < len(text):
        try:
            value, at = _DECODER.raw_decode(text, at)
        except json.JSONDecodeError as error:
            reason = "it is cut short" if _is_at_end(text, error.pos) else f"it is not JSON: {_WRITE_JSON}"
            raise Unreadable(f"{reason} (line {error.lineno})") from error
        except (ValueError, RecursionError) as error:
            raise Unreadable("its JSON is nested too deeply, or has a number that is too large") from error
        yield value
        at = _after_space(text, at)


def _after_space(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def _is_at_end(text: str, at: int) -> bool:
    """Whether nothing follows, or only a text that does not end."""
    return not text[at:].strip() or (text[at] == '"' and '"' not in text[at + 1 :])


# --- Answers in files that have the paths of their requests as names ---


def route_of(path: str, places: Mapping[str, str]) -> str:
    """The path of a request with its names quoted, so that none leads to another folder. Raises Malformed."""
    for name in places.values():
        if name in ("", ".", ".."):
            raise Malformed(f"{name!r} is not allowed in a path")
    return path.strip("/").format(**{place: quote(name, safe="") for place, name in places.items()})


def file_at(folder: Path, route: str, hint: str) -> Path:
    """The file of a route. Raises SourceError with the hint if there is none."""
    file = folder / f"{route}.json"
    if not file.is_file():
        raise SourceError(f"{printable(route)}.json is missing", hint=hint)
    return file


def pages_in(file: Path, name: str) -> list[Any]:
    """The pages in a file, one after the other. Raises SourceError, with the ``name``."""
    try:
        return list(json_values(text_of(content_of(file, MAX_BYTES))))
    except Unreadable as error:
        raise SourceError(f"{name}: {error}") from error


def converted(rows: Iterable[Any], row: type[T], section: SectionReading, where: str) -> Iterator[T]:
    """The rows as ``row``; a malformed one affects no other. ``where``: what they are the rows of."""
    for number, one in enumerate(rows, start=1):
        try:
            yield msgspec.convert(one, row)
        except (msgspec.ValidationError, RecursionError) as error:
            section.malformed(f"{number} of {where}", str(error))


# --- Shared parts of offline sources ---

FILES_NAMED = 5
"""Maximum number of unused files that are named; the rest are counted."""


@contextmanager
def looking_into(folder: Path) -> Iterator[None]:
    """Within the context, an OSError becomes a SourceError with the name of what cannot be read."""
    try:
        yield
    except OSError as error:
        raise SourceError(f"{error.filename or folder} cannot be read: {error.strerror}") from error


def name_in(root: Path, path: Path) -> str:
    """A file's name in messages: its path in the folder, or its name if it is the only file."""
    return printable(str(path.relative_to(root)) if path != root else path.name)


def dated(records: Iterable[DiscoveredRecord], at: datetime | None) -> Iterator[DiscoveredRecord]:
    """The records, with the date of the export in identities."""
    for record in records:
        yield structs.replace(record, observed_at=at) if isinstance(record, Identity) else record


def not_recognised(files: Sequence[str]) -> str:
    """A note on files that hold nothing recognised."""
    return f"no file is recognised in {few(files, FILES_NAMED)}"


def gaps_once(records: Iterable[DiscoveredRecord], part: str) -> Iterator[DiscoveredRecord]:
    """The records of a scope's parts, with one coverage for a section that several parts lack for the same reason.

    An export has some sections of some parts; one record per absence would hide the rest. Other reasons, and partly
    read sections, stay separate. ``part``: the word for a part, such as region.
    """
    parts: set[str] = set()
    lacking: defaultdict[str, defaultdict[tuple[str, str], list[Coverage]]] = defaultdict(lambda: defaultdict(list))
    for record in records:
        if isinstance(record, Coverage):
            section, _, name = record.section.partition(":")
            parts.add(name)
            if record.status not in ("complete", "partial"):
                lacking[section][record.status, (record.detail or "").replace(name, part.upper())].append(record)
                continue
        yield record
    for section, reasons in lacking.items():
        most = max(reasons.values(), key=len)
        for (_, reason), alike in reasons.items():
            if alike is most and len(alike) > 1:
                detail = f"in {len(alike)} of {len(parts)} {part}s: {reason}" if reason else None
                yield structs.replace(alike[0], section=section, detail=detail)
            else:
                yield from alike
