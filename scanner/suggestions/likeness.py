"""How like two names are: shared words by how rare they are, words that resemble, and numbers that contradict."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from itertools import chain

from msgspec import Struct
from rapidfuzz.distance import OSA
from rapidfuzz.fuzz import ratio

from scanner.suggestions.names import Kind, kind_of, one_spelling

EQUAL, SHORTENED, MOST = 0.98, 0.96, 0.95
"""Equal but for case and separators; but for known ways to shorten a word, too; and the most that others reach."""

# Halves of halves: their sums are exact, whatever order a set of words is in.
_WEIGHTS: Mapping[Kind, float] = {
    "word": 1.0, "environment": 0.25, "number": 0.25, "generic": 0.125, "version": 0.125, "random": 0.0625,
}  # fmt: skip
_CONTRADICTING: Mapping[Kind, float] = {"number": 0.5, "version": 0.9}
"""What remains of the likeness where each name says something of this kind that the other does not."""

_LARGE = 10_000
"""Below so many names a word's rarity is as if there were so many: in a small estate nothing is common."""
_STEPS = 4
"""Rarity goes in so many steps, so that it, and the score, does not move with every new name."""
_WORDS, _CHARACTERS = 0.7, 0.3
"""How far shared words and like characters count."""
_LITTLE = 0.5
"""Names that share less than this weight of telling words have little in common, whatever else they share."""
_RESEMBLING = 0.7
_PLURAL, _SHORTER = 0.95, 0.75
_SHORTEST = 3
_COMPARED = 6
"""So many words of each name are compared letter by letter; each of many with each would cost too much."""
_VOWELS = frozenset("aeiou")


class Likeness(Struct, frozen=True, gc=False):
    """How like two keys are, 0 to 1, and why. ``resembling``: pairs of words, the first name's first."""

    score: float
    equal: bool
    """But for case and separators."""
    shared: frozenset[str]
    resembling: tuple[tuple[str, str], ...]
    contradicting: tuple[Kind, ...]


class _Words(Struct, frozen=True, gc=False):
    """A key taken apart, in one spelling. ``content``: the words that tell something, ``telling`` their weight."""

    tokens: frozenset[str]
    content: frozenset[str]
    numbers: frozenset[str]
    versions: frozenset[str]
    weight: float
    telling: float
    spelling: str
    letters: str
    """Those of the content, in the order of the name."""
    compact: str
    """The name as written, without separators."""


class Comparer:
    """Compares keys, with the rarity of words taken from all the names there are."""

    def __init__(self, keys: Collection[str]) -> None:
        self._weight = _Weights(keys).__getitem__
        self._words: dict[str, _Words] = {}

    def compare(self, one: str, other: str) -> Likeness:
        """The likeness of two keys."""
        first, second = self._split(one), self._split(other)
        shared = first.tokens & second.tokens
        resembling = _resembling(first.content - shared, second.content - shared)
        contradicting = _contradicting(first, second)
        equal = first.compact == second.compact
        if equal:
            score = EQUAL
        elif first.spelling == second.spelling:
            score = SHORTENED
        else:
            score = self._score(first, second, shared, resembling)
        for kind in contradicting:
            score *= _CONTRADICTING[kind]
        return Likeness(score, equal, shared, tuple((a, b) for a, b, _ in resembling), contradicting)

    def _score(
        self, first: _Words, second: _Words, shared: frozenset[str], resembling: Iterable[tuple[str, str, float]]
    ) -> float:
        characters = 1 if first.content == second.content else ratio(first.letters, second.letters) / 100
        words = 2 * sum(map(self._weight, shared & first.content))
        words += sum(alike * (self._weight(a) + self._weight(b)) for a, b, alike in resembling)
        words = max(words, characters**3 * (first.telling + second.telling))  # paymentsetl, payments-etl
        others = 2 * sum(map(self._weight, shared - first.content))
        overlap = (words + others) / (first.weight + second.weight)
        return MOST * (_WORDS * overlap + _CHARACTERS * characters) * min(1, words / 2 / _LITTLE)

    def _split(self, key: str) -> _Words:
        words = self._words.get(key)
        if words is None:
            spelling = [one_spelling(word) for word in key.split()]
            of_kind = defaultdict(list)
            for token in spelling:
                of_kind[kind_of(token)].append(token)
            tokens, content = frozenset(spelling), frozenset(of_kind["word"])
            words = self._words[key] = _Words(
                tokens=tokens,
                content=content,
                numbers=frozenset(of_kind["number"]),
                versions=frozenset(of_kind["version"]),
                weight=sum(map(self._weight, tokens)),
                telling=sum(map(self._weight, content)),
                spelling=" ".join(spelling),
                letters="".join(of_kind["word"]),
                compact=key.replace(" ", ""),
            )
        return words


class _Weights(dict[str, float]):
    """What each word weighs: by its kind, and where it is just a word, by how rare it is."""

    def __init__(self, keys: Collection[str]) -> None:
        super().__init__()
        self._seen = Counter(chain.from_iterable({one_spelling(word) for word in key.split()} for key in keys))
        self._scale = math.log1p(max(_LARGE, len(keys)))

    def __missing__(self, token: str) -> float:
        kind = kind_of(token)
        weight = self[token] = _WEIGHTS[kind] * (self._rarity(token) if kind == "word" else 1)
        return weight

    def _rarity(self, token: str) -> float:
        rarity = 1 - math.log1p(self._seen[token]) / self._scale
        return math.ceil(max(rarity, 0.01) * _STEPS) / _STEPS


def _contradicting(one: _Words, other: _Words) -> tuple[Kind, ...]:
    found: list[Kind] = []
    if one.numbers - other.numbers and other.numbers - one.numbers:
        found.append("number")
    if one.versions - other.versions and other.versions - one.versions:
        found.append("version")
    return tuple(found)


def _resembling(one: Iterable[str], other: Iterable[str]) -> tuple[tuple[str, str, float], ...]:
    """Pairs of words that may be one, each word in one pair, the likest first."""
    ours, theirs = sorted(one)[:_COMPARED], sorted(other)[:_COMPARED]
    pairs = sorted((-alike, a, b) for a in ours for b in theirs if (alike := _alike(a, b)))
    found: list[tuple[str, str, float]] = []
    for alike, a, b in pairs:
        if not any(a == taken or b == also for taken, also, _ in found):
            found.append((a, b, -alike))
    return tuple(found)


@lru_cache(maxsize=2**16)
def _alike(one: str, other: str) -> float:
    """How like two different words are; 0 for two that are simply others."""
    short, long = (one, other) if len(one) <= len(other) else (other, one)
    if len(short) < _SHORTEST:
        return 0
    if long.startswith(short):
        return _PLURAL if long == f"{short}s" else _SHORTER
    alike = OSA.normalized_similarity(one, other)
    if alike >= _RESEMBLING:
        return alike
    return _SHORTER if _is_shortened(short, long) else 0


def _is_shortened(short: str, long: str) -> bool:
    """Whether it is the other without vowels, more or less: ``pmt`` for ``payment``."""
    if short[0] != long[0] or not _VOWELS.isdisjoint(short[1:]):
        return False
    letters = iter(long)
    return all(letter in letters for letter in short)
