"""Build the index file of a scan from the store."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from scanner.model import ActivityPolicy
from scanner.store.store import Store


class Plan(Struct, frozen=True, kw_only=True):
    """What to build.

    ``scan``: its id, None for the latest. ``before``: the index file of an earlier scan, from which unchanged rows are
    taken. ``progress`` is called with the number of records done so far.
    """

    path: Path
    scan: str | None = None
    before: Path | None = None
    activity: ActivityPolicy = ActivityPolicy()
    progress: Callable[[int], None] = lambda _: None


def build(store: Store, plan: Plan) -> None:
    """Write the index file, with mode 0600. A file of that name stays valid until the new one replaces it.

    Memory is bounded by the number of rows, about 100 bytes for each. Raises StoreError, and MissingExtra without the
    extra ``serve``.
    """
    raise NotImplementedError
