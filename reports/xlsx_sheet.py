"""A worksheet of XlsxWriter's that writes plain text and yes and no at half the cost.

The library looks at each text for markup, controls and blanks one after the other, which is much of a large workbook's
time. Where one look finds none of them, what it would write is known; all else is left to it.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

_needs_care = re.compile(r"[&<>\x00-\x1f\ufffe\uffff]|_x|^\s|\s$").search
"""What is escaped in XML or by spreadsheets, and blanks that must be marked to stay."""


@cache
def quick_sheet() -> type:
    """A class that writes byte for byte what a ``Worksheet`` in constant memory does. Raises ImportError."""
    from xlsxwriter.utility import xl_col_to_name
    from xlsxwriter.worksheet import Worksheet

    letters = cache(xl_col_to_name)

    class QuickSheet(Worksheet):  # type: ignore[misc]  # the library has no types
        def write_string(self, row: int, col: int, string: str, cell_format: Any = None) -> int:
            code: int = self._write_string(row, col, string, cell_format)  # cells are numbered here, and never "A1"
            return code

        def _write_cell(self, row: int, col: int, cell: Any) -> None:
            kind = cell.__class__.__name__
            if kind == "String" and not _needs_care(cell.string) and not self._has_format(col, cell):
                self.fh.write(f'<c r="{letters(col)}{row + 1}" t="inlineStr"><is><t>{cell.string}</t></is></c>')
            elif kind == "Boolean" and not self._has_format(col, cell):
                self.fh.write(f'<c r="{letters(col)}{row + 1}" t="b"><v>{cell.boolean}</v></c>')
            else:
                super()._write_cell(row, col, cell)

        def _has_format(self, col: int, cell: Any) -> bool:
            column = self.col_info.get(col)
            return bool(cell.format or (column and column.column_format))

    return QuickSheet
