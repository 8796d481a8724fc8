"""How a cell gets into a worksheet, by the type of its column.

No cell holds a formula, and none can become one: text is written as text, with the same ``'`` as in CSV before what
could be taken for a formula once somebody edits the cell or saves the sheet as CSV.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any, TypeAlias, cast

from reports.phrases import plain
from reports.tables import Column, harmless

CELL_WAS_CUT = -2
"""What the writer answers for text longer than the 32,767 UTF-16 units a cell holds; the rest it drops."""
EARLIEST = 1900
"""The year before which a spreadsheet has no dates."""

Write: TypeAlias = Callable[[int, int, Any], int]
"""Row, position, cell; returns the library's answer, 0 where it took the cell."""


def writer(sheet: Any, column: Column[Any]) -> Write:
    """How the cells of a column are written, decided once; their formats are the column's own."""
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
    """Text that acts neither in a spreadsheet nor in the writer, which takes ``<r>…</r>`` for markup of its own."""
    safe = harmless(text)
    return f" {safe}" if safe.startswith("<r>") else safe


def checked(code: int) -> None:
    """The writer says by a number only that it did not take something."""
    if code:
        raise ValueError(f"the workbook did not take what was written (code {code})")
