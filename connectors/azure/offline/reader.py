"""Reads sections from files: whatever a section asked for and no file holds makes a gap of it."""

from __future__ import annotations

from collections.abc import Iterator

from connectors.azure import sections as s
from connectors.azure.keys import subscription_of
from connectors.azure.offline import recognise as r
from connectors.azure.offline.api import TYPES, FileApi
from connectors.azure.offline.export import Export, flat
from connectors.azure.offline.missing import IDENTITIES, PROPERTIES, VAULTS, WRITES, NotExported
from connectors.azure.offline.recognise import Row
from connectors.azure.offline.shapes import is_vault, tells_policies
from connectors.azure.reader import Reader
from connectors.azure.settings import AzureSettings
from connectors.base import Meter, Scope, SectionReading
from scanner.model import Coverage

USER_ASSIGNED = "microsoft.managedidentity/userassignedidentities"
# What these run as is told by their properties, which lists of all resources lack.
_BY_PROPERTIES = (
    "microsoft.containerservice/managedclusters",
    "microsoft.botservice/botservices",
    "microsoft.cognitiveservices/accounts/projects/applications",
)


class FileReader(Reader):
    """As Reader, with files in the place of the services."""

    def __init__(self, api: FileApi, scope: Scope, export: Export, settings: AzureSettings) -> None:
        super().__init__(api, scope, Meter(asks=False), settings)
        self._files = api
        self._export = export

    def section(self, name: str) -> SectionReading:
        """Begin a section."""
        self._files.missed.clear()
        return super().section(name)

    def done(self, section: SectionReading) -> Coverage:
        """The section's coverage: a gap where something that it asked for is in no file."""
        before = section.coverage
        for what in self._lacking(before.section):
            self._files.miss(what, WRITES[what])
        for (what, written_by), times in self._files.missed.items():
            many = f" ({times} times over)" if times > 1 else ""
            error = NotExported(f"no file holds all of {what}{many}", hint=f"`{written_by}` writes it")
            section.lost(error, partial=before.identities > 0)
        return super().done(section)

    def _lacking(self, section: str) -> Iterator[str]:
        """What is missing for a section, though nobody asked for it: of the one list of resources, and of groups."""
        if section == s.DIRECTORY_ROLES and r.GROUPS not in self._export.whole and self._some_may_be_groups():
            yield r.GROUPS
        rows = [row for row in self._export.of(r.RESOURCES) if subscription_of(str(row.get("id"))) == self.scope.id]
        identities = [row for row in rows if _type(row) == USER_ASSIGNED]
        vaults = [row for row in rows if is_vault(row)]
        lists_all = any(not is_vault(row) and not _is_told(row) for row in rows)
        if section == s.MANAGED_IDENTITIES and not (all(map(_is_told, identities)) if identities else lists_all):
            yield IDENTITIES
        if section == s.VAULTS and not (all(map(tells_policies, vaults)) if vaults else lists_all):
            yield VAULTS
        if section == s.WORKLOADS and not lists_all:
            yield r.RESOURCES
        if section == s.WORKLOADS and any(_type(row) in _BY_PROPERTIES and not row.get("properties") for row in rows):
            yield PROPERTIES

    def _some_may_be_groups(self) -> bool:
        """Whether nothing tells what a holder of a directory role is: service principals may be in it."""
        holders = {str(row.get("principalId")).lower() for row in self._export.of(r.DIRECTORY_ASSIGNMENTS)}
        return not all(any(self._export.row(name, one) for name in TYPES) for one in holders)


def _type(row: Row) -> str:
    return str(row.get("type")).lower()


def _is_told(row: Row) -> bool:
    """Whether it is a user-assigned identity, with the id that it acts by."""
    return _type(row) == USER_ASSIGNED and isinstance(flat(row).get("principalId"), str)
