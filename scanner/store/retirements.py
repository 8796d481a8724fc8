"""Retirements in the store: who began to retire what, with the plan, and who ended it. Rows are only added."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from itertools import islice
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, func, select

from scanner.errors import DamagedRow, UsageError
from scanner.model import Finding
from scanner.model.decisions import Actor
from scanner.model.retirement import RetirementRecord, RetirementStarted, RetirementStopped, periods, standing
from scanner.store import schema
from scanner.store.acts import of_row, retirement_act
from scanner.store.bodies import decode, encode, text_of
from scanner.store.decisions import log as log_decisions
from scanner.store.engine import bulk_insert, plain_rows, reading, writing
from scanner.store.integrity import is_sound, named, verify
from scanner.store.intervals import restore, unmoved_rows
from scanner.store.kinds import FINDINGS, Shared
from scanner.text import printable

log = logging.getLogger(__name__)

_LOOKED_UP = 500
"""The identities in one query."""

_decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(RetirementRecord)


class Retirements:
    """The retirements. Any method may raise StoreError, and DamagedRow for a row that was changed."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def start(self, record: RetirementStarted, actor: Actor) -> None:
        """Add a retirement, and log who began it. Raises UsageError if one of that identity is under way."""
        with writing(self._engine) as connection:
            if _place(record) in {_place(one) for one in standing(_read(connection))}:
                raise UsageError(
                    f"{printable(record.credential or record.identity)} is being retired already",
                    hint="`muster retire --list` shows how far it is, `--stop` ends it",
                )
            _append(connection, record, actor)

    def stop(self, record: RetirementStopped, actor: Actor) -> None:
        """End a retirement, and log who did."""
        with writing(self._engine) as connection:
            _append(connection, record, actor)

    def records(self) -> tuple[RetirementRecord, ...]:
        """All records, oldest first."""
        with reading(self._engine) as connection:
            return _read(connection)

    def periods(self) -> tuple[tuple[RetirementStarted, datetime | None], ...]:
        """Each retirement with the time when it was stopped, oldest first; None while it is under way.

        Changed rows are left out with a warning: no row ends a scan.
        """
        with reading(self._engine) as connection:
            return periods(_read(connection, despite_damage=True))

    def under_way(self) -> Mapping[str, RetirementStarted]:
        """The retirements that were not stopped, by the key of the identity, or of its credential."""
        return {one.credential or one.identity: one for one, stopped in self.periods() if stopped is None}

    def findings(self, rule: str, identities: Collection[str]) -> Iterator[Finding]:
        """The findings of a rule about these identities in any kept scan. Damaged ones are left out."""
        finding, wanted = schema.finding.c, iter(sorted(identities))
        with reading(self._engine) as connection:
            shared = Shared(connection)
            while some := list(islice(wanted, _LOOKED_UP)):
                about = unmoved_rows(FINDINGS).where(finding.rule == rule, finding.identity.in_(some))
                for row in connection.execute(about):
                    with suppress(DamagedRow):
                        yield restore(FINDINGS, row, shared)


def _place(record: RetirementRecord) -> tuple[str, str | None]:
    return record.identity, record.credential


def _append(connection: Connection, record: RetirementRecord, actor: Actor) -> None:
    table = schema.retirement_record
    number = (connection.execute(select(func.max(table.c.number))).scalar() or 0) + 1
    row = (number, record.identity, text_of(record.at), encode(record, "retirement").decode())
    bulk_insert(connection, table, [row])
    log_decisions(connection, [of_row(retirement_act(record, actor), table, row)])


def _read(connection: Connection, *, despite_damage: bool = False) -> tuple[RetirementRecord, ...]:
    table = schema.retirement_record
    rows = plain_rows(connection, select(table).order_by(table.c.number))
    if despite_damage:
        for row in rows:
            if not is_sound(table, row):
                log.warning("%s was changed or damaged: it retires nothing", named(table, row))
        rows = [row for row in rows if is_sound(table, row)]
    for row in rows:
        verify(table, row)
    return tuple(decode(_decoder, row[3], "retirement") for row in rows)
