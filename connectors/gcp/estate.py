"""What Resource Manager shows: organisations, folders and projects, and who is above whom."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from connectors.base import Gone, SectionReading
from connectors.gcp import requests as r
from connectors.gcp.api import GcpApi
from connectors.gcp.errors import ApiOff, Misconfigured, NoCredentials
from connectors.gcp.payloads import Folder, Organization, Project
from connectors.gcp.places import MAX_DEPTH, NOISE, ProjectRef, ancestors_of, below, is_above, uppermost
from connectors.gcp.reader import Reader
from connectors.gcp.settings import GcpSettings
from scanner.errors import Denied, SourceError


class Estate:
    """What Resource Manager shows.

    ``parents``: by name, of folders and organisations, None above the last known. ``visible``: those of them that a
    search showed; the others are only known to be above something. ``kin``: ids by number of all projects that were
    seen, those that are not read among them. ``unread``: scope ids of what was named, or is above
    a project, and could not be looked up.
    """

    def __init__(self, api: GcpApi, settings: GcpSettings, reader: Reader) -> None:
        self._api = api
        self._settings = settings
        self._reader = reader
        self.parents: dict[str, str | None] = {}
        self.visible: list[str] = []
        self.projects: dict[str, ProjectRef] = {}
        self.kin: dict[str, str] = {}
        self.unread: dict[str, SourceError] = {}
        self.noise = 0

    def read(self, section: SectionReading) -> None:
        """Named projects one by one; otherwise whatever a search shows, or lies below what was named.

        A named project is read even where it could not be looked up: its accounts may be listed all the same.
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
                self._add(section, self._api.get(r.PROJECT, Project, project=project), named=True)
            if project in self.unread and project not in settings.skipped_projects:
                self.projects.setdefault(project, ProjectRef(id=project, number=project))

    def roots(self) -> list[str]:
        """Where to ask Cloud Asset: what was named, else organisations, and whatever lies in none that can be seen."""
        settings = self._settings
        named = [f"organizations/{settings.organization}"] if settings.organization else []
        named += [f"folders/{folder}" for folder in settings.named_folders]
        named += [f"projects/{project}" for project in settings.named_projects if project in self.projects]
        if named:
            return self._without_nested([root for root in named if root not in self.unread or self._has(root)])
        return self._without_nested([*self.visible, *(one.name for one in self.projects.values())])

    def _has(self, root: str) -> bool:
        return any(below(root, self.projects.values()))

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
        return uppermost((root for root in roots if not self._is_skipped(root)), parents)

    def _is_skipped(self, root: str) -> bool:
        return root.removeprefix("projects/") in self._settings.skipped_projects

    def _search(self, section: SectionReading) -> None:
        with self._if_told(section):
            for organization in self._reader.rows(section, r.ORGANIZATIONS, Organization):
                self._see(section, organization.name, None)
        with self._if_told(section):
            for folder in self._reader.rows(section, r.FOLDERS, Folder):
                self._see(section, folder.name, folder.parent)
        self._look_up_named(section)
        for row in self._reader.rows(section, r.PROJECTS, Project):
            self._add(section, row)

    def _see(self, section: SectionReading, name: str, parent: str | None) -> None:
        if is_above(name):
            _note_parent(section, name, parent)
            self.parents[name] = parent
            self.visible.append(name)
        else:
            section.malformed(name, "no organization and no folder is called so")

    @contextmanager
    def _if_told(self, section: SectionReading) -> Iterator[None]:
        """Inside, what fails for itself is a gap: projects may still be seen, and lead to what is above them."""
        try:
            yield
        except (NoCredentials, ApiOff, Misconfigured):
            raise
        except SourceError as error:
            section.lost(error, partial=True)

    def _look_up_named(self, section: SectionReading) -> None:
        """What a search does not show may still be there: searches are behind by minutes."""
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
        section.malformed(name, f"{parent} is above it, which is no organization and no folder")
