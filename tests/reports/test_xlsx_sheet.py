"""The quick worksheet against the library's own."""

from __future__ import annotations

import io
import zipfile

import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st
from xlsxwriter.worksheet import Worksheet

from reports.xlsx_sheet import quick_sheet
from tests.reports.samples import HOSTILE

TEXTS = st.one_of(
    st.sampled_from([text.encode(errors="replace").decode() for text in HOSTILE.values()]),
    st.sampled_from(
        ["", " ", "a ", " a", "\u2003a", "_x0041_", "<r><t>bold</t></r>", 'say "&"', "\ufffe", "x" * 40_000]
    ),
    st.text(st.characters(codec="utf-8"), max_size=20),
)
CELLS = st.one_of(TEXTS, st.booleans(), st.integers(-9, 9))


def written(sheet_class: type, rows: list[list[str | bool | int]], formats: list[bool]) -> tuple[bytes, list[int]]:
    """The sheet's XML, and what each cell was answered; every other cell and the columns told have a format."""
    out = io.BytesIO()
    answers = []
    with xlsxwriter.Workbook(out, {"constant_memory": True}) as book:
        bold = book.add_format({"bold": True})
        sheet = book.add_worksheet("S", sheet_class)
        for position, formatted in enumerate(formats):
            sheet.set_column(position, position, 10, bold if formatted else None)
        for row, cells in enumerate(rows):
            for position, cell in enumerate(cells):
                write = {bool: sheet.write_boolean, int: sheet.write_number, str: sheet.write_string}[type(cell)]
                answers.append(write(row, position, cell, *([bold] if (row + position) % 5 == 0 else [])))
    with zipfile.ZipFile(out) as parts:
        return parts.read("xl/worksheets/sheet1.xml"), answers


@given(rows=st.lists(st.lists(CELLS, max_size=30), max_size=4), formats=st.lists(st.booleans(), max_size=4))
def test_it_writes_what_the_library_writes(rows: list[list[str | bool | int]], formats: list[bool]) -> None:
    """Byte for byte, and answers the same: it is quick, and nothing else."""
    assert written(quick_sheet(), rows, formats) == written(Worksheet, rows, formats)
