"""The context of the served page's handlers: the signed-in person, the store, and the current lists."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeAlias

from litestar import Request
from litestar.datastructures import State
from msgspec import Struct

from scanner.serve.index.catalog import Catalog
from scanner.serve.meters import Meters
from scanner.serve.people import ServedLists, Viewer
from scanner.store.store import Store


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


class Serving(Struct, frozen=True, kw_only=True):
    """The context of a handler, passed as ``serving``; the person is ``request.user``.

    ``store``: read by threads, so handlers are functions with ``sync_to_thread=True``. ``catalog``: the index of each
    scan. ``lists``: config and roster, which are read again when they change. ``meters``: the values of ``/metrics``.
    ``url``: the public address, without a slash at its end.
    """

    store: Store
    catalog: Catalog
    lists: ServedLists
    meters: Meters
    url: str
    clock: Callable[[], datetime] = now


Visit: TypeAlias = Request[Viewer, None, State]
"""A request of a signed-in person."""


def csrf_of(request: Visit) -> str:
    """The token that a page of this visit sends as ``X-CSRF-Token`` with every write."""
    return str(request.scope["state"]["csrf"])
