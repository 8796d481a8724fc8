"""Reads rights in the tenant: directory roles, application permissions and delegated permissions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Generator, Iterator, Mapping, Sequence

from msgspec import Struct

from connectors.azure import sections as s
from connectors.azure.client.batch import graph_batch
from connectors.azure.client.errors import NotTaken
from connectors.azure.client.payloads import moment
from connectors.azure.keys import NIL_GUID
from connectors.azure.reader import PAGE, AzureReader
from connectors.azure.rights.api_permissions import Permission, application_power, delegated_power
from connectors.azure.rights.directory_roles import TENANT, DirectoryRole, RulingGroups, as_published, directory_power
from connectors.azure.rights.holders import (
    GROUP,
    SERVICE_PRINCIPAL,
    Api,
    AzureMember,
    Directory,
    DirectoryObject,
    Holder,
    assignment,
    members_of,
    objects_by_id,
)
from connectors.azure.rights.inheritance import MICROSOFT_GRAPH, Heritage
from connectors.azure.rights.payloads import (
    AppRoleAssignment,
    DirectoryRoleAssignment,
    DirectoryRoleDefinition,
    PermissionGrant,
)
from connectors.azure.rights.power import UNKNOWN_POWER, Power, under_a_condition
from connectors.core.contract import DiscoveredRecord, Gone, SectionReading
from scanner.errors import SourceError
from scanner.model import Assignment, Grant
from scanner.text import counted, either

_ROLES = "/roleManagement/directory"


def read_directory_roles(reader: AzureReader, directory: Directory) -> Generator[DiscoveredRecord, None, RulingGroups]:
    """Assignments of directory roles to service principals, directly and through groups; returns the ruling groups."""
    rows: list[DirectoryRoleAssignment] = []
    converter = _Converter(reader, directory)
    holders = _Holders()
    with reader.section(s.DIRECTORY_ROLES) as section:
        definitions = reader.rows(section, reader.api.graph_pages(f"{_ROLES}/roleDefinitions"), DirectoryRoleDefinition)
        converter.roles.update({one.id.lower(): one.role for one in definitions})
        rows.extend(reader.rows(section, reader.api.graph_pages(f"{_ROLES}/roleAssignments"), DirectoryRoleAssignment))
        holders = _holders(reader, section, rows, directory)
        reported = [row for row in rows if row.principal_id.lower() in holders.principals]
        converter.ruling = tuple(sorted({name for row in rows if (name := converter.ruled_by(row, holders.groups))}))
        section.found(len(reported))
        if holders.others:
            section.note(
                f"{counted(holders.others, 'role assignment of people is', 'role assignments of people are')} left out"
            )
        if holders.gone:
            of_gone = counted(holders.gone, "role assignment", "role assignments")
            are = either(holders.gone, "is", "are")
            section.note(f"{of_gone} of principals that are not in the directory {are} left out")
        yield from map(converter.of, reported)
    yield (coverage := reader.done(section))
    if coverage.is_gap and not converter.ruling:
        converter.ruling = None
    members = yield from members_of(reader, holders.groups)
    for row in rows:
        group = row.principal_id.lower()
        for member in members.get(group, ()):
            if member.id.lower() not in directory.left_out:
                yield converter.of(row, member, group=holders.groups[group])
    return converter.ruling


class _Holders(Struct, frozen=True, kw_only=True):
    """Holders of assignments: names of groups by id, ids of service principals, and the number of others.

    ``gone``: the number of unknown holders.
    """

    groups: Mapping[str, str] = {}
    principals: frozenset[str] = frozenset()
    others: int = 0
    gone: int = 0


def _holders(
    reader: AzureReader, section: SectionReading, rows: Sequence[DirectoryRoleAssignment], directory: Directory
) -> _Holders:
    ids = {row.principal_id.lower() for row in rows} - directory.left_out
    unknown = ids - directory.names.keys()
    objects: dict[str, DirectoryObject] = {}
    try:
        written = (row.principal_id for row in rows if row.principal_id.lower() in unknown)
        objects = objects_by_id(reader, section, written) if unknown else {}
        gone = unknown - objects.keys()
    except SourceError as error:
        section.lost(error, partial=True)
        gone = set()
    groups = {key: one.name or key for key, one in objects.items() if one.kind == GROUP}
    principals = (ids - unknown) | {key for key, one in objects.items() if one.kind == SERVICE_PRINCIPAL}
    people = objects.keys() - groups.keys() - principals
    others, lost = (sum(row.principal_id.lower() in some for row in rows) for some in (people, gone))
    return _Holders(groups=groups, principals=frozenset(principals), others=others, gone=lost)


class _Converter:
    """Assignments of one tenant's roles. ``roles``: definitions by id in lower case."""

    def __init__(self, reader: AzureReader, directory: Directory) -> None:
        self.roles: dict[str, DirectoryRole] = {}
        self.ruling: RulingGroups = ()
        self._scope = reader.scope
        self._tenant = reader.unit.tenant
        self._directory = directory

    def ruled_by(self, row: DirectoryRoleAssignment, groups: Mapping[str, str]) -> str | None:
        """The name of the group that an assignment makes an admin of the whole directory, without a condition."""
        role, group = self._role(row), groups.get(row.principal_id.lower())
        if role is None or group is None or row.condition or _scope_of(row) != TENANT:
            return None
        return group if directory_power(role, TENANT, self._tenant, {}).privilege.level == "admin" else None

    def _role(self, row: DirectoryRoleAssignment) -> DirectoryRole | None:
        return self.roles.get(row.role_definition_id.lower()) or as_published(row.role_definition_id)

    def of(
        self, row: DirectoryRoleAssignment, member: AzureMember | None = None, *, group: str | None = None
    ) -> Assignment:
        """The right of its principal, or of a member of its group."""
        role, where = self._role(row), _scope_of(row)
        power = UNKNOWN_POWER
        if role:
            power = directory_power(role, where, self._tenant, self._directory.keys, self.ruling)
        holder = member.id if member else row.principal_id
        key = f"azure://{self._tenant}/roleAssignments/{row.id}"
        return assignment(
            self._scope,
            f"{key}#{holder.lower()}" if member else key,
            holder=Holder(id=holder, name=member.display_name if member else self._directory.names.get(holder.lower())),
            grant=Grant(
                name=role.name if role else row.role_definition_id,
                via=f"group:{group}" if group else "direct",
                resource="the directory" if where == TENANT else where,
            ),
            power=under_a_condition(power) if row.condition else power,
            attributes={"right": "directory role", "custom": (role.custom or None) if role else None},
        )


def _scope_of(row: DirectoryRoleAssignment) -> str:
    return row.directory_scope_id or row.app_scope_id or TENANT


# --- Application permissions and delegated permissions ---

_SP = "/servicePrincipals"
DEFAULT_ACCESS = NIL_GUID
"""The id of no role: access without any. Source: the reference of ``appRoleAssignment``."""


def read_app_permissions(
    reader: AzureReader, directory: Directory, heritage: Heritage, ruling: RulingGroups = ()
) -> Iterator[DiscoveredRecord]:
    """Application permissions: one list for each API that publishes such permissions, Graph's first.

    If no API has such a list, the list of each holder is read. ``ruling``: groups that hold the role of an admin.
    """
    others = 0
    apis = sorted((api for api in directory.apis.values() if api.app_roles), key=_graph_first)
    if s.SERVICE_PRINCIPALS in reader.gaps and not apis:
        yield reader.skipped(s.APP_PERMISSIONS, "the APIs that publish permissions could not be listed")
        return
    held = (f"{_SP}/{one}/appRoleAssignments?$top={PAGE}" for one in directory.names.keys() - directory.left_out)
    with reader.section(s.APP_PERMISSIONS) as section:
        rows, failures, some = _listed(
            reader, section, [f"{_SP}/{api.id}/appRoleAssignedTo?$top={PAGE}" for api in apis]
        )
        if rows is None:
            rows, failures, some = _listed(reader, section, sorted(held))
        for row in rows or ():
            if not _is_principal_s(row, directory):
                others += 1
            elif row.principal_id.lower() not in directory.left_out:
                section.found()
                api = directory.apis.get((row.resource_id or "").lower())
                yield (right := _of_api(reader, row, api, ruling))
                line = directory.lines.get(row.principal_id.lower())
                if row.app_role_id != DEFAULT_ACCESS:
                    yield from heritage.of(line, right, api.app_id if api else None, "application", row.app_role_id)
        for failure in failures if rows is not None else failures[:1]:
            section.lost(failure, partial=some)
        if s.SERVICE_PRINCIPALS in reader.gaps and not any(map(_is_graph, apis)):
            section.lost(SourceError("not every API that publishes permissions is known"), partial=True)
        if others:
            left_out = counted(others, "permission of people and groups is", "permissions of people and groups are")
            section.note(f"{left_out} left out")
    yield reader.done(section)


def _listed(
    reader: AzureReader, section: SectionReading, paths: Sequence[str]
) -> tuple[list[AppRoleAssignment] | None, list[SourceError], bool]:
    """The rows of these lists, what went wrong, and whether any was read; no rows if there is no such list at all.

    One of several lists may have been deleted with its object.
    """
    answers = [rows for _, rows in graph_batch(reader.api, paths)]
    failures = [one for one in answers if isinstance(one, SourceError)]
    if all(isinstance(one, (Gone, NotTaken)) for one in answers):
        return None, failures, False
    pages = [one for one in answers if not isinstance(one, SourceError)]
    unread = [one for one in failures if not isinstance(one, Gone)]
    return list(reader.rows(section, pages, AppRoleAssignment)), unread, bool(pages)


def _is_principal_s(row: AppRoleAssignment, directory: Directory) -> bool:
    """Whether a service principal holds it; if the row has no type, whether one with that id is known."""
    if row.principal_type is None:
        return row.principal_id.lower() in directory.names
    return row.principal_type == "ServicePrincipal"


def _graph_first(api: Api) -> tuple[bool, str]:
    return not _is_graph(api), api.id


def _is_graph(api: Api) -> bool:
    return api.app_id.lower() == MICROSOFT_GRAPH


def _of_api(reader: AzureReader, row: AppRoleAssignment, api: Api | None, ruling: RulingGroups) -> Assignment:
    name = api.app_roles.get(row.app_role_id.lower()) if api else None
    power = UNKNOWN_POWER
    if row.app_role_id == DEFAULT_ACCESS:
        name, power = "default access", Power()
    elif api is not None and name is not None:
        permission = Permission(name=name, api=api.app_id, api_name=api.name)
        power = application_power(permission, reader.unit.tenant, ruling)
    return assignment(
        reader.scope,
        f"azure://{reader.unit.tenant}/appRoleAssignments/{row.id}",
        holder=Holder(id=row.principal_id, name=row.principal_display_name),
        grant=Grant(
            name=name or row.app_role_id, via="direct", resource=api.name if api else row.resource_display_name
        ),
        power=power,
        created_at=moment(row.created_date_time),
        attributes={"right": "application permission"},
    )


def read_delegated_grants(reader: AzureReader, directory: Directory, heritage: Heritage) -> Iterator[DiscoveredRecord]:
    """Delegated permissions. Consents of single users are one grant, with their number."""
    by_users: defaultdict[tuple[str, str, str], set[str]] = defaultdict(set)
    with reader.section(s.DELEGATED_GRANTS) as section:
        pages = reader.api.graph_pages("/oauth2PermissionGrants", params={"$top": PAGE})
        for row in reader.rows(section, pages, PermissionGrant):
            if row.client_id.lower() in directory.left_out:
                continue
            section.found()
            for name in dict.fromkeys((row.scope or "").split()):
                if row.consent_type == "AllPrincipals":
                    right = _in_names_of(reader, directory, (row.client_id, row.resource_id, name), None)
                    yield from _with_heirs(directory, heritage, right, row.resource_id)
                else:
                    by_users[row.client_id, row.resource_id, name].add(row.principal_id or row.id)
    for grant in sorted(by_users):
        right = _in_names_of(reader, directory, grant, len(by_users[grant]))
        yield from _with_heirs(directory, heritage, right, grant[1])
    yield reader.done(section)


def _with_heirs(directory: Directory, heritage: Heritage, right: Assignment, resource: str) -> Iterator[Assignment]:
    """A delegated permission, and that of the agents that inherit it."""
    api = directory.apis.get(resource.lower())
    yield right
    yield from heritage.of(directory.lines.get(right.holder.lower()), right, api.app_id if api else None, "delegated")


def _in_names_of(
    reader: AzureReader, directory: Directory, grant: tuple[str, str, str], users: int | None
) -> Assignment:
    """A permission in the name of everyone, or of so many users."""
    client, resource, name = grant
    api = directory.apis.get(resource.lower())
    api_name = api.name if api else resource
    permission = Permission(name=name, api=api.app_id if api else "", api_name=api_name)
    whose = "everyone" if users is None else "users"
    return assignment(
        reader.scope,
        f"azure://{reader.unit.tenant}/oauth2PermissionGrants/{client}/{resource}/{name}#{whose}".lower(),
        holder=Holder(id=client, name=directory.names.get(client.lower())),
        grant=Grant(name=name, via="consent for all users" if users is None else "consent of users", resource=api_name),
        power=delegated_power(permission, for_everybody=users is None) if api else UNKNOWN_POWER,
        attributes={"right": "delegated grant", "users": users},
    )


# --- Rights in the tenant ---


def read_rights(reader: AzureReader, directory: Directory) -> Generator[DiscoveredRecord, None, Heritage]:
    """Each section's coverage, and an Assignment for each right that a service principal holds in the tenant.

    Rights of users are counted; those of groups are reported for the service principals in them, those of blueprints
    for the agents that inherit them. Returns what agents inherit.
    """
    heritage = Heritage()
    ruling = yield from read_directory_roles(reader, directory)
    yield from read_app_permissions(reader, directory, heritage, ruling)
    yield from read_delegated_grants(reader, directory, heritage)
    return heritage
