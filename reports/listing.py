"""The views that a terminal shows as one table, as data: a line for each record, the columns that fit in 80."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TypeAlias

from msgspec import Struct

from reports.base import View
from reports.page import words
from reports.rows import joined, plain
from reports.tables import credential_rows
from scanner.model import Identity, ScanResult

Line: TypeAlias = Sequence[str]


class Listing(Struct, frozen=True):
    """What is listed (one, many), headings with their widths (0: what the others leave), and the lines."""

    one: str
    many: str
    headings: tuple[tuple[str, int], ...]
    lines: Callable[[ScanResult], Iterator[Line]]


def place(identity: Identity) -> str:
    """Where an identity lives, in few words."""
    return f"{identity.provider} {identity.scope}"


def _identities(result: ScanResult) -> Iterator[Line]:
    for judged in result.identities:
        ownership = "" if judged.ownership.state == "not_applicable" else judged.ownership.state
        yield judged.identity.name, place(judged.identity), judged.registry.state, ownership, words(judged.usage.state)


def _entries(result: ScanResult) -> Iterator[Line]:
    for judged in result.entries:
        entry = judged.entry
        yield (
            entry.id,
            words(judged.state),
            entry.name or joined(entry.identities) or "",
            joined(entry.owner) or "",
        )


def _credentials(result: ScanResult) -> Iterator[Line]:
    for row in credential_rows(result):
        yield row.kind, row.id, row.name or "", _day(row.created_at), _day(row.last_used_at)


def _sections(result: ScanResult) -> Iterator[Line]:
    for read in result.coverage:
        yield read.source, read.scope, read.section, words(read.status), str(read.identities), str(read.calls)


def _day(moment: datetime | None) -> str:
    return plain(moment.astimezone(UTC).date()) if moment else ""


LISTINGS: Mapping[View, Listing] = {
    "inventory": Listing(
        "identity",
        "identities",
        (("Identity", 0), ("Where", 16), ("Registry", 12), ("Ownership", 9), ("Usage", 10)),
        _identities,
    ),
    "registry": Listing(
        "registry entry",
        "registry entries",
        (("Entry", 16), ("State", 17), ("Stands for", 0), ("Owner", 20)),
        _entries,
    ),
    "credentials": Listing(
        "credential or stored secret",
        "credentials and stored secrets",
        (("Kind", 11), ("Id", 0), ("Of", 18), ("Created", 10), ("Used", 10)),
        _credentials,
    ),
    "coverage": Listing(
        "section",
        "sections",
        (("Source", 10), ("Scope", 14), ("Section", 0), ("Status", 11), ("Found", 6), ("Calls", 6)),
        _sections,
    ),
}
