"""The connector for Google Cloud: bulk where Cloud Asset Inventory may be used, project by project elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import ClassVar

from connectors.core.contract import Check, DiscoveredRecord, Meter, Scope, Spec
from connectors.core.reading import require_sdk
from connectors.gcp.client.api import GcpApi
from connectors.gcp.client.session import GcpSession
from connectors.gcp.each import ProjectReading, if_wanted, in_each
from connectors.gcp.identities.accounts import emit_accounts, list_accounts, read_account_keys
from connectors.gcp.identities.api_keys import emit_api_keys, list_api_keys
from connectors.gcp.identities.bulk import list_identities
from connectors.gcp.identities.other_credentials import read_hmac_keys, read_oauth_clients
from connectors.gcp.identities.pools import list_pools, read_managed_identities
from connectors.gcp.identities.registered import read_registered
from connectors.gcp.least_privilege import custom_role, gcloud_script, terraform
from connectors.gcp.logs.spec import SPEC as AUDIT
from connectors.gcp.offline.source import OF_FILES, GcpExportedSource
from connectors.gcp.preflight import preflight
from connectors.gcp.reader import GcpReader
from connectors.gcp.rights.reading import read_rights
from connectors.gcp.scopes import list_places, list_scopes
from connectors.gcp.settings import GcpSettings
from connectors.gcp.spec import SPEC
from connectors.gcp.units import GcpUnit
from connectors.gcp.usage.reading import read_insights, read_use_of_accounts, read_use_of_keys
from connectors.gcp.workloads import engines, secrets
from connectors.gcp.workloads.agent_credentials import (
    emit_auth_providers,
    list_auth_providers,
    read_access_summaries,
    read_authorizations,
    read_workloads,
)
from connectors.gcp.workloads.engines import emit_engines
from connectors.gcp.workloads.reading import (
    read_clusters,
    read_consumers,
    read_functions,
    read_machines,
    read_others,
    read_run,
)
from scanner.errors import UsageError
from scanner.model import EVERY_SCOPE, Coverage

BULK: tuple[ProjectReading, ...] = (
    list_identities,
    in_each(read_hmac_keys),
    in_each(read_managed_identities),
    engines.list_engines,
    read_consumers,
    if_wanted("agentregistry.agents", in_each(read_registered)),
    read_rights,
    read_use_of_accounts,
    read_use_of_keys,
    if_wanted("recommender.insights", in_each(read_insights)),
    emit_accounts,
    emit_api_keys,
    if_wanted("agentidentity.auth_providers", in_each(list_auth_providers)),
    if_wanted("agentidentity.authorizations", in_each(read_authorizations)),
    if_wanted("agentidentity.workloads", in_each(read_workloads)),
    if_wanted("agentidentity.access_summaries", in_each(read_access_summaries)),
    emit_engines,
    secrets.read_secrets,
    if_wanted("iam.oauth_clients", in_each(read_oauth_clients)),
    emit_auth_providers,
)
"""The readings of a unit with Cloud Asset, in this order: facts that are joined to identities come before them.

``in_each(reading)``: a reading of each project that bulk listing lacks.
"""
OF_PROJECT: tuple[ProjectReading, ...] = (
    list_accounts,
    read_account_keys,
    list_api_keys,
    list_pools,
    read_hmac_keys,
    read_managed_identities,
    engines.list_engines_of_location,
    read_machines,
    read_run,
    read_functions,
    read_clusters,
    read_others,
    if_wanted("agentregistry.agents", read_registered),
    read_rights,
    read_use_of_accounts,
    read_use_of_keys,
    if_wanted("recommender.insights", read_insights),
    emit_accounts,
    emit_api_keys,
    if_wanted("agentidentity.auth_providers", list_auth_providers),
    if_wanted("agentidentity.authorizations", read_authorizations),
    if_wanted("agentidentity.workloads", read_workloads),
    if_wanted("agentidentity.access_summaries", read_access_summaries),
    emit_engines,
    secrets.read_secrets_of_project,
    if_wanted("iam.oauth_clients", read_oauth_clients),
    emit_auth_providers,
)
"""The readings of a project by its own APIs."""
OF_PARENT: tuple[ProjectReading, ...] = (read_rights,)
"""The readings of an organisation or folder without Cloud Asset."""


class GcpConnector:
    """Reads identities, their credentials and permissions. Never a secret's or a key's value.

    Raises MissingExtra if google-auth or google-cloud-iam is not installed.
    """

    spec: ClassVar[Spec] = SPEC

    def __init__(self, source: str, settings: GcpSettings) -> None:
        for package in ("google.auth", "google.cloud.iam_admin_v1"):
            require_sdk(package, SPEC)
        self._source = source
        self._settings = settings
        self._session = GcpSession(settings)
        self._nowhere = Scope(source=source, spec=SPEC, id=EVERY_SCOPE)
        self._files = GcpExportedSource(settings, self._session, self._nowhere) if settings.from_files else None

    def __reduce__(self) -> tuple[type[GcpConnector], tuple[str, GcpSettings]]:
        """Pickle the source and settings only: connections are not sent to other machines."""
        return GcpConnector, (self._source, self._settings)

    def log_api(self, meter: Meter) -> GcpApi:
        """The API for live logs. Raises UsageError if the source reads files."""
        if self._files is not None:
            raise UsageError(f"the source {self._source} reads files, so no log can be read live through it")
        return GcpApi(self._session, meter)

    def log_places(self, api: GcpApi, meter: Meter) -> Iterator[str | tuple[str, Coverage]]:
        """See ``list_places``."""
        yield from list_places(self._nowhere, api, self._settings, meter)

    def scopes(self) -> Iterator[Scope | Coverage]:
        """See ``Connector.scopes``."""
        if self._files is not None:
            yield from self._files.units()
            return
        meter = Meter()
        yield from list_scopes(self._nowhere, GcpApi(self._session, meter), self._settings, meter)

    def discover(self, scope: Scope) -> Iterator[DiscoveredRecord]:
        """Read one unit, section by section."""
        place: GcpUnit = scope.context
        if self._files is not None:
            reader = self._files.reader(scope)
            for read in OF_FILES if place.kind == "project" else OF_PARENT:
                yield from self._files.dated(read(reader))
            return
        meter = Meter()
        own = (place.project.id, place.project.number) if place.kind == "project" and place.projects else ()
        reader = GcpReader(GcpApi(self._session, meter, own_project=own), scope, meter, self._settings)
        for read in _readings(place):
            yield from read(reader)

    def check(self) -> Iterator[Check]:
        """See ``Preflight.check``."""
        if self._files is not None:
            yield from self._files.check()
            return
        yield from preflight(self._session, self.scopes())

    @classmethod
    def base_policy(cls) -> str:
        """The custom role with the permissions of all sections."""
        return custom_role(SPEC.sections)

    @classmethod
    def role_templates(cls) -> Mapping[str, Callable[[], str]]:
        """See ``RoleTemplates``: the role of an organization."""
        return {"gcloud": gcloud_script, "terraform": terraform}

    def policy(self) -> str:
        """The custom role with the permissions of the sections that this source reads."""
        wanted = (section for section in SPEC.sections if section.name in self._settings.sections)
        return custom_role(wanted, self._settings)

    def policy_with_logs(self, logs: Collection[str]) -> str:
        """See ``LogPrivilege``."""
        wanted = (section for section in SPEC.sections if section.name in self._settings.sections)
        return custom_role(wanted, self._settings, AUDIT.permissions if AUDIT.name in logs else ())


def _readings(place: GcpUnit) -> tuple[ProjectReading, ...]:
    if place.bulk:
        return BULK
    return OF_PROJECT if place.kind == "project" else OF_PARENT
