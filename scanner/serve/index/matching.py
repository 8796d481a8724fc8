"""Which rows contain a text: by SQLite's full-text index of trigrams, and by the values of coded columns."""

from __future__ import annotations

import sqlite3
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence

from scanner.serve.index.files import Cache, IndexFile
from scanner.serve.index.lists import IDENTITY, LISTS, OWNERS
from scanner.serve.index.numeric import NO_ROW, Array, Mask, folded, np
from scanner.serve.index.questions import ListName

_TRIGRAM = 3
_TERMS = 100
"""Trigrams in one query, for words that are shorter than a trigram."""
_WORDS_KEPT = 256
"""Words whose rows are cached, with a bit for each row."""


class Matcher:
    """Finds the rows of a list that contain words. A word is found anywhere in a text."""

    def __init__(self, file: IndexFile) -> None:
        self._file = file
        self._known = Cache[tuple[ListName, str, bool], Array](_WORDS_KEPT)

    def rows_with(self, of: ListName, text: str) -> Mask | None:
        """For each row, whether it contains every word of the text; None for a text without words."""
        found: Mask | None = None
        for word in dict.fromkeys(text.lower().split()):
            rows = self._rows(of, word)
            found = rows if found is None else found & rows
        return found

    def _rows(self, of: ListName, word: str, *, own_only: bool = False) -> Mask:
        packed = self._known.get((of, word, own_only), lambda: np.packbits(self._search(of, word, own_only)))
        return np.unpackbits(packed, count=self._length(of)).astype(np.bool_)

    def _length(self, of: ListName) -> int:
        return len(self._file.column(of, OWNERS)[0])

    def _search(self, of: ListName, word: str, own_only: bool) -> Mask:
        found = np.zeros(self._length(of), dtype=np.bool_)
        if "\0" not in word and _is_utf8(word):  # not in any stored text, and not allowed in a query
            self._by_trigrams(of, word, own_only, found)
        if own_only:
            return found
        spec = LISTS[of]
        for name in spec.searched:
            if name in spec.coded:
                codes, values = self._file.column(of, name)
                hits = np.array([word in folded(value) for value in values], dtype=np.bool_)
                if hits.any():
                    found |= hits[codes]
        if spec.in_order:
            found[self._begin_with(of, word)] = True
        if spec.borrowed:
            identities = self._file.column(of, IDENTITY)[0]
            has_one = identities != NO_ROW
            found[has_one] |= self._rows("identities", word, own_only=True)[identities[has_one]]
        return found

    def _begin_with(self, of: ListName, word: str) -> slice:
        """The rows whose key begins with the word; rows are in the order of their keys."""
        with self._file.connection() as connection:

            def key(row: int) -> str:
                (found,) = connection.execute(f"SELECT key FROM row_{of} WHERE id = ?", (row,)).fetchone()
                return str(found)[: len(word)]

            every = range(self._length(of))
            return slice(bisect_left(every, word, key=key), bisect_right(every, word, key=key))

    def _by_trigrams(self, of: ListName, word: str, own_only: bool, found: Mask) -> None:
        """Mark the rows with the word in their own texts, or in any texts."""
        within = "own : " if own_only else ""
        # One text of all numbers: fetching a million rows takes three times as long.
        query = f"SELECT group_concat(rowid) FROM text_{of} WHERE text_{of} MATCH ?"
        with self._file.connection() as connection:
            for terms in self._terms(connection, of, word):
                quoted = " OR ".join(f'"{term.replace(chr(34), chr(34) * 2)}"' for term in terms)
                (numbers,) = connection.execute(query, (f"{within}({quoted})",)).fetchone()
                if numbers:
                    found[np.fromstring(numbers, dtype=np.int64, sep=",")] = True
                if found.all():
                    return

    @staticmethod
    def _terms(connection: sqlite3.Connection, of: ListName, word: str) -> Iterator[Sequence[str]]:
        """The word, or for a shorter one the trigrams that begin with it: first the most frequent, then batches."""
        if len(word) >= _TRIGRAM:
            yield [word]
            return
        query = f"SELECT term FROM trigram_{of} WHERE term >= ? AND term < ? ORDER BY rows DESC"
        terms = [term for (term,) in connection.execute(query, (word, word + chr(0x10FFFF)))]
        if terms:
            yield terms[:1]
        for start in range(1, len(terms), _TERMS):
            yield terms[start : start + _TERMS]


def _is_utf8(word: str) -> bool:
    try:
        word.encode()
    except UnicodeEncodeError:
        return False
    return True
