r"""Glob patterns: ``*`` within one segment, ``**`` across segments, ``\*`` and ``\\`` for literal characters.

Segments end at ``/`` and ``:``. A pattern matches a whole text. For ten thousand patterns and a million texts, one pass
of an Aho-Corasick automaton finds the patterns whose rarest literal piece occurs, and only those are tried.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from functools import cached_property
from typing import Generic, Literal, NamedTuple, TypeVar

import ahocorasick

T = TypeVar("T")

_TOKEN = re.compile(r"\\(?P<escaped>[*\\;])|(?P<wild>\*+)|(?P<plain>[^*\\]+|\\)")
_SEPARATED = re.compile(r"([/:])")
_TO_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


class Piece(NamedTuple):
    """A literal piece of a pattern, and the wildcard before it (none before the first)."""

    wild: Literal["", "*", "**"]
    literal: str


def pieces(pattern: str) -> list[Piece]:
    """A parsed pattern; the first piece is at its start, the last at its end, and either can be empty."""
    found = [Piece("", "")]
    for token in _TOKEN.finditer(pattern):
        if wild := token["wild"]:
            found.append(Piece("*" if wild == "*" else "**", ""))
        else:
            last = found[-1]
            found[-1] = Piece(last.wild, last.literal + (token["escaped"] or token["plain"]))
    return found


def is_pattern(text: str) -> bool:
    """Return whether the text contains an unescaped ``*``."""
    return "*" in text and len(pieces(text)) > 1


def literal(text: str) -> str:
    r"""Return the literal text, with ``\*``, ``\;`` and ``\\`` unescaped; any other backslash is literal."""
    return "".join(piece.literal for piece in pieces(text)) if "\\" in text else text


def names_something(pattern: str) -> bool:
    """Return whether the pattern has a letter or digit; ``*``, ``**`` and ``*:*`` would match everything."""
    return any(char.isalnum() for piece in pieces(pattern) for char in piece.literal)


def specificity(pattern: str) -> tuple[int, int, int]:
    """The sort key of patterns, the most specific last: literal characters, then fewer ``**``, then fewer ``*``."""
    parts = pieces(pattern)
    wild = Counter(piece.wild for piece in parts)
    return sum(len(piece.literal) for piece in parts), -wild["**"], -wild["*"]


def compile_glob(pattern: str, *, ignore_case: bool) -> re.Pattern[str]:
    """Return a regular expression that matches whole texts, in time that is at most the product of both lengths.

    ``ignore_case``: of A to Z only; no other letter equals one of them. What stands between two ``**`` is tried from
    each segment of the text once. The first place where it fits leaves the most room for the rest, so no place is
    retried (atomic groups). This prevents exponential and quadratic time on hostile texts.
    """
    runs: list[list[str]] = []
    for piece in pieces(pattern):
        if piece.wild != "*":
            runs.append([])
        runs[-1].append(piece.literal)
    last = len(runs) - 1
    steps = [_run(literals, at_start=n == 0, at_end=n == last) for n, literals in enumerate(runs)]
    return re.compile("".join(steps), re.DOTALL | (re.IGNORECASE | re.ASCII if ignore_case else re.NOFLAG))


def _run(literals: Sequence[str], *, at_start: bool, at_end: bool) -> str:
    """Return the expression between two ``**``. ``at_start``, ``at_end``: of the text instead."""
    steps: list[str] = []
    segment = [""]
    for wild, literal in enumerate(literals):
        for n, text in enumerate(_SEPARATED.split(literal)):
            if n % 2:  # a separator
                steps.append(_segment(segment, at_start=at_start or bool(steps), at_end=True) + text)
                segment = [""]
            elif n == 0 and wild:
                segment.append(text)
            else:
                segment[-1] += text
    steps.append(_segment(segment, at_start=at_start or bool(steps), at_end=at_end) + (r"\Z" if at_end else ""))
    whole = "".join(steps)
    return whole if at_start else f"(?>(?:[^/:]*+[/:])*?{whole})"


def _segment(literals: Sequence[str], *, at_start: bool, at_end: bool) -> str:
    """Return the expression for literals that one segment has in this order. ``at_start``, ``at_end``: of the segment.

    At each end, the first or last literal stands there. A separator or the end of the text follows the expression.
    """
    texts = [re.escape(literal) for literal in literals]
    first = [texts.pop(0)] if at_start else []
    end = [f"[^/:]*{texts.pop()}"] if at_end and texts else []
    return "".join([*first, *(f"(?>[^/:]*?{text})" for text in texts), *end])


def _lower(text: str) -> str:
    return text.lower() if text.isascii() else text.translate(_TO_LOWER)


class GlobIndex(Generic[T]):
    """Many patterns, each with a value, for matching against many texts.

    ``sample``: some of these texts, to find out which pieces are rare; it affects the speed only.
    """

    def __init__(
        self, patterns: Iterable[tuple[str, T]], *, ignore_case: bool = False, sample: Sequence[str] = ()
    ) -> None:
        self._ignore_case = ignore_case
        self._patterns = [(self._as_compared(pattern), value) for pattern, value in patterns]
        self._sample = [self._as_compared(text) for text in sample]
        self._compiled: dict[int, re.Pattern[str]] = {}

    def hits(self, text: str) -> list[T]:
        """Return the values of all patterns that match the text, in the order of the patterns."""
        return self.find((text,))

    def find(self, texts: Iterable[str]) -> list[T]:
        """Return the values of all patterns that match any of the texts, in the order of the patterns."""
        found: set[int] = set()
        for given in texts:
            text = self._as_compared(given)
            candidates = set(self._always)
            if self._automaton is not None:
                # A text may hold a piece thousands of times, and thousands of patterns may share it.
                for piece in {piece for _, piece in self._automaton.iter(text)}:
                    candidates.update(self._by_piece[piece])
            found.update(number for number in candidates if self._regex(number).match(text))
        return [self._patterns[number][1] for number in sorted(found)] if found else []

    def _as_compared(self, text: str) -> str:
        return _lower(text) if self._ignore_case else text

    def _regex(self, number: int) -> re.Pattern[str]:
        regex = self._compiled.get(number)
        if regex is None:
            regex = self._compiled[number] = compile_glob(self._patterns[number][0], ignore_case=False)
        return regex

    @cached_property
    def _literals(self) -> list[list[str]]:
        return [[piece.literal for piece in pieces(pattern) if piece.literal] for pattern, _ in self._patterns]

    @cached_property
    def _always(self) -> frozenset[int]:
        return frozenset(number for number, literals in enumerate(self._literals) if not literals)

    @cached_property
    def _by_piece(self) -> dict[str, list[int]]:
        """The numbers of the patterns by their rarest piece."""
        seen = self._occurrences()
        by_piece: dict[str, list[int]] = {}
        for number, literals in enumerate(self._literals):
            if literals:
                rarest = min(literals, key=lambda text: (seen[text], -len(text)))
                by_piece.setdefault(rarest, []).append(number)
        return by_piece

    @cached_property
    def _automaton(self) -> ahocorasick.Automaton | None:
        return _automaton_of(self._by_piece)

    def _occurrences(self) -> Counter[str]:
        automaton = _automaton_of({text for literals in self._literals for text in literals})
        if automaton is None:
            return Counter()
        return Counter(piece for text in self._sample for piece in {found for _, found in automaton.iter(text)})


def _automaton_of(words: Collection[str]) -> ahocorasick.Automaton | None:
    """Return an automaton that yields each word that it finds; None without words, which the library refuses."""
    if not words:
        return None
    automaton = ahocorasick.Automaton()
    for word in words:
        automaton.add_word(word, word)
    automaton.make_automaton()
    return automaton
