"""The words of words.toml, and notes beside a name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise
from typing import NamedTuple

from msgspec import Struct

from scanner.catalog import read_table
from scanner.languages import words_by
from scanner.matching.declared import environments
from scanner.matching.keys import fold


class _WordTable(Struct, frozen=True, forbid_unknown_fields=True):
    apart: Mapping[str, tuple[str, ...]]
    products: Mapping[str, tuple[str, ...]]


_TABLE = read_table("scanner.matching.cells", "words.toml", _WordTable)
_CONJUNCTIONS = sorted(words_by(lambda language: {"and": language.conjunctions})["and"], key=len, reverse=True)
_ALTERNATIVES = sorted(words_by(lambda language: {"or": language.alternatives})["or"], key=len, reverse=True)
AND, OR = "|".join(map(re.escape, _CONJUNCTIONS)), "|".join(f"{re.escape(word)}[.]?" for word in _ALTERNATIVES)
"""The words between two names, as parts of a regular expression."""
GLUED_AND = "|".join(re.escape(word) for word in _CONJUNCTIONS if not word[0].isascii())
"""Words that stand between two names without blanks."""
LISTED = r"^\s*(?:[\u2022\u00b7\u2023\u25aa\u2013\u2014-]\s|\d{1,3}[.)]\s)"
"""What stands before the items of a list."""
_LISTED, _ENDS = re.compile(LISTED), " \t,;."
PRODUCTS = tuple(word for words in _TABLE.products.values() for word in words)
# Endings of gender and number, and what Japanese puts behind a word of state: ``sostituita``.
_ENDING = re.compile(r"(?:(?<=\w{3})[aeio]s?|(?<=\w)(?:\u6e08\u307f?|\u4e2d|\u7528|\u7248|\u74b0\u5883))$")


def _stem(words: str) -> str:
    return _ENDING.sub("", words)


_APART = frozenset(_stem(word) for words in _TABLE.apart.values() for word in words)
_LETTERS = re.compile(r"[^\W\d_]+")
_OPENS, _CLOSES = "([\uff08", ")]\uff09"
_DASHED = re.compile(r"(\S+)\s+(?:-{1,2}|[\u2013\u2014#]|//)\s+(.+)", re.DOTALL)

_LABELLED = re.compile(r"([^\W\d_][^:=/\\@]{0,40}):\s+(\S+)")


class Beside(NamedTuple):
    """A name and the note beside it. After a dash the note may as well be part of the name: ``payments - etl``."""

    name: str
    note: str
    in_brackets: bool


def unlisted(text: str) -> str:
    """Return an item of a list without its bullet or number, and without the separator behind it."""
    return _LISTED.sub("", text).strip(_ENDS)


def beside(text: str) -> Beside | None:
    """Return the name in a text and the note in brackets, after a dash, or as a label before it; None without one."""
    if text[-1] in _CLOSES and (at := max(map(text.rfind, _OPENS))) > 0:
        return Beside(text[:at].rstrip(), text[at + 1 : -1].strip(), in_brackets=True)
    if (found := _DASHED.fullmatch(text)) is not None:
        return Beside(found[1], found[2].strip(), in_brackets=False)
    found = _LABELLED.fullmatch(text)
    return None if found is None else Beside(found[2], found[1].strip(), in_brackets=True)


def is_apart(note: str, *, by_id: bool) -> bool:
    """Return whether a note may distinguish another identity from the named one; the environment of an id does not."""
    words = _LETTERS.findall(fold(note))
    if by_id:
        words = [word for word in words if not environments(word)]
    elif environments(note) or not words:
        return True
    return not _APART.isdisjoint(map(_stem, (*words, *map(" ".join, pairwise(words)))))
