"""Holders of Azure role assignments, looked up in the directory, and deleted ones.

Resource Manager keeps an assignment when its principal is deleted, with the type that it had. Source:
https://learn.microsoft.com/azure/role-based-access-control/troubleshooting
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct, field

from connectors.azure import sections as s
from connectors.azure.client.payloads import RESTORABLE, moment
from connectors.azure.reader import PAGE, AzureReader
from connectors.azure.rights.holders import GROUP, SERVICE_PRINCIPAL, DirectoryObject, objects_by_id
from connectors.core.contract import SectionReading
from scanner.errors import SourceError
from scanner.model import Coverage

_DELETED = "/directory/deletedItems/microsoft.graph.servicePrincipal"


class DeletedObject(Struct, frozen=True, kw_only=True):
    """A deleted service principal that can be restored."""

    id: str
    deleted: Any = field(default=None, name="deletedDateTime")


class Principals(Struct, frozen=True, kw_only=True):
    """Objects of the directory by id in lower case. ``asked``: the ids that were looked up.

    ``restorable``: until when a deleted principal can be restored.
    """

    found: Mapping[str, DirectoryObject] = {}
    asked: frozenset[str] = frozenset()
    restorable: Mapping[str, datetime] = {}

    def kind(self, principal: str) -> str | None:
        """servicePrincipal, group, user …; None if it was not found."""
        one = self.found.get(principal.lower())
        return one.kind if one else None

    def name(self, principal: str) -> str | None:
        """Its name, if it could be read."""
        one = self.found.get(principal.lower())
        return one.name if one else None

    def gone(self, principal: str) -> bool | None:
        """Whether it was deleted from the directory; None if unknown."""
        key = principal.lower()
        return key not in self.found if key in self.asked else None

    def groups(self) -> dict[str, str]:
        """Names of the groups among them, by id."""
        return {key: one.name or key for key, one in self.found.items() if one.kind == GROUP}

    def is_service_principal(self, principal: str) -> bool:
        """Whether it was found to be one."""
        return self.kind(principal) == SERVICE_PRINCIPAL


def read_principals(reader: AzureReader, ids: Iterable[str]) -> Generator[Coverage, None, Principals]:
    """Look up ids in the directory. If it returns none of them, none counts as deleted."""
    written = frozenset(ids)
    wanted = frozenset(one.lower() for one in written)
    principals = Principals()
    with reader.section(s.PRINCIPALS) as section:
        found = objects_by_id(reader, section, written) if wanted else {}
        section.found(len(found))
        if wanted and not found:
            raise SourceError(
                f"POST /directoryObjects/getByIds: not one of {len(wanted)} holders is known",
                hint="a right to read the directory may be missing, or the subscription trusts another tenant",
            )
        missing = wanted - found.keys()
        restorable = _restorable(reader, section, missing) if missing else {}
        principals = Principals(found=found, asked=wanted, restorable=restorable)
    yield reader.done(section)
    return principals


def _restorable(reader: AzureReader, section: SectionReading, missing: frozenset[str]) -> dict[str, datetime]:
    """By id, until when each can be restored; the others are deleted permanently, or the list was not read."""
    until: dict[str, datetime] = {}
    try:
        pages = reader.api.graph_pages(_DELETED, params={"$select": "id,deletedDateTime", "$top": PAGE})
        for one in reader.rows(section, pages, DeletedObject):
            deleted = moment(one.deleted)
            if one.id.lower() in missing and deleted is not None:
                until[one.id.lower()] = deleted + RESTORABLE
    except SourceError as error:
        section.note(f"which deleted objects can be restored is unknown: {error}")
    return until
