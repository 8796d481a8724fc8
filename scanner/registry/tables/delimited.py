"""Reads CSV as spreadsheets write it in any country: comma, semicolon, tab or bar as separator; streamed."""

from __future__ import annotations

import csv
import re
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from itertools import chain, islice
from pathlib import Path

from scanner.errors import CutOff, Problem, RegistryError
from scanner.registry.tables.files import read_lines
from scanner.registry.tables.rows import (
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
# The csv module's own limit of 131,072 ends the file at a longer cell. ``MAX_CELL`` sets aside the row with it alone.
csv.field_size_limit(16 * 1024 * 1024)
# Messages of the csv module, and ours.
_BROKEN = (
    ("unexpected end of data", _UNCLOSED),
    ("field larger than field limit", "a cell is far too long; is a quotation mark never closed?"),
    ("expected after", "text goes on after a closing quotation mark"),
    ("new-line character seen", "lines end with a bare carriage return; save it as CSV UTF-8"),
)


def read_delimited(path: Path, recognise: Recognise) -> Table:
    """Return a CSV file as a table. Raises RegistryError, also while rows are read; EmptyTable if it is blank."""
    file = str(path)
    warnings: list[Problem] = []
    ending = Ending()
    rows = _records(path, recognise, warnings, ending)
    head, every = looked_ahead(rows)
    if not head:
        next(every, None)
        raise EmptyTable(Problem(file=file, message="is empty"))
    at = shape_of([cells for _, cells in head], recognise).at
    line, cells = head[at]
    headings = named_headings(file, line, cells)
    skipped: list[Problem] = []
    rest = _under(headings, file, _whole(headings, file, islice(every, at + 1, None), ending), skipped, ending)
    return Table(
        file=file,
        headings=headings,
        line=line,
        rows=_closing(ending.of_rows(rest), rows),
        skipped=skipped,
        warnings=warnings,
        ending=ending,
    )


def _closing(rest: Iterator[Row | Problem], rows: Generator[tuple[int, list[str]]]) -> Iterator[Row | Problem]:
    """Yield the rows; the file is closed in any case."""
    with closing(rows):
        yield from rest


def _whole(
    headings: tuple[str, ...], file: str, rows: Iterable[tuple[int, list[str]]], ending: Ending
) -> Iterator[tuple[int, list[str]] | Problem]:
    """Yield the rows. A file that ends within a row was cut: its name may be cut, too, and its status is lost."""
    width, are_full = len(headings), True
    before: tuple[int, list[str]] | None = None
    last: tuple[int, list[str]] | None = None
    try:
        for row in rows:
            if last is not None:
                are_full = are_full and len(last[1]) >= width
                yield last
            before, last = last, row
    except RegistryError as error:  # the row before it was read
        if last is not None:
            yield last
        if not ending.is_open or error.problems[0].message != _UNCLOSED:
            raise
        message = f"{_UNCLOSED}, and the file has no line end"
        yield CutOff(file=file, line=error.problems[0].line, message=message, fix=_WRITE_AGAIN)
        return
    if last is None:
        return
    line, cells = last
    if before is not None and are_full and ending.is_open and len(cells) < width:
        number = counted(len(cells), "cell", "cells")
        message = f"has {number} under {width} headings, unlike all others, and no line end"
        yield CutOff(file=file, line=line, message=message, fix=_WRITE_AGAIN)
    else:
        yield last


def _under(
    headings: tuple[str, ...],
    file: str,
    rows: Iterable[tuple[int, list[str]] | Problem],
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


def _records(
    path: Path, recognise: Recognise, warnings: list[Problem], ending: Ending
) -> Generator[tuple[int, list[str]]]:
    """Yield each record with content, with the line it begins on; the file is closed in any case.

    ``warnings``: receives one if the file is in another encoding than UTF-8.
    """
    with closing(read_lines(path, warnings)) as lines:
        yield from _parsed(path, ending.noted(lines), recognise)


def _parsed(path: Path, lines: Iterable[str], recognise: Recognise) -> Iterator[tuple[int, list[str]]]:
    numbered = enumerate(lines, start=1)
    begins, first = next(((number, line) for number, line in numbered if line.strip()), (1, ""))
    declared = _DIRECTIVE.fullmatch(first)
    if declared:
        begins, first = next(numbered, (begins + 1, ""))
    head, every = looked_ahead(chain([first], (line for _, line in numbered)))
    delimiter = str(declared[1]) if declared else _delimiter(head, recognise)
    reader = csv.reader(every, delimiter=delimiter, strict=True)
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
