"""One scan at a time: waiting for the store's lock, and saying for whom."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine

from scanner.errors import StoreError
from scanner.history.database import PATIENCE, Lock
from scanner.history.engine import database_of, faults_told, steadily, where

log = logging.getLogger(__name__)

_ASKED_EVERY = 0.25
_NOBODY_SAYS = "another process"


@contextmanager
def alone(engine: Engine) -> Iterator[None]:
    """Hold the lock of the store; memory has none. Raises StoreError where another scan holds it for too long."""
    lock = database_of(engine).lock(engine)
    if lock is None:
        yield
        return
    _take(engine, lock)
    try:
        yield
    finally:
        lock.release()


def holder(engine: Engine) -> str | None:
    """Who holds the lock now, as words; None: nobody."""
    with faults_told(engine):
        lock = database_of(engine).lock(engine)
        return lock.holder() if lock else None


def _take(engine: Engine, lock: Lock) -> None:
    patience: float = engine.get_execution_options()[PATIENCE]
    deadline, told = time.monotonic() + patience, None
    while not steadily(engine, lambda: _taken(engine, lock)):
        holding = steadily(engine, lambda: holder(engine)) or _NOBODY_SAYS
        if time.monotonic() >= deadline:
            raise StoreError(
                f"the store {where(engine)} is in use by the scan of {holding}, for more than {patience:g} seconds",
                hint="wait for it to end; `timeout` in the store's URL says for how many seconds it is awaited",
            )
        if holding != told:
            log.warning("waiting for the scan of %s", holding)
            told = holding
        time.sleep(min(_ASKED_EVERY, max(0.0, deadline - time.monotonic())))


def _taken(engine: Engine, lock: Lock) -> bool:
    with faults_told(engine):
        return lock.take()
