"""Finds the headings of a table by its shape: below titles, legends and banners, and among several sheets."""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec import Struct

from scanner.registry.tables.rows import Recognise

# What stands in cells, hardly ever in headings: figures, days, addresses, ids with a path.
_VALUE = re.compile(r"[-+]?[\d.,:/ %-]*\d[\d.,:/ %-]*|\S+@\S+\.\S+|arn:\S+|\S+/\S+/\S+")
_WIDE = 0.7
"""The share of the widest row's cells that a row of unknown headings has at least."""
_ABOVE = 10
"""The rows below a row of headings that show how wide the table is."""
_FEWEST = 2
"""The fewest understood columns of a table that has others, too."""


class Shape(Struct, frozen=True, order=True):
    """What the first rows of a sheet look like; of two sheets, the greater one is the list.

    ``understood``: the number of columns whose heading is known, 0 if that says little. ``texts``: cells with text
    below the headings, of unknown ones alone. ``at``: the position of the headings among the rows.
    """

    understood: int
    texts: int
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
    below = sum(bool(cell) and not _VALUE.fullmatch(cell) for cells in texts[at + 1 :] for cell in cells)
    return Shape(best, below, at)


def _likeness(cells: Sequence[str], widths: Sequence[int], recognise: Recognise) -> int:
    """Return how much a row looks like headings: fewer than the cells below it are a title, and values are none."""
    below = sorted(widths[1 : _ABOVE + 1])
    if below and 2 * widths[0] < below[len(below) // 2]:
        return 0
    return max(recognise(tuple(cells)) - sum(map(bool, map(_VALUE.fullmatch, cells))), 0)


def _widest(texts: Sequence[Sequence[str]], widths: Sequence[int]) -> int:
    """Return the position of the first row that could be headings by its width."""
    wide = _WIDE * max(widths, default=0)
    fitting = (at for at, width in enumerate(widths) if width >= wide and not any(map(_VALUE.fullmatch, texts[at])))
    return next(fitting, 0)


def is_table(shape: Shape) -> bool:
    """Return whether its headings say that it is such a list: a single known one also stands on a cover sheet."""
    return shape.understood >= _FEWEST
