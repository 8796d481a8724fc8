"""Reads CSV as spreadsheets write it in any country: comma, semicolon, tab or bar as separator; streamed."""

from __future__ import annotations

import csv
import re
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from itertools import chain, islice
from pathlib import Path
from typing import TypeAlias

from scanner.errors import CutOff, Problem, RegistryError
from scanner.registry.tables.files import MAX_LINE, NUL, BrokenLines, read_lines
from scanner.registry.tables.rows import (
    LINE_ENDS,
    EmptyTable,
    Ending,
    Recognise,
    Row,
    Table,
    is_filled,
    looked_ahead,
    named_headings,
    no_row,
    sheet_row,
)
from scanner.registry.tables.shape import shape_of
from scanner.text import counted

_DELIMITERS = ",;\t|"
_QUOTED = re.compile(r'"[^"]*(?:"|$)')
# A first line that names the separator for a spreadsheet.
_DIRECTIVE = re.compile(r"sep=([,;\t|])\s*", re.IGNORECASE)

_UNCLOSED = "a quotation mark is opened and never closed"
_WRITE_AGAIN = "the file may be cut off: write it again"
_LONGEST = MAX_LINE + 1
"""The most characters of a cell, so that no line alone has more. ``MAX_CELL`` sets aside the row of a shorter one."""
# Messages of the csv module, ours, and the fix.
_BROKEN = (
    ("unexpected end of data", _UNCLOSED, None),
    ("field larger than field limit", "a cell is far too long; is a quotation mark never closed?", None),
    ("expected after", "text goes on after a closing quotation mark", "double the quotation marks within a cell"),
    ("new-line character seen", "lines end with a bare carriage return; save it as CSV UTF-8", None),
)

_Record: TypeAlias = tuple[int, list[str]]
"""The line on which a row begins, and its cells."""


def read_delimited(path: Path, recognise: Recognise) -> Table:
    """Return a CSV file as a table. Raises RegistryError, also while rows are read; EmptyTable if it is blank."""
    file = str(path)
    warnings: list[Problem] = []
    ending = Ending()
    rows = _records(path, recognise, warnings, ending)
    head, every = looked_ahead(rows)
    records = [row for row in head if not isinstance(row, Problem)]
    problems = [row for row in head if isinstance(row, Problem)]
    if not records:
        next(every, None)
        raise next(map(RegistryError, problems), None) or EmptyTable(Problem(file=file, message="is empty"))
    place = shape_of([cells for _, cells in records], recognise).at
    line, cells = records[place]
    at = head.index((line, cells))
    above = problems[: at - place]
    if above and not recognise(tuple(cells)):
        raise RegistryError(above[0])
    headings = named_headings(file, line, cells)
    skipped: list[Problem] = []
    whole = _whole(headings, file, chain(above, islice(every, at + 1, None)), ending)
    rest = _under(headings, file, whole, skipped, ending)
    return Table(
        file=file,
        headings=headings,
        line=line,
        rows=_closing(ending.of_rows(rest), rows),
        skipped=skipped,
        warnings=warnings,
        ending=ending,
    )


def _closing(rest: Iterator[Row | Problem], rows: Generator[_Record | Problem]) -> Iterator[Row | Problem]:
    """Yield the rows; the file is closed in any case."""
    with closing(rows):
        yield from rest


def _whole(
    headings: tuple[str, ...], file: str, rows: Iterable[_Record | Problem], ending: Ending
) -> Iterator[_Record | Problem]:
    """Yield the rows. A file that ends within a row was cut: its name may be cut, too, and its status is lost."""
    width, are_full, is_only = len(headings), True, True
    last: _Record | Problem | None = None
    for row in rows:
        if last is not None:
            is_only = False
            are_full = are_full and (isinstance(last, Problem) or len(last[1]) >= width)
            yield last
        last = row
    if last is None:
        return
    ending.lacks_cell = not isinstance(last, Problem) and not any(map(is_filled, last[1][width - 1 :]))
    if not isinstance(last, Problem) and not is_only and are_full and ending.is_open and len(last[1]) < width:
        number = counted(len(last[1]), "cell", "cells")
        message = f"has {number} under {width} headings, unlike all others, and no line end"
        last = CutOff(file=file, line=last[0], message=message, fix=_WRITE_AGAIN)
    yield last


def _under(
    headings: tuple[str, ...],
    file: str,
    rows: Iterable[_Record | Problem],
    skipped: list[Problem],
    ending: Ending,
) -> Iterator[Row | Problem]:
    for record in rows:
        if isinstance(record, Problem):
            yield record
            continue
        line, cells = record
        if why := no_row(headings, cells):
            skipped.append(Problem(file=file, line=line, message=f"{why}, and is not a row of the list"))
            ending.row = None
            continue
        row = sheet_row(file, line, headings, cells)
        if row is not None:
            yield row


def _records(path: Path, recognise: Recognise, warnings: list[Problem], ending: Ending) -> Generator[_Record | Problem]:
    """Yield each record with content, or why it cannot be read; the file is closed in any case.

    ``warnings``: receives one if the file is in another encoding than UTF-8.
    """
    broken = BrokenLines(path)
    with closing(read_lines(path, broken, warnings)) as lines:
        yield from _parsed(path, ending.noted(lines), recognise, broken)


class _Lines(Iterator[str]):
    """The lines of a file. ``number`` and ``text``: of the last one. ``has_nul``: one since this was last unset."""

    number = 0
    text = ""
    has_nul = False

    def __init__(self, numbered: Iterable[tuple[int, str]]) -> None:
        self._numbered = iter(numbered)

    def __next__(self) -> str:
        self.number, self.text = next(self._numbered)
        self.has_nul = self.has_nul or NUL in self.text
        return self.text


def _parsed(path: Path, text: Iterable[str], recognise: Recognise, broken: BrokenLines) -> Iterator[_Record | Problem]:
    numbered = enumerate(text, start=1)
    first = next(((number, line) for number, line in numbered if line.strip()), (1, ""))
    declared = _DIRECTIVE.fullmatch(first[1])
    if declared:
        first = next(numbered, (first[0] + 1, ""))
    head, every = looked_ahead(chain([first], numbered))
    # It holds for the process, and another library may have set it. That of the csv module, 131,072, is too short.
    csv.field_size_limit(_LONGEST)
    delimiter = str(declared[1]) if declared else _delimiter([line for _, line in head], recognise)
    lines = _Lines(every)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    begins, usual = first[0], 0
    torn: int | None = None  # the line of a broken row, until a row behind it is certainly none of its cells
    while True:
        lines.has_nul = False
        try:
            cells = next(reader, None)
        except csv.Error as error:
            torn = begins
            yield _torn(path, begins, lines, delimiter, error)
        else:
            if cells is None:
                return
            if lines.has_nul:
                yield broken.problem(begins, lines.number)
            elif any(map(is_filled, cells)):
                if torn is not None and (len(cells) < usual or any('"' in cell for cell in cells)):
                    message = f"may be a part of the broken row on line {torn}"
                    yield Problem(file=str(path), line=begins, message=message)
                else:
                    torn, usual = None, len(cells)
                    yield begins, cells
        begins = lines.number + 1


def _torn(path: Path, begins: int, lines: _Lines, delimiter: str, error: csv.Error) -> Problem:
    """Return why a row cannot be read, and skip the lines over which its quotation marks reach."""
    why, fix = next(((ours, fix) for theirs, ours, fix in _BROKEN if theirs in str(error)), (str(error), None))
    if why == _UNCLOSED and not lines.text.endswith(LINE_ENDS):
        why, fix = f"{_UNCLOSED}, and the file has no line end", _WRITE_AGAIN
    is_within_cell, is_done = lines.number > begins, False
    while not is_done:
        rest = csv.reader(chain(['"' * is_within_cell + lines.text], lines), delimiter=delimiter)
        try:
            next(rest, None)
            is_done = True
        except csv.Error as again:  # a cell that is too long goes on, and a bare carriage return ends its line
            is_within_cell, is_done = True, "new-line" in str(again)
    if lines.number > begins:
        why = f"{why}; lines {begins} to {lines.number} were not read"
    sort = CutOff if why.startswith(_UNCLOSED) else Problem
    return sort(file=str(path), line=begins, message=why, fix=fix)


def _delimiter(head: Sequence[str], recognise: Recognise) -> str:
    """Return the separator by which a row looks most like headings; else the most frequent one in the first row."""
    # Most frequent separator in the headings; a comma if there is none.
    outside = _QUOTED.sub("", head[0])
    usual = max(_DELIMITERS, key=outside.count)
    separators = [usual, *(one for one in _DELIMITERS if one != usual)]
    likeness = [shape_of(_split(head, one), recognise).likeness for one in separators]
    return separators[likeness.index(max(likeness))]


def _split(head: Sequence[str], delimiter: str) -> list[list[str]]:
    try:
        return list(csv.reader(head, delimiter=delimiter))
    except csv.Error:
        return []
