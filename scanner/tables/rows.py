"""What a table is: rows, each with its headings, its cells and the line where a person finds it."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator, Sequence
from typing import Any

from msgspec import Struct

from scanner.errors import Problem, RegistryError

MAX_COLUMNS = 1_000
"""More headings than this are no list that people keep."""

# What our own reports put before a cell that a spreadsheet would take for a formula.
_NEUTRALISED = re.compile(r"""(^|;)'(?=[\s'"]*[=+\-@\uff1d\uff0b\uff0d\uff20])""")


class EmptyTable(RegistryError):
    """The file is there, but nothing is in it."""


class Row(Struct, frozen=True, gc=False):
    """One row. ``line`` is 1-based: the line in a text file, the row in a spreadsheet; cells stand under headings.

    A cell is a value of JSON or TOML or a spreadsheet's typed value (date, datetime, time, timedelta).
    """

    line: int
    headings: tuple[str, ...]
    cells: tuple[Any, ...]


class Table(Struct, frozen=True, kw_only=True):
    """A file's rows. ``headings`` is None where each row brings its own (JSON, YAML, TOML)."""

    file: str
    sheet: str | None = None
    headings: tuple[str, ...] | None = None
    line: int | None = None
    """Where the headings are."""
    rows: Iterator[Row | Problem]

    def close(self) -> None:
        """Close the file behind rows that nobody will read to their end."""
        if isinstance(self.rows, Generator):
            self.rows.close()


def named_headings(file: str, line: int, cells: Sequence[str]) -> tuple[str, ...]:
    """The headings of a sheet; a column without one goes by its number. Raises RegistryError for far too many."""
    if len(cells) > MAX_COLUMNS:
        raise RegistryError(
            Problem(file=file, line=line, message=f"has {len(cells)} columns; at most {MAX_COLUMNS} are read")
        )
    return tuple(cell.strip() or f"column {number}" for number, cell in enumerate(cells, start=1))


def sheet_row(file: str, line: int, headings: tuple[str, ...], cells: Sequence[Any]) -> Row | Problem | None:
    """A sheet's row under its headings: None where it is empty, a Problem where cells have no heading."""
    if not any(map(is_filled, cells)):
        return None
    width = len(headings)
    if any(map(is_filled, cells[width:])):
        return Problem(
            file=file,
            line=line,
            message=f"has {len(cells)} cells under {width} headings",
            fix="put a cell that holds the separator in quotation marks",
        )
    padded = (*cells[:width], *("",) * (width - len(cells)))
    return Row(line, headings, tuple(map(_as_meant, padded)))


def is_filled(cell: Any) -> bool:
    """Whether a cell holds anything; zero and no are something, blanks are not."""
    return not cell.isspace() and cell != "" if isinstance(cell, str) else cell is not None


def _as_meant(cell: Any) -> Any:
    return _NEUTRALISED.sub(r"\1", cell) if isinstance(cell, str) and "'" in cell else cell
