"""Messages to deliver, places that could not be read, and findings that were announced between scans.

A scan saves them in its transaction.

A message is claimed before it is sent and deleted afterwards, so that two processes never send it twice. A claim of a
process that died expires.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta

from msgspec import Struct
from sqlalchemy import Connection, Engine, delete, insert, or_, select, update

from scanner.model import BlindSpot
from scanner.store import schema, tickets
from scanner.store.engine import reading, writing
from scanner.store.tickets import WantedTicket

CLAIM = timedelta(minutes=10)
"""How long a process may take to send a message it has claimed."""


class Message(Struct, frozen=True, kw_only=True):
    """A message in the store. ``body`` is JSON and holds no secret. ``fault``: why it was not delivered so far."""

    id: str
    channel: str
    created_at: datetime
    body: str
    attempts: int = 0
    fault: str | None = None


class Alarms(Struct, frozen=True, kw_only=True):
    """What a scan saves for notifications. ``blind``: every unread place of the scanned sources.

    ``announced``: between scans, by fingerprint, when findings were announced that no scan has yet.
    ``to_review``: the scan whose events are to open reviews.
    """

    messages: tuple[Message, ...] = ()
    blind: tuple[BlindSpot, ...] = ()
    sources: frozenset[str] = frozenset()
    announced: Mapping[str, datetime] = {}
    tickets: tuple[WantedTicket, ...] = ()
    to_review: str | None = None


NO_ALARMS = Alarms()


def write(connection: Connection, alarms: Alarms) -> None:
    """Add the messages, and replace the known unread places of the scanned sources."""
    spot = schema.blind_spot
    for source in sorted(alarms.sources):
        connection.execute(delete(spot).where(spot.c.source == source))
    if alarms.blind:
        connection.execute(
            insert(spot),
            [
                {
                    "source": spot.source,
                    "scope": spot.scope,
                    "section": spot.section,
                    "status": spot.status,
                    "since": spot.since.isoformat(),
                }
                for spot in alarms.blind
            ],
        )
    if alarms.announced:
        known = announced(connection)
        rows = [
            {"fingerprint": fingerprint, "at": at.isoformat()}
            for fingerprint, at in sorted(alarms.announced.items())
            if fingerprint not in known
        ]
        if rows:
            connection.execute(insert(schema.announced), rows)
    tickets.write(connection, alarms.tickets)
    if alarms.to_review is not None:
        connection.execute(insert(schema.scan_to_review).values(scan=alarms.to_review))
    waiting = set(connection.execute(select(schema.outbox.c.id)).scalars())
    if new := [message for message in alarms.messages if message.id not in waiting]:
        connection.execute(
            insert(schema.outbox),
            [
                {
                    "id": message.id,
                    "channel": message.channel,
                    "created_at": message.created_at.isoformat(),
                    "position": position,
                    "body": message.body,
                    "attempts": 0,
                }
                for position, message in enumerate(new)
            ],
        )


def announced(connection: Connection) -> dict[str, datetime]:
    """Findings that were announced between scans, by fingerprint, and when."""
    rows = connection.execute(select(schema.announced)).all()
    return {row.fingerprint: datetime.fromisoformat(row.at) for row in rows}


def forget_announced(connection: Connection, before: datetime) -> None:
    """Remove announcements before that time. Only for a role that may prune."""
    table = schema.announced
    connection.execute(delete(table).where(table.c.at < before.isoformat()))


class Outbox:
    """Messages that were not delivered yet. Any method may raise StoreError."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def post(self, alarms: Alarms) -> None:
        """Add messages of a scan that was not stored."""
        with writing(self._engine) as connection:
            write(connection, alarms)

    def blind_spots(self) -> tuple[BlindSpot, ...]:
        """Every place that could not be read in full at the last attempt, ordered by source, scope and section."""
        spot = schema.blind_spot.c
        with reading(self._engine) as connection:
            rows = connection.execute(select(schema.blind_spot).order_by(spot.source, spot.scope, spot.section))
            return tuple(
                BlindSpot(
                    source=row.source,
                    scope=row.scope,
                    section=row.section,
                    status=row.status,
                    since=datetime.fromisoformat(row.since),
                )
                for row in rows
            )

    def announced(self) -> dict[str, datetime]:
        """Findings that were announced between scans, by fingerprint, and when."""
        with reading(self._engine) as connection:
            return announced(connection)

    def forget_announced(self, before: datetime) -> None:
        """Remove announcements before that time. Only for a role that may prune."""
        with writing(self._engine) as connection:
            forget_announced(connection, before)

    def pending(self) -> tuple[Message, ...]:
        """All undelivered messages, oldest first."""
        outbox = schema.outbox.c
        with reading(self._engine) as connection:
            rows = connection.execute(select(schema.outbox).order_by(outbox.created_at, outbox.position))
            return tuple(
                Message(
                    id=row.id,
                    channel=row.channel,
                    created_at=datetime.fromisoformat(row.created_at),
                    body=row.body,
                    attempts=row.attempts,
                    fault=row.fault,
                )
                for row in rows
            )

    def claimed(self, clock: Callable[[], datetime]) -> Iterator[Message]:
        """Undelivered messages, oldest first, each claimed as it is yielded. Skips claims of other processes."""
        outbox = schema.outbox
        for message in self.pending():
            now = clock()
            free = or_(outbox.c.claimed_until.is_(None), outbox.c.claimed_until < now.isoformat())
            with writing(self._engine) as connection:
                claim = update(outbox).where(outbox.c.id == message.id, free)
                taken = connection.execute(claim.values(claimed_until=(now + CLAIM).isoformat())).rowcount
            if taken:
                yield message

    def arrived(self, message: Message) -> None:
        """Remove a message: it was delivered, or given up."""
        with writing(self._engine) as connection:
            connection.execute(delete(schema.outbox).where(schema.outbox.c.id == message.id))

    def failed(self, message: Message, fault: str, *, attempts: int) -> None:
        """Record a failed delivery and release the claim. ``attempts``: number of attempts this time."""
        with writing(self._engine) as connection:
            connection.execute(
                update(schema.outbox)
                .where(schema.outbox.c.id == message.id)
                .values(claimed_until=None, attempts=message.attempts + attempts, fault=fault)
            )
