"""Runs of scans that ended without a result, or never ended. Rows are only added; `history prune` removes old ones.

A run that was stored has a scan with its id. One that is neither stored nor failed was killed, or still runs.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, Engine, Row, delete, insert, select

from scanner.store import schema
from scanner.store.database import this_process
from scanner.store.engine import appending, reading

_STARTED, _FAILED = "started", "failed"
_LONGEST = timedelta(days=1)
"""For so long a run on another machine may go on."""
_PROCESS = re.compile(r"pid (\d+) on (\S+) since .*")


class FailedRun(Struct, frozen=True, kw_only=True):
    """A run without a result. ``ended_at``: None if it was killed."""

    id: str
    started_at: datetime
    ended_at: datetime | None
    reason: str


class Runs:
    """The runs of scans. Any method may raise StoreError."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def started(self, run: str, at: datetime) -> None:
        """Record that a run has begun."""
        with appending(self._engine) as connection:
            _add(connection, run, _STARTED, at, this_process())

    def failed(self, run: str, started: datetime, at: datetime, reason: str) -> None:
        """Record that a run has ended with an error, whether its start was recorded or not."""
        table = schema.run.c
        with appending(self._engine) as connection:
            known = set(connection.execute(select(table.sort).where(table.id == run)).scalars())
            if _STARTED not in known:
                _add(connection, run, _STARTED, started, this_process())
            if _FAILED not in known:
                _add(connection, run, _FAILED, at, reason)

    def without_result(self, now: datetime) -> tuple[FailedRun, ...]:
        """Every run that failed or was killed, the latest first."""
        table = schema.run.c
        with reading(self._engine) as connection:
            rows = connection.execute(select(schema.run).order_by(table.at, table.id)).all()
            stored = set(connection.execute(select(schema.scan.c.id)).scalars())
        ended = {row.id: row for row in rows if row.sort == _FAILED}
        started = [row for row in rows if row.sort == _STARTED]
        return tuple(reversed(list(_without_result(started, ended, stored, now))))


def _without_result(
    started: Sequence[Row[Any]], ended: Mapping[str, Row[Any]], stored: Collection[str], now: datetime
) -> Iterator[FailedRun]:
    for row in started:
        at, end = datetime.fromisoformat(row.at), ended.get(row.id)
        if end is not None:
            ended_at = datetime.fromisoformat(end.at)
            yield FailedRun(id=row.id, started_at=at, ended_at=ended_at, reason=end.detail)
        elif row.id not in stored and not _may_run(row.detail, at, now):
            reason = "it never finished: it was killed, or its machine stopped"
            yield FailedRun(id=row.id, started_at=at, ended_at=None, reason=reason)


def _may_run(process: str, started: datetime, now: datetime) -> bool:
    """Whether a run may still be under way: its process exists, or is on another machine and not too old."""
    found = _PROCESS.fullmatch(process)
    if found is None or now - started > _LONGEST:
        return False
    here = _PROCESS.fullmatch(this_process())
    if here is None or here[2] != found[2]:
        return True
    try:
        os.kill(int(found[1]), 0)
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return False
    return True


def prune(connection: Connection, before: datetime) -> None:
    """Delete the runs that started or failed before ``before``."""
    connection.execute(delete(schema.run).where(schema.run.c.at < before.isoformat()))


def _add(connection: Connection, run: str, sort: str, at: datetime, detail: str) -> None:
    connection.execute(insert(schema.run).values(id=run, sort=sort, at=at.isoformat(), detail=detail))
