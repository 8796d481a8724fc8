"""The store itself: whether it can be used, and what there is to say of it."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from sqlalchemy import Engine

from scanner.errors import MissingStore, OlderStore
from scanner.history.alone import holder
from scanner.history.engine import database_of, faults_told, where
from scanner.history.migrations import MIGRATIONS, Migration, migrate, version


class StoreStatus(Struct, frozen=True, kw_only=True):
    """Where it is, the number of its last migration, its size, and who concludes a scan just now."""

    place: str
    version: int
    bytes: int
    holder: str | None


def status(engine: Engine) -> StoreStatus:
    """What there is to say of it."""
    with faults_told(engine):
        size = database_of(engine).size(engine)
    return StoreStatus(place=where(engine), version=version(engine), bytes=size, holder=holder(engine))


def make_ready_to_write(engine: Engine) -> None:
    """Bring it forward to today's tables. Raises StoreError where a scan could not be stored."""
    migrate(engine)
    with faults_told(engine):
        database_of(engine).refuse_unwritable(engine)


def refuse_older(engine: Engine, migrations: Sequence[Migration] = MIGRATIONS) -> None:
    """Raise MissingStore where there is none, OlderStore where it has other tables than queries are written for."""
    found = version(engine, migrations)
    if found == 0:
        raise MissingStore(f"there is no store at {where(engine)}", hint="`muster scan` makes one")
    if found < len(migrations):
        raise OlderStore(
            f"the store {where(engine)} has the tables of an earlier version",
            hint="`muster scan` or `muster store upgrade` brings it forward",
        )
