"""Intervals: writing a scan as its difference to the one before, and reading any scan back.

The whole current state streams through :func:`write`; only what is new, changed or gone touches the database.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from operator import itemgetter
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Column, ColumnElement, Connection, Row, Select, Table, and_, bindparam, or_, select, update

from scanner.errors import StoreError
from scanner.history import schema
from scanner.history.engine import bulk_insert
from scanner.history.records import R, RecordKind, Sighting
from scanner.text import printable

T = TypeVar("T")

BATCH = 10_000
"""Rows held at a time, reading and writing."""

# Mappings are sorted: a provider that lists tags in another order has changed nothing.
_encoder = msgspec.json.Encoder(order="deterministic")
_sightings = msgspec.json.Decoder(Sighting)
_places = msgspec.json.Decoder(list[int])
_nothing_moved = _encoder.encode(Sighting())
_NOT_OPEN = ""


class OpenRows:
    """The open rows of one table while a scan goes over them: key and ``mark``, the column that tells a change."""

    def __init__(self, connection: Connection, table: Table, mark: Column[str], seq: int) -> None:
        self._connection = connection
        self._table = table
        self._seq = seq
        open_rows = select(table.c.key, mark).where(table.c.until_scan.is_(None))
        rows = connection.execute(open_rows, execution_options={"yield_per": BATCH})
        # iter: a result has keys(), for which dict() would take it for a mapping.
        self._marks: dict[str, str | None] = dict(iter(rows))
        self._opening: list[tuple[Any, ...]] = []
        self._closing: list[dict[str, str]] = []

    def changed(self, key: str, mark: str) -> bool:
        """Whether the record needs a new row; the one it had is then closed. A key may come once."""
        known = self._marks.get(key, _NOT_OPEN)
        if known is None:
            raise StoreError(
                f"the scan has two records of kind {self._table.name} with the key {printable(key)}",
                hint="please report this; nothing of this scan was stored",
            )
        self._marks[key] = None  # it came
        if known == mark:
            return False
        if known != _NOT_OPEN:
            self._closing.append({"closing": key})
        return True

    def open(self, key: str, *content: str | None) -> None:
        """A row from this scan on."""
        self._opening.append((key, self._seq, None, *content))
        if len(self._opening) >= BATCH:
            self._flush()

    def finish(self) -> None:
        """Close the rows whose record did not come, and write what is left."""
        self._closing += [{"closing": key} for key, mark in self._marks.items() if mark is not None]
        self._flush()

    def _flush(self) -> None:
        table = self._table
        if self._closing:
            close = update(table).where(table.c.key == bindparam("closing"), table.c.until_scan.is_(None))
            self._connection.execute(close.values(until_scan=self._seq), self._closing)
        bulk_insert(self._connection, table, self._opening)
        self._closing, self._opening = [], []


def write(connection: Connection, kind: RecordKind[R], seq: int, records: Iterable[R]) -> list[int] | None:
    """Make ``records`` the whole state of this kind from scan ``seq`` on.

    Returns their order, if it is not by key: the place of each, counted by key.
    """
    versions = OpenRows(connection, kind.versions, kind.versions.c.hash, seq)
    sightings = OpenRows(connection, kind.sightings, kind.sightings.c.body, seq)
    keys: list[str] = []
    for record in records:
        key = kind.key(record)
        keys.append(key)
        body = encode(kind.content(record), key)
        digest = hashlib.blake2b(body, digest_size=16).hexdigest()
        if versions.changed(key, digest):
            versions.open(key, digest, *kind.facts(record), body.decode())
        moved = encode(kind.sighting(record), key)
        if moved != _nothing_moved and sightings.changed(key, text := moved.decode()):
            sightings.open(key, text)
    versions.finish()
    sightings.finish()
    places = sorted(range(len(keys)), key=keys.__getitem__)
    return None if places == list(range(len(keys))) else places


def write_orders(connection: Connection, seq: int, orders: Mapping[str, list[int] | None]) -> None:
    """Keep the orders that :func:`write` returned, by name of kind."""
    rows = OpenRows(connection, schema.ordering, schema.ordering.c.body, seq)
    for name, places in orders.items():
        if places is not None and rows.changed(name, text := encode(places, f"order of kind {name}").decode()):
            rows.open(name, text)
    rows.finish()


def holds(table: Table, seq: int) -> ColumnElement[bool]:
    """Whether a row's interval includes scan ``seq``."""
    return and_(table.c.first_scan <= seq, or_(table.c.until_scan.is_(None), table.c.until_scan > seq))


def restored_rows(kind: RecordKind[R], sighted: ColumnElement[bool]) -> Select[Any]:
    """Versions with the sighting for which ``sighted`` holds beside them, as :func:`restore` takes them."""
    versions, sightings = kind.versions, kind.sightings
    return select(versions, sightings.c.body.label("moved")).select_from(
        versions.outerjoin(sightings, and_(sightings.c.key == versions.c.key, sighted))
    )


def restore(kind: RecordKind[R], row: Row[Any]) -> R:
    """The record of a row of :func:`restored_rows`, as it was saved."""
    content: R = decode(kind.body, row.body, f"{kind.name} {row.key}")
    seen = Sighting() if row.moved is None else decode(_sightings, row.moved, f"sighting of {row.key}")
    return kind.restore(content, seen)


def read(
    connection: Connection, kind: RecordKind[R], seq: int, wanted: Callable[[Row[Any]], bool] | None = None
) -> Iterator[R]:
    """Stream the records of one scan by key. ``wanted`` looks at a row's columns; what it refuses is not decoded."""
    versions = kind.versions
    rows = restored_rows(kind, holds(kind.sightings, seq)).where(holds(versions, seq)).order_by(versions.c.key)
    for row in connection.execute(rows, execution_options={"yield_per": BATCH}):
        if wanted is None or wanted(row):
            yield restore(kind, row)


def read_in_order(connection: Connection, kind: RecordKind[R], seq: int) -> tuple[R, ...]:
    """The records of one scan in the order they had in it."""
    # Sorted again: places were counted in Python's order of text, which need not be the database's.
    by_key = sorted(read(connection, kind, seq), key=kind.key)
    ordering = schema.ordering
    text = connection.execute(
        select(ordering.c.body).where(ordering.c.key == kind.name, holds(ordering, seq))
    ).scalar_one_or_none()
    if text is None:
        return tuple(by_key)
    places = decode(_places, text, f"order of kind {kind.name}")
    return tuple(record for _, record in sorted(zip(places, by_key, strict=True), key=itemgetter(0)))


def encode(value: object, what: str) -> bytes:
    """A body as it is stored. Raises StoreError for text that UTF-8 cannot hold, a lone surrogate."""
    try:
        return _encoder.encode(value)
    except UnicodeEncodeError as error:
        raise StoreError(
            f"{printable(what)} holds text that UTF-8 cannot hold", hint="please report this; nothing was stored"
        ) from error


def decode(decoder: msgspec.json.Decoder[T], body: str, what: str) -> T:
    """A stored body as its record. Raises StoreError for one that was tampered with or is damaged."""
    try:
        return decoder.decode(body)
    except msgspec.DecodeError as error:
        raise StoreError(
            f"the store's {printable(what)} cannot be read: {printable(str(error))}", hint="put back the last backup"
        ) from error
