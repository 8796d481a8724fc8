"""Reads the roles that are held in the directory itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from connectors.azure import sections as s
from connectors.azure.reader import Reader
from connectors.azure.rights.directory import Directory
from connectors.azure.rights.directory_roles import TENANT, DirectoryRole, as_published, directory_power
from connectors.azure.rights.objects import GROUP, SERVICE_PRINCIPAL, DirectoryObject, Member, members_of, objects_by_id
from connectors.azure.rights.payloads import RoleAssignment, RoleDefinition
from connectors.azure.rights.power import UNKNOWN_POWER, under_a_condition
from connectors.azure.rights.telling import assignment
from connectors.base import DiscoveredRecord, SectionReading
from scanner.errors import SourceError
from scanner.model import Assignment

_ROLES = "/roleManagement/directory"


def read_directory_roles(reader: Reader, directory: Directory) -> Iterator[DiscoveredRecord]:
    """Assignments of directory roles to service principals, directly and through groups."""
    rows: list[RoleAssignment] = []
    telling = _Telling(reader, directory)
    holders = _Holders()
    with reader.section(s.DIRECTORY_ROLES) as section:
        definitions = reader.rows(section, reader.api.graph_pages(f"{_ROLES}/roleDefinitions"), RoleDefinition)
        telling.roles.update({one.id.lower(): one.role for one in definitions})
        rows.extend(reader.rows(section, reader.api.graph_pages(f"{_ROLES}/roleAssignments"), RoleAssignment))
        holders = _holders(reader, section, rows, directory)
        told = [row for row in rows if row.principal_id.lower() in holders.principals]
        section.found(len(told))
        if holders.others:
            section.note(f"{holders.others} role assignments of people are left out")
        if holders.gone:
            section.note(
                f"{holders.gone} role assignments of principals that the directory does not tell of are left out"
            )
        yield from map(telling.of, told)
    yield reader.done(section)
    members = yield from members_of(reader, holders.groups)
    for row in rows:
        group = row.principal_id.lower()
        for member in members.get(group, ()):
            if member.id.lower() not in directory.left_out:
                yield telling.of(row, member, group=holders.groups[group])


class _Holders(Struct, frozen=True, kw_only=True):
    """Whose the assignments are: names of groups by id, ids of service principals, and how many are anybody else's.

    ``gone``: how many are of nobody whom the directory knows.
    """

    groups: Mapping[str, str] = {}
    principals: frozenset[str] = frozenset()
    others: int = 0
    gone: int = 0


def _holders(reader: Reader, section: SectionReading, rows: Sequence[RoleAssignment], directory: Directory) -> _Holders:
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


class _Telling:
    """Assignments of one tenant's roles. ``roles``: definitions by id in lower case."""

    def __init__(self, reader: Reader, directory: Directory) -> None:
        self.roles: dict[str, DirectoryRole] = {}
        self._scope = reader.scope
        self._tenant = reader.unit.tenant
        self._directory = directory

    def of(self, row: RoleAssignment, member: Member | None = None, *, group: str | None = None) -> Assignment:
        """What it gives its principal, or a member of a group that it is given to."""
        role = self.roles.get(row.role_definition_id.lower()) or as_published(row.role_definition_id)
        where = row.directory_scope_id or row.app_scope_id or TENANT
        power = directory_power(role, where, self._tenant, self._directory.keys) if role else UNKNOWN_POWER
        holder = member.id if member else row.principal_id
        key = f"azure://{self._tenant}/roleAssignments/{row.id}"
        return assignment(
            self._scope,
            f"{key}#{holder.lower()}" if member else key,
            holder=holder,
            holder_name=member.display_name if member else self._directory.names.get(holder.lower()),
            grant=role.name if role else row.role_definition_id,
            power=under_a_condition(power) if row.condition else power,
            via=f"group:{group}" if group else "direct",
            resource="the directory" if where == TENANT else where,
            attributes={"right": "directory role", "custom": (role.custom or None) if role else None},
        )
