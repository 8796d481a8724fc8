"""The views that a terminal shows as one table: columns that fit in 80 characters, and more on wider ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TypeAlias

from msgspec import Struct

from reports.agents import agent_rows, has_person_in_loop, runs_as, servers, short, sponsors, tools, unresolved
from reports.base import View
from reports.exposed import exposed_rows
from reports.phrases import joined, place
from reports.tables import credential_rows
from reports.terminal_page import Heading
from scanner.model import ScanResult
from scanner.rules.wording import plain

Line: TypeAlias = Sequence[str]


class ReportListing(Struct, frozen=True):
    """A table: its name (singular, plural), headings and lines."""

    one: str
    many: str
    headings: tuple[Heading, ...]
    lines: Callable[[ScanResult], Iterator[Line]]


def _identities(result: ScanResult) -> Iterator[Line]:
    for judged in result.identities:
        ownership = "" if judged.ownership.state == "not_applicable" else judged.ownership.state
        yield judged.identity.shown_name, place(judged.identity), judged.registry.state, ownership, judged.usage.state


def _agents(result: ScanResult) -> Iterator[Line]:
    for row in agent_rows(result):
        verdicts, named = row.judged.verdicts, sponsors(row.identity)
        owner = None if verdicts.ownership.state == "orphaned" else verdicts.ownership.owner
        person = has_person_in_loop(row.identity, row.person_declared)
        yield (
            row.identity.shown_name,
            verdicts.agent.exposure or "",
            joined(map(short, runs_as(row.identity))) or ("unknown" if unresolved(row.identity) else "itself"),
            verdicts.privilege.level,
            owner or joined(named) or "",
            verdicts.registry.state,
            _day(verdicts.usage.last_used_at),
            "" if person is None else "yes" if person else "no",
            row.identity.provider,
            joined((*tools(row.identity), *servers(row.identity))) or "",
            verdicts.agent.acts_for or "",
        )


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


def _exposed(result: ScanResult) -> Iterator[Line]:
    for row in exposed_rows(result):
        yield (
            str(row.rank),
            row.key_id or "not known",
            row.name or "none known",
            row.owner or "",
            _day(row.last_used_at),
            row.place,
        )


def _sections(result: ScanResult) -> Iterator[Line]:
    for read in result.coverage:
        yield read.source, read.scope, read.section, read.status, str(read.identities), str(read.calls)


def _day(moment: datetime | None) -> str:
    return plain(moment.astimezone(UTC).date()) if moment else ""


LISTINGS: Mapping[View, ReportListing] = {
    "inventory": ReportListing(
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
    "agents": ReportListing(
        "AI agent",
        "AI agents",
        (
            Heading("Agent", 0),
            Heading("Exposure", 8),
            Heading("Runs as", 18),
            Heading("Privilege", 10, "privilege"),
            Heading("Owner, sponsor", 14),
            Heading("Registry", 12, "registry", 100),
            Heading("Used", 10, None, 112),
            Heading("In the loop", 11, None, 126),
            Heading("Made in", 12, None, 140),
            Heading("Tools and servers", 24, None, 168),
            Heading("Acts for", 9, None, 180),
        ),
        _agents,
    ),
    "registry": ReportListing(
        "registry entry",
        "registry entries",
        (Heading("Entry", 16), Heading("State", 17, "entry"), Heading("Declares", 0), Heading("Owner", 20)),
        _entries,
    ),
    "credentials": ReportListing(
        "credential or stored secret",
        "credentials and stored secrets",
        (Heading("Kind", 11), Heading("Id", 0), Heading("Of", 18), Heading("Created", 10), Heading("Used", 10)),
        _credentials,
    ),
    "exposed": ReportListing(
        "leaked key, the first to rotate at the top",
        "leaked keys, the first to rotate at the top",
        (
            Heading("Rank", 4),
            Heading("Key", 20),
            Heading("Opens", 0),
            Heading("Owner", 16),
            Heading("Used", 10),
            Heading("Place", 0, below=True),
        ),
        _exposed,
    ),
    "coverage": ReportListing(
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
