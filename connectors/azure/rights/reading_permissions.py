"""Reads the permissions on APIs that applications hold, by themselves and in the names of users."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from connectors.azure import sections as s
from connectors.azure.dates import moment
from connectors.azure.reader import Reader
from connectors.azure.rights.api_permissions import Permission, application_power, delegated_power
from connectors.azure.rights.directory import Api, Directory
from connectors.azure.rights.payloads import AppRoleAssignment, PermissionGrant
from connectors.azure.rights.power import UNKNOWN_POWER, Power
from connectors.azure.rights.telling import assignment
from connectors.base import DiscoveredRecord, Gone
from scanner.errors import SourceError
from scanner.model import Assignment

PAGE = 999
MICROSOFT_GRAPH = "00000003-0000-0000-c000-000000000000"
DEFAULT_ACCESS = "00000000-0000-0000-0000-000000000000"
"""The id of no role: access without any. Source: the reference of ``appRoleAssignment``."""


def read_app_permissions(reader: Reader, directory: Directory) -> Iterator[DiscoveredRecord]:
    """What applications may do by themselves: one list for each API that publishes such permissions, Graph's first."""
    others = 0
    apis = sorted((api for api in directory.apis.values() if api.app_roles), key=_graph_first)
    paths = {f"/servicePrincipals/{api.id}/appRoleAssignedTo?$top={PAGE}": api for api in apis}
    with reader.section(s.APP_PERMISSIONS) as section:
        for path, rows in reader.api.graph_batch(list(paths)):
            if isinstance(rows, Gone):
                continue
            if isinstance(rows, SourceError):
                section.lost(rows)
                continue
            for row in reader.rows(section, [rows], AppRoleAssignment):
                if row.principal_type != "ServicePrincipal":
                    others += 1
                elif row.principal_id.lower() not in directory.left_out:
                    section.found()
                    yield _of_api(reader, row, paths[path])
        if others:
            section.note(f"{others} permissions of people and groups are left out")
    yield reader.done(section)


def _graph_first(api: Api) -> tuple[bool, str]:
    return api.app_id.lower() != MICROSOFT_GRAPH, api.id


def _of_api(reader: Reader, row: AppRoleAssignment, api: Api) -> Assignment:
    name = api.app_roles.get(row.app_role_id.lower())
    power = UNKNOWN_POWER
    if row.app_role_id == DEFAULT_ACCESS:
        name, power = "default access", Power()
    elif name is not None:
        power = application_power(Permission(name=name, api=api.app_id, api_name=api.name), reader.unit.tenant)
    return assignment(
        reader.scope,
        f"azure://{reader.unit.tenant}/appRoleAssignments/{row.id}",
        holder=row.principal_id,
        holder_name=row.principal_display_name,
        grant=name or row.app_role_id,
        power=power,
        resource=api.name,
        created_at=moment(row.created_date_time),
        attributes={"right": "application permission"},
    )


def read_delegated_grants(reader: Reader, directory: Directory) -> Iterator[DiscoveredRecord]:
    """What applications may do in the names of users. Consents of single users are told together, with their number."""
    by_users: defaultdict[tuple[str, str, str], set[str]] = defaultdict(set)
    with reader.section(s.DELEGATED_GRANTS) as section:
        pages = reader.api.graph_pages("/oauth2PermissionGrants", params={"$top": PAGE})
        for row in reader.rows(section, pages, PermissionGrant):
            if row.client_id.lower() in directory.left_out:
                continue
            section.found()
            for name in dict.fromkeys((row.scope or "").split()):
                if row.consent_type == "AllPrincipals":
                    yield _in_names_of(reader, directory, (row.client_id, row.resource_id, name), None)
                else:
                    by_users[row.client_id, row.resource_id, name].add(row.principal_id or row.id)
    for grant in sorted(by_users):
        yield _in_names_of(reader, directory, grant, len(by_users[grant]))
    yield reader.done(section)


def _in_names_of(reader: Reader, directory: Directory, grant: tuple[str, str, str], users: int | None) -> Assignment:
    """A permission in the name of everybody, or of so many users."""
    client, resource, name = grant
    api = directory.apis.get(resource.lower())
    api_name = api.name if api else resource
    permission = Permission(name=name, api=api.app_id if api else "", api_name=api_name)
    whose = "everybody" if users is None else "users"
    return assignment(
        reader.scope,
        f"azure://{reader.unit.tenant}/oauth2PermissionGrants/{client}/{resource}/{name}#{whose}".lower(),
        holder=client,
        holder_name=directory.names.get(client.lower()),
        grant=name,
        via="consent for everybody" if users is None else "consent of users",
        power=delegated_power(permission, for_everybody=users is None),
        resource=api_name,
        attributes={"right": "delegated grant", "users": users},
    )
