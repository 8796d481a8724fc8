"""Writers of cells, by type of column.

No cell is or becomes a formula: text is written as text, with a ``'`` as in CSV before text that would be a formula
after editing the cell or saving the sheet as CSV.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any, TypeAlias, cast

from reports.phrases import plain
from reports.tables import Column, harmless

CELL_WAS_CUT = -2
"""The writer's return code for text longer than 32,767 UTF-16 units, which it cuts."""
EARLIEST = 1900
"""The year before which a spreadsheet has no dates."""

Write: TypeAlias = Callable[[int, int, Any], int]
"""Takes row, column and cell; returns the library's code, 0 for success."""


def writer(sheet: Any, column: Column[Any]) -> Write:
    """The writer for the cells of a column."""
    match column.type:
        case "text":
            write_string = sheet.write_string
            return lambda row, position, text: write_string(row, position, inert(text))
        case "date" | "datetime":
            return _write_moment(sheet)
        case "bool":
            return cast("Write", sheet.write_boolean)
        case "int":
            return cast("Write", sheet.write_number)


def _write_moment(sheet: Any) -> Write:
    def write(row: int, position: int, moment: date) -> int:
        if moment.year < EARLIEST:
            code: int = sheet.write_string(row, position, plain(moment))
        else:
            if isinstance(moment, datetime):
                moment = moment.astimezone(UTC).replace(tzinfo=None)
            code = sheet.write_datetime(row, position, moment)
        return code

    return write


def inert(text: str) -> str:
    """Text that is inert in a spreadsheet and in the writer, which treats ``<r>…</r>`` as markup."""
    safe = harmless(text)
    return f" {safe}" if safe.startswith("<r>") else safe


def checked(code: int) -> None:
    """Raises for a return code of the writer."""
    if code:
        raise ValueError(f"the workbook did not take what was written (code {code})")
