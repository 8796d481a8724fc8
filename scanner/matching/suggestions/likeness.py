"""Scores how similar two names are: shared words by rarity, similar words, and contradicting numbers."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import lru_cache, partial
from itertools import chain
from typing import NamedTuple

from msgspec import Struct
from rapidfuzz.distance import OSA
from rapidfuzz.fuzz import ratio

from scanner.matching.suggestions.names import Kind, kind_of, one_spelling

EQUAL, SHORTENED, MOST = 0.98, 0.96, 0.95
"""Scores of names equal except for case and separators, or also for abbreviations; the most for others."""

# Multiples of a power of two: their sums are exact in any order.
_WEIGHTS: Mapping[Kind, float] = {
    "word": 1.0, "environment": 0.25, "number": 0.25, "generic": 0.125, "version": 0.125, "random": 0.0625,
}  # fmt: skip
_CONTRADICTING: Mapping[Kind, float] = {"number": 0.5, "version": 0.9}
"""The factor if each name has a word of this kind that the other does not have."""

_LARGE = 10_000
"""The least number of names for computing rarity: in a small estate, no word counts as common."""
_STEPS = 4
"""Steps of rarity, so that scores do not change with every new name."""
_LEAST_RARITY = 0.01
"""The rarity of a word that most names have, so that it still counts a little."""
_WORDS, _CHARACTERS = 0.7, 0.3
"""The weights of shared words and of similar characters."""
_LITTLE = 0.5
"""The least weight of shared distinctive words for names to be similar."""
_DIFFERING = 0.9
"""The factor if each name has a distinctive word that the other has nothing like."""
_ONE_NAME = 0.9
"""The least similarity of all letters of names that are only separated otherwise."""
_ACCOUNT_DIGITS = 8
"""A number of so many digits is an account's: sharing it says where something is, not what."""
_RESEMBLING = 0.7
_OTHER_INITIAL = 0.85
"""The factor for two words that begin otherwise, as ``reader`` and ``leader``: no slip does that."""
_PLURAL, _SHORTER = 0.95, 0.75
_SHORTEST = 3
_COMPARED = 6
"""The most words of each name that are compared letter by letter, which bounds the time."""
_VOWELS = frozenset("aeiou")


class Likeness(Struct, frozen=True, gc=False):
    """The similarity of two keys, 0 to 1, and the reasons. ``resembling``: pairs of words, the first name's first."""

    score: float
    equal: bool
    """Equal except for case and separators."""
    shared: frozenset[str]
    resembling: tuple[tuple[str, str], ...]
    contradicting: tuple[Kind, ...]


_UNLIKE = Likeness(0.0, equal=False, shared=frozenset(), resembling=(), contradicting=())


class _Content(Struct, frozen=True, eq=False):
    """The distinctive words of a key; ``weight``: their weight; ``letters``: theirs in the order of the name.

    Shared by all keys that differ only in numbers and the like, of which an estate has thousands.
    """

    tokens: frozenset[str]
    weight: float
    letters: str


class _Words(Struct, frozen=True, gc=False):
    """A parsed key in one spelling. ``others``: its words besides the content."""

    content: _Content
    others: frozenset[str]
    numbers: frozenset[str]
    versions: frozenset[str]
    weight: float
    spelling: str
    compact: str
    """The name without separators."""


class _Overlap(NamedTuple):
    """What two contents share: words and pairs of words, their weight, and the similarity of the letters.

    ``factor``: for the score, by what they do not share.
    """

    shared: frozenset[str]
    resembling: tuple[tuple[str, str], ...]
    weight: float
    characters: float
    factor: float


class Comparer:
    """Compares keys, with the rarity of words among all names."""

    def __init__(self, keys: Collection[str]) -> None:
        self._weight = _Weights(keys).__getitem__
        self._words: dict[str, _Words] = {}
        self._contents: dict[tuple[frozenset[str], str], _Content] = {}
        self._overlap = lru_cache(maxsize=2**16)(partial(_overlap_of, self._weight))

    def compare(self, one: str, other: str, least: float = 0.0) -> Likeness:
        """Return the similarity of two keys. A score below ``least`` is returned as 0, without reasons."""
        first = self._words.get(one) or self._split(one)
        second = self._words.get(other) or self._split(other)
        overlap = self._overlap(first.content, second.content)
        others = first.others & second.others
        equal = first.compact == second.compact
        if equal:
            score = EQUAL
        elif first.spelling == second.spelling:
            score = SHORTENED
        else:
            both = (overlap.weight + 2 * sum(map(self._weight, others))) / (first.weight + second.weight)
            likeness = MOST * (_WORDS * both + _CHARACTERS * overlap.characters)
            score = likeness * overlap.factor * min(1, overlap.weight / 2 / _LITTLE)
        if score < least:
            return _UNLIKE
        contradicting = _contradicting(first, second)
        for kind in contradicting:
            score *= _CONTRADICTING[kind]
        return Likeness(score, equal, overlap.shared | others, overlap.resembling, contradicting)

    def _split(self, key: str) -> _Words:
        spelling = [one_spelling(word) for word in key.split()]
        of_kind = defaultdict(list)
        for token in spelling:
            of_kind[kind_of(token)].append(token)
        tokens, content = frozenset(spelling), frozenset(of_kind["word"])
        words = self._words[key] = _Words(
            content=self._content(content, "".join(of_kind["word"])),
            others=tokens - content,
            numbers=frozenset(of_kind["number"]),
            versions=frozenset(of_kind["version"]),
            weight=sum(map(self._weight, tokens)),
            spelling=" ".join(spelling),
            compact=key.replace(" ", ""),
        )
        return words

    def _content(self, tokens: frozenset[str], letters: str) -> _Content:
        content = self._contents.get((tokens, letters))
        if content is None:
            content = self._contents[tokens, letters] = _Content(tokens, sum(map(self._weight, tokens)), letters)
        return content


def _overlap_of(weight_of: Callable[[str], float], one: _Content, other: _Content) -> _Overlap:
    shared = one.tokens & other.tokens
    ours, theirs = one.tokens - shared, other.tokens - shared
    resembling = _resembling(ours, theirs) if ours and theirs else ()
    characters = 1 if one.tokens == other.tokens else ratio(one.letters, other.letters) / 100
    weight = 2 * sum(map(weight_of, shared))
    weight += sum(alike * (weight_of(a) + weight_of(b)) for a, b, alike in resembling)
    weight = max(weight, characters**3 * (one.weight + other.weight))  # paymentsetl, payments-etl
    differ = min(len(ours), len(theirs)) > len(resembling) and characters < _ONE_NAME
    factor = _DIFFERING if differ else 1.0
    return _Overlap(shared, tuple((a, b) for a, b, _ in resembling), weight, characters, factor)


class _Weights(dict[str, float]):
    """Return the weight of a word: by its kind, and for an ordinary word by its rarity."""

    def __init__(self, keys: Collection[str]) -> None:
        super().__init__()
        self._seen = Counter(chain.from_iterable({one_spelling(word) for word in key.split()} for key in keys))
        self._scale = math.log1p(max(_LARGE, len(keys)))

    def __missing__(self, token: str) -> float:
        kind = kind_of(token)
        if kind == "number" and len(token) >= _ACCOUNT_DIGITS:
            kind = "random"
        weight = self[token] = _WEIGHTS[kind] * (self._rarity(token) if kind == "word" else 1)
        return weight

    def _rarity(self, token: str) -> float:
        rarity = 1 - math.log1p(self._seen[token]) / self._scale
        return math.ceil(max(rarity, _LEAST_RARITY) * _STEPS) / _STEPS


def _contradicting(one: _Words, other: _Words) -> tuple[Kind, ...]:
    if one.numbers == other.numbers and one.versions == other.versions:
        return ()
    found: list[Kind] = []
    if one.numbers - other.numbers and other.numbers - one.numbers:
        found.append("number")
    if one.versions - other.versions and other.versions - one.versions:
        found.append("version")
    return tuple(found)


def _resembling(one: Iterable[str], other: Iterable[str]) -> tuple[tuple[str, str, float], ...]:
    """Return pairs of words that may be the same, each word in one pair, the most similar first."""
    ours, theirs = sorted(one)[:_COMPARED], sorted(other)[:_COMPARED]
    pairs = sorted((-alike, a, b) for a in ours for b in theirs if _may_resemble(a, b) and (alike := _alike(a, b)))
    found: list[tuple[str, str, float]] = []
    for alike, a, b in pairs:
        if not any(a == taken or b == also for taken, also, _ in found):
            found.append((a, b, -alike))
    return tuple(found)


def _may_resemble(one: str, other: str) -> bool:
    """Return whether two words begin alike, or are of nearly the same length: a look that spares most comparisons."""
    return one[0] == other[0] or abs(len(one) - len(other)) <= 1


@lru_cache(maxsize=2**16)
def _alike(one: str, other: str) -> float:
    """Return the similarity of two different words; 0 for unrelated ones."""
    short, long = (one, other) if len(one) <= len(other) else (other, one)
    if len(short) < _SHORTEST:
        return 0
    if long.startswith(short):
        return _PLURAL if long == f"{short}s" else _SHORTER
    if len(short) >= _RESEMBLING * len(long):
        alike = OSA.normalized_similarity(one, other, score_cutoff=_RESEMBLING)
        alike *= 1 if short[0] == long[0] else _OTHER_INITIAL
        if alike >= _RESEMBLING:
            return alike
    return _SHORTER if _is_shortened(short, long) else 0


def _is_shortened(short: str, long: str) -> bool:
    """Return whether a word is an abbreviation without vowels: ``pmt`` for ``payment``."""
    if short[0] != long[0] or not _VOWELS.isdisjoint(short[1:]):
        return False
    letters = iter(long)
    return all(letter in letters for letter in short)
