"""What lies in the directory's bin, from which it can be had back for thirty days.

Source: https://learn.microsoft.com/graph/api/resources/directory
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, TypeAlias

from connectors.azure import sections as s
from connectors.azure.dates import RESTORABLE, moment
from connectors.azure.directory.faces import Faces
from connectors.azure.directory.found import Found
from connectors.azure.directory.listings import PAGE, Query
from connectors.azure.directory.payloads import Deleted
from connectors.azure.reader import Reader
from connectors.base import SectionReading
from scanner.model import Coverage

Kind: TypeAlias = Literal["servicePrincipal", "application"]


def in_bin(reader: Reader, section: SectionReading, kind: Kind) -> Iterator[Deleted]:
    """Everything of a kind that was deleted and can be had back."""
    query: Query = {"$select": "id,appId,deletedDateTime", "$top": PAGE}
    pages = reader.api.graph_pages(f"/directory/deletedItems/microsoft.graph.{kind}", params=query)
    return reader.rows(section, pages, Deleted)


def read_deleted_registrations(reader: Reader, found: Found) -> Iterator[Coverage]:
    """Which registrations are in the bin; looked at only where a principal of this tenant has lost its own."""
    with reader.section(s.DELETED) as section:
        for row in in_bin(reader, section, "application") if _is_any_lost(found) else ():
            at = moment(row.deleted_date_time)
            if row.app_id and at is not None:
                found.deleted[row.app_id.lower()] = at + RESTORABLE
                section.found()
    yield reader.done(section)


def _is_any_lost(found: Found) -> bool:
    return found.registrations_known and any(
        one.service_principal_type == "Application"
        and found.application_of(one) is None
        and Faces(principal=one).origin(found.tenant) == "own"
        for one in found.principals.values()
    )
