"""Looks up people and groups while somebody types the beginning of a name or an address."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from scanner.model import Person

_WORD = re.compile(r"\w+")
_LOOKED_AT = 5_000
"""People with the first word that are looked at: the rest of the text narrows them."""


class Beginnings:
    """The words of the names and addresses of people, in order; built once, asked at every key."""

    def __init__(self, people: Sequence[Person]) -> None:
        self._people = people
        self._words = sorted((word, at) for at, person in enumerate(people) for word in _words_of(person))

    def find(self, text: str, is_meant: Callable[[Person], bool], most: int) -> tuple[Person, ...]:
        """Up to ``most`` people of whom each word of the text begins a word, by name. Accents and case do not count."""
        wanted = _words(text)
        if not wanted:
            return ()
        first = max(wanted, key=len)
        others = [word for word in wanted if word != first]
        found = {
            at
            for at in islice(self._having(first), _LOOKED_AT)
            if is_meant(self._people[at]) and all(self._has(at, word) for word in others)
        }
        ordered = sorted((self._people[at] for at in found), key=lambda one: (one.name or one.email, one.email))
        return tuple(ordered[:most])

    def _having(self, beginning: str) -> Iterator[int]:
        start = bisect_left(self._words, (beginning, -1))
        for place in range(start, len(self._words)):
            word, at = self._words[place]
            if not word.startswith(beginning):
                return
            yield at

    def _has(self, at: int, beginning: str) -> bool:
        return any(word.startswith(beginning) for word in _words_of(self._people[at]))


def _words_of(person: Person) -> frozenset[str]:
    return frozenset(_words(f"{person.name or ''} {person.email}"))


def _words(text: str) -> list[str]:
    """The words of a text in lower case, without accents."""
    plain = "".join(one for one in unicodedata.normalize("NFKD", text) if not unicodedata.combining(one))
    return _WORD.findall(plain.casefold())
