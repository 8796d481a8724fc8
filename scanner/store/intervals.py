"""Write a scan as its difference from the one before, and read any scan back.

The scan's records and the open rows of the store are compared in the order of their keys. Only new, changed and removed
records touch the database.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from itertools import chain, islice, pairwise
from operator import itemgetter
from typing import Any, Generic, NamedTuple

import msgspec
from msgspec import Struct
from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Row,
    Select,
    Table,
    and_,
    bindparam,
    func,
    literal_column,
    null,
    or_,
    select,
    update,
)

from scanner.errors import DamagedRow, StoreError
from scanner.processes import ahead, batched
from scanner.store import scans, schema
from scanner.store.bodies import decode, digest, encode
from scanner.store.database import Values
from scanner.store.engine import Damaged, insert_sealed, plain_rows
from scanner.store.integrity import HINT, RECORDS, checksum, sealed, verify
from scanner.store.kinds import R, RecordKind, Shared, Sighting
from scanner.text import printable

BATCH = 10_000
"""Rows in memory at a time, when reading and when writing."""
ENCODED = 2_000
"""Records that are encoded in one batch, in this process or another."""

_KEY, _MARK, _CONTENT = 0, 3, slice(4, -1)
"""The columns of a row: its key, what differs if it changed (a version's hash, a sighting's body), and a version's
hashed content, before the checksum."""

_NOTHING: frozenset[str] = frozenset()
_DAMAGED = ""
"""The hash that an open row with a wrong checksum counts as having: no record hashes to it."""

_MOVED = ("first_scan", "body", "checksum")
"""The columns of a sighting that :func:`restore` needs beside its version."""
_UNSEEN = Sighting()

_sightings = msgspec.json.Decoder(Sighting)
_places = msgspec.json.Decoder(list[int])


class Difference(NamedTuple):
    """A scan's changes to one table: keys whose row ends, and each new row's index among the keys."""

    closing: list[str]
    opening: list[int]


def differences(
    connection: Connection,
    mark: Column[str],
    keys: Sequence[str],
    marks: Callable[[int, int], Sequence[str]],
    damaged: frozenset[str] = _NOTHING,
) -> Iterator[Difference]:
    """Compare a scan with the table's open rows, page by page. ``mark``: the column that differs if a row changed.

    ``keys`` ascend by code point, as Python and SQLite sort text. ``marks`` returns the marks of a slice of keys, at
    most BATCH. A row with another mark is closed and opened again; a row that only the table has is closed; a row that
    only the scan has is opened. ``damaged``: keys whose rows do not match their checksums, which count as changed.
    """
    for page, start, end in _side_by_side(_pages(connection, mark), keys):
        before: dict[str, str] = dict(page)
        before |= dict.fromkeys(before.keys() & damaged, _DAMAGED)
        ours = keys[start:end]
        beside = zip(range(start, end), ours, marks(start, end), strict=True)
        opening = [place for place, key, mark_now in beside if before.get(key) != mark_now]
        closing = [key for place in opening if (key := keys[place]) in before] if before else []
        if len(before) + len(opening) - len(closing) > len(ours):
            closing += before.keys() - set(ours)
        yield Difference(closing, opening)


def _side_by_side(pages: Iterable[list[Values]], keys: Sequence[str]) -> Iterator[tuple[list[Values], int, int]]:
    """Pages of open rows, each with the slice of ``keys`` to compare it with."""
    done = 0
    for page in pages:
        cut, scans_up_to = 0, bisect_right(keys, page[-1][0], lo=done)
        for end in (*range(done + BATCH, scans_up_to, BATCH), scans_up_to):
            before = cut
            cut = len(page) if end == scans_up_to else bisect_right(page, keys[end - 1], lo=cut, key=itemgetter(0))
            yield page[before:cut], done, end
            done = end
    for start in range(done, len(keys), BATCH):
        yield [], start, min(start + BATCH, len(keys))


def _pages(connection: Connection, mark: Column[str]) -> Iterator[list[Values]]:
    """The open rows by key. Between pages, rows before the current key may be opened and closed."""
    table = mark.table
    is_open = select(table.c.key, mark).where(table.c.until_scan.is_(None)).order_by(table.c.key).limit(BATCH)
    page = is_open
    while rows := plain_rows(connection, page):
        yield rows
        page = is_open.where(table.c.key > rows[-1][0])


def _apply(connection: Connection, table: Table, seq: int, closing: Sequence[str], opening: Sequence[Values]) -> None:
    """Close the open rows of these keys with scan ``seq``, and open the new ones, which have their checksums."""
    if closing:
        close = update(table).where(table.c.key == bindparam("closing"), table.c.until_scan.is_(None))
        connection.execute(close.values(until_scan=seq), [{"closing": key} for key in closing])
    insert_sealed(connection, table, opening)


class _Given(Struct, Generic[R], frozen=True, kw_only=True):
    """A scan's records for one table, by key.

    ``mark_of``: what differs if a record changed. ``row_of``: its row without the checksum; the mark is at ``_MARK``.
    ``is_new``: the table has no open row, so every record gets a row.
    """

    table: Table
    keys: Sequence[str]
    records: Sequence[R]
    mark_of: Callable[[str, R], str]
    row_of: Callable[[str, R], Values]
    is_new: bool

    def rows(self, places: Iterable[int]) -> Sequence[Values]:
        """Return the rows of these records, with checksums."""
        return sealed(self.table, [self.row_of(self.keys[place], self.records[place]) for place in places])

    def encoded(self, places: Sequence[int]) -> Sequence[Any]:
        """Return the rows if the table is new, else the marks to compare."""
        if self.is_new:
            return self.rows(places)
        return [self.mark_of(self.keys[place], self.records[place]) for place in places]

    def batches(self) -> Iterator[Sequence[int]]:
        """Return the places of the records to encode at once."""
        return batched(range(len(self.keys)), ENCODED)


class _GivenKind(Struct, Generic[R], frozen=True, kw_only=True):
    """A scan's records of one kind. ``order``: the position of each record, by key, if it is not the kind's own."""

    kind: RecordKind[R]
    versions: _Given[R]
    sightings: _Given[R]
    order: list[int] | None


def _given(connection: Connection, kind: RecordKind[R], seq: int, records: Sequence[R]) -> _GivenKind[R]:
    """Sort the records of a kind, its whole state from scan ``seq`` on."""
    unsorted = [kind.key(record) for record in records]
    places = sorted(range(len(unsorted)), key=unsorted.__getitem__)
    keys = [unsorted[place] for place in places]
    _refuse_repeats(kind, keys)
    ordered = [records[place] for place in places]
    moving = list(filter(kind.moves, ordered))
    order = list(map(kind.order, records))
    return _GivenKind(
        kind=kind,
        versions=_Given(
            table=kind.versions,
            keys=keys,
            records=ordered,
            mark_of=lambda key, record: digest(kind.content(record), key),
            row_of=lambda key, record: version_row(kind, seq, key, record),
            is_new=_is_new(connection, kind.versions),
        ),
        sightings=_Given(
            table=kind.sightings,
            keys=[kind.key(record) for record in moving],
            records=moving,
            mark_of=lambda key, record: _sighting(kind, key, record),
            row_of=lambda key, record: (key, seq, None, _sighting(kind, key, record)),
            is_new=_is_new(connection, kind.sightings),
        ),
        order=None if order == sorted(order) else places,
    )


def _is_new(connection: Connection, table: Table) -> bool:
    return connection.execute(select(table.c.key).where(table.c.until_scan.is_(None)).limit(1)).first() is None


def version_row(kind: RecordKind[R], seq: int, key: str, record: R) -> Values:
    """The row of a version that begins with scan ``seq``, without its checksum."""
    content: R = kind.content(record)
    return key, seq, None, digest(content, key), *kind.facts(content), encode(kind.body(content), key).decode()


def _sighting(kind: RecordKind[R], key: str, record: R) -> str:
    return encode(kind.sighting(record), key).decode()


def write(
    connection: Connection,
    seq: int,
    records: Iterable[tuple[RecordKind[Any], Sequence[Any]]],
    damaged: Mapping[str, frozenset[str]] = {},
) -> None:
    """Make the records of each kind its whole state from scan ``seq`` on. ``damaged``: as in :func:`differences`.

    Other processes encode the next batches while this one writes.
    """
    kinds = [_given(connection, kind, seq, its_records) for kind, its_records in records]
    tables: list[_Given[Any]] = [table for kind in kinds for table in (kind.versions, kind.sightings)]
    batches = ((number, places) for number, table in enumerate(tables) for places in table.batches())
    count = sum(len(table.keys) for table in tables)
    with closing(ahead(lambda batch: tables[batch[0]].encoded(batch[1]), batches, items=count)) as encoded:
        for one in kinds:
            unsound = damaged.get(one.kind.versions.name, _NOTHING)
            for ending, rows in _changes(connection, one.versions, encoded, unsound):
                # Whether a damaged record left cannot be determined if the scan lacks it: its row stays open.
                staying = unsound.difference(row[_KEY] for row in rows) if unsound else _NOTHING
                ended = [key for key in ending if key not in staying] if staying else ending
                _apply(
                    connection, one.kind.versions, seq, *_without_rehashed(connection, one.kind.versions, ended, rows)
                )
            for ending, rows in _changes(
                connection, one.sightings, encoded, damaged.get(one.kind.sightings.name, _NOTHING)
            ):
                _apply(connection, one.kind.sightings, seq, ending, rows)
    _write_orders(connection, seq, {one.kind.name: one.order for one in kinds}, damaged)


def _changes(
    connection: Connection, table: _Given[Any], encoded: Iterator[Sequence[Any]], damaged: frozenset[str]
) -> Iterator[tuple[list[str], Sequence[Values]]]:
    """Yield the keys whose rows end, and new rows. Takes the table's batches from ``encoded``."""
    items = chain.from_iterable(islice(encoded, sum(1 for _ in table.batches())))
    current: list[Any] = []

    def marks(start: int, end: int) -> Sequence[str]:
        current[:] = islice(items, end - start)
        return [row[_MARK] for row in current] if table.is_new else current

    for ending, opening in differences(connection, table.table.columns.values()[_MARK], table.keys, marks, damaged):
        yield ending, list(current) if table.is_new else table.rows(opening)


def _without_rehashed(
    connection: Connection, table: Table, closing: list[str], opening: Sequence[Values]
) -> tuple[list[str], Sequence[Values]]:
    """The real changes. A row that another version of Muster hashed in another way only gets its new hash."""
    again = {row[_KEY]: row for row in opening}
    both = [key for key in closing if key in again]
    is_open = select(table).where(table.c.key.in_(both), table.c.until_scan.is_(None))
    stored = plain_rows(connection, is_open) if both else []
    rehashed = [
        (*row[:_MARK], again[row[_KEY]][_MARK], *row[_CONTENT])
        for row in stored
        if row[_CONTENT] == again[row[_KEY]][_CONTENT]
    ]
    if not rehashed:
        return closing, opening
    rehash = update(table).where(table.c.key == bindparam("same"), table.c.until_scan.is_(None))
    connection.execute(
        rehash.values(hash=bindparam("new_hash"), checksum=bindparam("sum")),
        [{"same": row[_KEY], "new_hash": row[_MARK], "sum": checksum(table, row)} for row in rehashed],
    )
    same = {row[_KEY] for row in rehashed}
    return [key for key in closing if key not in same], [row for row in opening if row[_KEY] not in same]


def _refuse_repeats(kind: RecordKind[R], keys: Sequence[str]) -> None:
    repeated = next((one for one, other in pairwise(keys) if one == other), None)
    if repeated is not None:
        raise StoreError(
            f"the scan has two records of kind {kind.name} with the key {printable(repeated)}",
            hint="please report this; nothing of this scan was stored",
        )


def _write_orders(connection: Connection, seq: int, orders: Mapping[str, list[int] | None], damaged: Damaged) -> None:
    table = schema.ordering
    texts = {name: encode(orders[name], f"order of kind {name}").decode() for name in sorted(orders) if orders[name]}
    names, bodies = list(texts), list(texts.values())
    unsound = damaged.get(table.name, _NOTHING)
    for ending, opening in differences(connection, table.c.body, names, lambda start, end: bodies[start:end], unsound):
        rows = [(names[place], seq, None, bodies[place]) for place in opening]
        _apply(connection, table, seq, ending, sealed(table, rows))


def holds(table: Table, seq: int) -> ColumnElement[bool]:
    """Whether a row's interval includes scan ``seq``."""
    return and_(table.c.first_scan <= seq, or_(table.c.until_scan.is_(None), table.c.until_scan > seq))


def restored_rows(kind: RecordKind[R], sighted: ColumnElement[bool]) -> Select[Any]:
    """Versions joined with the sighting for which ``sighted`` is true, as :func:`restore` needs them."""
    versions, sightings = kind.versions, kind.sightings
    moved = (sightings.c[name].label(f"moved_{name}") for name in _MOVED)
    return select(versions, *moved).select_from(
        versions.outerjoin(sightings, and_(sightings.c.key == versions.c.key, sighted))
    )


def unmoved_rows(kind: RecordKind[R]) -> Select[Any]:
    """Versions without their sightings, as :func:`restore` needs them."""
    return select(kind.versions, *(null().label(f"moved_{name}") for name in _MOVED))


def restore(kind: RecordKind[R], row: Row[Any], shared: Shared) -> R:
    """The record of a row of :func:`restored_rows`, as it was saved. Raises DamagedRow."""
    values: Values = tuple(row)
    first, body, its_checksum = values[-3:]
    verify(kind.versions, values[:-3])
    if body is None:
        return kind.restore(kind.load(row, shared), _UNSEEN)
    verify(kind.sightings, (row.key, first, None, body, its_checksum))
    return kind.restore(kind.load(row, shared), decode(_sightings, body, f"sighting of {row.key}"))


def recovered(kind: RecordKind[R], row: Row[Any], shared: Shared) -> R | None:
    """The record of a damaged row if its key and body still match the hash; else None."""
    try:
        record = kind.load(row, shared)
    except (StoreError, ValueError):
        return None
    its_own = kind.key(record) == row.key and digest(kind.content(record), row.key) == row.hash
    return record if its_own else None


def read(
    connection: Connection,
    kind: RecordKind[R],
    seq: int,
    wanted: Callable[[Row[Any]], bool] | None = None,
    *,
    despite_damage: bool = False,
) -> Iterator[R]:
    """Stream the records of one scan by key. ``wanted`` sees a row's columns first; rejected rows are not decoded.

    Raises DamagedRow for a row that does not match its checksum. ``despite_damage`` recovers such rows if their body is
    intact, and skips the rest.
    """
    versions = kind.versions
    rows = restored_rows(kind, holds(kind.sightings, seq)).where(holds(versions, seq)).order_by(versions.c.key)
    return _restored(connection, kind, rows, wanted, despite_damage=despite_damage)


def records_at(connection: Connection, seq: int) -> int:
    """The number of records in scan ``seq``, from indexes alone: rows open now, corrected by later changes."""
    return sum(_rows_at(connection, table, seq) for table in RECORDS)


def _rows_at(connection: Connection, table: Table, seq: int) -> int:
    first, until = table.c.first_scan, table.c.until_scan
    is_open, is_later = until.is_(None), and_(first > literal_column("1"), first > seq)
    counts = (
        select(func.count()).select_from(table).where(is_open),
        select(-func.count()).select_from(table).where(is_later, is_open),
        select(func.count()).select_from(table).where(until.is_not(None), until > seq, first <= seq),
    )
    return sum(connection.execute(count).scalar_one() for count in counts)


def refuse_incomplete(connection: Connection, seq: int) -> None:
    """Raise DamagedRow if scan ``seq`` does not have the number of records that it was saved with."""
    if problem := incompleteness(connection, seq):
        raise DamagedRow(problem, hint=HINT)


def incompleteness(connection: Connection, seq: int) -> str | None:
    """A message if scan ``seq`` does not have the number of records that it was saved with; else None."""
    scan = schema.scan.c
    row = connection.execute(select(scan.id, (scan.records - scan.removed).label("saved")).where(scan.seq == seq)).one()
    there = records_at(connection, seq)
    return None if there == row.saved else scans.incomplete(row.id, there, row.saved)


def open_places(connection: Connection) -> dict[tuple[str, str, str], int]:
    """The latest scan's identities counted by source, scope and kind, without reading their bodies."""
    identity = schema.identity.c
    place = (identity.source, identity.scope, identity.kind)
    counts = select(*place, func.count()).where(identity.until_scan.is_(None)).group_by(*place)
    return {(source, scope, kind): number for source, scope, kind, number in plain_rows(connection, counts)}


def read_open(
    connection: Connection, kind: RecordKind[R], chosen: ColumnElement[bool], *, despite_damage: bool = False
) -> Iterator[R]:
    """Stream the latest scan's records for which ``chosen`` is true. Damage: as in :func:`read`."""
    versions, sightings = kind.versions, kind.sightings
    rows = restored_rows(kind, sightings.c.until_scan.is_(None)).where(versions.c.until_scan.is_(None), chosen)
    return _restored(connection, kind, rows, despite_damage=despite_damage)


def _restored(
    connection: Connection,
    kind: RecordKind[R],
    rows: Select[Any],
    wanted: Callable[[Row[Any]], bool] | None = None,
    *,
    despite_damage: bool,
) -> Iterator[R]:
    shared = Shared(connection)
    with connection.execute(rows, execution_options={"yield_per": BATCH}) as result:
        for row in result:
            if wanted is not None and not wanted(row):
                continue
            try:
                yield restore(kind, row, shared)
            except DamagedRow:
                if not despite_damage:
                    raise
                if (record := recovered(kind, row, shared)) is not None:
                    yield record


def has_order(connection: Connection, kind: RecordKind[R], seq: int) -> bool:
    """Whether the records of one scan had another order than their kind's own."""
    ordering = schema.ordering
    its_own = select(ordering.c.key).where(ordering.c.key == kind.name, holds(ordering, seq))
    return connection.execute(its_own).first() is not None


def read_in_order(connection: Connection, kind: RecordKind[R], seq: int) -> tuple[R, ...]:
    """The records of one scan in their original order."""
    ordering = schema.ordering
    row = connection.execute(select(ordering).where(ordering.c.key == kind.name, holds(ordering, seq))).one_or_none()
    records = list(read(connection, kind, seq))
    if row is not None:
        verify(ordering, tuple(row))
        places = decode(_places, row.body, f"order of kind {kind.name}")
        if len(places) == len(records):  # otherwise a repair removed records, and the order no longer fits
            return tuple(record for _, record in sorted(zip(places, records, strict=True), key=itemgetter(0)))
    return tuple(sorted(records, key=kind.order))
