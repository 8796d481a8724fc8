"""The words of lists that people keep, by language: headings, statuses, yes and no, months, "and", "no end".

One table a language, ``LANGUAGE.toml``, says where its words come from. Words are compared as :func:`folded` returns
them: without case, accents and full-width forms.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache, lru_cache
from typing import Literal, TypeVar

from msgspec import Struct

from scanner.catalog import read_table
from scanner.model import EntryStatus, PersonStatus

NAMES = ("english", "german", "french", "spanish", "italian", "portuguese", "dutch", "japanese")
_WORDS_KEPT = 20_000
_PARTED = re.compile(r"[\s/_-]+")
# Of forms: ``désactivé(e)``.
_INFLECTED = re.compile(r"\((?:e|a|o|s|es)\)$")
_Meaning = TypeVar("_Meaning", bound=str)


class Language(Struct, frozen=True, forbid_unknown_fields=True):
    """The words of one language.

    ``conjunctions``: words for "and"; ``alternatives``: for "or". ``endless``: instead of a last day, that there is
    none. ``until`` and ``end_of`` stand before or after a day or a month, ``of`` between its parts. ``totals`` begin a
    row of sums. ``secrets``: headings of columns that are never read. ``spelled``: letters and how they are written
    without them. ``dates``: the order of day and month, if everybody writes them so. ``months``: of January to
    December. ``eras``: the year before the first of each. ``registry`` and ``people``: headings by column;
    ``fallbacks``: headings of the registry that count only if no better one is there. ``entries`` and ``persons``:
    words by status. ``kinds`` and ``environments``: words by meaning. ``flags``: headings whose cells say yes or no,
    and what an entry is by them: first where it says yes, then where it says no.
    """

    conjunctions: tuple[str, ...]
    alternatives: tuple[str, ...]
    yes: tuple[str, ...]
    no: tuple[str, ...]
    endless: tuple[str, ...]
    until: tuple[str, ...]
    end_of: tuple[str, ...]
    of: tuple[str, ...]
    totals: tuple[str, ...]
    secrets: tuple[str, ...]
    months: tuple[tuple[str, ...], ...]
    registry: Mapping[str, tuple[str, ...]]
    fallbacks: Mapping[str, tuple[str, ...]]
    people: Mapping[str, tuple[str, ...]]
    entries: Mapping[EntryStatus, tuple[str, ...]]
    persons: Mapping[PersonStatus, tuple[str, ...]]
    flags: Mapping[str, tuple[EntryStatus, EntryStatus]]
    kinds: Mapping[str, tuple[str, ...]] = {}
    environments: Mapping[str, tuple[str, ...]] = {}
    eras: Mapping[str, int] = {}
    spelled: Mapping[str, str] = {}
    dates: Literal["day-first"] | None = None

    def spellings(self, words: Iterable[str]) -> Iterator[str]:
        """Yield each word, and how it is written on a keyboard without the language's letters: ``gueltig``."""
        for word in words:
            yield word
            if any(letter in word for letter in self.spelled):
                yield "".join(self.spelled.get(letter, letter) for letter in word)


@cache
def languages() -> Mapping[str, Language]:
    """Return the tables by the language's name."""
    return {name: read_table("scanner.languages", f"{name}.toml", Language) for name in NAMES}


def words_by(table: Callable[[Language], Mapping[_Meaning, Iterable[str]]]) -> dict[_Meaning, tuple[str, ...]]:
    """Return the words of all languages together, by column or meaning."""
    found: dict[_Meaning, list[str]] = {}
    for language in languages().values():
        for meaning, words in table(language).items():
            found.setdefault(meaning, []).extend(language.spellings(words))
    return {meaning: tuple(dict.fromkeys(words)) for meaning, words in found.items()}


def words_of(words: Callable[[Language], Iterable[str]]) -> frozenset[str]:
    """Return the words of all languages together, as :func:`folded` returns them."""
    every = words_by(lambda language: {"": words(language)})
    return frozenset(map(folded, every[""]))


@lru_cache(_WORDS_KEPT)
def folded(text: str) -> str:
    """Return a text without case, full-width forms and the accents of Latin letters, with single blanks."""
    if not text.isascii():
        text = "".join(map(_plain, unicodedata.normalize("NFKC", text))).replace("\u2019", "'")
    return " ".join(text.casefold().split())


@lru_cache(_WORDS_KEPT)
def worded(text: str) -> str:
    """Return a cell that says a word as it is compared: folded, with single blanks for "-", "_" and "/"."""
    return " ".join(_PARTED.sub(" ", _INFLECTED.sub("", folded(text))).split())


def meanings(words: Mapping[_Meaning, Iterable[str]]) -> dict[str, _Meaning]:
    """Return what each word means, by its form as :func:`worded` returns it."""
    return {worded(word): meaning for meaning, written in words.items() for word in written}


def _plain(letter: str) -> str:
    base = unicodedata.normalize("NFD", letter)[0]
    return base if base.isascii() else letter
