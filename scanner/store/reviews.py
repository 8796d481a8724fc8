"""Access reviews in the store. Rows are only added, never changed or deleted.

Decisions in the served page are records of that page, and are merged here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from heapq import merge
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, Table, delete, func, select

from scanner.errors import DamagedRow, UsageError, did_you_mean
from scanner.model.decisions import Act, Actor
from scanner.model.reviews import Campaign, Review, ReviewItem, ReviewRecord
from scanner.store import schema
from scanner.store.acts import STATED, of_row, review_act
from scanner.store.bodies import decode, encode
from scanner.store.decisions import log
from scanner.store.engine import bulk_insert, plain_rows, reading, writing
from scanner.store.integrity import Values, verify
from scanner.store.served import decisions
from scanner.text import printable

_reviews = msgspec.json.Decoder(Review)


class Reviews:
    """The campaigns. Any method may raise StoreError."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def open(self, review: Review, items: Sequence[ReviewItem], actor: Actor = STATED) -> None:
        """Add a campaign, and log who opened it. Raises UsageError if its name was used before."""
        with writing(self._engine) as connection:
            if _number(connection, review.name) is not None:
                raise UsageError(
                    f"there is a review called {printable(review.name)} already", hint="choose another name"
                )
            number = (connection.execute(select(func.max(schema.review.c.number))).scalar() or 0) + 1
            row = (number, review.name, _text(review))
            bulk_insert(connection, schema.review, [row])
            _append(connection, schema.review_item, number, items)
            _log(connection, schema.review, [(review_act(review.name, review, actor), row)])

    def append(self, name: str, records: Sequence[ReviewRecord], actor: Actor = STATED) -> None:
        """Add records to a campaign, and log those that are decisions. Raises UsageError for an unknown one.

        ``actor``: how the person is known; who decided is in the records of decisions.
        """
        with writing(self._engine) as connection:
            rows = _append(connection, schema.review_record, _known(connection, name), records)
            acts = [review_act(name, record, actor) for record in records]
            _log(connection, schema.review_record, zip(acts, rows, strict=True))

    def scans_to_review(self) -> tuple[str, ...]:
        """Ids of scans whose events have not opened their reviews yet, oldest first."""
        scan = schema.scan_to_review.c.scan
        with reading(self._engine) as connection:
            return tuple(connection.scalars(select(scan).order_by(scan)))

    def reviewed(self, scan: str) -> None:
        """Record that a scan's events have opened their reviews."""
        with writing(self._engine) as connection:
            connection.execute(delete(schema.scan_to_review).where(schema.scan_to_review.c.scan == scan))

    def campaign(self, name: str) -> Campaign:
        """The campaign of that name. Raises UsageError for an unknown one, DamagedRow if any of it was changed."""
        with reading(self._engine) as connection:
            return _load(connection, _known(connection, name))

    def campaigns(self) -> tuple[Campaign, ...]:
        """All campaigns, in the order they were opened. Raises DamagedRow."""
        with reading(self._engine) as connection:
            return tuple(_load(connection, number) for number in _numbers(connection))

    def sound_campaigns(self) -> tuple[tuple[Campaign, ...], tuple[str, ...]]:
        """All undamaged campaigns, and a message for each damaged one, which a scan ignores."""
        found, damage = list[Campaign](), list[str]()
        with reading(self._engine) as connection:
            for number in _numbers(connection):
                try:
                    found.append(_load(connection, number))
                except DamagedRow as error:
                    damage.append(str(error))
        return tuple(found), tuple(damage)


def _numbers(connection: Connection) -> list[int]:
    return list(connection.execute(select(schema.review.c.number).order_by(schema.review.c.number)).scalars())


def _number(connection: Connection, name: str) -> int | None:
    found: int | None = connection.execute(
        select(schema.review.c.number).where(schema.review.c.name == name)
    ).scalar_one_or_none()
    return found


def _known(connection: Connection, name: str) -> int:
    number = _number(connection, name)
    if number is None:
        names = list(connection.execute(select(schema.review.c.name)).scalars())
        hint = did_you_mean(name, names) or (
            f"there are: {', '.join(map(printable, names))}" if names else "`muster review open` starts one"
        )
        raise UsageError(f"there is no review called {printable(name)}", hint=hint)
    return number


def _log(connection: Connection, table: Table, acts: Iterable[tuple[Act | None, Values]]) -> None:
    log(connection, [of_row(act, table, row) for act, row in acts if act is not None])


def _append(connection: Connection, table: Table, number: int, records: Sequence[Any]) -> list[Values]:
    """Add records after those that are there; returns their rows."""
    last = connection.execute(select(func.max(table.c.position)).where(table.c.review == number)).scalar()
    start = 0 if last is None else last + 1
    rows = [(number, start + place, _text(one)) for place, one in enumerate(records)]
    bulk_insert(connection, table, rows)
    return list[Values](rows)


def _load(connection: Connection, number: int) -> Campaign:
    (row,) = plain_rows(connection, select(schema.review).where(schema.review.c.number == number))
    verify(schema.review, row)
    review = decode(_reviews, row[2], "review")
    recorded: tuple[ReviewRecord, ...] = _all(connection, schema.review_record, number, ReviewRecord)
    served = (one.record for one in decisions(connection, review.name))
    return Campaign(
        review=review,
        items=_all(connection, schema.review_item, number, ReviewItem),
        records=tuple(merge(recorded, served, key=lambda record: record.at)),
    )


def _all(connection: Connection, table: Table, number: int, kind: Any) -> tuple[Any, ...]:
    """The records of a campaign in order. Raises DamagedRow, also if one in between is lost."""
    rows = plain_rows(connection, select(table).where(table.c.review == number).order_by(table.c.position))
    decoder = msgspec.json.Decoder(kind)
    for place, row in enumerate(rows):
        verify(table, row)
        if row[1] != place:
            raise DamagedRow(f"row {place} of {table.name} of review number {row[0]} is lost")
    return tuple(decode(decoder, row[2], table.name) for row in rows)


def _text(record: Any) -> str:
    return encode(record, "review").decode()
