r"""Glob patterns: ``*`` within one segment, ``**`` across segments, ``\*`` and ``\\`` for literal characters.

Segments end at ``/`` and ``:``. A pattern matches a whole text. For ten thousand patterns and a million texts, one pass
of an Aho-Corasick automaton finds the patterns whose rarest literal piece occurs, and only those are tried.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Generic, Literal, NamedTuple, TypeVar

import ahocorasick

T = TypeVar("T")

_TOKEN = re.compile(r"\\(?P<escaped>[*\\;])|(?P<wild>\*+)|(?P<plain>[^*\\]+|\\)")
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
    """Return a regular expression that matches whole texts.

    ``ignore_case``: of A to Z only; no other letter equals one of them. The first match of a literal after a ``*``
    leaves the most room for the rest, so it is never retried (an atomic group). The same applies between two ``**``.
    This prevents exponential time on hostile texts.
    """
    chunks: list[list[str]] = []
    for piece in pieces(pattern):
        if piece.wild != "*":
            chunks.append([])
        chunks[-1].append(re.escape(piece.literal))
    *heads, last = chunks
    steps = [_chunk(chunk, last=False) for chunk in heads]
    regex = "".join([*steps[:1], *(f"(?>.*?{step})" for step in steps[1:])])
    return re.compile(
        f"{regex}{'.*' if heads else ''}{_chunk(last, last=True)}\\Z",
        re.DOTALL | (re.IGNORECASE | re.ASCII if ignore_case else re.NOFLAG),
    )


def _chunk(literals: Sequence[str], *, last: bool) -> str:
    """Return the expression between two ``**``; in the last one, the last literal must reach the end of the text."""
    head, *rest = literals
    steps = [f"(?>[^/:]*?{text})" for text in rest]
    if last and rest:
        steps[-1] = f"[^/:]*{rest[-1]}"
    return head + "".join(steps)


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
                for _, numbers in self._automaton.iter(text):
                    candidates.update(numbers)
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
    def _automaton(self) -> ahocorasick.Automaton | None:
        seen = self._occurrences()
        by_piece: dict[str, list[int]] = {}
        for number, literals in enumerate(self._literals):
            if literals:
                rarest = min(literals, key=lambda text: (seen[text], -len(text)))
                by_piece.setdefault(rarest, []).append(number)
        return _automaton_of(by_piece)

    def _occurrences(self) -> Counter[str]:
        automaton = _automaton_of({text: text for literals in self._literals for text in literals})
        if automaton is None:
            return Counter()
        return Counter(piece for text in self._sample for piece in {found for _, found in automaton.iter(text)})


def _automaton_of(words: dict[str, T]) -> ahocorasick.Automaton | None:
    """Return an automaton that yields each word's value; None without words, which the library refuses."""
    if not words:
        return None
    automaton = ahocorasick.Automaton()
    for word, value in words.items():
        automaton.add_word(word, value)
    automaton.make_automaton()
    return automaton
