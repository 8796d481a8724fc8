"""CSV as spreadsheets write it anywhere: comma, semicolon, tab or bar; streamed."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import chain
from pathlib import Path

from scanner.errors import Problem, RegistryError
from scanner.tables.files import read_lines
from scanner.tables.rows import EmptyTable, Row, Table, is_filled, named_headings, sheet_row

_DELIMITERS = ",;\t|"
_QUOTED = re.compile(r'"[^"]*(?:"|$)')
# A first line that tells a spreadsheet the separator.
_DIRECTIVE = re.compile(r"sep=([,;\t|])\s*", re.IGNORECASE)

# csv's words, and ours.
_BROKEN = (
    ("unexpected end of data", "a quotation mark is opened and never closed"),
    ("field larger than field limit", "a cell is far too long; is a quotation mark never closed?"),
    ("expected after", "text goes on after a closing quotation mark"),
    ("new-line character seen", "lines end with a bare carriage return; save it as CSV UTF-8"),
)


def read_delimited(path: Path) -> Table:
    """A CSV file. Raises RegistryError, also while its rows are read; EmptyTable where it is blank."""
    file = str(path)
    rows = _records(path)
    line, cells = next(rows, (0, []))
    if not cells:
        raise EmptyTable(Problem(file=file, message="is empty"))
    headings = named_headings(file, line, cells)
    return Table(file=file, headings=headings, line=line, rows=_under(headings, file, rows))


def _under(headings: tuple[str, ...], file: str, rows: Iterator[tuple[int, list[str]]]) -> Iterator[Row | Problem]:
    for line, cells in rows:
        row = sheet_row(file, line, headings, cells)
        if row is not None:
            yield row


def _records(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Each record that holds anything, with the line it begins on; the file is closed however the reading ends."""
    with closing(read_lines(path)) as lines:
        yield from _parsed(path, lines)


def _parsed(path: Path, lines: Iterable[str]) -> Iterator[tuple[int, list[str]]]:
    numbered = enumerate(lines, start=1)
    begins, first = next(((number, line) for number, line in numbered if line.strip()), (1, ""))
    declared = _DIRECTIVE.fullmatch(first)
    if declared:
        begins, first = next(numbered, (begins + 1, ""))
    delimiter = declared[1] if declared else _most_used_delimiter(first)
    reader = csv.reader(chain([first], (line for _, line in numbered)), delimiter=delimiter, strict=True)
    skipped = begins - 1
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            why = next((ours for theirs, ours in _BROKEN if theirs in str(error)), str(error))
            raise RegistryError(Problem(file=str(path), line=begins, message=why)) from error
        if cells is None:
            return
        if any(map(is_filled, cells)):
            yield begins, cells
        begins = skipped + reader.line_num + 1


def _most_used_delimiter(heading_line: str) -> str:
    """The separator that the headings use most; a comma where they use none."""
    outside = _QUOTED.sub("", heading_line)
    return max(_DELIMITERS, key=outside.count)
