"""Selects which names to compare: by sparse vectors with NumPy and SciPy, else by an index of words."""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from importlib.util import find_spec

from scanner.matching.suggestions import trigrams
from scanner.matching.suggestions.names import one_spelling

CANDIDATES = 20
VISITED = 1_000
"""The most names that one name leads to in plain Python; those of its rarest pieces."""


def has_vectors() -> bool:
    """Return whether the extra ``suggest`` is installed."""
    return find_spec("numpy") is not None and find_spec("scipy") is not None


def nearest(asked: Sequence[str], pool: Sequence[str], *, quick: bool = False) -> Iterator[list[str]]:
    """Yield for each asking key, in order, the keys of the pool to compare with; both are sorted.

    ``quick``: by the index of words, which needs no library.
    """
    if not asked or not pool:
        yield from ([] for _ in asked)
        return
    by_compact = defaultdict(list)
    for key in pool:
        by_compact[_compact(key)].append(key)
    search = trigrams.nearest if has_vectors() and not quick else plain
    found_for = search(list(map(_spelled, asked)), list(map(_spelled, pool)), CANDIDATES)
    for key, found in zip(asked, found_for, strict=True):
        equal = by_compact.get(_compact(key), [])[:CANDIDATES]
        yield list(dict.fromkeys((*equal, *(pool[position] for position in found))))


def _compact(key: str) -> str:
    return key.replace(" ", "")


def _spelled(key: str) -> str:
    return " ".join(map(one_spelling, key.split()))


def plain(asked: Sequence[str], pool: Sequence[str], count: int) -> Iterator[list[int]]:
    """As ``trigrams.nearest``, but slower, and only by each name's rarest words and trigrams."""
    known: dict[str, list[int]] = defaultdict(list)
    for position, key in enumerate(pool):
        for piece in _pieces(key):
            known[piece].append(position)
    for key in asked:
        shared: Counter[int] = Counter()
        visited = 0
        for found, piece in sorted((len(known[piece]), piece) for piece in _pieces(key) if piece in known):
            visited += found
            if visited > VISITED and shared:
                break
            for position in known[piece][:VISITED]:
                shared[position] += 1
        yield heapq.nsmallest(count, shared, key=lambda position: (-shared[position], position))


def _pieces(key: str) -> set[str]:
    """Return the trigrams of a key's words."""
    padded = (f" {word} " for word in key.split())
    return {word[start : start + 3] for word in padded for start in range(len(word) - 2)}
