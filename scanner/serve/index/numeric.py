"""NumPy (extra ``serve``), and the encoding of cells as numbers."""

from __future__ import annotations

from typing import Any, TypeAlias

from scanner.errors import MissingExtra

try:
    import numpy as np
    from numpy.typing import NDArray
except ImportError as error:
    raise MissingExtra("the index of `muster serve`", "serve") from error

__all__ = ("ABSENT", "NEVER", "NO_ROW", "Array", "Mask", "cell_of", "folded", "np", "number_of")

Array: TypeAlias = NDArray[Any]
Mask: TypeAlias = NDArray[np.bool_]
"""For each row of a list, whether it is in an answer."""

ABSENT = 2**63 - 1
NEVER = ABSENT - 1
"""The code of an unknown number, and the time for "never": above all others, so that they are sorted last."""
NO_ROW = 2**32 - 1


def number_of(cell: int | str | None) -> int:
    """The number that is stored for a cell of a column of numbers."""
    if cell is None:
        return ABSENT
    return NEVER if isinstance(cell, str) else cell


def cell_of(number: int) -> int | str | None:
    """The cell of a stored number."""
    if number >= NEVER:
        return None if number == ABSENT else "never"
    return number


def folded(cell: Any) -> str:
    """A cell for sorting and searching: without case, absent as empty text, several values on separate lines."""
    if isinstance(cell, str):
        return cell.lower()
    if isinstance(cell, tuple | list):
        return "\n".join(map(folded, cell))
    return "" if cell is None else str(cell).lower()
