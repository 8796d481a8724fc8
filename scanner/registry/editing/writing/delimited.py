"""Edits CSV: other rows stay byte for byte, except for an empty cell in a new column."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from io import StringIO
from typing import Literal, TypeAlias

from scanner.registry.editing.saving import Opened
from scanner.registry.editing.values import sheet_cell
from scanner.registry.editing.writing.base import Edit, decoded, new_headings
from scanner.registry.tables.rows import named_headings

_DELIMITERS = ",;\t|"
_Quoting: TypeAlias = Literal[0, 1]
_QUOTINGS: tuple[_Quoting, ...] = (csv.QUOTE_MINIMAL, csv.QUOTE_ALL)


class _Record:
    """A row of the file: its cells, and its lines."""

    def __init__(self, lines: Sequence[str], line: int, delimiter: str) -> None:
        rest = (lines[index] for index in range(line - 1, len(lines)))
        reader = csv.reader(rest, delimiter=delimiter)
        self._delimiter = delimiter
        self.cells = next(reader)
        self.lines = slice(line - 1, line - 1 + reader.line_num)
        raw = "".join(lines[self.lines])
        self._text = raw.rstrip("\r\n")
        self.ending = raw[len(self._text) :]

    def padded(self, missing: int) -> str:
        """Return the row with empty cells added."""
        return self._text + self._delimiter * missing + self.ending

    def written(self, cells: Sequence[str], ending: str | None = None) -> str:
        """Return the row with other cells, quoted in its style."""
        manner = [quoting for quoting in _QUOTINGS if self._joined(self.cells, quoting) == self._text]
        return self._joined(cells, manner[0] if manner else csv.QUOTE_MINIMAL) + (
            self.ending if ending is None else ending
        )

    def _joined(self, cells: Sequence[str], quoting: _Quoting) -> str:
        out = StringIO()
        # Both kinds of line break, so that the writer quotes cells that contain either.
        csv.writer(out, delimiter=self._delimiter, quoting=quoting, lineterminator="\r\n").writerow(cells)
        return out.getvalue().removesuffix("\r\n")


def edit_delimited(opened: Opened, edits: Sequence[Edit]) -> bytes:
    """Return the file with these edits, with its separator, line ends and byte order mark."""
    mark, text = decoded(opened)
    lines = list(StringIO(text, newline="\n"))
    line = opened.line or 1
    delimiter = _delimiter(opened, lines, line)
    heading = _Record(lines, line, delimiter)
    records = [heading, *(_Record(lines, row.line, delimiter) for row in opened.rows)]
    added = new_headings(opened, edits)
    headings = (*opened.headings, *added)
    texts = {0: heading.written([*heading.cells, *map(str, map(sheet_cell, added))]) if added else heading.padded(0)}
    for number, record in enumerate(records[1:], start=1):
        texts[number] = record.padded(max(len(headings) - len(record.cells), 0) if added else 0)
    for edit in edits:
        if edit.position is not None:
            record = records[edit.position + 1]
            texts[edit.position + 1] = record.written(_cells(edit, headings, record.cells))
    ending = heading.ending or "\n"
    behind = [records[-1].written(_cells(edit, headings), ending) for edit in edits if edit.position is None]
    if behind and not records[-1].ending:
        texts[len(records) - 1] += ending
    texts[len(records) - 1] += "".join(behind)
    for number, record in reversed(list(enumerate(records))):
        lines[record.lines] = [texts[number]]
    return mark + "".join(lines).encode()


def _delimiter(opened: Opened, lines: Sequence[str], line: int) -> str:
    """Return the separator with which the headings read as before."""
    return next(
        one
        for one in _DELIMITERS
        if named_headings(str(opened.path), line, _Record(lines, line, one).cells) == opened.headings
    )


def _cells(edit: Edit, headings: Sequence[str], old: Sequence[str] = ()) -> list[str]:
    cells = [*old, *[""] * (len(headings) - len(old))]
    for heading, value in edit.cells.items():
        cells[headings.index(heading)] = str(sheet_cell(value))
    return cells
