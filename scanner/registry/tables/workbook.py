"""Reads XLSX with calamine, which keeps a sheet in memory; too large sheets are refused before they are opened."""

from __future__ import annotations

import copy
import re
import sys
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace
from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from scanner.errors import Problem, RegistryError
from scanner.registry.tables.cells import BadCell, shown
from scanner.registry.tables.files import unreadable
from scanner.registry.tables.formulas import formulas_in
from scanner.registry.tables.merged import SheetRow, headings_end, letters, split_headings, unmerged
from scanner.registry.tables.rows import (
    HEAD,
    EmptyTable,
    Recognise,
    Row,
    Table,
    Typed,
    is_filled,
    named_headings,
    never,
    no_row,
    sheet_row,
)
from scanner.registry.tables.shape import Shape, shape_of

MAX_UNPACKED = 256 * 1024 * 1024
"""The most bytes of a workbook's parts, uncompressed."""
MAX_CELLS = 20_000_000
"""The most cells in a sheet's dimensions: calamine allocates memory for each, including empty ones."""

_SHEETS_NAMED = 20
_CORRECT_IT = "correct its formula, or type in the value"
_STORE_IT = "save it in a spreadsheet program, which stores the values of formulas, or type in the value"
_CHUNK = 1024 * 1024
_OVERLAP = 64
_CELL_PLACE = re.compile(rb"""\br\s*=\s*["']\s*([A-Za-z]{0,12})(\d{1,12})\s*["']""")

_NOT_A_WORKBOOK = (
    (b"\xd0\xcf\x11\xe0", "is an old .xls or a password-protected workbook", "save it as .xlsx without a password"),
    (b"<", "is HTML or XML, not a workbook", "open it in a spreadsheet and save it as .xlsx"),
    (b"", "is not a workbook", "save it as .xlsx; a text export needs the ending .csv"),
)


def read_workbook(path: Path, recognise: Recognise, sheet: str | None = None, typed: Typed = never) -> Table:
    """Return the named sheet, visible or not; without a name, the visible one that is the list by its shape.

    ``typed``: whether a heading's column may have no formula, even if its value is stored.

    The headings are the row that looks most like them, below banners and legends. Of several sheets, the one with the
    most of them is read, then the one with the most rows; a warning names the others that hold a table. A cell without
    a clear value costs its cell. Raises RegistryError; EmptyTable if no sheet, or not the named one, has content.
    """
    _check_archive(path)
    try:
        workbook = CalamineWorkbook.from_path(path)
        names = _visible_sheets(workbook) if sheet is None else [_sheet_called(sheet, workbook, path)]
        tables = (_sheet_table(path, workbook.get_sheet_by_name(name), recognise, typed) for name in names)
        return _best(path, tables)
    except (CalamineError, OSError) as error:
        raise _damaged(path, str(error)) from error


def _visible_sheets(workbook: CalamineWorkbook) -> list[str]:
    return [
        sheet.name
        for sheet in workbook.sheets_metadata
        if sheet.typ == SheetTypeEnum.WorkSheet and sheet.visible == SheetVisibleEnum.Visible
    ]


def _sheet_called(name: str, workbook: CalamineWorkbook, path: Path) -> str:
    """Return the sheet's name as the workbook has it; no two sheets differ only in case."""
    names = [sheet.name for sheet in workbook.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet]
    for written in names:
        if written.casefold() == name.casefold():
            return written
    known = ", ".join(shown(written) for written in names[:_SHEETS_NAMED])
    raise RegistryError(
        Problem(file=str(path), field="sheet", message=f"has no sheet {shown(name)}", fix=f"its sheets are: {known}")
    )


class _Found(Struct, frozen=True):
    """A sheet with content: its table, its shape, and its filled rows, counted to tell two sheets apart."""

    table: Table
    shape: Shape
    sheet: CalamineSheet

    @property
    def rank(self) -> tuple[int, int, int]:
        """The columns that are understood, then the filled rows; the cells with text where too few are understood."""
        filled = sum(any(map(is_filled, cells)) for cells in self.sheet.iter_rows())
        return self.shape.understood, 0 if self.shape.understood else self.shape.texts, filled


def _best(path: Path, sheets: Iterator[_Found | None]) -> Table:
    """Return the sheet that is the list by its shape; a warning names the others that hold one."""
    found = [one for one in sheets if one is not None]
    if not found:
        raise EmptyTable(Problem(file=str(path), message="is empty"))
    best = max(found, key=lambda one: one.rank)
    for other in found:
        if other is not best and other.shape.understood:
            name = shown(other.table.sheet or "")
            message = f"holds a list, too, and is not read: only sheet {shown(best.table.sheet or '')} is"
            fix = f'add it to the config as a list of its own with sheet = "{name}"'
            best.table.warnings.append(Problem(file=str(path), sheet=other.table.sheet, message=message, fix=fix))
    return best.table


def _sheet_table(path: Path, sheet: CalamineSheet, recognise: Recognise, typed: Typed) -> _Found | None:
    """Return the sheet under its headings, and its shape."""
    file = str(path)
    merged = sheet.merged_cell_ranges or ()
    head = list(islice(unmerged(enumerate(sheet.iter_rows(), start=1), merged), HEAD))
    if not head:
        return None
    shape = shape_of([[str(cell) for cell in row.cells] for row in head], recognise)
    first = line = head[shape.at].number
    texts = list(map(str, head[shape.at].cells))
    lower = _headings(head, first, headings_end(first, merged))
    if recognise(tuple(lower)) >= shape.likeness:
        line, texts = headings_end(first, merged), lower
    headings = named_headings(file, line, texts)
    skipped: list[Problem] = []
    split = [
        Problem(
            file=file,
            sheet=sheet.name,
            line=line,
            field=shown(headings[column]),
            message=f"the heading is merged over {place}, and counts for its first column alone",
            fix="give each column a heading of its own",
        )
        for column, place in split_headings(line, merged)
        if column < len(headings)
    ]
    below = _rows(path, headings, line, sheet, typed, skipped)
    table = Table(
        file=file, sheet=sheet.name, headings=headings, line=line, rows=below, skipped=skipped, warnings=split
    )
    return _Found(table, shape, sheet)


def _headings(head: Sequence[SheetRow], first: int, last: int) -> list[str]:
    """Return the text of each heading; of two rows joined by merged cells, the lower one counts."""
    rows = [row.cells for row in head if first <= row.number <= last]
    return [next((str(cell) for cell in reversed(column) if is_filled(cell)), "") for column in zip(*rows, strict=True)]


def _rows(
    path: Path, headings: tuple[str, ...], line: int, sheet: CalamineSheet, typed: Typed, skipped: list[Problem]
) -> Iterator[Row | Problem]:
    file = str(path)
    bad = _bad_cells(path, headings, sheet, typed)
    rows = _with_bad_cells(enumerate(sheet.iter_rows(), start=1), bad, len(headings))
    for row in unmerged(rows, sheet.merged_cell_ranges or (), line):
        if row.number <= line:
            continue
        if why := no_row(headings, row.cells, merged=row.across):
            message = f"{why}, and is not a row of the list"
            skipped.append(Problem(file=file, sheet=sheet.name, line=row.number, message=message))
        elif (found := sheet_row(file, row.number, headings, row.cells)) is not None:
            yield found if isinstance(found, Row) else replace(found, sheet=sheet.name)


def _bad_cells(
    path: Path, headings: tuple[str, ...], sheet: CalamineSheet, typed: Typed
) -> dict[int, dict[int, BadCell]]:
    """Return by row and column, from 1, what has no value and only looks empty, and formulas in a ``typed`` column."""
    columns = [column for column, heading in enumerate(headings, start=1) if typed(heading)]
    try:
        with zipfile.ZipFile(path) as archive:
            found = formulas_in(archive, sheet.name, columns)
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, ValueError) as error:
        raise _damaged(path, str(error)) from error
    bad: dict[int, dict[int, BadCell]] = {}
    wrong = chain(
        ((at, "is a formula without a stored value", _STORE_IT) for at in found.unstored),
        ((at, f"holds the error {shown(text)}", _CORRECT_IT) for at, text in found.errors.items()),
        ((at, "is a formula", "type the value") for at in found.typed.items()),
    )
    for (row, column), message, fix in wrong:
        if column <= len(headings):
            bad.setdefault(row, {})[column] = BadCell(f"{letters(column - 1)}{row} {message}", fix)
    return bad


def _with_bad_cells(
    rows: Iterable[tuple[int, Sequence[Any]]], bad: Mapping[int, Mapping[int, BadCell]], width: int
) -> Iterator[tuple[int, Sequence[Any]]]:
    """Yield the rows with their bad cells; also those below the last row with a value."""
    last = 0
    for last, cells in rows:
        yield last, _replaced(cells, bad[last]) if last in bad else cells
    for row in sorted(row for row in bad if row > last):
        yield row, _replaced([""] * width, bad[row])


def _replaced(cells: Sequence[Any], bad: Mapping[int, BadCell]) -> list[Any]:
    padded = [*cells, *[""] * (max(bad) - len(cells))]
    return [bad.get(column, cell) for column, cell in enumerate(padded, start=1)]


# --- Checks before opening ---


def _check_archive(path: Path) -> None:
    """Unpacks every part once without keeping it, because the sizes in a zip directory cannot be trusted."""
    try:
        with path.open("rb") as file:
            start = file.read(4)
        if start != b"PK\x03\x04":
            message, fix = next((message, fix) for magic, message, fix in _NOT_A_WORKBOOK if start.startswith(magic))
            raise RegistryError(Problem(file=str(path), message=message, fix=fix))
        with zipfile.ZipFile(path) as archive:
            unpacked = 0
            for part in archive.infolist():
                unpacked += _check_part(path, archive, part, MAX_UNPACKED - unpacked)
    except OSError as error:
        raise unreadable(path, error) from error
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise _damaged(path, str(error)) from error


def _check_part(path: Path, archive: zipfile.ZipFile, part: zipfile.ZipInfo, allowed: int) -> int:
    """Return the part's true size in bytes. Raises RegistryError if it, or a sheet in it, is too large."""
    unbounded = copy.copy(part)
    unbounded.file_size = sys.maxsize
    size = last_row = last_column = 0
    kept = b""
    with archive.open(unbounded) as stream:
        while chunk := stream.read(_CHUNK):
            size += len(chunk)
            if size > allowed:
                limit = f"{MAX_UNPACKED // 2**20} MiB"
                raise RegistryError(
                    Problem(file=str(path), message=f"unpacks to more than {limit}", fix="export the sheet as CSV")
                )
            for letters, row in set(_CELL_PLACE.findall(kept + chunk)):
                last_row = max(last_row, int(row))
                last_column = max(last_column, _column_number(letters))
            kept = chunk[-_OVERLAP:]
    if last_row * last_column > MAX_CELLS:
        raise RegistryError(
            Problem(
                file=str(path),
                message=f"a sheet reaches to row {last_row} and column {last_column}, which is too far",
                fix="delete the cells far out, or export the sheet as CSV",
            )
        )
    return size


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - ord("A") + 1
    return number


def _damaged(path: Path, why: str) -> RegistryError:
    fix = "open it in a spreadsheet and save it again"
    return RegistryError(Problem(file=str(path), message=f"is a damaged workbook: {why}", fix=fix))
