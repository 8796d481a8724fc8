"""Azure: one Entra tenant, and the subscriptions and management groups that trust it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing
from typing import ClassVar

from msgspec import structs

from connectors.azure import sections as s
from connectors.azure.client.api import AzureApi
from connectors.azure.client.session import AzureSession
from connectors.azure.identities.managed import managed_identities, read_federation
from connectors.azure.identities.reading import read_directory
from connectors.azure.least_privilege import bicep, bicep_of_vaults, printed, terraform
from connectors.azure.offline.source import ExportedSource
from connectors.azure.preflight import check_source
from connectors.azure.reader import AzureReader, AzureUnit
from connectors.azure.rights.assignments import read_assignments
from connectors.azure.scopes import find_units
from connectors.azure.settings import AzureSettings
from connectors.azure.spec import SPEC
from connectors.azure.workloads.rows import AzureResource, Estate, ask_resource_graph, resources_of, workload
from connectors.azure.workloads.vaults import read_vaults
from connectors.core.contract import Check, DiscoveredRecord, Meter, Scope, Spec
from connectors.core.reading import require_sdk
from scanner.errors import SourceError, UsageError
from scanner.model import EVERY_SCOPE, Coverage

# --- Sections of a subscription, or of a management group ---

_NOTHING = "no resource can be seen: there is none, or the right to read them is missing"


def read_resources(reader: AzureReader) -> Iterator[DiscoveredRecord]:
    """Read everything in one subscription except role assignments."""
    users: list[AzureResource] = []
    with reader.section(s.MANAGED_IDENTITIES) as section:
        estate = ask_resource_graph(reader, section)
        for row in resources_of(reader, section, s.MANAGED_IDENTITIES, estate):
            users.append(row)
            section.found()
        if not estate.rows and not users:
            section.note(_NOTHING)
    yield reader.done(section)
    resources: list[AzureResource] = []
    yield from _read_workloads(reader, estate, resources)
    federation = yield from read_federation(reader, users)
    yield from managed_identities(reader.scope, users, resources, federation)
    yield from read_vaults(reader, estate)


def _read_workloads(reader: AzureReader, estate: Estate, resources: list[AzureResource]) -> Iterator[DiscoveredRecord]:
    """Read workloads that run as an identity; adds every resource to ``resources``."""
    with reader.section(s.WORKLOADS) as section:
        for row in resources_of(reader, section, s.WORKLOADS, estate):
            resources.append(row)
            found = workload(reader.scope, reader.unit.tenant, row)
            if found is not None:
                section.found()
                yield found
    yield reader.done(section)


def read_subscription(reader: AzureReader) -> Iterator[DiscoveredRecord]:
    """Read the role assignments at a subscription and below, and its resources."""
    yield from read_assignments(reader)
    yield from read_resources(reader)


def read_management_group(reader: AzureReader) -> Iterator[DiscoveredRecord]:
    """Read the role assignments at a management group, without those of its ancestors and children."""
    yield from read_assignments(reader)


_READERS = {
    "tenant": read_directory,
    "subscription": read_subscription,
    "management_group": read_management_group,
}


def _no_tenant() -> SourceError:
    hint = "set tenant_id, or the environment variable AZURE_TENANT_ID"
    return SourceError("no tenant is configured", hint=hint)


class AzureConnector:
    """Reads identities, their rights and the names of stored secrets. Never a secret's value.

    Raises MissingExtra where azure-identity or azure-mgmt-authorization is not installed.
    """

    spec: ClassVar[Spec] = SPEC

    def __init__(self, source: str, settings: AzureSettings) -> None:
        require_sdk("azure.identity", SPEC)
        require_sdk("azure.mgmt.authorization", SPEC)
        self._source = source
        self._settings = settings
        self._session = AzureSession(settings)
        self._export = ExportedSource(settings, self._nowhere()) if settings.from_files else None

    def __reduce__(self) -> tuple[type[AzureConnector], tuple[str, AzureSettings]]:
        """Pickle the source and settings only: each process signs in itself."""
        return AzureConnector, (self._source, self._settings)

    def log_api(self, meter: Meter) -> AzureApi:
        """The API for live logs. Raises UsageError if the source reads files."""
        if self._export is not None:
            raise UsageError(f"the source {self._source} reads files, so no log can be read live through it")
        return AzureApi(self._settings, meter, session=self._session)

    @property
    def log_tenant(self) -> str:
        """The tenant's id. Raises SourceError if it is unknown."""
        if self._settings.tenant is None:
            raise _no_tenant()
        return self._settings.tenant

    def log_subscriptions(self, api: AzureApi, meter: Meter) -> Iterator[Scope | Coverage]:
        """The subscriptions alone, see ``find_units``."""
        tenant = structs.replace(
            self._nowhere(), id=self.log_tenant, context=AzureUnit(kind="tenant", tenant=self.log_tenant)
        )
        yield from find_units(api, structs.replace(self._settings, management_groups=()), tenant, meter)

    def scopes(self) -> Iterator[Scope | Coverage]:
        """The tenant, then its management groups and subscriptions. See ``Connector.scopes``.

        If the credentials are not accepted, that is reported once and nothing else is tried.
        """
        if self._export is not None:
            yield from self._export.units()
            return
        meter = Meter()
        nowhere = self._nowhere()
        with closing(AzureApi(self._settings, meter, session=self._session)) as api:
            is_given = self._settings.token_of("graph") is not None
            with nowhere.section(s.TENANT, meter=None if is_given else meter) as section:
                if self._settings.tenant is None:
                    raise _no_tenant()
                api.sign_in()
            if section.coverage.is_gap or self._settings.tenant is None:
                yield section.coverage
                return
            unit = AzureUnit(kind="tenant", tenant=self._settings.tenant)
            tenant = structs.replace(nowhere, id=unit.tenant, context=unit)
            if is_given:
                yield tenant.coverage(s.TENANT, "off", detail="access tokens were given; Muster does not sign in")
            else:
                yield structs.replace(section.coverage, scope=tenant.id)
            units = list(find_units(api, self._settings, tenant, meter))
            inside = (one for one in units if isinstance(one, Scope) and one.context.kind == "subscription")
            unit = structs.replace(unit, subscriptions=tuple(one.id for one in inside))
            yield structs.replace(tenant, context=unit)
            yield from units

    def discover(self, scope: Scope) -> Iterator[DiscoveredRecord]:
        """Read one unit of work: the directory, a subscription, or the assignments at a management group."""
        if self._export is not None:
            yield from self._export.dated(_READERS[scope.context.kind](self._export.reader(scope)))
            return
        meter = Meter()
        with closing(AzureApi(self._settings, meter, session=self._session)) as api:
            yield from _READERS[scope.context.kind](AzureReader(api, scope, meter, self._settings))

    def check(self) -> Iterator[Check]:
        """See ``Preflight.check``."""
        if self._export is not None:
            yield from self._export.check()
            return
        with closing(AzureApi(self._settings, Meter(), session=self._session)) as api:
            yield from check_source(api, self._settings, self.scopes())

    def _nowhere(self) -> Scope:
        """The scope that represents all of the source's."""
        return Scope(source=self._source, spec=SPEC, id=EVERY_SCOPE)

    @classmethod
    def base_policy(cls) -> str:
        """The permissions of Graph and the custom role of Azure that this connector needs, and no more (JSON)."""
        return printed()

    @classmethod
    def role_templates(cls) -> Mapping[str, Callable[[], str]]:
        """See ``RoleTemplates``: roles of management groups and, as others, of subscriptions with key vaults."""
        return {"bicep": bicep, "bicep-vaults": bicep_of_vaults, "terraform": terraform}

    def policy(self) -> str:
        """The permissions for this source, without those that its settings do not need."""
        return printed(self._settings)

    def policy_with_logs(self, logs: Collection[str]) -> str:
        """See ``LogPrivilege``."""
        return printed(self._settings, logs)
