"""The XLSX report: a summary with a chart, then one sheet a view, written row by row in constant memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC
from itertools import chain, islice
from typing import Any, BinaryIO, ClassVar

from reports.base import Screen, View
from reports.columns import TABLES
from reports.phrases import ORPHANED_MEANS, iso
from reports.states import STATES, Tone
from reports.summary import Digest, gap_text
from reports.tables import Column, Table
from reports.xlsx_cells import CELL_WAS_CUT, checked, inert, writer
from scanner.errors import MissingExtra
from scanner.model import SEVERITIES, ScanResult
from scanner.text import counted

ROWS_PER_SHEET = 1_048_575
"""Excel's limit, without the heading."""
GAPS_NAMED = 20
LINE_HEIGHT = 20
"""Pixels; a chart is as high as the counts beside it, so that the next one finds its place free."""

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
    "datetime": {"num_format": "yyyy-mm-dd hh:mm:ss"},
    "date": {"num_format": "yyyy-mm-dd"},
}


class XlsxReport:
    """A workbook to keep, and to send to owners: they fill in the yellow columns."""

    name: ClassVar[str] = "xlsx"
    title: ClassVar[str] = "a workbook with a summary and a sheet a view"
    default_view: ClassVar[View] = "orphans"
    extra: ClassVar[str | None] = "xlsx"

    def __init__(self, *, rows_per_sheet: int = ROWS_PER_SHEET) -> None:
        self._rows_per_sheet = rows_per_sheet

    def write(self, result: ScanResult, view: View, out: BinaryIO, screen: Screen) -> tuple[str, ...]:
        """Write the workbook; the notices name cells that were cut and tables that were split."""
        del screen
        try:
            import xlsxwriter
        except ImportError as error:
            raise MissingExtra("format xlsx", "xlsx") from error

        created = result.scan.finished_at.astimezone(UTC).replace(tzinfo=None)
        with xlsxwriter.Workbook(out, {"constant_memory": True}) as book:
            book.set_properties({"title": "Non-human identities", "created": created})
            workbook = _Workbook(book)
            workbook.add_summary(result)
            for table in TABLES.values() if view == "all" else (TABLES[view],):
                workbook.add_table(table, table.rows(result), self._rows_per_sheet)
        return workbook.notices


class _Workbook:
    """Sheets being written, and what did not fit."""

    def __init__(self, book: Any) -> None:
        self._book = book
        self._formats = {name: book.add_format(dict(look)) for name, look in _FORMATS.items()}
        self._tones = {tone: book.add_format(dict(look)) for tone, look in _COLORS.items()}
        self._cut: Counter[str] = Counter()
        self._split: list[str] = []

    @property
    def notices(self) -> tuple[str, ...]:
        """One for each table that was split, and for each sheet with cells that were cut."""
        cut = (
            f"xlsx: {counted(cells, 'cell', 'cells')} of sheet {name} {'was' if cells == 1 else 'were'} cut to 32,767 "
            "characters, the most that a cell holds"
            for name, cells in self._cut.items()
        )
        return (*self._split, *cut)

    def add_table(self, table: Table[Any], rows: Iterator[Any], rows_per_sheet: int) -> None:
        """Write a table to one sheet, and what does not fit there to further ones."""
        name = table.title
        for number, part in enumerate(_parts(rows, rows_per_sheet), start=1):
            if number > 1:
                name = f"{table.title} {number}"
                self._split.append(f"xlsx: {table.title} has more rows than a sheet holds and goes on in sheet {name}")
            sheet = self._book.add_worksheet(name)
            self._write_headings(sheet, table.columns)
            cells = [(place, column.get, writer(sheet, column)) for place, column in enumerate(table.columns)]
            last = 0
            for last, row in enumerate(part, start=1):
                for position, get, write in cells:
                    if (cell := get(row)) is not None and (code := write(last, position, cell)):
                        self._note(sheet, code)
            self._furnish(sheet, table.columns, max(last, 1))

    def add_summary(self, result: ScanResult) -> None:
        """Write the first sheet: what the result says, what to know before believing it, counts and their charts."""
        digest, sheet = Digest(result), self._book.add_worksheet("Summary")
        sheet.hide_gridlines(2)
        sheet.set_column(0, 1, 18)
        sheet.set_column(2, 2, 12)
        lines = [
            ("Non-human identities", "title"),
            (digest.headline, "lead"),
            *((caveat, "lead") for caveat in digest.caveats),
            *((gap, "plain") for gap in _gaps(digest)),
            *((notice, "plain") for notice in result.notices),
            (ORPHANED_MEANS, "plain"),
            (f"Scan {result.scan.id}, finished {iso(result.scan.finished_at)}, Muster {result.scan.version}", "plain"),
        ]
        for row, (text, look) in enumerate(lines):
            self._write(sheet, row, 0, text, look)
        states = [(axis, state, count) for axis, counts in digest.states.items() for state, count in counts.items()]
        severities = [("findings", severity, result.summary.findings.get(severity, 0)) for severity in SEVERITIES]
        top = len(lines) + 1
        below = self._add_counts(sheet, top, ("axis", "state", "identities"), states)
        self._add_chart(sheet, "Identities by state", states, first=top + 1)
        self._add_counts(sheet, below + 1, ("", "severity", "findings"), severities)
        self._add_chart(sheet, "Findings by severity", severities, first=below + 2)

    def _add_counts(self, sheet: Any, top: int, headings: tuple[str, ...], rows: Sequence[tuple[str, str, int]]) -> int:
        """Write a small table; returns the row after it."""
        for row, cells in enumerate((headings, *rows), start=top):
            for position, cell in enumerate(cells):
                self._write(sheet, row, position, cell, "heading" if row == top else "plain")
        return top + 1 + len(rows)

    def _add_chart(self, sheet: Any, title: str, rows: Sequence[tuple[str, str, int]], *, first: int) -> None:
        """Draw counts beside themselves. The data go along, for rows once written cannot be read back."""
        last = first + len(rows) - 1
        axes, states, counts = zip(*rows, strict=True)
        chart = self._book.add_chart({"type": "bar"})
        chart.add_series(
            {
                "categories": [sheet.name, first, 0, last, 1],
                "categories_data": [list(axes), list(states)],
                "values": [sheet.name, first, 2, last, 2],
                "values_data": list(counts),
                "fill": {"color": "#1F3A5F"},
                "data_labels": {"value": True},
                "gap": 40,
            }
        )
        chart.set_title({"name": title, "name_font": {"size": 12}})
        chart.set_legend({"none": True})
        chart.set_y_axis({"reverse": True})
        chart.set_x_axis({"visible": False, "major_gridlines": {"visible": False}})
        chart.set_size({"width": 560, "height": max(LINE_HEIGHT * (last - first + 2), 10 * LINE_HEIGHT)})
        checked(sheet.insert_chart(first - 1, 4, chart))

    def _write_headings(self, sheet: Any, columns: tuple[Column[Any], ...]) -> None:
        sheet.freeze_panes(1, 0)
        for position, column in enumerate(columns):
            checked(sheet.set_column(position, position, column.width, self._formats.get(column.type)))
            self._write(sheet, 0, position, column.name, "fill_in" if column.fill_in else "heading")
            checked(sheet.write_comment(0, position, column.help, {"x_scale": 1.6, "y_scale": 0.7}))

    def _furnish(self, sheet: Any, columns: tuple[Column[Any], ...], last: int) -> None:
        """Add what makes a sheet of so many rows comfortable: filter, colours, and choices where people fill in."""
        checked(sheet.autofilter(0, 0, last, len(columns) - 1))
        for position, column in enumerate(columns):
            for name, state in STATES[column.axis].items() if column.axis else ():
                if look := self._tones.get(state.tone):
                    rule = {"type": "cell", "criteria": "==", "value": f'"{name}"', "format": look}
                    checked(sheet.conditional_format(1, position, last, position, rule))
            if column.choices:
                offer = {"validate": "list", "source": list(column.choices), "input_message": column.help}
                strictness = "information" if column.others else "stop"
                checked(sheet.data_validation(1, position, last, position, {**offer, "error_type": strictness}))

    def _write(self, sheet: Any, row: int, position: int, cell: str | int, look: str = "plain") -> None:
        form = self._formats[look]
        if isinstance(cell, int):
            code = sheet.write_number(row, position, cell, form)
        else:
            code = sheet.write_string(row, position, inert(cell), form)
        self._note(sheet, code)

    def _note(self, sheet: Any, code: int) -> None:
        """Count a cell that was cut. Every answer of the writer is looked at: it drops what it will not take."""
        if code == CELL_WAS_CUT:
            self._cut[sheet.name] += 1
        else:
            checked(code)


def _gaps(digest: Digest) -> Iterator[str]:
    for gap in digest.gaps[:GAPS_NAMED]:
        yield f"    {gap.status}: {gap_text(gap)}"
    if len(digest.gaps) > GAPS_NAMED:
        yield f"    and {len(digest.gaps) - GAPS_NAMED} more: see the coverage view"


def _parts(rows: Iterator[Any], size: int) -> Iterator[Iterator[Any]]:
    """The rows in parts of that size, to be taken one after the other; one empty part where there are no rows."""
    following: tuple[Any, ...] = ()
    while True:
        rows = chain(following, rows)
        yield islice(rows, size)
        following = tuple(islice(rows, 1))
        if not following:
            return
