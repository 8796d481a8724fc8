"""The documents in the files of a folder: JSON as the AWS command line writes it, and raw credential reports.

Files are taken for hostile: whatever is wrong with one is an :class:`Unreadable` that names no word of what is in it.
"""

from __future__ import annotations

import codecs
import json
import threading
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scanner.text import without_surrogates

MAX_BYTES = 512 * 2**20
"""No file that is larger is read."""
KEPT_BYTES = 64 * 2**20
"""Files are kept, once read, as long as they come to no more than that together."""

_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_REPORT = "user,arn,user_creation_time"
_DECODER = json.JSONDecoder()


class Unreadable(ValueError):
    """What is wrong with a file, in words that stand behind its name."""


def files_in(path: Path) -> Iterator[Path]:
    """The file, or every file of the folder and the folders in it, hidden ones left out, in the order of their names.

    Raises OSError where it cannot be looked into.
    """
    if path.is_file():
        yield path
        return
    for each in sorted(path.iterdir()):
        if not each.name.startswith("."):
            yield from files_in(each) if each.is_dir() and not each.is_symlink() else filter(Path.is_file, (each,))


class Files:
    """Files as documents; the last ones stay in memory. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._bytes = 0
        self._kept: OrderedDict[Path, tuple[int, tuple[Any, ...]]] = OrderedDict()

    def documents(self, path: Path) -> tuple[Any, ...]:
        """What the file holds, one after the other. Raises Unreadable."""
        with self._lock:
            if path in self._kept:
                self._kept.move_to_end(path)
                return self._kept[path][1]
            self._kept[path] = _read(path)
            self._bytes += self._kept[path][0]
            while len(self._kept) > 1 and self._bytes > KEPT_BYTES:
                _, (size, _) = self._kept.popitem(last=False)
                self._bytes -= size
            return self._kept[path][1]


def _read(path: Path) -> tuple[int, tuple[Any, ...]]:
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise Unreadable(f"it is larger than {MAX_BYTES // 2**20} MB")
        content = path.read_bytes()
    except OSError as error:
        raise Unreadable(error.strerror or "it cannot be opened") from error
    return size, tuple(parse_documents(content))


def parse_documents(content: bytes) -> Iterator[Any]:
    """The JSON values in it, one behind the other; those in a list singly; of a raw credential report, what AWS sends.

    Raises Unreadable.
    """
    encoding = next((encoding for mark, encoding in _MARKS if content.startswith(mark)), "utf-8")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        raise Unreadable("it is not text: write it with --output json") from error
    if text.startswith(_REPORT):
        yield {"Content": text.encode(), "ReportFormat": "text/csv"}
        return
    may_have_surrogates = "\\ud" in text or "\\uD" in text
    for value in _values(text):
        clean = _clean(value) if may_have_surrogates else value
        yield from clean if isinstance(clean, list) else (clean,)


def _clean(value: Any) -> Any:
    """The value without halves of characters, which JSON can write and nothing else can hold."""
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
            reason = "it is cut short" if _is_at_end(text, error.pos) else "it is not JSON: write it with --output json"
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
