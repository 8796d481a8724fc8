"""Reads cells as text, lists, dates, numbers, and yes or no, as people and spreadsheets write them.

Every reader accepts any cell and returns None for an empty one. A cell that cannot be read without guessing raises
CellError.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from msgspec import Struct

from scanner.languages import folded, words_of
from scanner.text import printable, without_surrogates

MAX_CELL = 131_072
"""The most characters in a cell: the csv module's default limit, four times that of a spreadsheet."""

_SHOWN = 60
_MAX_BITS = 512
BLANKS = string.whitespace + "\u00a0\u200b\u2060\ufeff"
_EXACT_IN_A_SPREADSHEET = 10**15
_SHORTENED = re.compile(r"\d(?:[.,]\d+)?E\+\d+")
_ITEM = re.compile(r"(?:\\[;\\]|[^;\r\n])+")
_ESCAPED = re.compile(r"\\([;\\])")
NOTHING = frozenset({"", "-", "\u2013", "\u2014", "n/a", "none", "never"})
_YES_NO = {
    **dict.fromkeys(words_of(lambda language: language.yes), True),
    **dict.fromkeys(words_of(lambda language: language.no), False),
}
_DAYS = re.compile(r"(\d{1,6})(?:\.0+)?(?: ?(?:d|days?))?", re.IGNORECASE)


class CellError(ValueError):
    """A cell that cannot be read. The caller sets ``heading``."""

    def __init__(self, message: str, fix: str | None = None) -> None:
        super().__init__(message)
        self.fix = fix
        self.heading: str | None = None


class BadCell(Struct, frozen=True):
    """A cell of a sheet that is known to have no value: it costs its cell where it is read, and nothing elsewhere."""

    message: str
    fix: str

    def __str__(self) -> str:
        return self.message


def read_text(cell: Any) -> str | None:
    """Return the cell as text: whole numbers without a fraction, dates in ISO format, without surrounding blanks."""
    if isinstance(cell, str):
        return _plain(cell)
    match cell:
        case None:
            return None
        case bool():
            return "yes" if cell else "no"
        case int() | float():
            return _digits(cell)
        case datetime() | date() | time():
            return cell.isoformat()
        case timedelta():
            return str(cell)
        case BadCell():
            raise CellError(cell.message, cell.fix)
        case _:
            raise CellError("holds more than one value", "write one")


def read_exact(cell: Any) -> str | None:
    """Like read_text, but keeps surrounding blanks."""
    if not isinstance(cell, str):
        return read_text(cell)
    return _checked(cell) if _plain(cell) is not None else None


def _plain(cell: str) -> str | None:
    return _checked(cell.strip(BLANKS)) or None


def _checked(text: str) -> str:
    if len(text) > MAX_CELL:
        raise CellError(f"is longer than {MAX_CELL} characters")
    if "E+" in text and _SHORTENED.fullmatch(text):
        raise CellError(f"{text} is a number that a spreadsheet has shortened", "format the column as text")
    return text if text.isascii() else without_surrogates(text)


def _digits(cell: float) -> str:
    if isinstance(cell, int):
        if cell.bit_length() > _MAX_BITS:
            raise CellError("is an absurdly large number")
        return str(cell)
    if abs(cell) >= _EXACT_IN_A_SPREADSHEET:
        raise CellError("is a number too long for a spreadsheet, which has lost digits of it", "write it as text")
    return str(int(cell)) if cell.is_integer() else str(cell)


def read_list(cell: Any) -> tuple[str, ...]:
    r"""Return the items of a cell, separated by ``;`` or line breaks, or of a list, without blanks around and repeats.

    A backslash makes ``;`` and itself literal. ``\*`` stays: matching reads it as a literal star.
    """
    texts: Iterable[str | None]
    if isinstance(cell, list):
        texts = [read_text(item) for item in cell]
    elif isinstance(cell, dict):
        raise CellError("holds a table", "write a list")
    else:
        texts = _ITEM.findall(read_text(cell) or "")
    items = ((_ESCAPED.sub(r"\1", text) if "\\" in text else text).strip(BLANKS) for text in texts if text)
    return tuple(dict.fromkeys(item for item in items if item))


def read_yes_no(cell: Any, words: Mapping[str, bool] = {}) -> bool | None:
    """Return yes or no. ``words``: further words for either, in lower case. Raises CellError."""
    text = read_text(cell)
    if text is None or text.lower() in NOTHING:
        return None
    answer = words.get(text.lower(), _YES_NO.get(folded(text)))
    if answer is None:
        raise CellError(f"{shown(text)} is neither yes nor no", "write yes or no")
    return answer


def read_days(cell: Any) -> int | None:
    """Return a whole number of days. Raises CellError."""
    text = read_text(cell)
    if text is None or text.lower() in NOTHING:
        return None
    days = _DAYS.fullmatch(text)
    if days is None:
        raise CellError(f"{shown(text)} is not a number of days", "write a whole number")
    return int(days[1])


def shown(text: str) -> str:
    """Return a hostile text for use in a message: on one line, and short."""
    line = printable(text)
    return line if len(line) <= _SHOWN else f"{line[: _SHOWN - 1]}…"
