"""Write one list into an index file.

A row is stored as its text cells, and each other column as one array of numbers over all rows: codes in the order of
the sorted values, or the numbers themselves. So a question about a million rows is a few operations on arrays, and only
the rows that are shown are read.
"""

from __future__ import annotations

import sqlite3
import zlib
from array import array
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from reports.states import STATES, Axis
from scanner.serve.index.lists import IDENTITY, LISTS, OWNERS, ListSpec
from scanner.serve.index.numeric import NO_ROW, Array, folded, np, number_of
from scanner.serve.index.questions import LIST_NAMES, ListName

BATCH = 10_000
"""Rows in one statement."""

KEY, SAME = "(key)", 0
"""The key of a row besides its cells, and the stored form of a cell that equals it."""

_TEXT_MEMORY = 64 * 2**20
"""Bytes of a list's text index that are collected before they are written."""

_SEPARATOR, _END = "\n", "\n\n"
"""The separator of texts in a row, so that no word is found across two; and the end, so that each character begins a
trigram.
"""


# ``about``: facts of the file. ``column_of``: a column of a list as an array over all rows, of the type ``kind`` as
# NumPy writes it, with its CRC-32; ``vals``: what the codes mean, as JSON.
_TABLES = (
    "CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    """CREATE TABLE column_of (
        list TEXT NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL, content BLOB NOT NULL, checksum INTEGER NOT NULL,
        vals TEXT, PRIMARY KEY (list, name)
    )""",
)


def create_tables(connection: sqlite3.Connection) -> None:
    """Make the tables of an empty index file."""
    for table in _TABLES:
        connection.execute(table)
    for name in LIST_NAMES:
        connection.execute(f"CREATE TABLE row_{name} (id INTEGER PRIMARY KEY, key TEXT NOT NULL, cells TEXT NOT NULL)")
        connection.execute(
            f"CREATE VIRTUAL TABLE text_{name} USING fts5"
            "(own, held, content='', columnsize=0, tokenize='trigram case_sensitive 1')"
        )
        # Each trigram with the number of rows that have it, for words that are shorter than one.
        connection.execute(f"CREATE TABLE trigram_{name} (term TEXT PRIMARY KEY, rows INTEGER NOT NULL) WITHOUT ROWID")
        # Parts are as large as memory allows, and merged once, at the end.
        connection.execute(f"INSERT INTO text_{name} (text_{name}, rank) VALUES ('automerge', 0)")
        connection.execute(f"INSERT INTO text_{name} (text_{name}, rank) VALUES ('hashsize', {_TEXT_MEMORY})")


class Coded:
    """A column of few values: for each row the number of its value."""

    def __init__(self) -> None:
        self.codes: dict[Any, int] = {}
        self._rows = array("I")

    def extend(self, values: Sequence[Any]) -> None:
        """Add the values of the next rows."""
        codes = self.codes
        for value in set(values) - codes.keys():
            codes[value] = len(codes)
        self._rows.extend(map(codes.__getitem__, values))

    @property
    def rows(self) -> Array:
        """The code of each row."""
        return _array(self._rows, np.uint32)

    def within(self, codes: Mapping[Any, int]) -> Array:
        """For each row the code that its value has there."""
        return np.fromiter((codes[value] for value in self.codes), np.uint32, len(self.codes))[self.rows]


def _array(numbers: array[int], kind: Any) -> Array:
    return np.frombuffer(numbers, dtype=kind) if numbers else np.empty(0, dtype=kind)


def _in_order(values: Iterable[Any], axis: Axis | None) -> Mapping[Any, int]:
    """Codes that ascend as the values are sorted: states as their axis has them, others by alphabet, none last."""
    known = list(STATES[axis]) if axis else []

    def place(value: Any) -> tuple[bool, int, str, str]:
        state = known.index(value) if value in known else len(known)
        text = folded(value)
        return value is None, state, text, value if isinstance(value, str) else text

    return {value: code for code, value in enumerate(sorted(values, key=place))}


class ListWriter:
    """Writes the rows of one list, in the order of their keys.

    ``identities``: the list from which rows borrow cells.
    """

    def __init__(self, connection: sqlite3.Connection, name: ListName, identities: ListWriter | None = None) -> None:
        self._connection, self._name, self._lender = connection, name, identities or self
        self._spec: ListSpec = LISTS[name]
        self._coded = {column: Coded() for column in (*self._spec.coded, *self._spec.hidden)}
        self._numbers = {column: array("q") for column in self._spec.numbers}
        self._identities = array("I")
        self._waiting: list[_Row] = []
        self._searched = [
            column for column in (*self._spec.searched, *self._spec.borrowed) if column in self._spec.texts
        ]
        self.length = 0
        ranks = "".join(f", {column}" for column in self._spec.ranked)
        # In a separate database, so that the index file does not keep its space.
        connection.execute(f"CREATE TEMP TABLE rank_{name} (row INTEGER PRIMARY KEY{ranks})")

    def add(
        self,
        key: str,
        cells: Mapping[str, Any],
        *,
        owners: tuple[str, ...] = (),
        identity: int | None = None,
        held: str = "",
    ) -> int:
        """Add a row and return its number.

        ``identity``: the row of its identity, from which it has ``owners`` and the cells of borrowed columns, if it is
        about another record. ``held``: further texts to find it by.
        """
        self.length += 1
        self._waiting.append(_Row(key, cells, owners, identity, held))
        if len(self._waiting) >= BATCH:
            self.flush()
        return self.length - 1

    def flush(self) -> None:
        """Write the buffered rows."""
        batch, spec, name, connection = self._waiting, self._spec, self._name, self._connection
        first = self.length - len(batch)
        every = [row.cells for row in batch]
        for column in (*spec.coded, *spec.hidden):
            if column != OWNERS:
                self._coded[column].extend([cells.get(column) for cells in every])
        self._coded[OWNERS].extend([row.owners for row in batch])
        for column, numbers in self._numbers.items():
            numbers.extend([number_of(cells[column]) for cells in every])
        self._identities.extend(NO_ROW if row.identity is None else row.identity for row in batch)
        texts, found, ranks = [], [], []
        for number, (key, cells, _, identity, held) in enumerate(batch, first):
            shown = [cells.get(column) for column in spec.texts]
            texts.append((number, key, _encode([SAME if cell == key else cell for cell in shown])))
            if own := joined(cells.get(column) for column in self._searched):
                own += _END
            if own or held:
                found.append((number, own, held and held + _END))
            lent = spec.borrowed if identity is not None else ()
            ranked = [None if column in lent else folded(cells[column]) or None for column in spec.ranked]
            if any(ranked):
                ranks.append((number, *ranked))
        connection.executemany(f"INSERT INTO row_{name} VALUES (?, ?, ?)", texts)
        connection.executemany(f"INSERT INTO text_{name} (rowid, own, held) VALUES (?, ?, ?)", found)
        connection.executemany(f"INSERT INTO rank_{name} VALUES (?{', ?' * len(spec.ranked)})", ranks)
        batch.clear()

    def finish(self) -> None:
        """Write the columns, after all rows of this list and of the identities were added."""
        self.flush()
        self._lender.flush()
        identities = _array(self._identities, np.uint32)
        for column, coded in self._coded.items():
            lent = self._lender.coded(self._spec.borrowed.get(column, ""))
            codes = _in_order({*coded.codes, *(lent.codes if lent else ())}, self._spec.axes.get(column))
            rows = coded.within(codes)
            if lent is not None:
                has_one = identities != NO_ROW
                rows[has_one] = lent.within(codes)[identities[has_one]]
            self._write(column, *_used(rows, list(codes)))
        for column, numbers in self._numbers.items():
            self._write(column, _array(numbers, np.int64))
        if self._spec.borrowed:
            self._write(IDENTITY, identities)
        for column in self._spec.ranked:
            self._write(column, self._ranks(column, identities))
        name, connection = self._name, self._connection
        connection.execute(f"INSERT INTO text_{name} (text_{name}) VALUES ('optimize')")
        connection.execute(f"CREATE VIRTUAL TABLE temp.vocabulary_{name} USING fts5vocab(main, text_{name}, row)")
        connection.execute(f"INSERT INTO trigram_{name} SELECT term, doc FROM temp.vocabulary_{name}")

    def coded(self, column: str) -> Coded | None:
        """The values of a column, and their numbers by row; None for a column that is not coded."""
        return self._coded.get(column)

    def _ranks(self, column: str, identities: Array) -> Array:
        """For each row the place of its text among all, equal texts the same; NO_ROW where there is none."""
        ranks = np.full(self.length, NO_ROW, dtype=np.uint32)
        lent = np.full(self._lender.length, NO_ROW, dtype=np.uint32)
        query = f"SELECT row, {column} AS text, 0 FROM temp.rank_{self._name} WHERE text IS NOT NULL"
        if (theirs := self._spec.borrowed.get(column)) is not None:
            query += f" UNION ALL SELECT row, {theirs}, 1 FROM temp.rank_identities WHERE {theirs} IS NOT NULL"
        ordered = self._connection.execute(f"{query} ORDER BY text")
        rank, before = -1, None
        while batch := ordered.fetchmany(BATCH):
            places = []
            for _, text, _ in batch:
                if text != before:
                    rank, before = rank + 1, text
                places.append(rank)
            rows, of_rank, is_lent = (
                np.array(part) for part in ([row for row, _, _ in batch], places, [at for _, _, at in batch])
            )
            lent[rows[is_lent == 1]] = of_rank[is_lent == 1]
            ranks[rows[is_lent == 0]] = of_rank[is_lent == 0]
        if theirs is not None:
            has_one = identities != NO_ROW
            ranks[has_one] = lent[identities[has_one]]
        return ranks

    def _write(self, column: str, numbers: Array, values: Sequence[Any] | None = None) -> None:
        content = numbers.tobytes()
        named = None if values is None else _encode(values)
        row = (self._name, column, numbers.dtype.str, content, zlib.crc32(content), named)
        self._connection.execute("INSERT INTO column_of VALUES (?, ?, ?, ?, ?, ?)", row)


def _used(rows: Array, values: Sequence[Any]) -> tuple[Array, Sequence[Any]]:
    """The codes in the smallest type that holds them, and the values in use."""
    used = np.bincount(rows, minlength=len(values)) > 0
    left = [value for value, is_used in zip(values, used.tolist(), strict=True) if is_used]
    places = np.cumsum(used) - 1
    return places[rows].astype(_smallest(len(left))) if len(rows) else rows, left


class _Row(NamedTuple):
    key: str
    cells: Mapping[str, Any]
    owners: tuple[str, ...]
    identity: int | None
    held: str


def read_texts(connection: sqlite3.Connection, name: ListName, wanted: Sequence[int]) -> dict[int, dict[str, Any]]:
    """The text cells of these rows, and their keys as ``KEY``."""
    marks = ",".join("?" * len(wanted))
    found = connection.execute(f"SELECT id, key, cells FROM row_{name} WHERE id IN ({marks})", wanted)
    columns = LISTS[name].texts
    return {
        row: {
            KEY: key,
            **{column: key if cell == SAME else cell for column, cell in zip(columns, _decode(cells), strict=True)},
        }
        for row, key, cells in found
    }


_encoder, _decode = msgspec.json.Encoder(), msgspec.json.Decoder(list[Any]).decode


def _encode(value: Any) -> str:
    return _encoder.encode(value).decode()


def joined(pieces: Iterable[Any]) -> str:
    """The texts for searching, without those contained in others."""
    text = ""
    for piece in pieces:
        if piece and (found := folded(piece)) not in text:
            text = f"{text}{_SEPARATOR}{found}" if text else found
    return text


def _smallest(values: int) -> Any:
    """The smallest type for so many codes."""
    return next(kind for kind in (np.uint8, np.uint16, np.uint32) if values <= np.iinfo(kind).max)
