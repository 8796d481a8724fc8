"""Organizations, folders and projects as units of work."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

from msgspec import Struct

MAX_DEPTH = 16
"""Folders nest ten deep at most; more is a circle."""
_CONTAINER = re.compile(r"(?:organizations|folders)/[^/\s]+")
NOISE = "sys-"
"""Projects that Apps Script makes for each script begin so."""


class ProjectRef(Struct, frozen=True, kw_only=True):
    """A project. ``number``: its digits alone, or the id where it is not known.

    ``ancestors``: nearest first, ``folders/1`` … ``organizations/2``.
    """

    id: str
    number: str
    ancestors: tuple[str, ...] = ()
    labels: Mapping[str, str] = {}

    @property
    def name(self) -> str:
        """As requests take it."""
        return f"projects/{self.id}"


class GcpUnit(Struct, frozen=True, kw_only=True):
    """The context of a scope.

    ``name``: ``organizations/1``, ``folders/2`` or ``projects/ID``, which requests take as parent. ``bulk``: Cloud
    Asset answers here, so all projects below belong to this unit; otherwise a project is its own, and an organisation
    or folder has its own policy alone. ``bulk_failed``: it did not answer, and may have before: what it alone gives is
    a gap. ``projects``: those that this unit reads. ``below``: those that other units
    read. ``ancestors``: nearest first; ``above``: those of them that are no unit of their own. ``kin``: ids by number
    of all projects that the source shows; ``is_whole``: those are all that its organisation has.
    """

    kind: Literal["organization", "folder", "project"]
    name: str
    bulk: bool = False
    bulk_failed: bool = False
    projects: tuple[ProjectRef, ...] = ()
    below: tuple[ProjectRef, ...] = ()
    ancestors: tuple[str, ...] = ()
    above: tuple[str, ...] = ()
    kin: Mapping[str, str] = {}
    is_whole: bool = False

    @property
    def scope_id(self) -> str:
        """A project is known by its id alone."""
        return self.name.removeprefix("projects/")

    @property
    def project(self) -> ProjectRef:
        """The one project of a unit that is one."""
        (only,) = self.projects
        return only


def is_above(name: str) -> bool:
    """Whether that is the name of an organization or a folder."""
    return _CONTAINER.fullmatch(name) is not None


def ancestors_of(parent: str | None, parents: Mapping[str, str | None]) -> tuple[str, ...]:
    """Everything above, nearest first; it ends where no parent is known, at a circle, and at what is no such name."""
    chain: list[str] = []
    while parent and is_above(parent) and parent not in chain and len(chain) < MAX_DEPTH:
        chain.append(parent)
        parent = parents.get(parent)
    return tuple(chain)


def below(root: str, projects: Iterable[ProjectRef]) -> Iterator[ProjectRef]:
    """The projects somewhere under a root."""
    return (project for project in projects if root in project.ancestors)


def uppermost(roots: Iterable[str], parents: Mapping[str, str | None]) -> list[str]:
    """The roots without those that lie below another."""
    named = list(dict.fromkeys(roots))
    return [root for root in named if not set(ancestors_of(parents.get(root), parents)) & set(named)]


# --- Labels of resources and of their projects ---

OF_PROJECT = "project:"
"""Tags that are labels of the project begin so. It is in no label, and so in no key that registers an identity."""


def tags_of(project: ProjectRef, own: Mapping[str, str] | None = None) -> dict[str, str]:
    """The labels of a thing, and its project's: service accounts can have none, so owners are named there."""
    return {**(own or {}), **{f"{OF_PROJECT}{key}": text for key, text in project.labels.items()}}
