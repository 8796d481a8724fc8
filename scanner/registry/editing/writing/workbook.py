"""Edits XLSX with openpyxl: formats, widths, other sheets and formulas elsewhere stay."""

from __future__ import annotations

import re
import warnings
import zipfile
from collections import Counter
from collections.abc import Sequence
from copy import copy
from datetime import date
from io import BytesIO
from typing import TYPE_CHECKING

import msgspec

from scanner.errors import MissingExtra, Problem, RegistryError
from scanner.registry.editing.saving import Opened
from scanner.registry.editing.values import Value, sheet_cell
from scanner.registry.editing.writing.base import Edit, new_headings

if TYPE_CHECKING:
    from openpyxl import Workbook
    from openpyxl.cell.cell import Cell
    from openpyxl.worksheet.worksheet import Worksheet

LONGEST = 32_767
"""The most UTF-16 code units in a cell."""
_EARLIEST = date(1900, 3, 1)
"""Spreadsheets disagree about the serial numbers of dates before this one."""
_THINGS = frozenset({"charts", "diagrams", "embeddings", "media", "pivotTables", "slicers", "threadedComments"})
# Characters that XML cannot store, or would change, are written as _xHHHH_, and so is what looks like that.
_ESCAPED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]|_(?=x[0-9A-Fa-f]{4}_)")


def edit_workbook(opened: Opened, edits: Sequence[Edit]) -> bytes:
    """Return the workbook with these edits.

    Raises RegistryError if a text is too long, or saving would lose content.
    """
    try:
        import openpyxl
    except ImportError as error:
        raise MissingExtra("writing a workbook", "xlsx") from error
    if not opened.data:
        return _saved(_new_workbook(opened, edits))
    with warnings.catch_warnings(record=True) as lost:
        warnings.simplefilter("always")
        book = openpyxl.load_workbook(BytesIO(opened.data), rich_text=True)
    if lost:
        raise _too_much(opened, "; ".join(sorted({str(one.message) for one in lost})))
    sheet = book[opened.sheet] if opened.sheet else book.worksheets[0]
    _edit_sheet(opened, edits, sheet)
    data = _saved(book)
    if gone := _things(opened.data) - _things(data):
        raise _too_much(opened, f"it holds {', '.join(sorted(gone))}")
    return data


def _things(data: bytes) -> Counter[str]:
    """Return the contents of a workbook besides cells: the number of pictures, charts and the like."""
    with zipfile.ZipFile(BytesIO(data)) as archive:
        folders = (name.split("/")[1] for name in archive.namelist() if name.count("/") == 2)  # noqa: PLR2004  # xl/media/…
    return Counter(folder for folder in folders if folder in _THINGS)


def _saved(book: Workbook) -> bytes:
    out = BytesIO()
    book.save(out)
    return out.getvalue()


def _new_workbook(opened: Opened, edits: Sequence[Edit]) -> Workbook:
    import openpyxl
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.title = "Registry"
    opened = msgspec.structs.replace(opened, headings=(*opened.headings, *new_headings(opened, edits)))
    for column, heading in enumerate(opened.headings, start=1):
        _write(opened, _cell(opened, sheet, 1, column), heading)
        _cell(opened, sheet, 1, column).font = Font(bold=True)
        sheet.column_dimensions[get_column_letter(column)].width = max(16, len(heading) + 4)
    sheet.freeze_panes = "A2"
    _edit_sheet(opened, edits, sheet)
    return book


def _edit_sheet(opened: Opened, edits: Sequence[Edit], sheet: Worksheet) -> None:
    top = opened.line or 1
    headings = [*opened.headings, *new_headings(opened, edits)]
    for column in range(len(opened.headings) + 1, len(headings) + 1):
        _like(_cell(opened, sheet, top, column - 1), _cell(opened, sheet, top, column))
        _write(opened, _cell(opened, sheet, top, column), headings[column - 1])
    last = max([top, *(row.line for row in opened.rows)])
    bottom = last
    added = sum(edit.position is None for edit in edits)
    if opened.last_skipped > last and added:
        _make_room(sheet, last, added)
    for edit in edits:
        if edit.position is None:
            bottom += 1
            if bottom > top + 1:
                for column in range(1, len(headings) + 1):
                    _like(_cell(opened, sheet, bottom - 1, column), _cell(opened, sheet, bottom, column))
        row = bottom if edit.position is None else opened.rows[edit.position].line
        for heading, value in edit.cells.items():
            _write(opened, _cell(opened, sheet, row, headings.index(heading) + 1), value)
    _stretch(sheet, last, bottom)
    _widen(sheet, top, len(opened.headings), headings)


def _make_room(sheet: Worksheet, last: int, rows: int) -> None:
    """Move the rows below the list, such as a total, down; their sums end with the list."""
    ends = re.compile(rf"(?<=[A-Za-z$]){last}(?!\d)")
    from openpyxl.utils import get_column_letter

    sheet.move_range(f"A{last + 1}:{get_column_letter(sheet.max_column)}{sheet.max_row}", rows=rows)
    for cells in sheet.iter_rows(min_row=last + rows + 1):
        for cell in cells:
            if isinstance(cell.value, str) and cell.value.startswith("="):
                cell.value = ends.sub(str(last + rows), cell.value)


def _cell(opened: Opened, sheet: Worksheet, row: int, column: int) -> Cell:
    from openpyxl.cell.cell import Cell

    cell = sheet.cell(row, column)
    if not isinstance(cell, Cell):
        message = f"{cell.coordinate} is merged with other cells, so it cannot be written"
        raise RegistryError(
            Problem(file=str(opened.path), sheet=opened.sheet, line=row, message=message, fix="unmerge it")
        )
    return cell


def _like(model: Cell, cell: Cell) -> None:
    """Copy the style of a cell to another."""
    if model.has_style:
        cell._style = copy(model._style)  # type: ignore[attr-defined]  # noqa: SLF001  # openpyxl's own way to copy a style


def _write(opened: Opened, cell: Cell, value: Value) -> None:
    written = sheet_cell(value)
    if isinstance(written, date) and written < _EARLIEST:
        written = written.isoformat()
    if not isinstance(written, str):
        cell.value = written
        return
    text = _ESCAPED.sub(lambda found: f"_x{ord(found[0]):04X}_", written)
    if len(text.encode("utf-16-le")) > 2 * LONGEST:
        raise _too_much(opened, f"a cell holds at most {LONGEST} characters")
    cell.value = text or None
    if text:
        cell.data_type = "s"  # openpyxl would store #N/A as an error


def _stretch(sheet: Worksheet, last: int, bottom: int) -> None:
    """Extend a filter and tables that end with the last row, or with a total below it, to the new last row."""
    if sheet.auto_filter.ref:
        sheet.auto_filter.ref = _ending(sheet.auto_filter.ref, last, bottom)
    for table in sheet.tables.values():
        totals = table.totalsRowCount or 0
        table.ref = _ending(table.ref, last + totals, bottom + totals)
        if table.autoFilter is not None and table.autoFilter.ref:
            table.autoFilter.ref = _ending(table.autoFilter.ref, last, bottom)


def _ending(ref: str, last: int, bottom: int) -> str:
    return re.sub(rf"(?<=\D){last}\Z", str(bottom), ref)


def _widen(sheet: Worksheet, top: int, columns: int, headings: Sequence[str]) -> None:
    """Give a table over the list's headings the new ones, too."""
    from openpyxl.utils import get_column_letter, range_boundaries
    from openpyxl.worksheet.table import TableColumn

    for table in sheet.tables.values():
        left, first, right, end = (number or 1 for number in range_boundaries(table.ref))
        if len(headings) == columns or (first, right) != (top, columns):
            continue
        start, letter = get_column_letter(left), get_column_letter(len(headings))
        table.ref = f"{start}{first}:{letter}{end}"
        if table.autoFilter is not None and table.autoFilter.ref:
            table.autoFilter.ref = f"{start}{first}:{letter}{range_boundaries(table.autoFilter.ref)[3]}"
        known = max((one.id for one in table.tableColumns), default=0)
        if table.tableColumns:
            added = headings[columns:]
            table.tableColumns += [TableColumn(id=known + at, name=name) for at, name in enumerate(added, start=1)]


def _too_much(opened: Opened, why: str) -> RegistryError:
    return RegistryError(
        Problem(
            file=str(opened.path),
            message=f"cannot be saved without a loss: {why}",
            fix="save the registry as CSV, or as a plain workbook",
        )
    )
