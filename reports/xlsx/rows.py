"""Rows of a sheet as SpreadsheetML (ECMA-376, part 1, 18.3.1), streamed into the workbook that XlsxWriter made.

XlsxWriter examines each cell on its own; here a text that occurs again is prepared once, which takes a third of the
time (``docs/decisions/tables.md``). Everything else of a workbook is XlsxWriter's.

No cell is or becomes a formula: text is written as text, with a ``'`` as in CSV before text that would be a formula
after editing the cell or saving the sheet as CSV.
"""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from tempfile import TemporaryFile
from typing import Any, BinaryIO, TypeAlias
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from msgspec import Struct

from reports.tables import Column, harmless, harmless_lines
from scanner.rules.wording import plain

CELL_HOLDS = 32_767
"""Excel's limit for the text of a cell, in UTF-16 units."""
_SURELY_FITS = CELL_HOLDS // 12
"""Shorter texts need no check: no character is encoded in more than 11."""

_DAY_ZERO = datetime(1899, 12, 30, tzinfo=UTC)
_FIRST_DAY = 61
"""1 March 1900. Excel counts a 29 February 1900, so that earlier numbers are other days elsewhere."""

_FIRST_ROW = 2
_COLUMN = re.compile(rb"<col ([^>]*)/>")
_ATTRIBUTE = re.compile(rb'(\w+)="([^"]*)"')
_DIMENSION = re.compile(rb'(<dimension ref="A1:[A-Z]+)1"')
_END_OF_ROWS = b"</sheetData>"
# Encoded as _xHHHH_: noncharacters, which XML lacks, and the underscore of a text that readers would decode itself.
_TO_ENCODE = re.compile(r"[\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")

Markup: TypeAlias = Callable[[int, Any], str]
"""Takes the row's number and a cell; returns its element."""


class XlsxRows(Struct, frozen=True):
    """The rows of a sheet, which has its headings in row 1; ``letters`` are its columns."""

    sheet: str
    columns: tuple[Column[Any], ...]
    letters: tuple[str, ...]
    rows: Iterable[Any]
    count: int


def fill(workbook: BinaryIO, out: BinaryIO, parts: Mapping[str, XlsxRows]) -> Counter[str]:
    """Copy a workbook, adding the rows of its sheets, by the name of their part.

    Returns how many cells were cut to what a cell holds, by the name of the sheet.
    """
    cut: Counter[str] = Counter()
    with ZipFile(workbook) as source, ZipFile(out, "w", ZIP_DEFLATED) as target:
        for name in source.namelist():
            part = ZipInfo(name, source.getinfo(name).date_time)
            part.compress_type = ZIP_DEFLATED
            if rows := parts.get(name):
                with TemporaryFile() as spool:  # its size decides whether the part is packed as Zip64
                    cut[rows.sheet] += _write_sheet(source.read(name), rows, spool)
                    part.file_size = spool.tell()
                    spool.seek(0)
                    with target.open(part, "w") as packed:
                        shutil.copyfileobj(spool, packed)
            else:
                target.writestr(part, source.read(name))
    return cut


def _write_sheet(sheet: bytes, rows: XlsxRows, out: BinaryIO) -> int:
    """Write a sheet with its rows; returns how many cells were cut."""
    head, tail = sheet.split(_END_OF_ROWS)
    out.write(_DIMENSION.sub(rb'\g<1>%d"' % (rows.count + 1), head))
    styles = _styles(head)
    cut: list[str] = []
    cells = [
        (column.get, _markup(column.type, name, styles.get(place, ""), cut))
        for place, (name, column) in enumerate(zip(rows.letters, rows.columns, strict=True), start=1)
    ]
    for number, row in enumerate(rows.rows, start=_FIRST_ROW):
        content = "".join([markup(number, cell) for get, markup in cells if (cell := get(row)) is not None])
        out.write(f'<row r="{number}">{content}</row>'.encode())
    out.write(_END_OF_ROWS + tail)
    return len(cut)


def _styles(head: bytes) -> dict[int, str]:
    """The attribute that gives a cell the style of its column, by the column's number."""
    styles: dict[int, str] = {}
    for column in _COLUMN.findall(head):
        said = {name: value.decode() for name, value in _ATTRIBUTE.findall(column)}
        if style := said.get(b"style"):
            styles |= dict.fromkeys(range(int(said[b"min"]), int(said[b"max"]) + 1), f' s="{style}"')
    return styles


def _markup(kind: str, column: str, style: str, cut: list[str]) -> Markup:
    """The writer for the cells of a column; ``cut`` collects the references of cells that were cut."""
    start = f'<c r="{column}'

    def lines(row: int, cell: str) -> str:
        return written(row, harmless_lines(cell))

    def written(row: int, whole: str) -> str:
        fitting = whole.encode("utf-16-le")[: 2 * CELL_HOLDS].decode("utf-16-le", "ignore")
        if fitting != whole:
            cut.append(f"{column}{row}")
        return f'{start}{row}"{style} t="inlineStr">{_element(fitting)}</c>'

    def text(row: int, cell: str) -> str:
        if len(cell) <= _SURELY_FITS:
            return f'{start}{row}"{style} t="inlineStr">{_inline(cell)}</c>'
        return written(row, harmless(cell))

    def number(row: int, cell: float) -> str:
        return f'{start}{row}"{style}><v>{cell!r}</v></c>'

    def boolean(row: int, cell: int) -> str:
        return f'{start}{row}"{style} t="b"><v>{cell:d}</v></c>'

    def moment(row: int, cell: date) -> str:
        zero = _DAY_ZERO if isinstance(cell, datetime) else _DAY_ZERO.date()
        days = (cell - zero) / timedelta(days=1)
        return number(row, days) if days >= _FIRST_DAY else text(row, plain(cell))

    writers: dict[str, Markup] = {
        "text": text, "lines": lines, "int": number, "bool": boolean, "date": moment, "datetime": moment,
    }  # fmt: skip
    return writers[kind]


@lru_cache(maxsize=1_000)  # nearly all cells except key and name occur in many rows
def _inline(text: str) -> str:
    return _element(harmless(text))


def _element(text: str) -> str:
    """The content of a text cell. The text must be harmless, and so has no control characters but line breaks."""
    markup = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    markup = _TO_ENCODE.sub(lambda found: f"_x{ord(found[0]):04X}_", markup)
    space = ' xml:space="preserve"' if markup != markup.strip() else ""
    return f"<is><t{space}>{markup}</t></is>"
