"""The identity lookup of Splunk Enterprise Security: a row for each non-human identity, under its headings."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time
from typing import BinaryIO, ClassVar

from msgspec import Struct

from reports.base import Screen, View
from reports.csv import Utf8
from reports.judged import is_orphan, is_unregistered
from reports.tables import harmless
from reports.views import identities_in
from scanner.model import POWERFUL, Assessment, Entry, PrivilegeLevel, ScanResult

_SEVERAL = "|"
_PRIORITIES: Mapping[PrivilegeLevel, str] = {
    "admin": "critical",
    "escalation": "critical",
    "high": "high",
    "normal": "low",
    "unknown": "unknown",
}


class _SplunkRow(Struct, frozen=True, gc=False):
    """An identity and its registry entry."""

    judged: Assessment
    entry: Entry | None


class SplunkReport:
    """An identity with its owner, privilege and registration, to look up from events."""

    name: ClassVar[str] = "splunk"
    title: ClassVar[str] = "an identity lookup for Splunk Enterprise Security"
    default_view: ClassVar[View] = "inventory"
    extra: ClassVar[str | None] = None
    streams: ClassVar[bool] = True

    def write(self, result: ScanResult, view: View, out: BinaryIO, screen: Screen) -> tuple[str, ...]:
        """Write heading and rows. People are left out: they have another lookup."""
        del screen
        entries = {judged.entry.id: judged.entry for judged in result.entries}
        writer = csv.writer(Utf8(out))
        writer.writerow(_CELLS)
        writer.writerows(
            [
                harmless(cell(_SplunkRow(judged, entries.get(judged.registry.entry or ""))) or "")
                for cell in _CELLS.values()
            ]
            for judged in identities_in(result, view)
            if judged.nature.verdict != "human"
        )
        return ()


def _names(row: _SplunkRow) -> str:
    """Names in events, without the bare name: Splunk merges rows that share a value."""
    identity = row.judged.identity
    ids = (identity.key, identity.unique_id, *identity.aliases, *(credential.id for credential in identity.credentials))
    return _several(name for name in ids if name)


def _categories(row: _SplunkRow) -> Iterator[str]:
    judged = row.judged
    yield "nhi"
    yield judged.identity.provider
    yield judged.identity.kind
    yield judged.registry.state
    if judged.identity.enabled is False:
        yield "disabled"
    if judged.agent.is_agent:
        yield "ai_agent"
    if judged.ownership.state == "orphaned":
        yield "orphaned"
    if judged.privilege.level in POWERFUL:
        yield "privileged"


def _is_watched(row: _SplunkRow) -> bool:
    """Unregistered or orphaned, and not only because of a gap."""
    judged = row.judged
    return (is_orphan(judged) or is_unregistered(judged)) and not judged.registry.provisional


def _several(values: Iterable[str]) -> str:
    return _SEVERAL.join(dict.fromkeys(value.replace(_SEVERAL, r"\x7c") for value in values))


def _moment(moment: datetime | None) -> str:
    """A time in the format of the lookup: ``%m/%d/%Y %H:%M``."""
    if moment is None:
        return ""
    utc = moment.astimezone(UTC)
    return f"{utc:%m/%d}/{utc.year:04} {utc:%H:%M}"


def _ends(row: _SplunkRow) -> str:
    last: date | None = row.entry.expires if row.entry else None
    return _moment(datetime.combine(last, time(23, 59), UTC)) if last else ""


def _nothing(row: _SplunkRow) -> str:
    """An empty cell, for a column about people."""
    del row
    return ""


_CELLS: Mapping[str, Callable[[_SplunkRow], str | None]] = {
    "identity": _names,
    "prefix": _nothing,
    "nick": lambda row: row.judged.identity.shown_name,
    "first": _nothing,
    "last": _nothing,
    "suffix": _nothing,
    "email": lambda row: next((alias for alias in row.judged.identity.aliases if "@" in alias), None),
    "phone": _nothing,
    "phone2": _nothing,
    "managedBy": lambda row: row.judged.ownership.owner,
    "priority": lambda row: _PRIORITIES[row.judged.privilege.level],
    "bunit": lambda row: row.entry.team if row.entry else None,
    "category": lambda row: _several(_categories(row)),
    "watchlist": lambda row: "true" if _is_watched(row) else "",
    "startDate": lambda row: _moment(row.judged.identity.created_at),
    "endDate": _ends,
    "work_city": _nothing,
    "work_country": _nothing,
    "work_lat": _nothing,
    "work_long": _nothing,
}
"""By heading, in the order of Splunk's documentation ("Format an asset or identity list as a lookup")."""
