"""Merged cells of a sheet: down one column they mean their value in every row; others have no clear row and column."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeAlias

from msgspec import Struct

from scanner.registry.tables.cells import BadCell
from scanner.registry.tables.rows import is_filled

Range: TypeAlias = tuple[tuple[int, int], tuple[int, int]]
"""The first and the last row and column, from 0."""

_UNMERGE = "unmerge them and fill in each cell"


class SheetRow(Struct, frozen=True, gc=False):
    """A row of a sheet. ``number``: from 1. ``cells``: as they are meant. ``across``: whether some are merged so."""

    number: int
    cells: tuple[Any, ...]
    across: bool = False


class _Down(Struct):
    """A cell merged down one column, whose value counts in every row down to ``bottom``."""

    column: int
    bottom: int
    value: Any = None


def unmerged(
    rows: Iterable[tuple[int, Sequence[Any]]], ranges: Sequence[Range], headings: int = sys.maxsize
) -> Iterator[SheetRow]:
    """Yield the rows with content. Cells merged down have their value in each of them.

    Below the row of the ``headings``, others are a BadCell, and so is what is merged with a heading. A row whose only
    cells are merged with others, such as the heading of a section, is as it was, and marked.
    """
    coming = sorted(ranges, reverse=True)
    down: list[_Down] = []
    across: list[Range] = []
    for number, cells in rows:
        while coming and coming[-1][0][0] < number:
            (top, left), (bottom, right) = merged = coming.pop()
            if left == right and top + 1 == number and not top < headings <= bottom:
                down.append(_Down(left, bottom + 1, cells[left] if left < len(cells) else None))
            else:
                across.append(merged)
        down = [one for one in down if one.bottom >= number]
        across = [one for one in across if one[1][0] + 1 >= number]
        unclear = across if number > headings else ()
        filled = [at for at, cell in enumerate(cells) if is_filled(cell)]
        if filled:
            wide = any(left < right for (_, left), (_, right) in across)
            yield SheetRow(number, _meant(number, cells, filled, down, unclear), wide)


def _meant(
    number: int, cells: Sequence[Any], filled: Sequence[int], down: Sequence[_Down], across: Sequence[Range]
) -> tuple[Any, ...]:
    meant = list(cells)
    for one in down:
        if one.column < len(meant):
            meant[one.column] = one.value
    apart = any(not any(left <= at <= right for (_, left), (_, right) in across) for at in filled)
    for merged in across if apart else ():
        (_, left), (_, right) = merged
        bad = BadCell(f"{_named(merged)} is merged, so what it says of row {number} is unclear", _UNMERGE)
        meant[left : right + 1] = [bad] * len(meant[left : right + 1])
    return tuple(meant)


def headings_end(line: int, ranges: Sequence[Range]) -> int:
    """Return the last row of the headings; some can be merged down into the rows below."""
    return max(
        (bottom + 1 for (top, left), (bottom, right) in ranges if top < line <= bottom and left == right), default=line
    )


def split_headings(line: int, ranges: Sequence[Range]) -> Iterator[tuple[int, str]]:
    """Yield the column, from 0, and the place of each heading in this row that is merged over several columns."""
    for (top, left), (bottom, right) in ranges:
        if top < line <= bottom + 1 and left != right:
            yield left, _named(((top, left), (bottom, right)))


def _named(merged: Range) -> str:
    (top, left), (bottom, right) = merged
    return f"{letters(left)}{top + 1}:{letters(right)}{bottom + 1}"


def letters(column: int) -> str:
    """Return a spreadsheet's name of a column, counted from 0."""
    name = ""
    column += 1
    while column:
        column, letter = divmod(column - 1, 26)
        name = chr(ord("A") + letter) + name
    return name
