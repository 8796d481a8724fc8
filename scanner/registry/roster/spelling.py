"""Names of people and teams for comparison: words without accents, case, titles and honorifics, in any order.

Nothing is looked up here.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from msgspec import Struct

from scanner.catalog import read_table
from scanner.registry.roster.words import WORDS, is_unspaced, matcher, plain

_SPELLED = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe", "ß": "ss"})
_APOSTROPHES = re.compile(r"['`]")
_WORD = re.compile(r"[^\W_]+")
_HONORIFICS, _TITLES = (frozenset(map(plain, words)) for words in (WORDS.honorifics, WORDS.titles))
_WRITTEN_TITLES = matcher(word for word in WORDS.titles if not word.isalpha())
_WRITTEN_HONORIFICS = matcher(word for word in WORDS.honorifics if not word.isalpha())
"""Titles and honorifics with a full stop in them: M.Sc., Sig.ra."""
_AN_HONORIFIC = "dr"
_LETTER_HONORIFICS = frozenset(word for word in _HONORIFICS if len(word) == 1)
"""French *M.* is an honorific or an initial."""
_SUFFIX = re.compile(rf"(?P<name>.*\S) ?(?:{'|'.join(re.escape(plain(word)) for word in WORDS.suffixes)})")
_TEAM = frozenset(map(plain, (*WORDS.team, *WORDS.joins)))
_TEAM_ENDS = re.compile(rf"(?P<name>.+?)(?:{'|'.join(map(plain, WORDS.team_ends))})")
_UNIT_ENDS = re.compile(rf"(?P<name>.+?)(?:{'|'.join(map(plain, WORDS.unit_ends))})")
_CAPITALS_FIRST = re.compile(r"(?P<last>[^\W\d_a-z]{2}\S*(?: [^\W\d_a-z]{2}\S*)*) (?P<first>\S.*)")
_KANA = re.compile(r"[\u3041-\u3096ー ]+")
_HIRAGANA = dict(zip(range(0x30A1, 0x30F7), range(0x3041, 0x3097), strict=True))
_BLENDS = re.compile(r"(?P<start>[bcdfghjkmnprstvz]{1,8})i(?P<small>[ゃゅょ])")
_SMALL = {"ゃ": "ya", "ゅ": "yu", "ょ": "yo"}
_DOUBLED = re.compile(r"っ(?=(?P<next>[a-z]))")


class Name(NamedTuple):
    """A name as a text writes it. ``words``: in order. ``polite``: with an honorific beside it."""

    words: tuple[str, ...]
    polite: bool


class _Kana(Struct, frozen=True, forbid_unknown_fields=True):
    rows: tuple[tuple[str, str], ...]
    sounds: tuple[tuple[str, str], ...]


_TABLE = read_table("scanner.registry.roster", "kana.toml", _Kana)
_LATIN = {ord(kana): latin for row, written in _TABLE.rows for kana, latin in zip(row, written.split(), strict=True)}


@lru_cache(maxsize=100_000)
def spellings(text: str) -> tuple[str, ...]:
    """Return the spellings of a name without accents and case: ``Müller`` is also ``Mueller``."""
    lower = _APOSTROPHES.sub("", text.lower())
    if lower.isascii():
        return (lower,)
    return tuple(dict.fromkeys((plain(lower), plain(unicodedata.normalize("NFC", lower).translate(_SPELLED)))))


def natural(text: str) -> str:
    """Return a name in natural order: ``Doe, Jane`` and ``DOE Jane`` are Jane Doe."""
    last, comma, first = text.partition(",")
    if comma:
        return text if "," in first or not first.strip() else f"{first.strip()} {last.strip()}"
    found = _CAPITALS_FIRST.fullmatch(text)
    if found is None or not any(map(str.islower, found["first"])) or not found["last"].isupper():
        return text
    return f"{found['first']} {found['last']}"


@lru_cache(maxsize=100_000)
def names(text: str) -> tuple[Name, ...]:
    """Return what a text can be as a name, one for each spelling, without titles and honorifics."""
    found: dict[Name, None] = {}
    for spelling in spellings(natural(text)):
        written = spelling
        if "." in spelling:
            written = _WRITTEN_HONORIFICS.sub(f"{_AN_HONORIFIC} ", _WRITTEN_TITLES.sub(" ", spelling))
        bare = _SUFFIX.fullmatch(written) if is_unspaced(written) or "-" in written else None
        every = _WORD.findall(written if bare is None else bare["name"])
        words = [word for word in every if word not in _TITLES]
        for letters in (_LETTER_HONORIFICS, frozenset[str]()) if _LETTER_HONORIFICS & set(words) else ((),):
            kept = tuple(word for word in words if word not in _HONORIFICS or word in letters)
            found[Name(kept, polite=bare is not None or len(kept) < len(words))] = None
        if bare is not None:  # 王君 may be a name and no honorific
            found[Name(tuple(_WORD.findall(written)), polite=False)] = None
    return tuple(one for one in found if one.words)


def name_words(text: str) -> tuple[tuple[str, ...], ...]:
    """Return the words of a name in order, for each spelling, without titles."""
    return tuple(dict.fromkeys(one.words for one in names(text)))


def name_keys(words: Sequence[str]) -> Iterator[str]:
    """Yield the look-up keys of a full name, in any order of words; none for a single word."""
    if len(words) > 1:
        yield " ".join(sorted(words))


def joined_keys(words: Sequence[str]) -> Iterator[str]:
    """Yield the look-up keys of a full name that is written without blanks, of two words in both orders."""
    joined = "".join(words)
    if is_unspaced(joined) or len(joined) >= _LEAST_JOINED:
        yield f"={joined}"
        if len(words) == _TWO:
            yield f"={words[1]}{words[0]}"


_TWO = 2
_LEAST_JOINED = 6
"""The fewest letters of a full name that is written without blanks: janedoe."""


@lru_cache(maxsize=100_000)
def team_keys(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the look-up keys of a team's name as it is, and without general words: the Payments Team is payments."""
    whole: list[str] = []
    bare: list[str] = []
    for spelling in spellings(_APOSTROPHES.sub(" ", text)):
        words = _WORD.findall(spelling)
        whole.append("".join(words))
        kept = "".join(word for word in words if word not in _TEAM)
        ended = _TEAM_ENDS.fullmatch(kept) if is_unspaced(kept) else None
        bare.append(kept if ended is None else ended["name"])
    return tuple(filter(None, dict.fromkeys(whole))), tuple(filter(None, dict.fromkeys(bare)))


def shorter_team_keys(text: str) -> Iterator[str]:
    """Yield a team's name without the kind of unit, as a text may leave it out: 営業 for 営業部."""
    for key in team_keys(text)[1]:
        ended = _UNIT_ENDS.fullmatch(key) if is_unspaced(key) else None
        if ended is not None:
            yield ended["name"]


def says_team(text: str) -> bool:
    """Return whether a text has a word for a team, a capital abbreviation, or both: it is no person's name."""
    written = _WORD.findall(text)
    short = any(word.isupper() and word.isalpha() and len(word) <= _ABBREVIATION for word in written)
    ends = (_TEAM_ENDS, _UNIT_ENDS)
    return short or any(plain(word) in _GROUPS for word in written) or any(one.fullmatch(plain(text)) for one in ends)


_ABBREVIATION = 3
_GROUPS = frozenset(word for word in map(plain, WORDS.team) if len(word) > _ABBREVIATION) | {"abt", "afd", "dpt", "sce"}


def account_key(text: str) -> str:
    """Return a user name without punctuation and trailing numbers, as derived from a name: ``j.doe2`` is jdoe."""
    return "".join(_WORD.findall(spellings(text)[0])).rstrip("0123456789")


# --- Names in Latin letters against names in another script ---


def roman_key(words: Iterable[str]) -> str:
    """Return the key of a name in Latin letters, however its sounds are spelt: Tarou Yamada, Taro Yamada."""
    return " ".join(sorted(map(sounds, words)))


def roman_words(text: str) -> tuple[str, ...]:
    """Return the words of a name in kana in Latin letters; nothing for another script."""
    kana = plain(text).translate(_HIRAGANA).replace("・", " ")
    if not _KANA.fullmatch(kana):
        return ()
    latin = kana.translate(_LATIN)
    latin = _BLENDS.sub(lambda found: _blended(found["start"], found["small"]), latin)
    latin = _DOUBLED.sub(lambda found: found["next"], latin).replace("ー", "")
    return tuple(latin.split()) if latin.isascii() else ()


def _blended(start: str, small: str) -> str:
    """Return the sound of a kana and a small one: し and ゃ are sha, き and ゃ are kya."""
    vowel = _SMALL[small]
    return start + (vowel[1:] if start in ("sh", "ch", "j") else vowel)


@lru_cache(maxsize=100_000)
def sounds(word: str) -> str:
    """Return a word in Latin letters in one spelling of its sounds."""
    for written, sound in _TABLE.sounds:
        word = word.replace(written, sound)
    return word
