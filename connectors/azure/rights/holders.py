"""Holders of rights: objects of the directory by id, service principals in groups, and the assignment of a right."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from connectors.azure import sections as s
from connectors.azure.client.batch import graph_batch
from connectors.azure.client.errors import NotTaken
from connectors.azure.client.payloads import ObjectId, Page
from connectors.azure.reader import AzureReader
from connectors.azure.rights.inheritance import AzureLine
from connectors.azure.rights.power import Power
from connectors.azure.spec import SPEC
from connectors.core.contract import Gone, Scope, SectionReading
from scanner.errors import SourceError
from scanner.model import Assignment, Coverage, Grant


class Api(Struct, frozen=True, kw_only=True):
    """A service principal that publishes permissions. ``app_roles``: their names by id in lower case."""

    id: str
    app_id: str
    name: str
    app_roles: Mapping[str, str] = {}


class Directory(Struct, frozen=True, kw_only=True):
    """The tenant as it was listed; every id is an object's, in lower case.

    ``keys``: keys of identities by the ids of service principals and of applications. ``names``: of service principals,
    by id. ``left_out``: service principals that are not reported, such as Microsoft's own, and neither are their
    rights. ``apis``: by id. ``lines``: blueprints with their agents, by the id of the blueprint's service principal.
    """

    keys: Mapping[str, str] = {}
    names: Mapping[str, str] = {}
    left_out: frozenset[str] = frozenset()
    apis: Mapping[str, Api] = {}
    lines: Mapping[str, AzureLine] = {}


# --- Directory objects by id, and service principals in groups ---

AT_ONCE = 1000
"""Maximum number of ids for ``getByIds``."""
SERVICE_PRINCIPAL, GROUP = "servicePrincipal", "group"
# A cast is an advanced query. Source: https://learn.microsoft.com/graph/aad-advanced-queries
_ADVANCED = {"ConsistencyLevel": "eventual"}
_WHAT = "?$count=true&$select=id,displayName&$top=999"
_ALL_MEMBERS = "/groups/{}/transitiveMembers" + _WHAT
_ONLY_PRINCIPALS = "/groups/{}/transitiveMembers/microsoft.graph.servicePrincipal" + _WHAT
_AGENTS = ("agentIdentity", "agentIdentityBlueprintPrincipal")
_TYPE = "#microsoft.graph."


class DirectoryObject(Struct, frozen=True, kw_only=True):
    """Any object. ``type``: as Graph writes it; ``name`` only if the scanner may read it."""

    id: str
    type: str | None = field(default=None, name="@odata.type")
    name: str | None = field(default=None, name="displayName")

    @property
    def kind(self) -> str:
        """Its type, the same for every kind of service principal."""
        return kind_of(self.type or "")


class AzureMember(Struct, frozen=True, kw_only=True, rename="camel"):
    """A member of a group. ``type``: as Graph writes it if there may be several."""

    id: ObjectId
    display_name: str | None = None
    type: str | None = field(default=None, name="@odata.type")

    @property
    def is_principal(self) -> bool:
        """Whether it is a service principal."""
        return self.type is None or kind_of(self.type) == SERVICE_PRINCIPAL


def kind_of(odata_type: str) -> str:
    """The short form of a type, the same for every kind of service principal."""
    kind = odata_type.removeprefix(_TYPE)
    return SERVICE_PRINCIPAL if kind in _AGENTS else kind


def objects_by_id(reader: AzureReader, section: SectionReading, ids: Iterable[str]) -> dict[str, DirectoryObject]:
    """Existing objects by id in lower case; a missing id was deleted or never existed.

    The request names no types, so that none is left out. Raises SourceError if not all ids could be requested.
    """
    found: dict[str, DirectoryObject] = {}
    wanted = sorted({one.lower(): one for one in sorted(ids)}.values())
    for start in range(0, len(wanted), AT_ONCE):
        body = {"ids": wanted[start : start + AT_ONCE]}
        page = reader.api.graph_post("/directoryObjects/getByIds", body, Page)
        if page.next_link:
            raise SourceError("POST /directoryObjects/getByIds: the response has an unexpected next page")
        for raw in page.value:
            one = reader.row(section, raw, DirectoryObject)
            if one is None:  # its holder is unknown, and its id must not count as deleted
                raise SourceError("POST /directoryObjects/getByIds: not every object could be understood")
            found[one.id.lower()] = one
    return found


def members_of(
    reader: AzureReader, groups: Mapping[str, str]
) -> Generator[Coverage, None, dict[str, tuple[AzureMember, ...]]]:
    """The service principals in each group, and in the groups inside it. ``groups``: names by id.

    If Graph cannot filter them, all members are listed.
    """
    members: dict[str, tuple[AzureMember, ...]] = {}
    with reader.section(s.GROUP_MEMBERS) as section:
        for path in (_ONLY_PRINCIPALS, _ALL_MEMBERS):
            failures = _read_members(reader, section, path, sorted(groups.keys() - members.keys()), members)
            if not any(isinstance(one, (Gone, NotTaken)) for one in failures):
                break
        for failure in failures:
            if not (isinstance(failure, Gone) and members):  # one of several may have been deleted since
                section.lost(failure, partial=bool(members))
    yield reader.done(section)
    return members


def _read_members(
    reader: AzureReader,
    section: SectionReading,
    path: str,
    groups: Sequence[str],
    members: dict[str, tuple[AzureMember, ...]],
) -> list[SourceError]:
    """Add the members of each group to ``members``; returns the failures."""
    failures: list[SourceError] = []
    paths = {path.format(group): group for group in groups}
    for one, rows in graph_batch(reader.api, list(paths), headers=_ADVANCED):
        if isinstance(rows, SourceError):
            failures.append(rows)
        else:
            found = reader.rows(section, [rows], AzureMember)
            members[paths[one]] = tuple(member for member in found if member.is_principal)
    return failures


# --- Assignments ---


class Holder(Struct, frozen=True, kw_only=True):
    """The holder of a right. ``gone``: see ``Assignment``."""

    id: str
    kind: str | None = "ServicePrincipal"
    name: str | None = None
    gone: bool | None = None


def assignment(
    scope: Scope,
    key: str,
    *,
    holder: Holder,
    grant: Grant,
    power: Power,
    created_at: datetime | None = None,
    created_by: str | None = None,
    attributes: Mapping[str, Any] | None = None,
) -> Assignment:
    """See ``Assignment``. ``grant``: the right; whether it makes an admin depends on ``power``."""
    return Assignment(
        key=key,
        provider=SPEC.name,
        source=scope.source,
        scope=scope.id,
        holder=holder.id,
        holder_kind=holder.kind,
        holder_name=holder.name,
        gone=holder.gone,
        grant=replace(grant, admin=power.privilege.level == "admin"),
        privilege=power.privilege,
        becomes=power.becomes,
        takes_over=power.takes_over,
        consequences=power.consequences,
        conditional=power.conditional,
        created_at=created_at,
        created_by=created_by,
        attributes={name: value for name, value in (attributes or {}).items() if value is not None},
    )
