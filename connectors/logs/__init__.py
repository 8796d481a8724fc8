"""The contract of audit logs: a log is a source of units, as a connector is a source of scopes.

A reader declares a :class:`LogSpec` and does two things: ``units()`` lists what there is to read, ``read(unit)`` reads
one of them. Readers are found by entry point, group ``muster.logs``, by the log's type. What they yield is in
``scanner/model/activity.py``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import ClassVar, Protocol, runtime_checkable

from msgspec import Struct

from connectors.base import Connector
from scanner.catalog import Catalog
from scanner.model.activity import LogDay, LogUnit, UnitReading


class LogSpec(Struct, frozen=True, kw_only=True):
    """What a log reader is.

    ``provider``: whose identities it is about. ``permissions``: what reading it live takes. ``blind_spots``: what it
    can never show, in sentences. ``unlogged``: glob patterns of actions (``service:Action``) that it does not record
    unless that is switched on: they are never called unused. ``is_live``: can be read through a source of that
    provider, without ``path``. ``sees_all_use_of``: kinds of identities of which it records any use, ``*`` for all:
    where it has no event, there was none. ``also_called``: by action (``service:Action``), the names of the events that
    give it, where these are called otherwise: declarations may use either.
    """

    name: str
    title: str
    provider: str
    permissions: tuple[str, ...] = ()
    blind_spots: tuple[str, ...] = ()
    unlogged: tuple[str, ...] = ()
    is_live: bool = False
    sees_all_use_of: tuple[str, ...] = ()
    also_called: Mapping[str, tuple[str, ...]] = {}
    extra: str | None = None


class LogSettings(Struct, frozen=True, kw_only=True):
    """What a reader needs to know of its ``[[log]]``.

    ``path``: a file, a folder, a glob pattern or ``s3://bucket/prefix``; None: ask live. ``truncate_addresses``: keep
    networks (IPv4 /24, IPv6 /48) instead of addresses. ``networks``: names of own networks, by address range.
    """

    log: str
    path: str | None = None
    truncate_addresses: bool = True
    networks: tuple[tuple[str, str], ...] = ()


class LogReader(Protocol):
    """Reads one kind of audit log. Making one does no I/O. It pickles, if its ``source`` does."""

    spec: ClassVar[LogSpec]

    def __init__(self, settings: LogSettings, source: Connector | None) -> None:
        """``source``: the connector whose session a live log uses."""

    def units(self, since: date, until: date) -> Iterator[LogUnit | LogDay]:
        """What there is to read of these days (both included), and days that are known to be a gap by the listing.

        Raises SourceError where nothing can be listed.
        """
        ...

    def read(self, unit: LogUnit) -> UnitReading:
        """Read one unit. Wrong content is a gap in its ``coverage``; raises SourceError for the rest."""
        ...


@runtime_checkable
class PlannedLog(Protocol):
    """A reader that needs to know beforehand which units will be read."""

    def plan(self, units: Iterable[LogUnit]) -> None:
        """Take note of the units that will be read, in this order."""
        ...


@runtime_checkable
class CheckedLog(Protocol):
    """A reader that can check whether its log may be read."""

    def check(self) -> None:
        """Check it with as few requests as possible. Raises SourceError if it may not."""
        ...


def log_catalog() -> Catalog:
    """The installed log readers, by type."""
    return Catalog("muster.logs", "log type")
