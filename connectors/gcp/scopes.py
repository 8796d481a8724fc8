"""Organisations, folders and projects in Resource Manager, and the projects of identities."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from msgspec import structs

from connectors.core.contract import Gone, Malformed, Meter, Scope, SectionReading
from connectors.gcp.client import requests as r
from connectors.gcp.client.api import GcpApi
from connectors.gcp.client.errors import ApiOff, Misconfigured, NoCredentials, NotGoogle
from connectors.gcp.client.payloads import Anything, Folder, Organization, Project
from connectors.gcp.identities.bulk import TYPES
from connectors.gcp.reader import GcpReader
from connectors.gcp.settings import GcpSettings
from connectors.gcp.units import MAX_DEPTH, NOISE, GcpUnit, ProjectRef, ancestors_of, below, is_above, uppermost
from scanner.errors import Denied, SourceError, Throttled, Unreachable
from scanner.model import Coverage

_DELETED = frozenset({"DELETE_REQUESTED", "DELETE_IN_PROGRESS"})


class GcpEstate:
    """The organisations, folders and projects in Resource Manager.

    ``parents``: by name, of folders and organisations, None above the last known. ``visible``: those of them that a
    search showed; the others are only known to be above something. ``kin``: ids by number of all projects that were
    seen, those that are not read among them. ``unread``: scope ids of what was named, or is above
    a project, and could not be looked up. ``ended``: ids of projects that are being deleted.
    """

    def __init__(self, api: GcpApi, settings: GcpSettings, reader: GcpReader) -> None:
        self._api = api
        self._settings = settings
        self._reader = reader
        self.parents: dict[str, str | None] = {}
        self.visible: list[str] = []
        self.projects: dict[str, ProjectRef] = {}
        self.kin: dict[str, str] = {}
        self.unread: dict[str, SourceError] = {}
        self.ended: list[str] = []
        self.noise = 0

    def read(self, section: SectionReading) -> None:
        """Named projects one by one; otherwise whatever a search shows, or lies below what was named.

        A named project is read even where it could not be looked up: its accounts may be listed all the same. Not so
        where an answer came that does not say it is that project: nothing that it lists is the project's.
        """
        settings = self._settings
        if settings.organization or settings.named_folders or not settings.named_projects:
            try:
                self._search(section)
            except NoCredentials:
                raise
            except SourceError as error:  # what was named may still be there
                section.lost(error, partial=bool(settings.named_projects))
        for project in settings.named_projects:
            with self._named(project):
                row = self._api.get(r.PROJECT, Project, project=project)
                if project not in (row.project_id, row.name.removeprefix("projects/")):
                    raise Malformed(f"the answer is about another project: {row.project_id}")
                self._add(section, row, named=True)
            lost = self.unread.get(project)
            if lost and not isinstance(lost, Malformed) and project not in settings.skipped_projects:
                self.projects.setdefault(project, ProjectRef(id=project, number=project))

    def roots(self) -> list[str]:
        """The roots for Cloud Asset: the named ones, else organisations, and projects outside of visible ones."""
        settings = self._settings
        named = [f"organizations/{settings.organization}"] if settings.organization else []
        named += [f"folders/{folder}" for folder in settings.named_folders]
        named += [f"projects/{project}" for project in settings.named_projects if project in self.projects]
        if named:
            return self._without_nested(
                [root for root in named if root not in self.unread or any(below(root, self.projects.values()))]
            )
        return self._without_nested([*self.visible, *(one.name for one in self.projects.values())])

    @contextmanager
    def _named(self, scope: str) -> Iterator[None]:
        """Inside, what was named is looked up: a failure is its own, but for what would fail everywhere."""
        try:
            yield
        except NoCredentials:
            raise
        except SourceError as error:
            self.unread[scope] = error

    def _without_nested(self, roots: list[str]) -> list[str]:
        parents = self.parents | {
            one.name: one.ancestors[0] if one.ancestors else None for one in self.projects.values()
        }
        skipped = self._settings.skipped_projects
        return uppermost((root for root in roots if root.removeprefix("projects/") not in skipped), parents)

    def _search(self, section: SectionReading) -> None:
        failures: list[SourceError] = []
        with self._if_described(failures):
            for organization in self._reader.rows(section, r.ORGANIZATIONS, Organization):
                self._see(section, organization.name, None)
        with self._if_described(failures):
            for folder in self._reader.rows(section, r.FOLDERS, Folder):
                self._see(section, folder.name, folder.parent)
        self._look_up_named(section)
        are_projects_read = False
        try:
            for row in self._reader.rows(section, r.PROJECTS, Project):
                self._add(section, row)
            are_projects_read = True
        finally:
            for failure in failures:
                section.lost(failure, partial=are_projects_read)

    def _see(self, section: SectionReading, name: str, parent: str | None) -> None:
        if is_above(name):
            _note_parent(section, name, parent)
            self.parents[name] = parent
            self.visible.append(name)
        else:
            section.malformed(name, "no organization or folder has this name")

    @contextmanager
    def _if_described(self, failures: list[SourceError]) -> Iterator[None]:
        """Inside, what fails for itself is a gap: projects may still be seen, and lead to what is above them."""
        try:
            yield
        except (NoCredentials, ApiOff, Misconfigured):
            raise
        except SourceError as error:
            failures.append(error)

    def _look_up_named(self, section: SectionReading) -> None:
        """Look up named places that the search lacks, because it is minutes behind."""
        organization = self._settings.organization
        if organization and f"organizations/{organization}" not in self.visible:
            with self._named(f"organizations/{organization}"):
                self._api.get(r.ORGANIZATION, Organization, organization=organization)
        for folder in self._settings.named_folders:
            if f"folders/{folder}" not in self.visible:
                with self._named(f"folders/{folder}"):
                    row = self._api.get(r.FOLDER, Folder, folder=folder)
                    self._climb(section, row)
                    self.parents[row.name] = row.parent

    def _add(self, section: SectionReading, row: Project, *, named: bool = False) -> None:
        number = row.name.removeprefix("projects/")
        self.kin[number] = row.project_id
        is_skipped = not self._settings.skipped_projects.isdisjoint((row.project_id, number))
        if row.state not in (None, "ACTIVE") or is_skipped:
            if row.state in _DELETED and not is_skipped:
                self.ended.append(row.project_id)
            return
        if row.project_id.startswith(NOISE) and not named:
            self.noise += 1
            return
        self._climb(section, row)
        self.projects[row.project_id] = ProjectRef(
            id=row.project_id,
            number=number,
            ancestors=ancestors_of(row.parent, self.parents),
            labels=row.labels or {},
        )

    def _climb(self, section: SectionReading, row: Folder | Project) -> None:
        """Look up the folders above that no search showed, up to the first that cannot be seen."""
        for _ in range(MAX_DEPTH):
            _note_parent(section, row.name, row.parent)
            name = row.parent
            if name is None or not is_above(name) or name in self.parents:
                return
            self.parents[name] = None
            if not name.startswith("folders/"):
                return
            try:
                row = self._api.get(r.FOLDER, Folder, folder=name.removeprefix("folders/"))
            except (Denied, Gone):
                return
            except NoCredentials:
                raise
            except SourceError as error:
                self.unread[name] = error
                return
            self.parents[name] = row.parent


def _note_parent(section: SectionReading, name: str, parent: str | None) -> None:
    """The row is one all the same, but what it inherits is not known."""
    if parent and not is_above(parent):
        section.malformed(name, f"{parent} is its parent, but not an organization or folder")


# --- Units of work: one for all places below a root of Cloud Asset Inventory, else one for each place ---

LISTING = "resourcemanager.projects"
PROBE = "cloudasset.assets"
BEING_DELETED = "the project is being deleted: nothing in it works"


def list_scopes(nowhere: Scope, api: GcpApi, settings: GcpSettings, meter: Meter) -> Iterator[Scope | Coverage]:
    """Units and how they were found; a Coverage of everything where nothing can be seen."""
    estate, listing = _seen(nowhere, api, settings, meter)
    if listing.is_gap:
        yield listing
        if not estate.projects:
            return
    yield from _unread(nowhere, estate)
    for project in estate.ended:
        yield structs.replace(nowhere, id=project).coverage(LISTING, "complete", detail=BEING_DELETED)
    # Anyone who names an organisation may see what is in it; one that a search shows may be seen without its projects.
    is_whole = bool(settings.organization) and not estate.unread and not listing.is_gap
    for root in estate.roots():
        if not listing.is_gap and root.removeprefix("projects/") not in estate.unread:
            yield structs.replace(listing, scope=root.removeprefix("projects/"))
            listing = structs.replace(listing, calls=0, detail=None)
        yield from _units(nowhere, api, estate, root, meter, is_whole=is_whole)


def list_places(
    nowhere: Scope, api: GcpApi, settings: GcpSettings, meter: Meter
) -> Iterator[str | tuple[str, Coverage]]:
    """Scope ids of all organizations, folders and projects below where to start; those that could not be looked up.

    Cloud Asset is not asked.
    """
    estate, listing = _seen(nowhere, api, settings, meter)
    if listing.is_gap:
        yield listing.scope, listing
    for coverage in _unread(nowhere, estate):
        yield coverage.scope, coverage
    for root in estate.roots():
        yield from () if root.startswith("projects/") else (root, *_folders_below(root, estate))
        for project in estate.projects.values():
            if root in (project.name, *project.ancestors):
                yield project.id


def _seen(nowhere: Scope, api: GcpApi, settings: GcpSettings, meter: Meter) -> tuple[GcpEstate, Coverage]:
    """The estate in Resource Manager, and the coverage of listing it."""
    reader = GcpReader(api, structs.replace(nowhere, context=GcpUnit(kind="organization", name="-")), meter, settings)
    estate = GcpEstate(api, settings, reader)
    with reader.section(LISTING) as section:
        estate.read(section)
        if not estate.roots() and not estate.unread and section.coverage.status != "failed":
            raise Denied("no organisation, folder or project can be seen", permission=r.PROJECTS.permission)
        if estate.noise:
            section.note(f"{estate.noise} projects of Apps Script (sys-…) left out")
    return estate, section.coverage


def _unread(nowhere: Scope, estate: GcpEstate) -> Iterator[Coverage]:
    """Gaps of what was named and could not be looked up."""
    for scope, error in estate.unread.items():
        with structs.replace(nowhere, id=scope).section(LISTING) as section:
            raise error
        yield section.coverage


def _units(
    nowhere: Scope, api: GcpApi, estate: GcpEstate, root: str, meter: Meter, *, is_whole: bool
) -> Iterator[Scope | Coverage]:
    """One for all that lies below the root where Cloud Asset answers, else one for each place."""
    projects = tuple(below(root, estate.projects.values()))
    alone = estate.projects.get(root.removeprefix("projects/")) if root.startswith("projects/") else None
    if alone is not None:
        projects = (alone,)
    place = _place(root, estate, projects)
    place = structs.replace(place, above=place.ancestors, kin=estate.kin)
    scope = structs.replace(nowhere, id=place.scope_id, context=place, feeds_within=alone is not None)
    with scope.section(PROBE, meter=meter) as probe:
        bulk = _answers(api, root, probe)
    yield probe.coverage
    failed = probe.coverage.is_gap
    place = structs.replace(place, bulk=bulk, is_whole=place.kind == "organization" and (bulk or is_whole))
    if bulk:
        yield structs.replace(scope, context=place)
        return
    own = () if alone is not None else (root, *_folders_below(root, estate))
    for name in own:
        lower = tuple(below(name, projects))
        unit = structs.replace(_place(name, estate, ()), below=lower, above=place.above if name == root else ())
        unit = structs.replace(unit, kin=place.kin, is_whole=place.is_whole)
        yield structs.replace(nowhere, id=unit.scope_id, context=unit)
    for project in projects:
        above = place.above if alone is not None else ()
        one = GcpUnit(kind="project", name=project.name, projects=(project,), ancestors=project.ancestors, above=above)
        one = structs.replace(one, kin=place.kin, is_whole=place.is_whole, bulk_failed=failed)
        yield structs.replace(nowhere, id=one.scope_id, context=one, feeds_within=True)


def _folders_below(root: str, estate: GcpEstate) -> list[str]:
    return [
        name
        for name, parent in estate.parents.items()
        if name.startswith("folders/") and root in ancestors_of(parent, estate.parents)
    ]


def _place(name: str, estate: GcpEstate, projects: tuple[ProjectRef, ...]) -> GcpUnit:
    if name.startswith("projects/"):
        above = projects[0].ancestors if projects else ()
        return GcpUnit(kind="project", name=name, projects=projects, ancestors=above)
    return GcpUnit(
        kind="organization" if name.startswith("organizations/") else "folder",
        name=name,
        projects=projects,
        ancestors=ancestors_of(estate.parents.get(name), estate.parents),
    )


def _answers(api: GcpApi, root: str, probe: SectionReading) -> bool:
    """Whether Cloud Asset may be used there. That it may not is no gap, since it is read in another way; silence is."""
    try:
        api.get(r.ASSETS, Anything, {"assetTypes": tuple(TYPES), "pageSize": "1"}, parent=root)
    except NoCredentials:
        raise
    except SourceError as error:
        if isinstance(error, Throttled | Unreachable) and not isinstance(error, NotGoogle):
            probe.lost(error)
        else:
            probe.note(f"not used, each project is read by its own APIs: {error}")
        return False
    return True
