"""A source that is a folder of files: its units, their sections, and what no file holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property

from msgspec import structs

from connectors.azure import sections as s
from connectors.azure.keys import subscription_of
from connectors.azure.offline import recognise as r
from connectors.azure.offline.api import TYPES, FileApi
from connectors.azure.offline.export import Export, flat, scope_of
from connectors.azure.offline.loading import open_export
from connectors.azure.offline.missing import IDENTITIES, PROPERTIES, VAULTS, WRITES
from connectors.azure.offline.recognise import Row
from connectors.azure.offline.shapes import has_policies, is_vault
from connectors.azure.reader import AzureReader, AzureUnit
from connectors.azure.rights.places import GROUPS
from connectors.azure.settings import AzureSettings
from connectors.core.contract import Check, DiscoveredRecord, Meter, Scope, SectionReading
from connectors.core.offline import NotExported, dated, looking_into, not_recognised
from scanner.errors import SourceError
from scanner.model import Coverage
from scanner.text import counted

USER_ASSIGNED = "microsoft.managedidentity/userassignedidentities"
# Their identities are in their properties, which lists of all resources lack.
_BY_PROPERTIES = (
    "microsoft.containerservice/managedclusters",
    "microsoft.botservice/botservices",
    "microsoft.cognitiveservices/accounts/projects/applications",
)


class FileReader(AzureReader):
    """Like Reader, with files instead of the services."""

    def __init__(self, api: FileApi, scope: Scope, export: Export, settings: AzureSettings) -> None:
        super().__init__(api, scope, Meter(asks=False), settings)
        self._files = api
        self._export = export

    def section(self, name: str) -> SectionReading:
        """Begin a section."""
        self._files.missed.clear()
        return super().section(name)

    def done(self, section: SectionReading) -> Coverage:
        """The section's coverage: a gap if no file holds what it requested."""
        before = section.coverage
        for what in self._lacking(before.section):
            self._files.miss(what, WRITES[what])
        for (what, written_by), times in self._files.missed.items():
            many = f" ({times} times over)" if times > 1 else ""
            error = NotExported(f"no file holds all of {what}{many}", hint=f"`{written_by}` writes it")
            section.lost(error, partial=before.identities > 0)
        return super().done(section)

    def _lacking(self, section: str) -> Iterator[str]:
        """The facts that are missing for a section, without a request of their own: resource properties, and groups."""
        if section == s.DIRECTORY_ROLES and r.GROUPS not in self._export.whole and self._some_may_be_groups():
            yield r.GROUPS
        rows = [row for row in self._export.of(r.RESOURCES) if subscription_of(str(row.get("id"))) == self.scope.id]
        identities = [row for row in rows if _type(row) == USER_ASSIGNED]
        vaults = [row for row in rows if is_vault(row)]
        lists_all = any(not is_vault(row) and not _is_described(row) for row in rows)
        if section == s.MANAGED_IDENTITIES and not (all(map(_is_described, identities)) if identities else lists_all):
            yield IDENTITIES
        if section == s.VAULTS and not (all(map(has_policies, vaults)) if vaults else lists_all):
            yield VAULTS
        if section == s.WORKLOADS and not lists_all:
            yield r.RESOURCES
        if section == s.WORKLOADS and any(_type(row) in _BY_PROPERTIES and not row.get("properties") for row in rows):
            yield PROPERTIES

    def _some_may_be_groups(self) -> bool:
        """Whether a holder of a directory role has an unknown type: a group may have service principals."""
        holders = {str(row.get("principalId")).lower() for row in self._export.of(r.DIRECTORY_ASSIGNMENTS)}
        return not all(any(self._export.row(name, one) for name in TYPES) for one in holders)


def _type(row: Row) -> str:
    return str(row.get("type")).lower()


def _is_described(row: Row) -> bool:
    """Whether it is a user-assigned identity, with the id that it acts by."""
    return _type(row) == USER_ASSIGNED and isinstance(flat(row).get("principalId"), str)


# --- Offline source: the units in a folder of files, and their coverage ---

_EVERYWHERE = "/"
_NOTHING = "no file holds a list in a form that the Azure command line writes"
_FIX = "begin with `az ad sp list --all > service-principals.json`"
_NO_TENANT = "the files do not say which tenant they describe"


class ExportedSource:
    """The tenant in the files of ``settings.from_files``, read once, on first use.

    ``nowhere``: the scope that represents all of the source's.
    """

    def __init__(self, settings: AzureSettings, nowhere: Scope) -> None:
        self._settings = settings
        self._nowhere = nowhere

    def units(self) -> Iterator[Scope | Coverage]:
        """The tenant, then the management groups and subscriptions that the export covers."""
        tenant: Scope | None = None
        with self._nowhere.section(s.TENANT) as section:
            for file, reason in self._export.unusable:
                section.malformed(file, reason)
            tenant = self._tenant()
            self._describe(section)
        coverage = section.coverage
        yield coverage if tenant is None or coverage.is_gap else structs.replace(coverage, scope=tenant.id)
        if tenant is None:
            return
        yield tenant
        groups = self._groups(tenant.context.tenant)
        for name, title in groups.items():
            yield _unit(tenant, f"managementGroups/{name}", "management_group", title)
        yield from self._subscriptions(tenant, tuple(groups))

    def reader(self, scope: Scope) -> FileReader:
        """The reader of a unit."""
        # Built-in roles are cached by the address that returned them, so files get an address of their own.
        own = f"https://{self._export.id}.invalid"
        settings = structs.replace(self._settings, endpoint_url=None, arm_url=own)
        return FileReader(FileApi(self._export, settings), scope, self._export, settings)

    def dated(self, records: Iterable[DiscoveredRecord]) -> Iterator[DiscoveredRecord]:
        """The records of a unit; identities say when they were looked at."""
        return dated(records, self._export.as_of)

    def check(self) -> Iterator[Check]:
        """Whether the files can be read, and what they describe."""
        try:
            export, tenant = self._export, self._tenant()
        except SourceError as error:
            yield Check(name="files", ok=False, detail=str(error), fix=error.hint)
            return
        yield Check(name="files", ok=True, detail=f"{counted(export.files, 'file', 'files')} about tenant {tenant.id}")
        for file, reason in export.unusable:
            yield Check(name=file, ok=False, detail=reason)

    @cached_property
    def _export(self) -> Export:
        assert self._settings.from_files is not None
        with looking_into(self._settings.from_files):
            return open_export(self._settings.from_files)

    def _tenant(self) -> Scope:
        """Raises SourceError where no file describes one."""
        if not self._export.files:
            first = "".join(f"; {file}: {reason}" for file, reason in self._export.unusable[:1])
            raise SourceError(f"{_NOTHING}{first}", hint=_FIX)
        reported = self._settings.tenant or self._export.tenant
        if reported is None:
            raise SourceError(_NO_TENANT, hint="set tenant_id, or add `az account list > subscriptions.json`")
        return structs.replace(self._nowhere, id=reported, context=AzureUnit(kind="tenant", tenant=reported))

    def _describe(self, section: SectionReading) -> None:
        export = self._export
        section.note(f"read from {counted(export.files, 'file', 'files')}, as of {export.as_of:%Y-%m-%d}")
        if self._settings.tenant is not None and export.tenant not in (None, self._settings.tenant):
            section.note(f"most files are of tenant {export.tenant}, and not of the one that is set")
        if export.unknown:
            section.note(not_recognised(export.unknown))

    def _groups(self, tenant: str) -> Mapping[str, str | None]:
        """Management groups at which something is assigned, by name; the root one is named as the tenant."""
        titles = {str(row.get("name")).lower(): row.get("displayName") for row in self._export.of(r.MANAGEMENT_GROUPS)}
        names: set[str] = set()
        for row in self._export.of(r.ROLE_ASSIGNMENTS):
            scope = scope_of(row).lower()
            if scope.startswith(GROUPS):
                names.add(scope.removeprefix(GROUPS))
            elif scope == _EVERYWHERE:
                names.add(tenant)
        wanted = self._settings.named_management_groups
        chosen = names if wanted is None else names & {name.lower() for name in wanted}
        return {name: _text(titles.get(name)) for name in sorted(chosen)}

    def _subscriptions(self, tenant: Scope, groups: tuple[str, ...]) -> Iterator[Scope | Coverage]:
        known = {
            str(row.get("subscriptionId") or row.get("id")).rpartition("/")[2].lower(): row
            for row in self._export.of(r.SUBSCRIPTIONS)
            if str(row.get("tenantId") or tenant.id).lower() == tenant.id
        }
        reported = set(self._export.subscriptions)
        wanted = self._settings.named_subscriptions
        every = {*known, *reported} if wanted is None else set(wanted)
        with tenant.section(s.SUBSCRIPTIONS) as section:
            section.found(len(reported & every))
            for missing in sorted(every - reported - self._settings.skipped_subscriptions):
                section.malformed(missing, "no file describes this subscription")
        yield section.coverage
        for one in sorted(reported & every - self._settings.skipped_subscriptions):
            title = known.get(one, {}).get("displayName") or known.get(one, {}).get("name")
            yield _unit(tenant, one, "subscription", _text(title), groups=groups)


def _unit(tenant: Scope, scope_id: str, kind: str, title: str | None, *, groups: tuple[str, ...] = ()) -> Scope:
    unit = AzureUnit(kind=kind, tenant=tenant.context.tenant, name=title, groups=groups)
    return structs.replace(tenant, id=scope_id, context=unit)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
