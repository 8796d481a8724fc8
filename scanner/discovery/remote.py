"""A source's work as tasks that any worker of a cluster can do.

A task carries the source's settings, in which secrets are references: each worker makes the connector itself, once a
process, and looks the secrets up where it runs.
"""

from __future__ import annotations

import logging
import pickle
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache, partial
from threading import Lock
from typing import Any

from msgspec import Struct

from connectors.base import Connector, Scope
from scanner import __version__
from scanner.discovery.engine import Job
from scanner.discovery.scopes import Listing, list_scopes, read_scope
from scanner.errors import MusterError, StoreError
from scanner.history.staging import Part
from scanner.history.store import Store, open_store
from scanner.inventory import Reading
from scanner.redact import RedactingFilter
from scanner.shards.lines import Unit, encode, lines_of

log = logging.getLogger(__name__)

PAUSES = (1, 2, 4, 8, 16, 32, 64)
"""Seconds between a worker's attempts to reach the store; reading the scope again would cost more."""

_making = Lock()


class Order(Struct, frozen=True, kw_only=True):
    """What a worker needs to know of a source. ``settings``: pickled, so that equal ones find the same connector."""

    source: str
    kind: Callable[[str, Any], Connector]
    settings: bytes
    version: str = __version__

    def connector(self) -> Connector:
        """The connector, made by the first task that needs it. Raises MusterError where this is another Muster."""
        if self.version != __version__:
            raise MusterError(f"the worker runs Muster {__version__}, but the scan is by {self.version}")
        with _making:
            return _connector(self.kind, self.source, self.settings)


class Shelf(Struct, frozen=True, kw_only=True):
    """Where workers put what they read: a store that all of them reach, and the scan it belongs to."""

    url: str
    scan: str


def job_there(
    source: str, connector: Connector, settings: Struct, *, scope_deadline: float, shelf: Shelf | None
) -> Job:
    """The source's work, for any worker. With a ``shelf``, what it reads goes there instead of coming back."""
    order = Order(source=source, kind=type(connector), settings=pickle.dumps(settings))
    return Job(
        source=source,
        spec=connector.spec,
        list_scopes=partial(_list, order, scope_deadline),
        read_scope=partial(_read, order, scope_deadline, shelf),
    )


# What follows runs on a worker.

_MASK = RedactingFilter()


@lru_cache(maxsize=256)
def _connector(kind: Callable[[str, Any], Connector], source: str, settings: bytes) -> Connector:
    for handler in (*logging.getLogger().handlers, *logging.getLogger("distributed").handlers, logging.lastResort):
        if handler is not None:
            handler.addFilter(_MASK)
    return kind(source, pickle.loads(settings))  # noqa: S301  # whoever could forge them could send any call


@lru_cache(maxsize=4)
def _store(url: str) -> Store:
    return open_store(url)


def _list(order: Order, deadline: float) -> Listing:
    return list_scopes(order.source, order.connector(), deadline=deadline)


def _read(order: Order, deadline: float, shelf: Shelf | None, scope: Scope) -> Reading:
    reading = read_scope(order.connector(), scope, deadline=deadline)
    if shelf is None:
        return reading
    unit = Unit(reading.source, reading.scope, reading.part)
    lines = (encode(line).decode().rstrip("\n") for line in lines_of(reading))
    _put(shelf, Part(scan=shelf.scan, part=unit.digest, head="", lines=tuple(lines)))
    return Reading(
        source=reading.source,
        scope=reading.scope,
        part=reading.part,
        staged=len(reading.identities),
        coverage=reading.coverage,
    )


def _put(shelf: Shelf, part: Part) -> None:
    """Keep it, however long another scan is being saved meanwhile, or the server restarts."""
    for pause in PAUSES:
        try:
            return _store(shelf.url).staging.put([part], datetime.now(UTC))
        except StoreError as error:
            log.warning("%s; trying again in %d s", error, pause)
            time.sleep(pause)
    return _store(shelf.url).staging.put([part], datetime.now(UTC))
