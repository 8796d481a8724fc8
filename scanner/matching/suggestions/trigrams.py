"""Finds the most similar names for each of many, by the trigrams of their words: sparse TF-IDF vectors.

1. A name is the set of trigrams of its words, each padded with a space, so that the order of words does not matter.
2. Trigrams in over 5 % of the names are left out, and of each asking name also its most common ones, once the rarer
   ones lead to enough names. That bounds the work per name.
3. As many names ask at once as fit into a fixed amount of memory.

NumPy and SciPy come with the extra ``suggest`` and are imported when needed.
"""

from __future__ import annotations

import itertools
import string
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix

    Array: TypeAlias = NDArray[Any]

COMMON_SHARE = 0.05
ALWAYS_KEPT = 1_000
"""A trigram of so few names never counts as common."""
VISITED = 20_000
"""The least number of names that one name's trigrams lead to, before its more common ones are left out."""
NEAR_BEST = 0.7
"""The least similarity of a name to compare, as a share of the best one's: 0.6 of the time, and 1 in 200 is lost."""
AT_ONCE = 5_000_000
"""Names visited at once: 8 bytes each, a few times over."""

# Letters and digits have numbers below _BASE; all other characters share those from _FOREIGN on.
_BASE, _SPACE, _FOREIGN, _END = 64, 0, 37, 63
_NUMBERS = {" ": _SPACE, "\n": _END, **{c: n for n, c in enumerate(string.ascii_lowercase + string.digits, start=1)}}
_ASCII = [_NUMBERS.get(chr(code), _FOREIGN) for code in range(128)]


class Trigrams:
    """The vectors of the names in a pool. Keys: words separated by spaces.

    Raises ImportError without NumPy and SciPy.
    """

    def __init__(self, pool: Sequence[str]) -> None:
        import numpy as np

        known = _trigrams(pool)
        self._found = np.bincount(known.indices, minlength=known.shape[1])
        kept = (self._found > 0) & (self._found <= max(ALWAYS_KEPT, COMMON_SHARE * len(pool)))
        self._rarity = np.where(kept, np.log1p(len(pool) / np.maximum(self._found, 1)), 0).astype(np.float32)
        self._by_trigram = _damped(_weighted(known, self._rarity)).T.tocsr()

    def nearest(self, asked: Sequence[str], count: int) -> Iterator[list[int]]:
        """Yield for each asking key, in order, the positions in the pool of the most similar keys, best first."""
        import numpy as np

        if not asked:
            return
        asking, visits = _rarest(_weighted(_trigrams(asked), self._rarity), self._found)
        start = 0
        while start < len(asked):
            stop = max(start + 1, int(np.searchsorted(visits, visits[start] + AT_ONCE, side="right")) - 1)
            likeness = asking[start:stop] @ self._by_trigram
            for first, end in itertools.pairwise(likeness.indptr):
                yield _best(likeness.indices[first:end], likeness.data[first:end], count)
            start = stop


def _trigrams(keys: Sequence[str]) -> csr_matrix:
    """Return a row for each key, with 1 for each of its trigrams.

    In C: a million names have twenty million trigrams.
    """
    import numpy as np
    from scipy.sparse import csr_matrix

    lines = "".join(f" {key} \n" for key in keys)
    text = np.frombuffer(lines.encode("utf-32-le", "surrogatepass"), np.uint32)
    letters = _by_code_point()[text]
    first, middle, last = letters[:-2], letters[1:-1], letters[2:]
    within = (first != _END) & (middle != _SPACE) & (middle != _END) & (last != _END)
    rows = np.cumsum(letters == _END, dtype=np.int32)[:-2][within]
    columns = ((first * _BASE + middle) * _BASE + last)[within]
    matrix = csr_matrix((np.ones(len(rows), np.float32), (rows, columns)), shape=(len(keys), _BASE**3))
    matrix.sum_duplicates()
    return matrix


@cache
def _by_code_point() -> Array:
    """The number of each character. Made once: that takes longer than to compare a few names."""
    import numpy as np

    numbers = np.resize(np.arange(_FOREIGN, _END, dtype=np.int32), sys.maxunicode + 1)
    numbers[: len(_ASCII)] = _ASCII
    return numbers


def _weighted(matrix: csr_matrix, rarity: Array) -> csr_matrix:
    """Return the trigrams with their rarity, without those of no name."""
    matrix.data = rarity[matrix.indices]
    matrix.eliminate_zeros()
    return matrix


def _damped(matrix: csr_matrix) -> csr_matrix:
    """Divide each row by the root of its length: dividing by the length (cosine) would punish a missing word twice."""
    import numpy as np

    rows = _rows(matrix)
    lengths = np.sqrt(np.bincount(rows, weights=matrix.data**2, minlength=matrix.shape[0]))
    matrix.data /= np.sqrt(lengths[rows]).astype(np.float32)
    return matrix


def _rarest(matrix: csr_matrix, found: Array) -> tuple[csr_matrix, Array]:
    """Return rows with their rarest trigrams, enough for ``VISITED`` names, and the names visited up to each."""
    import numpy as np

    rows, visits = _rows(matrix), found[matrix.indices]
    order = np.lexsort((matrix.indices, visits, rows))
    before = np.cumsum(visits[order]) - visits[order]
    starts = matrix.indptr[:-1][rows[order]]
    kept = np.zeros(len(rows), bool)
    kept[order] = before - before[starts] < VISITED
    matrix.data[~kept] = 0
    visited = np.bincount(rows[kept], weights=visits[kept], minlength=matrix.shape[0])
    matrix.eliminate_zeros()
    return matrix, np.concatenate(([0], np.cumsum(visited)))


def _rows(matrix: csr_matrix) -> Array:
    """Return the row of each value."""
    import numpy as np

    return np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))


def _best(positions: Array, likeness: Array, count: int) -> list[int]:
    """Return the positions with the highest similarity, highest first; of equal ones the first."""
    import numpy as np

    if len(positions):
        least = NEAR_BEST * likeness.max()
        if len(positions) > count:
            least = max(least, np.partition(likeness, len(likeness) - count)[-count])
        enough = likeness >= least
        positions, likeness = positions[enough], likeness[enough]
    best: list[int] = positions[np.lexsort((positions, -likeness))[:count]].tolist()
    return best
