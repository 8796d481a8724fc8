"""Messages on their way and places known to be unread: written with a scan in one transaction, so that none is lost.

A message is claimed before it is sent and deleted afterwards, so that two programs never send it twice; whoever dies
with a claim loses it after a while.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from msgspec import Struct
from sqlalchemy import Connection, Engine, delete, insert, or_, select, update

from scanner.model import BlindSpot
from scanner.store import schema
from scanner.store.engine import reading, writing

CLAIM = timedelta(minutes=10)
"""How long a message is left to the program that is sending it."""


class Message(Struct, frozen=True, kw_only=True):
    """A message as it is kept. ``body`` is JSON and holds no secret. ``fault``: why it has not arrived so far."""

    id: str
    channel: str
    created_at: datetime
    body: str
    attempts: int = 0
    fault: str | None = None


class Alarms(Struct, frozen=True, kw_only=True):
    """What a scan has to tell. ``blind``: all places that are not read now, of the sources that were scanned."""

    messages: tuple[Message, ...] = ()
    blind: tuple[BlindSpot, ...] = ()
    sources: frozenset[str] = frozenset()


NO_ALARMS = Alarms()


def write(connection: Connection, alarms: Alarms) -> None:
    """Add the messages, and put the blind places of the scanned sources in place of those known before."""
    spot = schema.blind_spot
    for source in sorted(alarms.sources):
        connection.execute(delete(spot).where(spot.c.source == source))
    if alarms.blind:
        connection.execute(
            insert(spot),
            [
                {
                    "source": one.source,
                    "scope": one.scope,
                    "section": one.section,
                    "status": one.status,
                    "since": one.since.isoformat(),
                }
                for one in alarms.blind
            ],
        )
    waiting = set(connection.execute(select(schema.outbox.c.id)).scalars())
    if new := [one for one in alarms.messages if one.id not in waiting]:
        connection.execute(
            insert(schema.outbox),
            [
                {
                    "id": one.id,
                    "channel": one.channel,
                    "created_at": one.created_at.isoformat(),
                    "position": position,
                    "body": one.body,
                    "attempts": 0,
                }
                for position, one in enumerate(new)
            ],
        )


class Outbox:
    """The messages of a store that have not arrived. Any method may raise StoreError."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def post(self, alarms: Alarms) -> None:
        """Take in what no scan could be stored with."""
        with writing(self._engine) as connection:
            write(connection, alarms)

    def blind_spots(self) -> tuple[BlindSpot, ...]:
        """Every place that could not be read in full when it was last tried, by source, scope and section."""
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

    def pending(self) -> tuple[Message, ...]:
        """All that has not arrived, oldest first."""
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
        """What has not arrived, oldest first, each claimed for whoever goes on to it; others' claims are left out."""
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
        """It is done with: delivered, or given up."""
        with writing(self._engine) as connection:
            connection.execute(delete(schema.outbox).where(schema.outbox.c.id == message.id))

    def failed(self, message: Message, fault: str, *, attempts: int) -> None:
        """It has not arrived; somebody may try again at once. ``attempts``: how many there were this time."""
        with writing(self._engine) as connection:
            connection.execute(
                update(schema.outbox)
                .where(schema.outbox.c.id == message.id)
                .values(claimed_until=None, attempts=message.attempts + attempts, fault=fault)
            )
