"""Selects which names to compare: by sparse vectors with NumPy and SciPy, else by an index of words."""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from importlib.util import find_spec

from scanner.matching.suggestions.names import one_spelling
from scanner.matching.suggestions.trigrams import Trigrams

CANDIDATES = 20
VISITED = 1_000
"""The most names that one name leads to in plain Python; those of its rarest pieces."""


def has_vectors() -> bool:
    """Return whether the extra ``suggest`` is installed."""
    return find_spec("numpy") is not None and find_spec("scipy") is not None


class Pool:
    """Names to search, as sorted keys. ``quick``: by the index of words, which needs no library."""

    def __init__(self, keys: Sequence[str], *, quick: bool = False) -> None:
        self._keys = keys
        self._by_compact: dict[str, list[str]] = defaultdict(list)
        for key in keys:
            self._by_compact[_compact(key)].append(key)
        spelled = list(map(_spelled, keys))
        self._index = Trigrams(spelled) if keys and has_vectors() and not quick else Words(spelled)

    def nearest(self, asked: Sequence[str]) -> Iterator[list[str]]:
        """Yield for each asking key, in order, the keys to compare with."""
        found_for = self._index.nearest(list(map(_spelled, asked)), CANDIDATES)
        for key, found in zip(asked, found_for, strict=True):
            equal = self._by_compact.get(_compact(key), [])[:CANDIDATES]
            yield list(dict.fromkeys((*equal, *map(self._keys.__getitem__, found))))


def _compact(key: str) -> str:
    return key.replace(" ", "")


def _spelled(key: str) -> str:
    return " ".join(map(one_spelling, key.split()))


class Words:
    """As ``Trigrams``, but slower, and only by each name's rarest words and trigrams."""

    def __init__(self, pool: Sequence[str]) -> None:
        self._known: dict[str, list[int]] = defaultdict(list)
        for position, key in enumerate(pool):
            for piece in _pieces(key):
                self._known[piece].append(position)

    def nearest(self, asked: Sequence[str], count: int) -> Iterator[list[int]]:
        """Yield positions as ``Trigrams.nearest`` does."""
        known = self._known
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
