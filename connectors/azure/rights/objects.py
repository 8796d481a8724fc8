"""What the directory says of objects that are known by id alone, and which service principals are in a group."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence

from msgspec import Struct, field

from connectors.azure import sections as s
from connectors.azure.errors import NotTaken
from connectors.azure.payloads import ObjectId, Page
from connectors.azure.reader import Reader
from connectors.base import Gone, SectionReading
from scanner.errors import SourceError
from scanner.model import Coverage

AT_ONCE = 1000
"""``getByIds`` takes no more."""
SERVICE_PRINCIPAL, GROUP = "servicePrincipal", "group"
# A cast is an advanced query. Source: https://learn.microsoft.com/graph/aad-advanced-queries
_ADVANCED = {"ConsistencyLevel": "eventual"}
_WHAT = "?$count=true&$select=id,displayName&$top=999"
_ALL_MEMBERS = "/groups/{}/transitiveMembers" + _WHAT
_ONLY_PRINCIPALS = "/groups/{}/transitiveMembers/microsoft.graph.servicePrincipal" + _WHAT
_AGENTS = ("agentIdentity", "agentIdentityBlueprintPrincipal")
_TYPE = "#microsoft.graph."


class DirectoryObject(Struct, frozen=True, kw_only=True):
    """Any object. ``type``: as Graph writes it; ``name`` only where we may read it."""

    id: str
    type: str | None = field(default=None, name="@odata.type")
    name: str | None = field(default=None, name="displayName")

    @property
    def kind(self) -> str:
        """Its type, that of every kind of service principal being one."""
        return kind_of(self.type or "")


class Member(Struct, frozen=True, kw_only=True, rename="camel"):
    """Who is in a group. ``type``: as Graph writes it where there may be several."""

    id: ObjectId
    display_name: str | None = None
    type: str | None = field(default=None, name="@odata.type")

    @property
    def is_principal(self) -> bool:
        """Whether it is a service principal."""
        return self.type is None or kind_of(self.type) == SERVICE_PRINCIPAL


def kind_of(odata_type: str) -> str:
    """A type in short, that of every kind of service principal being one."""
    kind = odata_type.removeprefix(_TYPE)
    return SERVICE_PRINCIPAL if kind in _AGENTS else kind


def objects_by_id(reader: Reader, section: SectionReading, ids: Iterable[str]) -> dict[str, DirectoryObject]:
    """Those that are there, by id in lower case; an id that is missing has been deleted, or never was.

    No types are asked for, so that none is left out. Raises SourceError where not all could be asked about.
    """
    found: dict[str, DirectoryObject] = {}
    wanted = sorted({one.lower(): one for one in sorted(ids)}.values())
    for start in range(0, len(wanted), AT_ONCE):
        body = {"ids": wanted[start : start + AT_ONCE]}
        page = reader.api.graph_post("/directoryObjects/getByIds", body, Page)
        if page.next_link:
            raise SourceError("POST /directoryObjects/getByIds: the answer goes on where none should")
        for raw in page.value:
            one = reader.row(section, raw, DirectoryObject)
            if one is None:  # whose it was cannot be told, and its id must not be taken for a deleted one's
                raise SourceError("POST /directoryObjects/getByIds: not every object could be understood")
            found[one.id.lower()] = one
    return found


def members_of(reader: Reader, groups: Mapping[str, str]) -> Generator[Coverage, None, dict[str, tuple[Member, ...]]]:
    """The service principals in each group, and in the groups inside it. ``groups``: names by id.

    Where Graph does not list them alone, all members are.
    """
    members: dict[str, tuple[Member, ...]] = {}
    with reader.section(s.GROUP_MEMBERS) as section:
        for path in (_ONLY_PRINCIPALS, _ALL_MEMBERS):
            failures = _read_members(reader, section, path, sorted(groups.keys() - members.keys()), members)
            if not any(isinstance(one, (Gone, NotTaken)) for one in failures):
                break
        for failure in failures:
            if not (isinstance(failure, Gone) and members):  # one of several may have gone since
                section.lost(failure, partial=bool(members))
    yield reader.done(section)
    return members


def _read_members(
    reader: Reader, section: SectionReading, path: str, groups: Sequence[str], members: dict[str, tuple[Member, ...]]
) -> list[SourceError]:
    """Add to ``members`` who is in each group; what went wrong."""
    failures: list[SourceError] = []
    paths = {path.format(group): group for group in groups}
    for one, rows in reader.api.graph_batch(list(paths), headers=_ADVANCED):
        if isinstance(rows, SourceError):
            failures.append(rows)
        else:
            found = reader.rows(section, [rows], Member)
            members[paths[one]] = tuple(member for member in found if member.is_principal)
    return failures
