"""The tree of organisations, folders and projects, and the resources in it (pure).

A *container* is named as Resource Manager does: ``organizations/1``, ``folders/2``, ``projects/acme`` (by its id).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from functools import cached_property
from typing import cast

from msgspec import Struct

from connectors.gcp.keys import account_key
from connectors.gcp.rights.members import LISTED, account_of
from connectors.gcp.rights.vocabulary import Container
from connectors.gcp.units import GcpUnit

_RESOURCE_MANAGER = "//cloudresourcemanager.googleapis.com/"
_CONTAINER = re.compile(rf"{_RESOURCE_MANAGER}(?P<kind>organizations|folders|projects)/(?P<id>[^/]+)")
_ACCOUNT = re.compile(r"//iam\.googleapis\.com/projects/(?P<project>[^/]+)/serviceAccounts/(?P<id>[^/]+)")
_IN_PROJECT = re.compile(r"(?P<before>//[^/]+/projects/)(?P<project>[^/]+)(?P<after>/.+)")


class GcpResource(Struct, frozen=True, kw_only=True, gc=False):
    """A resource with a policy. ``name``: its full resource name, with its project's id and an account's e-mail.

    ``container``: its kind of container, None for a resource inside a project. ``account``: its e-mail if it is a
    service account. ``project``: the id of the project that it is or is in, if any.
    """

    name: str
    container: Container | None = None
    account: str | None = None
    project: str | None = None

    @property
    def place(self) -> str:
        """The container that it is or is in; empty if unknown."""
        if self.container is not None:
            return self.name.removeprefix(_RESOURCE_MANAGER)
        return f"projects/{self.project}" if self.project else ""

    @property
    def short(self) -> str:
        """A name to show: ``projects/acme``, an account's e-mail, or the full name."""
        return self.account or (self.place if self.container is not None else self.name)


class Tree(Struct, frozen=True, kw_only=True, dict=True):
    """The known part of the tree.

    ``numbers``: project ids by project number. ``parents``: the ancestors of each project (``projects/ID``) and folder,
    the nearest first. ``emails``: of service accounts, by unique id. ``kin``: ids of our projects that other units
    read. ``is_whole``: these are all projects of an organization, so that any other is external.
    """

    numbers: Mapping[str, str] = {}
    parents: Mapping[str, tuple[str, ...]] = {}
    emails: Mapping[str, str] = {}
    kin: frozenset[str] = frozenset()
    is_whole: bool = False

    @cached_property
    def _number_of(self) -> Mapping[str, str]:
        return {project: number for number, project in self.numbers.items()}

    @cached_property
    def _below(self) -> Mapping[str, tuple[str, ...]]:
        below: defaultdict[str, list[str]] = defaultdict(list)
        for place in sorted(self.parents):
            if place.startswith("projects/"):
                for parent in self.parents[place]:
                    below[parent].append(place.removeprefix("projects/"))
        return {parent: tuple(projects) for parent, projects in below.items()}

    def number(self, project: str) -> str | None:
        """The number of a project, by its id."""
        return self._number_of.get(project)

    def project_id(self, project: str) -> str:
        """The id of a project with this id or number; the number if it is unknown."""
        return self.numbers.get(project, project)

    def path(self, place: str) -> tuple[str, ...]:
        """A container and its ancestors, the nearest first."""
        return (place, *self.parents.get(place, ())) if place else ()

    def projects(self, place: str) -> tuple[str, ...]:
        """The ids of the projects in a container."""
        if place.startswith("projects/"):
            return (place.removeprefix("projects/"),)
        return self._below.get(place, ())

    def places(self) -> set[str]:
        """All containers that are our projects or their ancestors."""
        return {*self.parents, *(name for above in self.parents.values() for name in above)}

    def outsider(self, email: str) -> bool | None:
        """Whether a service account is of an external project; None: unknown."""
        account = account_of(email)
        if account.kind not in LISTED:
            return False
        project = self.project_of(email)
        if project is not None and self.is_ours(project):
            return False
        return True if self.is_whole else None

    def knows(self, project: str) -> bool:
        """Whether a project, by its id, is read here, or is below a container that is."""
        return f"projects/{project}" in self.parents

    def is_ours(self, project: str) -> bool:
        """Whether a project, by its id, belongs to the organisation, regardless of the unit that reads it."""
        return self.knows(project) or project in self.kin

    def project_of(self, email: str) -> str | None:
        """The id of the project of a service account or agent, from its e-mail."""
        account = account_of(email)
        return account.project or self.numbers.get(account.number or "")

    def resource(self, name: str, project: str | None = None) -> GcpResource:
        """The resource with this full name. ``project``: its project's id or number, if known."""
        if found := _CONTAINER.fullmatch(name):
            kind = cast(Container, found["kind"])
            named = self.project_id(found["id"]) if kind == "projects" else found["id"]
            own = named if kind == "projects" else None
            return GcpResource(name=f"{_RESOURCE_MANAGER}{kind}/{named}", container=kind, project=own)
        if found := _ACCOUNT.fullmatch(name):
            email = self.emails.get(found["id"], found["id"])
            own = self.project_id(found["project"])
            return GcpResource(name=account_key(own, email), account=email, project=own)
        inside = _IN_PROJECT.fullmatch(name)
        if inside is None:
            return GcpResource(name=name, project=None if project is None else self.project_id(project))
        own = self.project_id(inside["project"])
        return GcpResource(name=f"{inside['before']}{own}{inside['after']}", project=own)


def full_name(place: str) -> str:
    """The full resource name of a container."""
    return f"{_RESOURCE_MANAGER}{place}"


def tree_of(place: GcpUnit, emails: Mapping[str, str]) -> Tree:
    """The tree of a unit's context. ``emails``: of service accounts, by unique id."""
    parents: dict[str, tuple[str, ...]] = {}
    if place.kind != "project":
        parents[place.name] = place.ancestors
    for project in (*place.projects, *place.below):
        for at, name in enumerate((project.name, *project.ancestors)):
            parents[name] = project.ancestors[at:]
    numbers = {**place.kin, **{project.number: project.id for project in (*place.projects, *place.below)}}
    kin = frozenset(place.kin.values())
    return Tree(numbers=numbers, parents=parents, emails=emails, kin=kin, is_whole=place.is_whole)
