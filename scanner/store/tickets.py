"""Tickets in other systems: wanted content, written content, and last known state.

A scan saves the wanted content in its transaction. A ticket is claimed before it is written, so that two processes
never open it twice. The claim of a process that died expires: by then, a ticket that it opened can be found in the
other system, which may need a while to list a new one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct
from sqlalchemy import Connection, Engine, Row, and_, bindparam, delete, insert, or_, select, update

from scanner.store import schema
from scanner.store.engine import reading, writing

CLAIM = timedelta(minutes=10)
"""How long a process may take to write a ticket that it has claimed."""


class WantedTicket(Struct, frozen=True, kw_only=True):
    """The wanted content of a ticket since the scan that started at ``wanted_at``.

    ``wanted`` is JSON without secrets.
    """

    marker: str
    target: str
    wanted: str
    wanted_at: datetime


class StoredTicket(Struct, frozen=True, kw_only=True):
    """A row of the table, see schema.py."""

    marker: str
    target: str
    wanted: str
    wanted_at: datetime
    written: str | None = None
    reference: str | None = None
    shown: str | None = None
    closed_at: datetime | None = None
    reopened: bool = False
    attempts: int = 0
    fault: str | None = None

    @property
    def is_written(self) -> bool:
        """Whether the written content is the wanted content."""
        return self.written == self.wanted


def write(connection: Connection, tickets: Sequence[WantedTicket]) -> None:
    """Save the wanted content of these tickets."""
    table = schema.ticket
    known = set(connection.execute(select(table.c.marker)).scalars()) if tickets else set()
    old = [{"key": one.marker, "said": one.wanted, "at": _at(one)} for one in tickets if one.marker in known]
    new = [
        {"marker": one.marker, "target": one.target, "wanted": one.wanted, "wanted_at": _at(one)}
        for one in tickets
        if one.marker not in known
    ]
    if old:
        its_own = table.c.marker == bindparam("key")
        connection.execute(
            update(table).where(its_own).values(wanted=bindparam("said"), wanted_at=bindparam("at")), old
        )
    if new:
        connection.execute(insert(table).values(reopened=0, attempts=0), new)


def _at(ticket: WantedTicket) -> str:
    return ticket.wanted_at.isoformat()


class Tickets:
    """The tickets of a store. Any method may raise StoreError."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def all(self) -> tuple[StoredTicket, ...]:
        """Every ticket, ordered by target and marker."""
        ticket = schema.ticket.c
        with reading(self._engine) as connection:
            rows = connection.execute(select(schema.ticket).order_by(ticket.target, ticket.marker))
            return tuple(map(_ticket, rows))

    def claim(self, marker: str, now: datetime) -> StoredTicket | None:
        """Claim a ticket; None if another process is at it. Returns it as it is now."""
        ticket = schema.ticket
        free = or_(ticket.c.claimed_until.is_(None), ticket.c.claimed_until < now.isoformat())
        mine = and_(ticket.c.marker == marker, free)
        with writing(self._engine) as connection:
            taken = connection.execute(
                update(ticket).where(mine).values(claimed_until=(now + CLAIM).isoformat())
            ).rowcount
            row = connection.execute(select(ticket).where(ticket.c.marker == marker)).one_or_none()
        return _ticket(row) if taken and row is not None else None

    def written(self, ticket: StoredTicket) -> None:
        """Record the content of a claimed ticket, and release the claim."""
        with writing(self._engine) as connection:
            connection.execute(
                update(schema.ticket)
                .where(schema.ticket.c.marker == ticket.marker)
                .values(
                    written=ticket.written,
                    reference=ticket.reference,
                    shown=ticket.shown,
                    closed_at=None if ticket.closed_at is None else ticket.closed_at.isoformat(),
                    reopened=int(ticket.reopened),
                    attempts=0,
                    claimed_until=None,
                    fault=None,
                )
            )

    def forget(self, marker: str) -> None:
        """Remove a ticket that was never opened."""
        with writing(self._engine) as connection:
            connection.execute(delete(schema.ticket).where(schema.ticket.c.marker == marker))

    def failed(self, ticket: StoredTicket, fault: str, *, unclear: bool) -> None:
        """Record that a claimed ticket could not be written. ``unclear``: it may exist, so the claim stays."""
        values = {} if unclear else {"claimed_until": None}
        with writing(self._engine) as connection:
            connection.execute(
                update(schema.ticket)
                .where(schema.ticket.c.marker == ticket.marker)
                .values(attempts=ticket.attempts + 1, fault=fault, **values)
            )

    def seen(self, marker: str, closed_at: datetime | None) -> None:
        """Record that people closed a ticket, or opened it again."""
        with writing(self._engine) as connection:
            connection.execute(
                update(schema.ticket)
                .where(schema.ticket.c.marker == marker)
                .values(closed_at=None if closed_at is None else closed_at.isoformat())
            )


def _ticket(row: Row[tuple[object, ...]]) -> StoredTicket:
    return StoredTicket(
        marker=row.marker,
        target=row.target,
        wanted=row.wanted,
        wanted_at=datetime.fromisoformat(row.wanted_at),
        written=row.written,
        reference=row.reference,
        shown=row.shown,
        closed_at=None if row.closed_at is None else datetime.fromisoformat(row.closed_at),
        reopened=bool(row.reopened),
        attempts=row.attempts,
        fault=row.fault,
    )
