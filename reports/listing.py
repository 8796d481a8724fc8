"""The views that a terminal shows as one table, with the columns that fit in 80 characters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TypeAlias

from msgspec import Struct

from reports.base import View
from reports.page import Heading
from reports.phrases import joined, place, plain
from reports.tables import credential_rows
from scanner.model import ScanResult

Line: TypeAlias = Sequence[str]


class Listing(Struct, frozen=True):
    """A table: its name (singular, plural), headings and lines."""

    one: str
    many: str
    headings: tuple[Heading, ...]
    lines: Callable[[ScanResult], Iterator[Line]]


def _identities(result: ScanResult) -> Iterator[Line]:
    for judged in result.identities:
        ownership = "" if judged.ownership.state == "not_applicable" else judged.ownership.state
        yield judged.identity.name, place(judged.identity), judged.registry.state, ownership, judged.usage.state


def _entries(result: ScanResult) -> Iterator[Line]:
    for judged in result.entries:
        entry = judged.entry
        yield (
            entry.id,
            judged.state,
            entry.name or joined(entry.identities) or "",
            joined(entry.owner) or "",
        )


def _credentials(result: ScanResult) -> Iterator[Line]:
    for row in credential_rows(result):
        yield row.kind, row.id, row.name or "", _day(row.created_at), _day(row.last_used_at)


def _sections(result: ScanResult) -> Iterator[Line]:
    for read in result.coverage:
        yield read.source, read.scope, read.section, read.status, str(read.identities), str(read.calls)


def _day(moment: datetime | None) -> str:
    return plain(moment.astimezone(UTC).date()) if moment else ""


LISTINGS: Mapping[View, Listing] = {
    "inventory": Listing(
        "identity",
        "identities",
        (
            Heading("Identity", 0),
            Heading("Where", 16),
            Heading("Registry", 12, "registry"),
            Heading("Ownership", 9, "ownership"),
            Heading("Usage", 10, "usage"),
        ),
        _identities,
    ),
    "registry": Listing(
        "registry entry",
        "registry entries",
        (Heading("Entry", 16), Heading("State", 17, "entry"), Heading("Declares", 0), Heading("Owner", 20)),
        _entries,
    ),
    "credentials": Listing(
        "credential or stored secret",
        "credentials and stored secrets",
        (Heading("Kind", 11), Heading("Id", 0), Heading("Of", 18), Heading("Created", 10), Heading("Used", 10)),
        _credentials,
    ),
    "coverage": Listing(
        "section",
        "sections",
        (
            Heading("Source", 10),
            Heading("Scope", 14),
            Heading("Section", 0),
            Heading("Status", 11, "coverage"),
            Heading("Found", 6),
            Heading("Calls", 6),
        ),
        _sections,
    ),
}
