"""Write a workbook in constant memory: a summary with charts, then tables with filters.

XlsxWriter creates the workbook, except for the rows of tables: ``reports/xlsx/rows.py`` streams them into it.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from itertools import islice
from typing import Any, BinaryIO

from msgspec import Struct

from reports.states import STATES, Tone
from reports.tables import Column, harmless
from reports.xlsx.rows import XlsxRows, fill
from scanner.errors import MissingExtra
from scanner.model import AS_SUGGESTED
from scanner.text import counted

PEOPLE = "People"
ROWS_PER_SHEET = 1_048_575
"""Excel's limit of rows, without the heading."""
CELL_WAS_CUT = -2
"""XlsxWriter's return code for text longer than a cell holds."""
LINE_HEIGHT = 20
"""In pixels. A chart is as high as the counts beside it, so that charts do not overlap."""

_RED = {"bg_color": "#FBD9D3", "font_color": "#8C1D04"}
_YELLOW = {"bg_color": "#FFF0C2", "font_color": "#6B4E00"}
_GREEN = {"bg_color": "#DDF0DD", "font_color": "#1B5E20"}
_COLORS: Mapping[Tone, Mapping[str, Any]] = {
    "critical": {**_RED, "bold": True},
    "bad": _RED,
    "warn": _YELLOW,
    "unknown": _YELLOW,
    "good": _GREEN,
}
_FORMATS: Mapping[str, Mapping[str, Any]] = {
    "title": {"bold": True, "font_size": 16},
    "lead": {"bold": True, "font_size": 12},
    "plain": {},
    "heading": {"bold": True, "bg_color": "#1F3A5F", "font_color": "#FFFFFF", "border": 1},
    "fill_in": {"bold": True, "bg_color": "#FFE08A", "font_color": "#000000", "border": 1},
    "suggestion": {"italic": True, "font_color": "#6B6B6B"},
    "datetime": {"num_format": "yyyy-mm-dd hh:mm:ss"},
    "date": {"num_format": "yyyy-mm-dd"},
    "lines": {"text_wrap": True},
}
_TALL: Mapping[str, Any] = {"text_wrap": True, "valign": "top"}
"""Of the cells of a table with rows of several lines: all begin at the top, and none is hidden by the next column."""


class WorkbookCounts(Struct, frozen=True):
    """Counts for a small table with a bar chart; a row is two labels and a number."""

    title: str
    headings: tuple[str, str, str]
    rows: Sequence[tuple[str, str, int]]


@contextmanager
def new_workbook(
    out: BinaryIO, *, title: str, created: datetime, people: Sequence[tuple[str, str, str]] = ()
) -> Iterator[Workbook]:
    """A workbook that is written to ``out``; ``people`` as in ``XlsxReport``. Raises MissingExtra."""
    try:
        import xlsxwriter
    except ImportError as error:
        raise MissingExtra("format xlsx", "xlsx") from error

    frame = io.BytesIO()
    with xlsxwriter.Workbook(frame, {"constant_memory": True}) as book:
        book.set_properties({"title": title, "created": created.astimezone(UTC).replace(tzinfo=None)})
        workbook = Workbook(book, people)
        yield workbook
        if people:
            workbook.add_people()
    workbook.finish(frame, out)


class Workbook:
    """A workbook with its notices about cut content."""

    def __init__(self, book: Any, people: Sequence[tuple[str, str, str]] = ()) -> None:
        self._book = book
        self._formats = {name: book.add_format(dict(look)) for name, look in _FORMATS.items()}
        self._tall = {name: book.add_format({**look, **_TALL}) for name, look in _FORMATS.items()}
        self._tall["text"] = book.add_format(dict(_TALL))
        self._tones = {tone: book.add_format(dict(look)) for tone, look in _COLORS.items()}
        self._people = people
        self._rows: dict[str, XlsxRows] = {}
        self._cut: Counter[str] = Counter()
        self._split: list[str] = []

    @property
    def notices(self) -> tuple[str, ...]:
        """A notice for each split table, and for each sheet with cut cells."""
        cut = (
            f"{counted(cells, 'cell', 'cells')} of sheet {name} {'was' if cells == 1 else 'were'} cut to 32,767 "
            "characters, the most that a cell holds"
            for name, cells in self._cut.items()
        )
        return (*self._split, *cut)

    def add_table(
        self,
        title: str,
        columns: tuple[Column[Any], ...],
        rows: Callable[[], Iterable[Any]],
        rows_per_sheet: int = ROWS_PER_SHEET,
        *,
        count: int | None = None,
    ) -> None:
        """Add a table as a sheet, with further sheets for rows beyond Excel's limit.

        ``count``: the number of rows; None: they are listed twice.
        """
        from xlsxwriter.utility import xl_col_to_name

        count = sum(1 for _ in rows()) if count is None else count
        letters = tuple(map(xl_col_to_name, range(len(columns))))
        name = title
        for number, start in enumerate(range(0, max(count, 1), rows_per_sheet), start=1):
            if number > 1:
                name = f"{title} {number}"
                self._split.append(f"{title} has more rows than a sheet holds and goes on in sheet {name}")
            sheet = self._book.add_worksheet(name)
            self._write_headings(sheet, columns)
            last = min(count - start, rows_per_sheet)
            part = f"xl/worksheets/sheet{len(self._book.worksheets())}.xml"
            self._rows[part] = XlsxRows(name, columns, letters, islice(rows(), start, start + last), last)
            self._furnish(sheet, columns, max(last, 1))

    def finish(self, frame: BinaryIO, out: BinaryIO) -> None:
        """Write the finished workbook with its rows."""
        self._cut += fill(frame, out, self._rows)

    def add_summary(
        self, lines: Sequence[tuple[str, str]], counts: Sequence[WorkbookCounts], *, link: str | None = None
    ) -> None:
        """Write the sheet Summary: lines with their style (``title``, ``lead``, ``plain``), then the counts.

        ``link``: the address of the served page, below the lines.
        """
        sheet = self._book.add_worksheet("Summary")
        sheet.hide_gridlines(2)
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        sheet.set_column(0, 1, 18)
        sheet.set_column(2, 2, 12)
        for row, (text, look) in enumerate(lines):
            self._write(sheet, row, 0, text, look)
        top = len(lines) + 1
        if link is not None:
            _check(sheet.write_url(len(lines), 0, link, string=f"What needs you, on the page: {link}"))
            top += 1
        for count in counts:
            below = self._add_counts(sheet, top, count)
            self._add_chart(sheet, count, first=top + 1)
            top = below + 1

    def add_people(self) -> None:
        """Write a hidden sheet with the choices for owner cells: e-mail, name and team."""
        sheet = self._book.add_worksheet(PEOPLE)
        for row, cells in enumerate([("owner", "name", "team"), (AS_SUGGESTED, "", ""), *self._people]):
            for position, cell in enumerate(cells):
                self._write(sheet, row, position, cell, "plain" if row else "heading")
        sheet.hide()

    def _add_counts(self, sheet: Any, top: int, counts: WorkbookCounts) -> int:
        """Write a small table; returns the row after it."""
        table: list[tuple[str | int, ...]] = [counts.headings, *counts.rows]
        for row, cells in enumerate(table, start=top):
            for position, cell in enumerate(cells):
                self._write(sheet, row, position, cell, "heading" if row == top else "plain")
        return top + 1 + len(counts.rows)

    def _add_chart(self, sheet: Any, counts: WorkbookCounts, *, first: int) -> None:
        """Draw a chart beside its counts. Its data is included, because written rows cannot be read back."""
        if not counts.rows:
            return
        last = first + len(counts.rows) - 1
        first_labels, second_labels, numbers = zip(*counts.rows, strict=True)
        chart = self._book.add_chart({"type": "bar"})
        chart.add_series(
            {
                "categories": [sheet.name, first, 0, last, 1],
                "categories_data": [list(map(_inert, first_labels)), list(map(_inert, second_labels))],
                "values": [sheet.name, first, 2, last, 2],
                "values_data": list(numbers),
                "fill": {"color": "#1F3A5F"},
                "data_labels": {"value": True},
                "gap": 40,
            }
        )
        chart.set_title({"name": counts.title, "name_font": {"size": 12}})
        chart.set_legend({"none": True})
        chart.set_y_axis({"reverse": True})
        chart.set_x_axis({"visible": False, "major_gridlines": {"visible": False}})
        chart.set_size({"width": 560, "height": max(LINE_HEIGHT * (last - first + 2), 10 * LINE_HEIGHT)})
        _check(sheet.insert_chart(first - 1, 4, chart))

    def _write_headings(self, sheet: Any, columns: tuple[Column[Any], ...]) -> None:
        to_fill_in = any(column.fill_in for column in columns)
        looks = self._tall if any(column.type == "lines" for column in columns) else self._formats
        frozen = 1 + max((place for place, column in enumerate(columns) if column.frozen and to_fill_in), default=-1)
        sheet.freeze_panes(1, frozen)
        sheet.set_landscape()
        _check(sheet.repeat_rows(0))
        for position, column in enumerate(columns):
            look = looks.get("suggestion" if column.suggestion else column.type)
            folded = to_fill_in and column.folded
            ends_fold = to_fill_in and not folded and position > 0 and columns[position - 1].folded
            fold = {"level": int(folded), "hidden": folded, "collapsed": ends_fold}
            _check(sheet.set_column(position, position, column.width, look, fold))
            self._write_heading(sheet, position, column)
            _check(sheet.write_comment(0, position, column.help, {"x_scale": 1.6, "y_scale": 0.7}))

    def _write_heading(self, sheet: Any, position: int, column: Column[Any]) -> None:
        """Write the name, which programs find, with a number format that shows the title."""
        look = "fill_in" if column.fill_in else "heading"
        form = self._book.add_format({**_FORMATS[look], "num_format": f';;;"{column.shown_as}"'})
        _check(sheet.write_string(0, position, column.name, form))

    def _furnish(self, sheet: Any, columns: tuple[Column[Any], ...], last: int) -> None:
        """Add filter, colors, and choices for cells to fill in."""
        _check(sheet.autofilter(0, 0, last, len(columns) - 1))
        for position, column in enumerate(columns):
            if column.axis:
                for name, state in STATES[column.axis].items():
                    if look := self._tones.get(state.tone):
                        rule = {"type": "cell", "criteria": "==", "value": f'"{name}"', "format": look}
                        _check(sheet.conditional_format(1, position, last, position, rule))
            if column.fill_in:
                _check(sheet.data_validation(1, position, last, position, _asked_for(column, len(self._people))))

    def _write(self, sheet: Any, row: int, position: int, cell: str | int, look: str = "plain") -> None:
        form = self._formats[look]
        if isinstance(cell, int):
            _check(sheet.write_number(row, position, cell, form))
        elif (code := sheet.write_string(row, position, _inert(cell), form)) == CELL_WAS_CUT:
            self._cut[sheet.name] += 1
        else:
            _check(code)


def _check(code: int) -> None:
    """Raises for a return code of XlsxWriter, which drops silently what it cannot write."""
    if code:
        raise ValueError(f"the workbook did not take what was written (code {code})")


def _inert(text: str) -> str:
    """Text that is inert in a spreadsheet and in XlsxWriter, which treats ``<r>…</r>`` as markup."""
    safe = harmless(text)
    return f" {safe}" if safe.startswith("<r>") else safe


def _asked_for(column: Column[Any], people: int) -> dict[str, Any]:
    """The validation of a column to fill in. ``people``: number of people to choose from."""
    asked: dict[str, Any] = {"input_title": column.name.replace("_", " ").capitalize(), "input_message": column.help}
    if column.people and people:
        first = 2 if column.name == "owner" else 3
        return {
            **asked,
            "validate": "list",
            "source": f"={PEOPLE}!$A${first}:$A${2 + people}",
            "error_type": "information",
        }
    if column.choices:
        strictness = "information" if column.others else "stop"
        return {**asked, "validate": "list", "source": list(column.choices), "error_type": strictness}
    if column.type == "date":
        wrong = "Give a day, such as 2027-01-31."
        return {**asked, "validate": "date", "criteria": ">=", "value": date(1900, 1, 1), "error_message": wrong}
    return {**asked, "validate": "any"}
