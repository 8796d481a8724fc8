"""Which rows contain a text: by SQLite's full-text index of trigrams, and by the values of coded columns."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from scanner.serve.index.files import Cache, IndexFile
from scanner.serve.index.lists import IDENTITY, LISTS, OWNERS
from scanner.serve.index.numeric import NO_ROW, Array, Mask, folded, np
from scanner.serve.index.questions import ListName

_TRIGRAM = 3
_TERMS = 200
"""The trigrams in one query, for words that are shorter than one."""
_WORDS_KEPT = 256
"""The words whose rows are remembered, with a bit for each row."""


class Matcher:
    """Finds the rows of a list that contain words. A word is found anywhere in a text."""

    def __init__(self, file: IndexFile) -> None:
        self._file = file
        self._known = Cache[tuple[ListName, str, bool], Array](_WORDS_KEPT)

    def rows_with(self, of: ListName, text: str) -> Mask | None:
        """For each row whether it contains every word of the text; None for a text without words."""
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
        for rows in self._by_trigrams(of, word, own_only):
            found[rows] = True
        spec = LISTS[of]
        if own_only:
            return found
        for name in spec.searched:
            if name in spec.coded:
                codes, values = self._file.column(of, name)
                hits = np.array([word in folded(value) for value in values], dtype=np.bool_)
                if hits.any():
                    found |= hits[codes]
        if spec.borrowed:
            identities = self._file.column(of, IDENTITY)[0]
            has_one = identities != NO_ROW
            found[has_one] |= self._rows("identities", word, own_only=True)[identities[has_one]]
        return found

    def _by_trigrams(self, of: ListName, word: str, own_only: bool) -> Iterator[Array]:
        """The rows in whose own texts, or texts, the word is."""
        if "\0" in word or not _is_utf8(word):
            return  # no stored text has these, and a query cannot
        within = "own : " if own_only else ""
        with self._file.connection() as connection:
            terms = [word] if len(word) >= _TRIGRAM else self._trigrams(connection, of, word)
            for start in range(0, len(terms), _TERMS):
                quoted = " OR ".join(
                    f'"{term.replace(chr(34), chr(34) * 2)}"' for term in terms[start : start + _TERMS]
                )
                # One text of all numbers: fetching a million rows takes three times as long.
                query = f"SELECT group_concat(rowid) FROM text_{of} WHERE text_{of} MATCH ?"
                (numbers,) = connection.execute(query, (f"{within}({quoted})",)).fetchone()
                if numbers:
                    yield np.fromstring(numbers, dtype=np.int64, sep=",")

    @staticmethod
    def _trigrams(connection: sqlite3.Connection, of: ListName, word: str) -> list[str]:
        """The trigrams of all texts that begin with a shorter word: each character of a text begins one."""
        connection.execute(f"CREATE VIRTUAL TABLE IF NOT EXISTS temp.terms_{of} USING fts5vocab(main, text_{of}, row)")
        query = f"SELECT term FROM temp.terms_{of} WHERE term >= ? AND term < ?"
        return [term for (term,) in connection.execute(query, (word, word + chr(0x10FFFF)))]


def _is_utf8(word: str) -> bool:
    try:
        word.encode()
    except UnicodeEncodeError:
        return False
    return True
