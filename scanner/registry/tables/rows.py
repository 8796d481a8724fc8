"""Tables: rows with their headings, cells and line number."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeAlias, TypeVar

from msgspec import Struct, field

from scanner.errors import Problem, RegistryError
from scanner.languages import folded, words_of
from scanner.model import FileEnd
from scanner.registry.tables.cells import BadCell
from scanner.text import counted

T = TypeVar("T")

MAX_COLUMNS = 1_000
"""The most headings of a list that people keep."""

HEAD = 40
"""The filled rows that are searched for headings: banners, dates and legends can precede them."""

LINE_ENDS = ("\n", "\r")

Recognise: TypeAlias = Callable[[tuple[str, ...]], int]
"""Scores how much a row looks like the headings of the list; 0 for not at all."""

Typed: TypeAlias = Callable[[str], object]
"""Whether the cells under a heading must be typed: a formula there is an error, even if its value is stored."""


def never(_heading: str) -> bool:
    """No column must be typed."""
    return False


_FEWEST_COLUMNS = 3
"""With fewer headings, a row with one cell is nothing unusual."""
_TOTAL = re.compile(r"(?:(?:grand|sub)[ -]?)?totals?\b|(?:sum|count|summe|gesamt|number of \w+)\b", re.IGNORECASE)
_TOTALS = words_of(lambda language: language.totals)
_AFTER_TOTAL = " :.=0123456789"
_LONGEST_TITLE = 300
_RULED = re.compile(r"(?:[-=_*#~]{2,}\s*[^\W_].*|[^\W_][^:\uff1a/]*(?:[:\uff1a]|\s*[-=_*#~]{2,}))")
# One or two stars are a pattern, which is refused.
_SAYS = re.compile(r"[^\W_]|(?<!\*)\*{1,2}(?!\*)")
_FIGURE = re.compile(r"[-+]?[\d.,\s%]+")

# The character that our own reports put before a cell that a spreadsheet would read as a formula.
_NEUTRALISED = re.compile(r"""(^|;)'(?=[\s'"]*[=+\-@\uff1d\uff0b\uff0d\uff20])""")


class EmptyTable(RegistryError):
    """The file exists, but has no content."""


class Row(Struct, frozen=True, gc=False):
    """One row. ``line``: from 1, the line in a text file or the row in a spreadsheet.

    A cell is a value of JSON or TOML, or a typed value of a spreadsheet (date, datetime, time, timedelta).
    """

    line: int
    headings: tuple[str, ...]
    cells: tuple[Any, ...]


class Ending:
    """How a text ends, known once its last row was read: without a line end, unless the text ended before that.

    ``is_open``: None for a format in which a text that was cut cannot be read. ``row``: the line on which the last row
    begins; None if that row is unreadable. ``lacks_cell``: whether its last cell is missing or empty. ``size``: the
    number of characters.
    """

    is_open: bool | None = None
    row: int | None = None
    lacks_cell = False
    size = 0
    _is_broken = False

    def noted(self, lines: Iterable[str]) -> Iterator[str]:
        """Yield the lines of the text."""
        for line in lines:
            if not line.isspace() or line.endswith(LINE_ENDS):
                self.is_open = not line.endswith(LINE_ENDS)
            self.size += len(line)
            yield line

    def of_rows(self, rows: Iterable[Row | Problem]) -> Iterator[Row | Problem]:
        """Yield the rows of the text."""
        for row in rows:
            self.row = row.line if isinstance(row, Row) else None
            self._is_broken = not isinstance(row, Row)
            yield row

    def of(self, source: str, file: str, key: str | None = None) -> FileEnd | None:
        """Return how the file ended; None if it was cut for certain, or could not be read then.

        ``key``: of the identity in the last row.
        """
        if self.is_open is None or (self.is_open and self._is_broken):
            return None
        return FileEnd(
            source=source,
            file=file,
            size=self.size,
            has_line_end=not self.is_open,
            lacks_cell=self.lacks_cell,
            row=self.row,
            key=key,
        )


class Table(Struct, frozen=True, kw_only=True):
    """The rows of a file. ``headings``: None if each row has its own (JSON, YAML, TOML)."""

    file: str
    sheet: str | None = None
    headings: tuple[str, ...] | None = None
    line: int | None = None
    """The line of the headings."""
    rows: Iterator[Row | Problem]
    skipped: list[Problem] = field(default_factory=list)
    """Rows that were skipped as not part of the list; complete after all rows have been read."""
    warnings: list[Problem] = field(default_factory=list)
    """What is not as it should be with the table as a whole; complete after all rows have been read."""
    ending: Ending = field(default_factory=Ending)

    def close(self) -> None:
        """Close the file, for rows that are not read to the end."""
        if isinstance(self.rows, Generator):
            self.rows.close()


def named_headings(file: str, line: int, cells: Sequence[str]) -> tuple[str, ...]:
    """Return the headings of a sheet; a column without one gets its number. Raises RegistryError for too many."""
    if len(cells) > MAX_COLUMNS:
        raise RegistryError(
            Problem(
                file=file,
                line=line,
                message=f"has {counted(len(cells), 'column', 'columns')}; at most {MAX_COLUMNS} are read",
            )
        )
    return tuple(cell.strip() or f"column {number}" for number, cell in enumerate(cells, start=1))


def looked_ahead(items: Iterator[T]) -> tuple[list[T], Iterator[T]]:
    """Return the first HEAD items, and all of them; an error is raised at the position of its item."""
    head: list[T] = []
    failed: list[RegistryError] = []
    try:
        for item in islice(items, HEAD):
            head.append(item)  # noqa: PERF402  # keep the items before an error
    except RegistryError as error:
        failed.append(error)

    def every() -> Iterator[T]:
        yield from head
        if failed:
            raise failed[0]
        yield from items

    return head, every()


def no_row(headings: Sequence[str], cells: Sequence[Any], *, merged: bool = False) -> str | None:
    """Return why a row is not part of the list, such as a total; None if it is. ``merged``: across columns."""
    filled = [(at, cell) for at, cell in enumerate(cells) if is_filled(cell) and not isinstance(cell, BadCell)]
    texts = [str(cell).strip() for _, cell in filled]
    if len(texts) > 1 and all(at < len(headings) and str(cell).strip() == headings[at] for at, cell in filled):
        return "repeats the headings"
    if texts and all(map(_FIGURE.fullmatch, texts[1:])) and _is_total(texts[0]):
        return "holds a total"
    if texts and not any(map(_SAYS.search, texts)):
        return "holds neither letters nor digits"
    is_section = len(texts) == 1 and len(headings) >= _FEWEST_COLUMNS
    if is_section and (merged or (len(texts[0]) <= _LONGEST_TITLE and _RULED.fullmatch(texts[0]))):
        return "is the heading of a section"
    return None


def _is_total(text: str) -> bool:
    return _TOTAL.match(text) is not None or folded(text).rstrip(_AFTER_TOTAL) in _TOTALS


def sheet_row(file: str, line: int, headings: tuple[str, ...], cells: Sequence[Any]) -> Row | Problem | None:
    """Return a sheet's row under its headings; None if it is empty, a Problem if a cell has no heading."""
    if not any(map(is_filled, cells)):
        return None
    width = len(headings)
    if any(map(is_filled, cells[width:])):
        return Problem(
            file=file,
            line=line,
            message=f"has {counted(len(cells), 'cell', 'cells')} under {counted(width, 'heading', 'headings')}",
            fix="put a cell that holds the separator in quotation marks",
        )
    padded = (*cells[:width], *("",) * (width - len(cells)))
    return Row(line, headings, tuple(map(_as_meant, padded)))


def is_filled(cell: Any) -> bool:
    """Return whether a cell has content: zero and no are content, blanks are not."""
    return not cell.isspace() and cell != "" if isinstance(cell, str) else cell is not None


def _as_meant(cell: Any) -> Any:
    return _NEUTRALISED.sub(r"\1", cell) if isinstance(cell, str) and "'" in cell else cell
