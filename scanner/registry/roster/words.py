"""The words of texts.toml, of all languages together, as texts are compared with them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import fields

from scanner.catalog import read_table

_NO_WORDS: tuple[str, ...] = ()
_LETTERS = str.maketrans(
    {"ß": "ss", "ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "\u0131": "i"}
)
_TOKEN = re.compile(r"[^\W_]+")
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff々〆ー]")
_VOICED = "\u3099\u309a"
"""The marks that make another letter of a kana (か is no が), which are no accents."""


class Language(Struct, frozen=True, forbid_unknown_fields=True):
    """The words of one language, see texts.toml."""

    honorifics: tuple[str, ...] = _NO_WORDS
    suffixes: tuple[str, ...] = _NO_WORDS
    titles: tuple[str, ...] = _NO_WORDS
    team: tuple[str, ...] = _NO_WORDS
    team_ends: tuple[str, ...] = _NO_WORDS
    unit_ends: tuple[str, ...] = _NO_WORDS
    labels: tuple[str, ...] = _NO_WORDS
    attention: tuple[str, ...] = _NO_WORDS
    contact: tuple[str, ...] = _NO_WORDS
    letters: tuple[str, ...] = _NO_WORDS
    numbers: tuple[str, ...] = _NO_WORDS
    born: tuple[str, ...] = _NO_WORDS
    deputies: tuple[str, ...] = _NO_WORDS
    doubts: tuple[str, ...] = _NO_WORDS
    joins: tuple[str, ...] = _NO_WORDS
    joins_unspaced: tuple[str, ...] = _NO_WORDS
    placeholders: tuple[str, ...] = _NO_WORDS


def is_unspaced(text: str) -> bool:
    """Return whether a text has letters of a script that writes names without blanks."""
    return not text.isascii() and _UNSPACED.search(text) is not None


def plain(text: str) -> str:
    """Return the text in lower case without accents; width of letters and kana does not matter."""
    lower = unicodedata.normalize("NFKD", text.lower().translate(_LETTERS))
    kept = "".join(char for char in lower if char in _VOICED or not unicodedata.combining(char))
    return unicodedata.normalize("NFC", kept).translate(_LETTERS)


def _of_all() -> Language:
    """Return the words of all languages together."""
    languages = read_table("scanner.registry.roster", "texts.toml", dict[str, Language]).values()
    return Language(
        **{
            field.name: tuple(dict.fromkeys(word for one in languages for word in getattr(one, field.name)))
            for field in fields(Language)
        }
    )


WORDS = _of_all()


def any_of(words: Iterable[str]) -> str:
    """Return the pattern of any of the words, with and without accents, the longest first; to be used without case.

    Words of letters stand alone; a full stop inside them may be left out, one behind them may stand there.
    """
    both = {form for word in words for form in (word.lower(), plain(word)) if form}
    return "|".join(map(_pattern, sorted(both, key=lambda word: (-len(word), word))))


def _pattern(word: str) -> str:
    written = re.escape(word).replace(r"\.", r"\.? ?")
    return written if is_unspaced(word) else rf"(?<![^\W_]){written}(?![^\W_])\.?"


class Finder:
    """Finds some of many words in a text, by their first words: most texts have none, and need no longer search."""

    def __init__(self, words: Iterable[str]) -> None:
        both = {form for word in words for form in (word.lower(), plain(word))}
        self._unspaced = any(map(is_unspaced, both))
        self._first = frozenset(
            "".join(parts[:count])  # c/o is also co
            for parts in map(_TOKEN.findall, both)
            for count in range(1, len(parts) + 1)
        )

    def may_be_in(self, text: str) -> bool:
        """Return whether a text may have one of the words; False is certain."""
        if self._unspaced and is_unspaced(text):
            return True
        return not self._first.isdisjoint(_TOKEN.findall(text.lower()))


def matcher(words: Iterable[str]) -> re.Pattern[str]:
    """Return the pattern that finds one of the words in a text."""
    return re.compile(any_of(words), re.IGNORECASE)
