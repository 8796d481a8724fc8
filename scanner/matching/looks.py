"""How a name looks to a reader, to recognise names that only look like others. It never makes two names equal.

After the skeletons of Unicode Technical Standard #39, with case and accents dropped as well: a reader who skims a list
overlooks these, too. Every character is looked up on its own, so a million names cost one pass over their letters.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from importlib.resources import files

import msgspec
from msgspec import Struct

from scanner.matching.keys import BECOME_ASCII, fold
from scanner.text import printable

LONGEST = 200
"""So many characters of a name are looked at: whoever writes more wants to cost us time."""

# Nothing is seen of controls, formatting, lone surrogates, private and unassigned characters; and symbols, emoji among
# them, are decoration beside the letters of a name.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Me", "So", "Sk"})
# Default-ignorable characters that are letters or marks by their category: fillers of Hangul, variation selectors.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0")
_SELECTOR = ("VARIATION SELECTOR", "MONGOLIAN FREE VARIATION SELECTOR")
# Combining classes of what is no accent: letters themselves, nuktas, viramas.
_SPELLING = frozenset({0, 7, 9})


class _Table(Struct, frozen=True, forbid_unknown_fields=True):
    either: str
    ascii: Mapping[str, str]


_TABLE = msgspec.toml.decode(files("scanner.matching").joinpath("look_alikes.toml").read_bytes(), type=_Table)
_ASCII = {other: seen for seen, others in _TABLE.ascii.items() for other in others} | dict.fromkeys(_TABLE.either, "I")
_SAME_SHAPE = str.maketrans({"0": "o", "1": "l", "|": "l"})


class _Looks(dict[int, str]):
    """By code point, the ASCII that a character looks like, nothing for what is not seen, else the character."""

    def __missing__(self, code: int) -> str:
        self[code] = looks = "".join(_seen(chr(code)))
        return looks


def _seen(char: str) -> Iterator[str]:
    if (seen := _ASCII.get(char)) is not None:
        yield seen
    elif char.isspace():
        yield " "
    elif (parts := unicodedata.normalize("NFKD", char)) != char:
        for part in parts:
            yield from _seen(part) if part != char else part
    elif (char.isascii() and char.isprintable()) or not _is_unseen(char):
        yield char


def _is_unseen(char: str) -> bool:
    """Whether nothing of it is seen, or a mark that only modifies a letter; vowels of Indic scripts are marks, too."""
    if unicodedata.category(char) in _UNSEEN or char in _BLANK or unicodedata.name(char, "").startswith(_SELECTOR):
        return True
    return unicodedata.combining(char) not in _SPELLING


_LOOKS = _Looks()


def as_it_looks(text: str) -> str:
    """The text as a reader sees it: look-alike letters made ASCII, accents and invisible characters dropped."""
    if text.isascii() and text.isprintable():
        return text
    return text.translate(_LOOKS)


@lru_cache(maxsize=2**16)
def skeletons(text: str) -> tuple[str, ...]:
    """What the text looks like in lower case, one for each way to read a capital I. Names that share one look alike."""
    if text.isascii() and text.isprintable() and len(text) <= LONGEST and " " not in text and "I" not in text:
        return (_shape(text),)  # nearly all names there are
    seen = " ".join(as_it_looks(text[:LONGEST]).split())
    readings = (seen, seen.replace("I", "l")) if "I" in seen else (seen,)
    return tuple(dict.fromkeys(map(_shape, readings)))


def _shape(seen: str) -> str:
    if not seen.isascii():
        seen = as_it_looks(seen.casefold().lower())  # only in lower case does a gamma look like a y
    return seen.lower().translate(_SAME_SHAPE).replace("rn", "m")


def look_alike(one: str, other: str) -> bool:
    """Whether they are two names that a reader takes for one. Case alone makes no other name."""
    return fold(one) != fold(other) and not set(skeletons(one)).isdisjoint(skeletons(other))


def disguised(text: str) -> frozenset[str]:
    """The characters in it that look like others, or like nothing; in lower case where that is one character."""
    if text.isascii() and text.isprintable():
        return frozenset()
    given = text[:LONGEST]
    composed = {*unicodedata.normalize("NFC", given), *(BECOME_ASCII & set(given))}
    return frozenset(_lower(char) for char in composed if as_it_looks(char) != char)


def _lower(char: str) -> str:
    lower = char.lower()
    return lower if len(lower) == 1 and not lower.isascii() else char


def disguise(text: str, other: str) -> str:
    """How the first name differs from one that it looks like, in words."""
    if odd := sorted(disguised(text) ^ disguised(other)):
        return f"is written with {listed(map(_described, odd))}"
    if " ".join(text.split()) == " ".join(other.split()):
        return "differs in its spaces"
    return "is written with other letters of the same shape"


def _described(char: str) -> str:
    """The alphabet and the letter; of what is no letter, its code and name."""
    name = unicodedata.name(char, "")
    if char.isalpha() and name:
        return f"{name.partition(' ')[0].capitalize()} {char}"
    shown = printable(char) if name else f"U+{ord(char):04X}"
    return f"{shown} ({name.lower() or _UNNAMED.get(unicodedata.category(char), 'unnamed')})"


_UNNAMED = {"Co": "private use", "Cc": "control character", "Cs": "surrogate", "Cn": "unassigned"}

NAMED = 6
"""Of more words than these the rest is only counted."""


def listed(words: Iterable[str]) -> str:
    """The first few, and how many more there are."""
    first = list(words)
    more = f" and {len(first) - NAMED} more" if len(first) > NAMED else ""
    return ", ".join(first[:NAMED]) + more
