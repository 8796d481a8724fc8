"""The log of decisions in the store. Records are only added, in the transaction of what they record."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from heapq import merge
from typing import Any

import msgspec
from msgspec.structs import replace
from sqlalchemy import Connection, Engine, Table, inspect, select

from scanner.errors import StoreError
from scanner.model.decisions import Act, DecisionHead, LoggedDecision
from scanner.model.reviews import Review, ReviewRecord
from scanner.model.served import PageRecord
from scanner.store import schema
from scanner.store.acts import PAGE_DECISIONS, STATED, named_row, of_row, page_act, review_act
from scanner.store.bodies import decode
from scanner.store.chain import EMPTY, Printed, Verified, decoded, hash_of, linked, verified
from scanner.store.engine import appending, bulk_insert, database_of, plain_batches, plain_rows, reading
from scanner.store.integrity import Values, is_sound

_log = schema.decision.c
_page_records: msgspec.json.Decoder[Any] = msgspec.json.Decoder(PageRecord)
_reviews: msgspec.json.Decoder[Any] = msgspec.json.Decoder(Review)
_review_records: msgspec.json.Decoder[Any] = msgspec.json.Decoder(ReviewRecord)


class Decisions:
    """The log of decisions. Any method may raise StoreError."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @contextmanager
    def recording(self, acts: Sequence[Act]) -> Iterator[None]:
        """Log decisions whose effect is written within, such as to a file: if that fails, nothing is logged."""
        with appending(self._engine) as connection:
            log(connection, acts)
            yield

    def head(self) -> DecisionHead:
        """The length of the log, and the hash of its last record."""
        with reading(self._engine) as connection:
            return _head(connection)

    def newest(
        self, *, by: str | None = None, identity: str | None = None, since: datetime | None = None
    ) -> Iterator[tuple[LoggedDecision, str]]:
        """The records with their hashes, newest first: of a person, about an identity, from a time on.

        ``by`` is compared without case with the person and the user of the operating system; ``identity`` is a key.
        """
        wanted = None if by is None else by.casefold()
        from_then = None if since is None else since.astimezone(UTC)
        newest_first = select(_log.body, _log.hash).order_by(_log.number.desc())
        with reading(self._engine) as connection:
            for batch in plain_batches(connection, newest_first):
                for body, digest in batch:
                    record = decoded(body)
                    names = (record.by or "", record.os_user or "")
                    if (
                        (wanted is None or wanted in map(str.casefold, names))
                        and identity in (None, record.about.get("identity"))
                        and (from_then is None or datetime.fromisoformat(record.at) >= from_then)
                    ):
                        yield record, digest


def log(connection: Connection, acts: Sequence[Act]) -> None:
    """Log decisions in the transaction of what they record: as its last step, because others wait from here on."""
    if acts:
        database_of(connection).wait_to_log(connection)
        rows, _ = linked(_head(connection), acts)
        bulk_insert(connection, schema.decision, rows)


def _head(connection: Connection) -> DecisionHead:
    last = plain_rows(connection, select(_log.number, _log.hash).order_by(_log.number.desc()).limit(1))
    return DecisionHead(count=last[0][0], head=last[0][1]) if last else EMPTY


# --- Checking ---


def check_log(connection: Connection, printed: Sequence[Printed]) -> Verified:
    """Verify the log, that it continues these heads, and that the store's decisions are those that it records."""
    every = select(_log.number, _log.body, _log.hash).order_by(_log.number)
    found = verified((row for batch in plain_batches(connection, every) for row in batch), printed)
    return replace(found, faults=(*found.faults, *_unlike_rows(connection)))


def _unlike_rows(connection: Connection) -> Iterator[str]:
    """Rows that were changed or removed since they were logged, and rows that were never logged."""
    logged = _logged_rows(connection)
    for table, rows in _decided_rows(connection):
        for row in rows:
            name = named_row(table, row)
            number, digest = logged.pop(name, (None, None))
            if not is_sound(table, row):
                continue  # reported by its checksum
            if number is None:
                yield f"{name} is a decision that is not in the log of decisions"
            elif digest != hash_of(row[table.c.keys().index("body")]):
                yield f"{name} was changed since decision {number} recorded it"
    for name, (number, _) in logged.items():
        yield f"{name} is gone, which decision {number} recorded"


def _logged_rows(connection: Connection) -> dict[str, tuple[int, str]]:
    """By stored row, the number of the decision that records it, and the SHA-256 of its body."""
    logged = dict[str, tuple[int, str]]()
    for batch in plain_batches(connection, select(_log.number, _log.body).order_by(_log.number)):
        for number, body in batch:
            with suppress(StoreError):  # reported by the chain
                record = decoded(body)
                if record.row and record.row_sha256:
                    logged[record.row] = (number, record.row_sha256)
    return logged


def _decided_rows(connection: Connection) -> Iterator[tuple[Table, list[Values]]]:
    """The tables with rows that are decisions, and these rows."""
    sorts = [str(kind.__struct_config__.tag) for kind in PAGE_DECISIONS]
    page, record = schema.page_record, schema.review_record
    yield page, plain_rows(connection, select(page).where(page.c.sort.in_(sorts)).order_by(page.c.at, page.c.id))
    yield schema.review, plain_rows(connection, select(schema.review).order_by(schema.review.c.number))
    decided = record.c.body.not_like('{"type":"reminded"%')
    yield record, plain_rows(connection, select(record).where(decided).order_by(record.c.review, record.c.position))
    retired = schema.retirement_record
    if inspect(connection).has_table(retired.name):  # not yet while an older store is brought forward
        yield retired, plain_rows(connection, select(retired).order_by(retired.c.number))


# --- Stores of before ---


def import_decisions(connection: Connection) -> None:
    """Log what a store of before the log holds: one record ``imported`` each. Damaged rows are left out."""
    reviews = plain_rows(connection, select(schema.review.c.number, schema.review.c.name))
    names = {int(number): str(name) for number, name in reviews}
    found: list[list[Act]] = []
    for table, rows in _decided_rows(connection):
        acts = (_old_act(table, row, names) for row in rows if is_sound(table, row))
        found.append(sorted((act for act in acts if act is not None), key=lambda act: act.at))
    rows, _ = linked(_head(connection), merge(*found, key=lambda act: act.at), datetime.now(UTC).replace(microsecond=0))
    bulk_insert(connection, schema.decision, rows)


def _old_act(table: Table, row: Values, names: dict[int, str]) -> Act | None:
    body = row[table.c.keys().index("body")]
    if table is schema.page_record:
        act = page_act(decode(_page_records, body, "record of the served page"), STATED, {}, None)
    elif table is schema.retirement_record:
        act = None  # stores of before the log have none
    elif table is schema.review:
        act = review_act(row[1], decode(_reviews, body, "review"), STATED)
    else:
        act = review_act(names.get(row[0], ""), decode(_review_records, body, "review"), STATED)
    return None if act is None else of_row(act, table, row)
