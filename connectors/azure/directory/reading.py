"""Reads the tenant: what Entra knows of its non-human identities."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from connectors.azure import sections as s
from connectors.azure.directory.identities import merged
from connectors.azure.directory.payloads import Application, ServicePrincipal
from connectors.azure.reader import Reader
from connectors.base import DiscoveredRecord

PAGE = 999
_SELECTED = {
    ServicePrincipal: (
        "id,appId,displayName,servicePrincipalType,accountEnabled,appOwnerOrganizationId,alternativeNames,"
        "servicePrincipalNames"
    ),
    Application: "id,appId,displayName",
}


def read_directory(reader: Reader) -> Iterator[DiscoveredRecord]:
    """Every identity that the tenant lists, once, with the coverage of each section."""
    principals: dict[str, ServicePrincipal] = {}
    with reader.section(s.SERVICE_PRINCIPALS) as section:
        pages = reader.api.graph_pages("/servicePrincipals", params=_asking_for(ServicePrincipal))
        for principal in reader.rows(section, pages, ServicePrincipal):
            principals[principal.id] = principal
            section.found()
    yield reader.done(section)
    applications: dict[str, Application] = {}
    with reader.section(s.APPLICATIONS) as section:
        pages = reader.api.graph_pages("/applications", params=_asking_for(Application))
        for application in reader.rows(section, pages, Application):
            applications[application.app_id] = application
            section.found()
    yield reader.done(section)
    yield from merged(reader.scope, reader.unit.tenant, principals.values(), applications)


def _asking_for(kind: type[ServicePrincipal | Application]) -> Mapping[str, str | int]:
    return {"$select": _SELECTED[kind], "$top": PAGE}
