"""Finds the headings of a table by its shape: below titles, legends and banners, and among several sheets."""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec import Struct

from scanner.registry.tables.rows import Recognise

# What stands in cells, hardly ever in headings: figures, days, addresses, ids with a path.
_FIGURE = r"[-+]?[\d.,:/ %-]*\d[\d.,:/ %-]*"
_VALUE = re.compile(rf"{_FIGURE}|\S+@\S+\.\S+|arn:\S+|\S+/\S+/\S+")
_NUMBER = re.compile(_FIGURE)
_COMPARED = 100
"""The characters of a cell that decide its type: these patterns take quadratic time."""
_WIDE = 0.7
"""The share of the widest row's cells that a row of unknown headings has at least."""
_ABOVE = 10
"""The rows below a row of headings that show how wide the table is."""
_NARROW = 2
"""The most cells in a row of a cover sheet or a legend."""
_FEWEST = 2
"""The fewest understood columns of a table that has others, too."""


class Shape(Struct, frozen=True, kw_only=True):
    """What the first rows of a sheet look like; for choosing between sheets.

    ``understood``: the number of columns whose heading is known, 0 if it is one of several: such a word also stands on
    a cover sheet. ``likeness``: how much it looks like headings in any case. ``texts``: the cells with text below the
    headings, in rows wider than those of a cover sheet. ``at``: the position of the headings among the rows.
    """

    understood: int
    texts: int
    likeness: int
    at: int


def shape_of(rows: Sequence[Sequence[str]], recognise: Recognise) -> Shape:
    """Return the shape of the first filled rows of a table: that of the row that looks most like headings.

    Without such a row, the headings are the first row about as wide as the widest.
    """
    texts = [[cell.strip() for cell in cells] for cells in rows]
    widths = [sum(map(bool, cells)) for cells in texts]
    scores = [_likeness(cells, widths[at:], recognise) for at, cells in enumerate(texts)]
    best = max(scores, default=0)
    at = scores.index(best) if best else _widest(texts, widths)
    wide = [cells for cells, width in zip(texts[at + 1 :], widths[at + 1 :], strict=True) if width > _NARROW]
    understood = best if best >= _FEWEST or max(widths[at:], default=0) <= best else 0
    below = sum(bool(cell) and not _is(_NUMBER, cell) for cells in wide for cell in cells)
    return Shape(understood=understood, texts=below, likeness=best, at=at)


def _likeness(cells: Sequence[str], widths: Sequence[int], recognise: Recognise) -> int:
    """Return how much a row looks like headings: fewer than the cells below it are a title, and values are none."""
    below = sorted(widths[1 : _ABOVE + 1])
    if below and 2 * widths[0] < below[len(below) // 2]:
        return 0
    return max(recognise(tuple(cells)) - sum(_is(_VALUE, cell) for cell in cells), 0)


def _is(pattern: re.Pattern[str], cell: str) -> bool:
    return pattern.fullmatch(cell[:_COMPARED]) is not None


def _widest(texts: Sequence[Sequence[str]], widths: Sequence[int]) -> int:
    """Return the position of the first row that could be headings by its width."""
    wide = _WIDE * max(widths, default=0)
    fitting = (
        at for at, width in enumerate(widths) if width >= wide and not any(_is(_VALUE, cell) for cell in texts[at])
    )
    return next(fitting, 0)
