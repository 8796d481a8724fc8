"""Reads dates as people and spreadsheets write them, in the languages of ``scanner.languages``.

A date that cannot be read without guessing raises CellError.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Collection
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any, Literal, TypeAlias

from scanner.languages import folded, languages, words_of
from scanner.registry.tables.cells import BLANKS, NOTHING, CellError, read_text, shown

DateOrder: TypeAlias = Literal["day-first", "month-first"]
"""The order of day and month in 03/04/2026."""

_KEPT = 10_000
_LONGEST = 80
_FIRST_SERIAL = date(1899, 12, 30)
_SERIAL_YEARS = range(1990, 2120)
"""The years for which a bare number can be a spreadsheet's date, counted from 1900."""
_CENTURY = 70
"""The first two-digit year that belongs to the last century."""
_DECEMBER = 12

_ENDLESS = words_of(lambda language: language.endless)
_UNTIL = words_of(lambda language: language.until)
_END_OF = words_of(lambda language: language.end_of)
_ERAS = {era: year for language in languages().values() for era, year in language.eras.items()}
_MONTHS = {
    folded(word): number
    for language in languages().values()
    for number, names in enumerate(language.months, start=1)
    for word in language.spellings(names)
}


class AmbiguousDate(CellError):
    """A date whose order of day and month depends on the country."""


def read_date(cell: Any, order: DateOrder | None = None, *, last: bool = False) -> date | None:
    """Return a date. Raises CellError if the cell is none.

    ``order``: of day and month in 03/04/2026; without it, such a date raises AmbiguousDate. With dots (03.04.2026) the
    day comes first; a month's name is unambiguous (31-Jan-27); five digits are a spreadsheet's serial number. A month
    means its first day. ``last``: the cell says a last day: a month means its own, and a word for no end no date.
    """
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    text = read_text(cell)
    return None if text is None else _read(text, order, last)


def read_moment(cell: Any) -> datetime | None:
    """Return a time in UTC. Without a time zone it counts as UTC, a date as its start. Raises CellError."""
    if isinstance(cell, str) and len(cell) > len("2026-11-25"):
        try:
            cell = datetime.fromisoformat(cell.strip(BLANKS))
        except ValueError:
            cell = read_date(cell)
    if not isinstance(cell, datetime):
        day = read_date(cell)
        return None if day is None else datetime(day.year, day.month, day.day, tzinfo=UTC)
    try:
        return cell.replace(tzinfo=UTC) if cell.tzinfo is None else cell.astimezone(UTC)
    except OverflowError as error:
        raise _no_date(cell.isoformat()) from error


@lru_cache(_KEPT)
def _read(text: str, order: DateOrder | None, last: bool) -> date | None:  # lru_cache's key
    written = folded(text)
    if written in NOTHING or (last and written in _ENDLESS):
        return None
    if len(written) > _LONGEST:
        raise _no_date(text)
    if last:
        written = _without(written, _UNTIL) or written
    try:
        return _written(written, order, last=last) or datetime.fromisoformat(written.upper()).date()
    except ValueError as error:
        if isinstance(error, CellError):
            raise
        raise _no_date(text) from error


def _written(text: str, order: DateOrder | None, *, last: bool) -> date | None:
    """Return the date of a folded text; None if it has none of the forms."""
    if (found := _SLASHED_DAY.fullmatch(text)) is not None:
        if len(found[3]) == len("26") and order is None:
            raise AmbiguousDate(f"{text} could be several days", "write it like 2026-11-25")
        return _slashed_day(text, (int(found[1]), int(found[2])), _year(found[3]), order)
    days = (read(found) for form, read in _DAYS if (found := form.fullmatch(text)) is not None)
    if (day := next(days, None)) is not None:
        return day
    ended = _without(text, _END_OF)
    if ended and _YEAR_ALONE.fullmatch(ended):
        return date(int(ended), _DECEMBER, 31)
    found_month = next(filter(None, (form.fullmatch(ended or text) for form in _OF_MONTHS)), None)
    if found_month is None:
        return None
    year, month = _year_of(found_month), _month_of(found_month)
    return date(year, month, monthrange(year, month)[1] if last or ended else 1)


def _without(text: str, words: Collection[str]) -> str | None:
    """Return a text without the longest of these words before or behind it; None if it has none."""
    before = [text[len(word) :] for word in words if text.startswith(f"{word} ")]
    behind = [text[: -len(word)] for word in words if not word.isascii() and text.endswith(word)]
    return min((left.strip() for left in (*before, *behind)), key=len, default=None)


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
    if max(first, second) > _DECEMBER or first == second:
        return date(year, min(first, second), max(first, second))
    if order is None:
        either = f"{year}-{second:02}-{first:02} or {year}-{first:02}-{second:02}"
        raise AmbiguousDate(f"{text} could be two different dates", f"write {either}")
    day, month = (first, second) if order == "day-first" else (second, first)
    return date(year, month, day)


def _year_of(found: re.Match[str]) -> int:
    parts = found.groupdict()
    if era := parts.get("era"):
        number = 1 if parts["of_era"] == _FIRST_OF_ERA else int(parts["of_era"])
        if number < 1:
            raise ValueError("an era begins with its first year")
        return _ERAS[era] + number
    return _year(parts["year"])


def _month_of(found: re.Match[str]) -> int:
    word = found["month"]
    month = int(word) if word.isdecimal() else _MONTHS.get(word)
    if month is None or not 1 <= month <= _DECEMBER:
        raise ValueError(f"{word} is not a month")
    return month


def _day_of(found: re.Match[str]) -> date:
    return date(_year_of(found), _month_of(found), int(found["day"]))


_FIRST_OF_ERA = "元"
_OF = "|".join(map(re.escape, words_of(lambda language: language.of)))
_NAMED = r"(?P<month>[a-z]{3,12})\.?"
_ORDINAL = r"(?P<day>\d{1,2})(?:st|nd|rd|th|er|[oa°])?"
_YEAR = r"(?P<year>\d{4})"
_JAPANESE = (
    rf"(?:(?P<era>{'|'.join(_ERAS)}) ?(?P<of_era>{_FIRST_OF_ERA}|\d{{1,2}})|{_YEAR}) ?年 ?(?P<month>\d{{1,2}}) ?月"
)

_SLASHED_DAY = re.compile(r"(\d{1,2})[/-](\d{1,2})[/-](\d{4}|\d{2})", re.ASCII)
_SERIAL = re.compile(r"\d{5}(?:\.\d+)?", re.ASCII)
_DAYS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], date]], ...] = (
    (re.compile(rf"{_YEAR}(?P<sign>[-/.])(?P<month>\d{{1,2}})(?P=sign)(?P<day>\d{{1,2}})", re.ASCII), _day_of),
    (_SERIAL, lambda found: _serial_day(found[0])),
    (re.compile(r"(?P<day>\d{1,2})\. ?(?P<month>\d{1,2})\. ?(?P<year>\d{4}|\d{2})", re.ASCII), _day_of),
    (
        re.compile(
            rf"{_ORDINAL}\.?[ -]+(?:(?:{_OF}) )?{_NAMED},?[ -]+(?:(?:{_OF}) )?(?P<year>\d{{4}}|\d{{2}})", re.ASCII
        ),
        _day_of,
    ),
    (re.compile(rf"{_NAMED} +{_ORDINAL},? +{_YEAR}", re.ASCII), _day_of),
    (re.compile(rf"{_JAPANESE} ?(?P<day>\d{{1,2}}) ?日", re.ASCII), _day_of),
)
"""The forms of a day that do not depend on the country."""
_YEAR_ALONE = re.compile(r"\d{4}", re.ASCII)
_OF_MONTHS = (
    re.compile(rf"{_NAMED}(?:[ /-]+|,? (?:(?:{_OF}) ))?{_YEAR}", re.ASCII),
    re.compile(rf"(?P<month>\d{{1,2}})[/.-]{_YEAR}", re.ASCII),
    re.compile(rf"{_YEAR}[/.-](?P<month>\d{{1,2}})", re.ASCII),
    re.compile(_JAPANESE, re.ASCII),
)


def _no_date(text: str) -> CellError:
    return CellError(f"{shown(text)} is not a date", "write it like 2026-11-25")
