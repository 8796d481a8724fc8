"""A registry's file as it is now: its bytes, its rows, and the headings that its columns go by."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from contextlib import closing
from io import StringIO
from itertools import chain
from pathlib import Path

from msgspec import Struct

from scanner.errors import Problem, RegistryError
from scanner.registry.columns import ACCOUNT, NAMING, REGISTRY
from scanner.registry.lists import ListSource
from scanner.registry_tools.values import sheet_cell
from scanner.tables import Row, read_table
from scanner.tables.files import unreadable
from scanner.tables.headings import Columns

SHEETS = frozenset({".csv", ".tsv", ".xlsx"})
"""Endings of files in which rows share one row of headings and a list is text in a cell."""


class Opened(Struct, frozen=True, kw_only=True):
    """A file with its rows in order. ``headings``: of a sheet, in order; of a document, all that any row has.

    ``line`` is where a sheet's headings stand, None in a document.
    """

    path: Path
    data: bytes
    sheet: str | None = None
    headings: tuple[str, ...] = ()
    line: int | None = None
    rows: tuple[Row, ...] = ()
    last_skipped: int = 0
    """The last line that is no row of the list, such as a total."""

    @property
    def suffix(self) -> str:
        """The ending, which tells the format."""
        return self.path.suffix.lower()

    @property
    def in_sheet(self) -> bool:
        """Whether its rows share one row of headings."""
        return self.suffix in SHEETS


def open_rows(path: Path, columns: Columns = REGISTRY, *, sheet: str | None = None) -> Opened:
    """The file with all its rows; of a workbook, that sheet's. Raises RegistryError with every row that is broken."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise unreadable(path, error) from error
    table = read_table(path, lambda headings: columns.likeness(headings, NAMING), sheet=sheet)
    with closing(table):
        rows = tuple(table.rows)
    if problems := [row for row in rows if isinstance(row, Problem)]:
        raise RegistryError(*problems)
    filled = tuple(row for row in rows if isinstance(row, Row))
    used = table.headings or tuple(dict.fromkeys(chain.from_iterable(row.headings for row in filled)))
    below = max((problem.line or 0 for problem in table.skipped), default=0)
    return Opened(
        path=path, data=data, sheet=table.sheet, headings=used, line=table.line, rows=filled, last_skipped=below
    )


def blank(path: Path, headings: tuple[str, ...] = ()) -> Opened:
    """A file that is yet to be written; in a sheet, under these headings."""
    suffix = path.suffix.lower()
    data = b""
    if suffix in (".csv", ".tsv"):
        text = StringIO()
        csv.writer(text, delimiter="\t" if suffix == ".tsv" else ",", lineterminator="\n").writerow(
            map(sheet_cell, headings)
        )
        data = text.getvalue().encode()
    return Opened(path=path, data=data, headings=headings if suffix in SHEETS else (), line=1)


class Headings:
    """Under which heading each column is written in a file: its own, else the one explained in the config."""

    def __init__(self, opened: Opened, source: ListSource) -> None:
        self._columns = REGISTRY.explained(source.explained)
        self._opened = opened
        self._known: Mapping[str, tuple[int, ...]] = self._columns.place(opened.headings).columns
        self._explained = {column: heading for heading, column in source.explained.items()}

    def of(self, column: str, position: int | None = None) -> tuple[str, ...]:
        """The headings of a column in that row, the one to write under first; of a new row without a position."""
        own = self._opened.headings if position is None else self._opened.rows[position].headings
        if places := self._columns.place(own).columns.get(column):
            return tuple(own[place] for place in places)
        if column in self._known:
            return (self._opened.headings[self._known[column][0]],)
        if column == "identities" and position is None and ACCOUNT in self._known:
            return self.of(ACCOUNT)
        return (self._explained.get(column, column),)

    def order(self, heading: str) -> tuple[int, int]:
        """Sorts headings as the file has them, new ones behind in the order of the registry's columns."""
        if heading in self._opened.headings:
            return self._opened.headings.index(heading), 0
        column = self._columns.means(heading)
        return len(self._opened.headings), REGISTRY.names.index(column) if column in REGISTRY.names else 0
