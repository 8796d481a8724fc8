"""Reads the deny assignments at a subscription and below, or at and above one management group."""

from __future__ import annotations

from collections.abc import Collection, Generator
from urllib.parse import quote

from connectors.azure import sections as s
from connectors.azure.reader import Reader
from connectors.azure.rights.deny import Denial, DenyAssignment, denial_of
from connectors.azure.subscription.payloads import RoleAssignment
from scanner.model import Coverage

VERSION = "2022-04-01"


def read_denials(
    reader: Reader, place: str, rows: Collection[RoleAssignment]
) -> Generator[Coverage, None, tuple[Denial, ...]]:
    """Those that may take something away from the holders of ``rows``. What could not be read takes nothing."""
    found: list[Denial] = []
    params = {"$filter": "atScope()"} if reader.unit.kind == "management_group" else {}
    path = f"{quote(place, safe='/')}/providers/Microsoft.Authorization/denyAssignments"
    with reader.section(s.DENY_ASSIGNMENTS) as section:
        pages = reader.api.arm_pages(path, api_version=VERSION, params=params) if rows else ()
        for row in reader.rows(section, pages, DenyAssignment):
            try:
                found.append(denial_of(row))
            except ValueError as error:
                section.malformed(row.id, str(error))
        section.found(len(found))
    yield reader.done(section)
    return tuple(found)
