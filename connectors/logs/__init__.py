"""The contract of audit logs: a log is a source of units, as a connector is a source of scopes.

A reader declares a :class:`LogSpec` and has two methods: ``units()`` lists units, ``read(unit)`` reads one of them.
Readers are found by entry point, group ``muster.logs``, by the log's type. What they yield is in
``scanner/model/activity.py``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import ClassVar, Protocol, runtime_checkable

from msgspec import Struct

from connectors.core.contract import Connector
from scanner.catalog import Catalog
from scanner.model.activity import LogDay, LogUnit, UnitReading


class LogSpec(Struct, frozen=True, kw_only=True):
    """The declaration of a log reader.

    ``provider``: of the identities in it. ``permissions``: for reading it live. ``blind_spots``: what it never records,
    in sentences. ``unlogged``: glob patterns of actions (``service:Action``) that it does not record by default: they
    never count as unused. ``is_live``: can be read through a source of that provider, without ``path``.
    ``sees_all_use_of``: kinds of identities whose use it always records, ``*`` for all: no event means no use.
    ``sees_sign_ins_of``: kinds of roles whose every sign-in it records, under the role or whoever signed in as it.
    ``also_called``: by action (``service:Action``), other names of its events: declarations may use either.
    ``names_people``: it names the person for whom an identity acts, so that its silence says something.
    """

    name: str
    title: str
    provider: str
    permissions: tuple[str, ...] = ()
    blind_spots: tuple[str, ...] = ()
    unlogged: tuple[str, ...] = ()
    is_live: bool = False
    sees_all_use_of: tuple[str, ...] = ()
    sees_sign_ins_of: tuple[str, ...] = ()
    also_called: Mapping[str, tuple[str, ...]] = {}
    names_people: bool = False
    extra: str | None = None


class LogSettings(Struct, frozen=True, kw_only=True):
    """The settings of a reader from its ``[[log]]``.

    ``path``: a file, a folder, a glob pattern or ``s3://bucket/prefix``; None: read live. ``truncate_addresses``: keep
    networks (IPv4 /24, IPv6 /48) instead of addresses. ``networks``: names of own networks, by address range.
    """

    log: str
    path: str | None = None
    truncate_addresses: bool = True
    networks: tuple[tuple[str, str], ...] = ()


class LogReader(Protocol):
    """Reads one kind of audit log. Creating it does no I/O. It can be pickled if its ``source`` can."""

    spec: ClassVar[LogSpec]

    def __init__(self, settings: LogSettings, source: Connector | None) -> None:
        """``source``: the connector whose session a live log uses."""

    def units(self, since: date, until: date) -> Iterator[LogUnit | LogDay]:
        """The units of these days (both included), and days that the listing shows to be a gap.

        Raises SourceError if nothing can be listed.
        """
        ...

    def read(self, unit: LogUnit) -> UnitReading:
        """Read one unit. Wrong content is a gap in its ``coverage``; raises SourceError for the rest."""
        ...


@runtime_checkable
class PlannedLog(Protocol):
    """A reader that is informed beforehand which units will be read."""

    def plan(self, units: Iterable[LogUnit]) -> None:
        """Receive the units that will be read, in this order."""
        ...


@runtime_checkable
class CheckedLog(Protocol):
    """A reader that can check whether its log may be read."""

    def check(self) -> None:
        """Check the permission with as few requests as possible. Raises SourceError if it is missing."""
        ...


def log_catalog() -> Catalog:
    """The installed log readers, by type."""
    return Catalog("muster.logs", "log type")
