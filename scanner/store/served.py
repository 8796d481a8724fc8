"""Records of the served page. Rows are only added, also while a scan holds the store's lock."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from operator import attrgetter
from types import MappingProxyType
from typing import TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import ColumnElement, Connection, Engine, func, select

from scanner.model import Acknowledgement
from scanner.model.decisions import Actor, KnownBy
from scanner.model.served import (
    AcknowledgementAsked,
    AcknowledgementWithdrawn,
    FindingAcknowledged,
    ItemDecided,
    Looked,
    OwnerDenied,
    OwnerProposed,
    OwnerWithdrawn,
    PageRecord,
    QueryDeleted,
    QuerySaved,
    SignedOut,
    Visited,
)
from scanner.store import schema
from scanner.store.acts import of_row, page_act
from scanner.store.bodies import decode, encode, moment_of, text_of
from scanner.store.decisions import log as log_decisions
from scanner.store.engine import appending, bulk_insert, plain_rows, reading
from scanner.store.integrity import Values, is_sound, named, verify

R = TypeVar("R", bound=Struct)
Given = TypeVar("Given", FindingAcknowledged, AcknowledgementAsked)
Said = TypeVar("Said", OwnerProposed, OwnerDenied)

log = logging.getLogger(__name__)

_SUBJECTS = {
    FindingAcknowledged: "finding",
    AcknowledgementAsked: "finding",
    AcknowledgementWithdrawn: "finding",
    OwnerProposed: "identity",
    OwnerDenied: "identity",
    OwnerWithdrawn: "identity",
    ItemDecided: "review",
    QuerySaved: "id",
    QueryDeleted: "id",
    Visited: "scan",
    Looked: "what",
    SignedOut: "session",
}
"""The field with the subject, by kind of record."""
_LONGEST_SUBJECT = 1_000
"""Characters of the column, which has an index; PostgreSQL refuses longer rows of one."""
_table = schema.page_record.c


class ServedRecords:
    """Records of the served page. Any method may raise StoreError, and DamagedRow for a row that was changed."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def append(
        self,
        *records: PageRecord,
        known_by: KnownBy = "stated",
        about: Mapping[str, str] = MappingProxyType({}),
        before: str | None = None,
    ) -> None:
        """Add records, and log those that are decisions. On SQLite this waits while a scan is being saved.

        ``known_by``: how the person is known. ``about``, ``before``: for the log, what records do not name themselves.
        """
        rows = [
            (
                secrets.token_hex(16),
                sort_of(type(record)),
                text_of(record.at),
                record.by,
                str(getattr(record, _SUBJECTS[type(record)]))[:_LONGEST_SUBJECT],
                encode(record, "record of the served page").decode(),
            )
            for record in records
        ]
        acts = (page_act(record, Actor(known_by=known_by), about, before) for record in records)
        logged = [of_row(act, schema.page_record, row) for act, row in zip(acts, rows, strict=True) if act is not None]
        with appending(self._engine) as connection:
            bulk_insert(connection, schema.page_record, rows)
            log_decisions(connection, logged)

    def acknowledgements(self) -> tuple[Acknowledgement, ...]:
        """The last acknowledgement of each finding, and what was asked for since.

        Changed rows are left out with a warning: no row ends a scan.
        """
        with reading(self._engine) as connection:
            back = {(one.finding, one.of) for one in _sound(connection, AcknowledgementWithdrawn)}
            given = {one.finding: one for one in _left(_sound(connection, FindingAcknowledged), back)}
            asked = {one.finding: one for one in _left(_sound(connection, AcknowledgementAsked), back)}
        every: list[FindingAcknowledged | AcknowledgementAsked] = list(given.values())
        every += (one for one in asked.values() if one.finding not in given or given[one.finding].at < one.at)
        return tuple(one.acknowledgement for one in every)

    def given(self, finding: str) -> tuple[FindingAcknowledged | AcknowledgementAsked, ...]:
        """What was acknowledged or asked for about a finding and not taken back, in order."""
        about = _table.subject == finding
        with reading(self._engine) as connection:
            back = {(one.finding, one.of) for one in read(connection, AcknowledgementWithdrawn, about)}
            every: list[FindingAcknowledged | AcknowledgementAsked] = []
            every += _left(read(connection, FindingAcknowledged, about), back)
            every += _left(read(connection, AcknowledgementAsked, about), back)
        return tuple(sorted(every, key=attrgetter("at")))

    def proposals(self, identity: str | None = None) -> tuple[OwnerProposed, ...]:
        """Proposed owners, of one identity or of all, in the order they were proposed, also those taken back."""
        return self._about_owners(OwnerProposed, identity)

    def denials(self, identity: str | None = None) -> tuple[OwnerDenied, ...]:
        """Who said of one identity or of any that it is not theirs, in order, also what was taken back."""
        return self._about_owners(OwnerDenied, identity)

    def _about_owners(self, kind: type[Said], identity: str | None) -> tuple[Said, ...]:
        about = () if identity is None else (_table.subject == identity[:_LONGEST_SUBJECT],)
        with reading(self._engine) as connection:
            back = {(one.identity, one.of): one.at for one in read(connection, OwnerWithdrawn, *about)}
            found = [one for one in read(connection, kind, *about) if identity in (None, one.identity)]
        return tuple(replace(one, withdrawn_at=back.get((one.identity, one.at))) for one in found)

    def queries(self) -> tuple[QuerySaved, ...]:
        """Saved queries that were not deleted, oldest first."""
        deleted = {one.id for one in self._read(QueryDeleted)}
        return tuple(one for one in self._read(QuerySaved) if one.id not in deleted)

    def visits(self, by: str) -> tuple[Visited, ...]:
        """The two latest visits of a person, newest first."""
        found = self._read(Visited, _table.person == by)
        return tuple(reversed(found[-2:]))

    def last(self, kind: type[R]) -> datetime | None:
        """When the last record of that kind was added."""
        with reading(self._engine) as connection:
            newest = connection.execute(select(func.max(_table.at)).where(_table.sort == sort_of(kind))).scalar()
        return None if newest is None else moment_of(newest)

    def looks(self, by: str | None = None) -> tuple[Looked, ...]:
        """Reads by one person or by all, in order."""
        return self._read(Looked, *(() if by is None else (_table.person == by,)))

    def signed_out(self, since: datetime) -> frozenset[str]:
        """The sessions that ended since then; also those of changed rows, so that none comes back by a change."""
        ended = select(_table.subject).where(_table.sort == sort_of(SignedOut), _table.at >= text_of(since))
        with reading(self._engine) as connection:
            return frozenset(connection.execute(ended).scalars())

    def _read(self, kind: type[R], *chosen: ColumnElement[bool]) -> tuple[R, ...]:
        with reading(self._engine) as connection:
            return read(connection, kind, *chosen)


def _left(records: Iterable[Given], back: Collection[tuple[str, datetime]]) -> Iterator[Given]:
    """The records that were not taken back."""
    return (one for one in records if (one.finding, one.at) not in back)


def decisions(connection: Connection, review: str) -> tuple[ItemDecided, ...]:
    """The decisions about a review's items, in order."""
    return read(connection, ItemDecided, _table.subject == review[:_LONGEST_SUBJECT])


def read(connection: Connection, kind: type[R], *chosen: ColumnElement[bool]) -> tuple[R, ...]:
    """The records of a kind in the order of their times. Raises DamagedRow."""
    rows = _rows(connection, kind, *chosen)
    for row in rows:
        verify(schema.page_record, row)
    return tuple(_decoded(rows, kind))


def sort_of(kind: type[Struct]) -> str:
    """The name of a kind of record in the table."""
    return str(kind.__struct_config__.tag)


def _rows(connection: Connection, kind: type[Struct], *chosen: ColumnElement[bool]) -> list[Values]:
    mine = select(schema.page_record).where(_table.sort == sort_of(kind), *chosen)
    return plain_rows(connection, mine.order_by(_table.at, _table.id))


def _sound(connection: Connection, kind: type[R]) -> Iterator[R]:
    rows = _rows(connection, kind)
    for row in rows:
        if not is_sound(schema.page_record, row):
            log.warning("%s was changed or damaged: it suppresses nothing", named(schema.page_record, row))
    return _decoded((row for row in rows if is_sound(schema.page_record, row)), kind)


def _decoded(rows: Iterable[Values], kind: type[R]) -> Iterator[R]:
    decoder = msgspec.json.Decoder(kind)
    return (decode(decoder, row[5], "record of the served page") for row in rows)
