"""Reads cells as text, lists, dates, numbers, and yes or no, as people and spreadsheets write them.

Every reader accepts any cell and returns None for an empty one. A cell that cannot be read without guessing raises
CellError.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal, TypeAlias

from msgspec import Struct

from scanner.text import printable, without_surrogates

DateOrder: TypeAlias = Literal["day-first", "month-first"]
"""The order of day and month in 03/04/2026."""

MAX_CELL = 131_072
"""The most characters in a cell: the csv module's default limit, four times that of a spreadsheet."""

_SHOWN = 60
_MAX_BITS = 512
_BLANKS = string.whitespace + "\u00a0\u200b\u2060\ufeff"
_EXACT_IN_A_SPREADSHEET = 10**15
_SHORTENED = re.compile(r"\d(?:[.,]\d+)?E\+\d+")
_ITEM = re.compile(r"(?:\\[;\\]|[^;\r\n])+")
_ESCAPED = re.compile(r"\\([;\\])")
_NOTHING = frozenset({"", "-", "\u2013", "n/a", "none", "never"})
_YES_NO = {
    **dict.fromkeys(("yes", "y", "true", "1", "x", "on"), True),
    **dict.fromkeys(("no", "n", "false", "0", "off"), False),
}

_ISO_DAY = re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})")
_DOTTED_DAY = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4}|\d{2})")
_SLASHED_DAY = re.compile(r"(\d{1,2})[/-](\d{1,2})[/-](\d{4}|\d{2})")
_DAY_MONTH_YEAR = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?\.?[ -]+([a-z]{3,9})\.?,?[ -]+(\d{4}|\d{2})", re.IGNORECASE)
_MONTH_DAY_YEAR = re.compile(r"([a-z]{3,9})\.? +(\d{1,2})(?:st|nd|rd|th)?,? +(\d{4})", re.IGNORECASE)
_SERIAL = re.compile(r"\d{5}(?:\.\d+)?")
_FIRST_SERIAL = date(1899, 12, 30)
_SERIAL_YEARS = range(1990, 2120)
"""The years for which a bare number can be a spreadsheet's date, counted from 1900."""
_CENTURY = 70
"""The first two-digit year that belongs to the last century."""
_DAYS = re.compile(r"(\d{1,6})(?:\.0+)?(?: ?(?:d|days?))?", re.IGNORECASE)
_MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip


class CellError(ValueError):
    """A cell that cannot be read. The caller sets ``heading``."""

    def __init__(self, message: str, fix: str | None = None) -> None:
        super().__init__(message)
        self.fix = fix
        self.heading: str | None = None


class AmbiguousDate(CellError):
    """A date whose order of day and month depends on the country."""


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
    return _checked(cell.strip(_BLANKS)) or None


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
    items = ((_ESCAPED.sub(r"\1", text) if "\\" in text else text).strip(_BLANKS) for text in texts if text)
    return tuple(dict.fromkeys(item for item in items if item))


def read_date(cell: Any, order: DateOrder | None = None) -> date | None:
    """Return a date. Raises CellError if the cell is none.

    ``order``: of day and month in 03/04/2026; without it, such a date raises AmbiguousDate. With dots (03.04.2026) the
    day comes first; a month's name is unambiguous (31-Jan-27); five digits are a spreadsheet's serial number.
    """
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    text = _date_text(cell)
    if text is None:
        return None
    try:
        return _written_day(text, order) or datetime.fromisoformat(text).date()
    except ValueError as error:
        if isinstance(error, CellError):
            raise
        raise _no_date(text) from error


def read_moment(cell: Any) -> datetime | None:
    """Return a time in UTC. Without a time zone it counts as UTC, a date as its start. Raises CellError."""
    if isinstance(cell, str) and len(cell) > len("2026-11-25"):
        try:
            cell = datetime.fromisoformat(cell.strip(_BLANKS))
        except ValueError:
            cell = read_date(cell)
    if not isinstance(cell, datetime):
        day = read_date(cell)
        return None if day is None else datetime(day.year, day.month, day.day, tzinfo=UTC)
    try:
        return cell.replace(tzinfo=UTC) if cell.tzinfo is None else cell.astimezone(UTC)
    except OverflowError as error:
        raise _no_date(cell.isoformat()) from error


def _date_text(cell: Any) -> str | None:
    text = read_text(cell)
    if text is None or text.lower() in _NOTHING:
        return None
    return text


def _written_day(text: str, order: DateOrder | None) -> date | None:
    if (found := _SLASHED_DAY.fullmatch(text)) is not None:
        if len(found[3]) == len("26") and order is None:
            raise AmbiguousDate(f"{text} could be several days", "write it like 2026-11-25")
        return _slashed_day(text, (int(found[1]), int(found[2])), _year(found[3]), order)
    written = ((form.fullmatch(text), read) for form, read in _DAYS_WRITTEN)
    return next((read(found) for found, read in written if found is not None), None)


def _serial_day(text: str) -> date:
    """Return the date of a spreadsheet's serial number: the days since 1899-12-30."""
    day = _FIRST_SERIAL + timedelta(days=int(text[:5]))
    if day.year not in _SERIAL_YEARS:
        raise _no_date(text)
    return day


def _year(digits: str) -> int:
    """Return a year; two digits are read as spreadsheets do: 27 is 2027."""
    year = int(digits)
    return year if len(digits) > len("27") else year + (1900 if year >= _CENTURY else 2000)


def _slashed_day(text: str, parts: tuple[int, int], year: int, order: DateOrder | None) -> date:
    first, second = parts
    if max(first, second) > len(_MONTHS) or first == second:
        return date(year, min(first, second), max(first, second))
    if order is None:
        either = f"{year}-{second:02}-{first:02} or {year}-{first:02}-{second:02}"
        raise AmbiguousDate(f"{text} could be two different dates", f"write {either}")
    day, month = (first, second) if order == "day-first" else (second, first)
    return date(year, month, day)


def _month(word: str) -> int:
    months = [number for number, name in enumerate(_MONTHS, start=1) if name.startswith(word.lower())]
    if word.lower() == "sept":
        return 9
    if len(months) != 1:
        raise ValueError(f"{word} is not a month")
    return months[0]


_DAYS_WRITTEN: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], date]], ...] = (
    (_ISO_DAY, lambda found: date(*map(int, found.groups()))),
    (_SERIAL, lambda found: _serial_day(found[0])),
    (_DOTTED_DAY, lambda found: date(_year(found[3]), int(found[2]), int(found[1]))),
    (_DAY_MONTH_YEAR, lambda found: date(_year(found[3]), _month(found[2]), int(found[1]))),
    (_MONTH_DAY_YEAR, lambda found: date(int(found[3]), _month(found[1]), int(found[2]))),
)
"""Yield all readings of a date that do not depend on the country."""


def _no_date(text: str) -> CellError:
    return CellError(f"{shown(text)} is not a date", "write it like 2026-11-25")


def read_yes_no(cell: Any, words: Mapping[str, bool] = {}) -> bool | None:
    """Return yes or no. ``words``: further words for either. Raises CellError."""
    text = read_text(cell)
    if text is None or text.lower() in _NOTHING:
        return None
    answer = words.get(text.lower(), _YES_NO.get(text.lower()))
    if answer is None:
        raise CellError(f"{shown(text)} is neither yes nor no", "write yes or no")
    return answer


def read_days(cell: Any) -> int | None:
    """Return a whole number of days. Raises CellError."""
    text = read_text(cell)
    if text is None or text.lower() in _NOTHING:
        return None
    days = _DAYS.fullmatch(text)
    if days is None:
        raise CellError(f"{shown(text)} is not a number of days", "write a whole number")
    return int(days[1])


def shown(text: str) -> str:
    """Return a hostile text for use in a message: on one line, and short."""
    line = printable(text)
    return line if len(line) <= _SHOWN else f"{line[: _SHOWN - 1]}…"
