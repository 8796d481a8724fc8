"""Write one list into an index file.

A row is stored as its text cells, and each other column as one array of numbers over all rows: codes, which ascend as
the column's values are sorted, or the numbers themselves. So a question about a million rows is a few operations on
arrays, and only the rows that are shown are read.
"""

from __future__ import annotations

import sqlite3
import zlib
from array import array
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from reports.states import STATES, Axis
from scanner.serve.index.lists import LISTS, ListSpec
from scanner.serve.index.numeric import NO_ROW, Array, folded, np, number_of
from scanner.serve.index.questions import LIST_NAMES, ListName

BATCH = 10_000
"""Rows in one statement."""

KEY, SAME = "(key)", 0
"""A row's key beside its cells, and how a cell is stored that equals it."""

OWNERS, IDENTITY = "(owners)", "(identity)"
"""Columns that are not shown: who owns a row, and the row of its identity."""

_TEXT_MEMORY = 64 * 2**20
"""Bytes of a list's text index that are collected before they are written."""

_SEPARATOR, _END = "\n", "\n\n"
"""Between texts of a row, so that no word is found across two; and after the last one, so that each character begins a
trigram."""


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
        # Parts are as large as memory allows, and merged once, at the end.
        connection.execute(f"INSERT INTO text_{name} (text_{name}, rank) VALUES ('automerge', 0)")
        connection.execute(f"INSERT INTO text_{name} (text_{name}, rank) VALUES ('hashsize', {_TEXT_MEMORY})")


class Coded:
    """A column of few values: for each row the number of its value."""

    def __init__(self) -> None:
        self._codes: dict[Any, int] = {}
        self.rows = array("I")

    def append(self, value: Any) -> None:
        """The value of the next row."""
        self.rows.append(self._codes.setdefault(value, len(self._codes)))

    def at(self, row: int) -> Any:
        """The value of a row."""
        return self.values[self.rows[row]]

    @property
    def values(self) -> Sequence[Any]:
        """The values by code."""
        if len(self._values) != len(self._codes):
            self._values = list(self._codes)
        return self._values

    _values: Sequence[Any] = ()

    def sorted_by(self, axis: Axis | None) -> tuple[Sequence[Any], Array]:
        """The values in their order, and for each row the place of its value: see :func:`_place`."""
        known = list(STATES[axis]) if axis else []
        values = list(self._codes)
        order = sorted(range(len(values)), key=lambda code: _place(values[code], known))
        places = np.empty(len(values), dtype=np.uint32)
        places[order] = np.arange(len(values), dtype=np.uint32)
        codes = places[np.frombuffer(self.rows, dtype=np.uint32)] if values else places
        return [values[code] for code in order], codes


def _place(value: Any, known: Sequence[str]) -> tuple[bool, int, str, str]:
    """Where a value is sorted: states as their axis has them, other values by alphabet, an absent one last."""
    state = known.index(value) if value in known else len(known)
    text = folded(value)
    return value is None, state, text, value if isinstance(value, str) else text


class ListWriter:
    """Writes the rows of one list, in the order of their keys."""

    def __init__(self, connection: sqlite3.Connection, name: ListName) -> None:
        self._connection, self._name = connection, name
        self._spec: ListSpec = LISTS[name]
        self.coded = {column: Coded() for column in (*self._spec.coded, OWNERS)}
        self._numbers = {column: array("q") for column in self._spec.numbers}
        self._identities = array("I")
        self._rows: list[tuple[Any, ...]] = []
        self._texts: list[tuple[int, str, str]] = []
        self._own = [column for column in self._spec.searched if column in self._spec.texts]
        self._own_alone = [*self._own, *self._spec.borrowed]
        self.length = 0
        ranks = "".join(f", {column}" for column in self._spec.ranked)
        # In a database of its own, so that the index file does not keep its space.
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

        ``identity``: the row of its identity, if it is about another record. ``held``: what else leads to it by text.
        """
        row, spec = self.length, self._spec
        self.length += 1
        for name in spec.coded:
            self.coded[name].append(cells[name])
        self.coded[OWNERS].append(owners)
        for name, numbers in self._numbers.items():
            numbers.append(number_of(cells[name]))
        self._identities.append(NO_ROW if identity is None else identity)
        texts = [SAME if cells[name] == key else cells[name] for name in spec.texts]
        self._rows.append((row, key, _encode(texts), *(folded(cells[name]) or None for name in spec.ranked)))
        own = joined(cells[name] for name in (self._own_alone if identity is None else self._own))
        if own or held:
            self._texts.append((row, own + _END if own else "", held + _END if held else ""))
        if len(self._rows) >= BATCH:
            self._flush()
        return row

    def coded_cells(self, row: int, columns: Iterable[str]) -> dict[str, Any]:
        """Some coded cells of a row."""
        return {name: self.coded[name].at(row) for name in columns}

    def texts(self, wanted: Sequence[int]) -> Mapping[int, Mapping[str, Any]]:
        """The text cells of these rows, at most BATCH."""
        self._flush()
        return read_texts(self._connection, self._name, wanted)

    def _flush(self) -> None:
        name, ranks = self._name, ", ?" * len(self._spec.ranked)
        connection = self._connection
        connection.executemany(f"INSERT INTO row_{name} VALUES (?, ?, ?)", [row[:3] for row in self._rows])
        if self._spec.ranked:
            connection.executemany(
                f"INSERT INTO rank_{name} VALUES (?{ranks})", [(row[0], *row[3:]) for row in self._rows]
            )
        connection.executemany(f"INSERT INTO text_{name} (rowid, own, held) VALUES (?, ?, ?)", self._texts)
        self._rows.clear()
        self._texts.clear()

    def finish(self) -> None:
        """Write the columns."""
        self._flush()
        for column, coded in self.coded.items():
            values, codes = coded.sorted_by(self._spec.axes.get(column))
            self._write(column, codes.astype(_smallest(len(values))), values)
        for column, numbers in self._numbers.items():
            self._write(column, np.frombuffer(numbers, dtype=np.int64) if numbers else np.empty(0, np.int64))
        if self._spec.borrowed:
            identities = self._identities
            self._write(IDENTITY, np.frombuffer(identities, dtype=np.uint32) if identities else np.empty(0, np.uint32))
        for column in self._spec.ranked:
            self._write(column, self._ranks(column))
        self._connection.execute(f"DROP TABLE temp.rank_{self._name}")
        self._connection.execute(f"INSERT INTO text_{self._name} (text_{self._name}) VALUES ('optimize')")

    def _ranks(self, column: str) -> Array:
        """For each row the place of its text among all, equal texts the same; NO_ROW where there is none."""
        ranks = np.full(self.length, NO_ROW, dtype=np.uint32)
        ordered = self._connection.execute(
            f"SELECT row, {column} FROM temp.rank_{self._name} WHERE {column} IS NOT NULL ORDER BY {column}"
        )
        rank, before = -1, None
        while batch := ordered.fetchmany(BATCH):
            places = []
            for _, text in batch:
                if text != before:
                    rank, before = rank + 1, text
                places.append(rank)
            ranks[[row for row, _ in batch]] = places
        return ranks

    def _write(self, column: str, numbers: Array, values: Sequence[Any] | None = None) -> None:
        content = numbers.tobytes()
        self._connection.execute(
            "INSERT INTO column_of VALUES (?, ?, ?, ?, ?, ?)",
            (
                self._name,
                column,
                numbers.dtype.str,
                content,
                zlib.crc32(content),
                None if values is None else _encode(values),
            ),
        )


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
    """The texts as they are searched, without those that others contain."""
    text = ""
    for piece in pieces:
        if piece and (found := folded(piece)) not in text:
            text = f"{text}{_SEPARATOR}{found}" if text else found
    return text


def _smallest(values: int) -> Any:
    """The smallest type for so many codes."""
    return next(kind for kind in (np.uint8, np.uint16, np.uint32) if values <= np.iinfo(kind).max)
