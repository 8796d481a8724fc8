"""Reads XLSX with calamine, which keeps a sheet in memory; too large sheets are refused before they are opened."""

from __future__ import annotations

import copy
import re
import sys
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from scanner.errors import Problem, RegistryError
from scanner.registry.tables.cells import shown
from scanner.registry.tables.files import unreadable
from scanner.registry.tables.formulas import formulas_in
from scanner.registry.tables.rows import (
    HEAD,
    EmptyTable,
    Recognise,
    Row,
    Table,
    Typed,
    headings_among,
    is_filled,
    named_headings,
    never,
    no_row,
    sheet_row,
)

MAX_UNPACKED = 256 * 1024 * 1024
"""The most bytes of a workbook's parts, uncompressed."""
MAX_CELLS = 20_000_000
"""The most cells in a sheet's dimensions: calamine allocates memory for each, including empty ones."""

_SHEETS_NAMED = 20
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
    """Return the named sheet, visible or not; without a name, the visible one with the headings.

    ``typed``: whether a heading's column may have no formula, even if its value is stored.

    The headings are the row that looks most like them, below banners and legends. If no sheet has them, the first sheet
    with content is used. Raises RegistryError; EmptyTable if no sheet, or not the named one, has content.
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


def _best(path: Path, tables: Iterator[tuple[Table, int] | None]) -> Table:
    """Return the first sheet with at least half as many of the headings as any; a warning names the others."""
    found = [one for one in tables if one is not None]
    if not found:
        raise EmptyTable(Problem(file=str(path), message="is empty"))
    best = max(likeness for _, likeness in found)
    chosen = next(table for table, likeness in found if 2 * likeness >= best)
    for table, likeness in found:
        if table is not chosen and 2 * likeness >= best > 0:
            chosen.skipped.append(
                Problem(
                    file=str(path),
                    message=f"sheet {shown(table.sheet or '')} has such headings, too, and is not read: only "
                    f"{shown(chosen.sheet or '')} is",
                    fix=f'add it to the config as a list of its own with sheet = "{shown(table.sheet or "")}"',
                )
            )
    return chosen


def _sheet_table(path: Path, sheet: CalamineSheet, recognise: Recognise, typed: Typed) -> tuple[Table, int] | None:
    """Return the sheet under its headings, and how much these look like the expected ones."""
    file = str(path)
    rows = enumerate(sheet.iter_rows(), start=1)
    head = list(islice(((line, cells) for line, cells in rows if any(map(is_filled, cells))), HEAD))
    if not head:
        return None
    at, likeness = headings_among([[str(cell) for cell in cells] for _, cells in head], recognise)
    line, cells = head[at]
    headings = named_headings(file, line, [str(cell) for cell in cells])
    skipped: list[Problem] = []
    broken = _formulas(path, headings, line, sheet, typed)
    below = _rows(path, headings, line, sheet, chain(head[at + 1 :], rows), skipped, broken)
    return Table(file=file, sheet=sheet.name, headings=headings, line=line, rows=below, skipped=skipped), likeness


def _rows(
    path: Path,
    headings: tuple[str, ...],
    line: int,
    sheet: CalamineSheet,
    rows: Iterable[tuple[int, Sequence[Any]]],
    skipped: list[Problem],
    formulas: Iterable[Problem],
) -> Iterator[Row | Problem]:
    file = str(path)
    broken: dict[int | None, list[Problem]] = {}
    for problem in formulas:
        broken.setdefault(problem.line, []).append(problem)
    across = _merged_rows(file, line, sheet)
    for number, cells in rows:
        if why := no_row(headings, cells, merged=number in across):
            where = f"row {number} of sheet {shown(sheet.name)}"
            skipped.append(Problem(file=file, line=number, message=f"{where} {why}, and is not a row of the list"))
            broken.pop(number, None)
            continue
        if number in across and any(map(is_filled, cells)):
            raise _merged(file, number)
        if number in broken:
            yield from broken.pop(number)
        elif (row := sheet_row(file, number, headings, cells)) is not None:
            yield row
    for problems in broken.values():  # in rows without other content
        yield from problems


def _merged_rows(file: str, line: int, sheet: CalamineSheet) -> set[int]:
    """Return the rows with cells merged across columns. Raises RegistryError for other merged cells."""
    across = set()
    for (top, left), (bottom, right) in sheet.merged_cell_ranges or ():
        if top == bottom and top + 1 > line:
            across.add(top + 1)
        elif bottom + 1 >= line:
            raise _merged(file, top + 1, f"{_letters(left)}{top + 1}:{_letters(right)}{bottom + 1}")
    return across


def _merged(file: str, line: int, field: str | None = None) -> RegistryError:
    message = "merged cells have no clear row and column"
    return RegistryError(
        Problem(file=file, line=line, field=field, message=message, fix="unmerge them and fill in each cell")
    )


def _formulas(
    path: Path, headings: tuple[str, ...], line: int, sheet: CalamineSheet, typed: Typed
) -> Iterator[Problem]:
    """Yield a problem for each formula without a value, which only looks empty, and for any in a ``typed`` column."""
    columns = [column for column, heading in enumerate(headings, start=1) if typed(heading)]
    try:
        with zipfile.ZipFile(path) as archive:
            found = formulas_in(archive, sheet.name, columns)
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, ValueError) as error:
        raise _damaged(path, str(error)) from error
    kinds: tuple[tuple[Iterable[tuple[int, int]], str, str], ...] = (
        (found.typed.items(), "is a formula", "type the value"),
        (found.unstored, "is a formula without a stored value", _STORE_IT),
    )
    for cells, wrong, fix in kinds:
        for row, column in sorted(cells):
            if row >= line and column <= len(headings):
                place = f"{_letters(column - 1)}{row} of sheet {shown(sheet.name)}"
                yield Problem(file=str(path), line=row, field=headings[column - 1], message=f"{place} {wrong}", fix=fix)


def _letters(column: int) -> str:
    """Return a spreadsheet's name of a column, counted from 0."""
    letters = ""
    column += 1
    while column:
        column, letter = divmod(column - 1, 26)
        letters = chr(ord("A") + letter) + letters
    return letters


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
