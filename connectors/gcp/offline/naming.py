"""Sorts the rows of a file into resources, policies, projects, containers and roles, and resolves names (pure)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct, field, structs

from connectors.gcp.offline import recognise as k
from connectors.gcp.offline.paths import GcpKnown, is_of_a_policy, projects_in, sole
from connectors.gcp.offline.recognise import Item, Row
from connectors.gcp.units import ProjectRef, ancestors_of, is_above

_ROLE = re.compile(r"(?:(?:projects|organizations)/[^/]+/)?roles/[^/]+")
_PROJECT = re.compile(r"projects/\d+")
_CONTAINERS = "cloudresourcemanager.googleapis.com/"
_KINDS = frozenset({"project", "folder", "organization"})
_OF_POLICIES = frozenset({"bindings", "etag", "version", "auditConfigs"})


class PolicyOf(Struct, frozen=True, kw_only=True):
    """An allow policy. ``resource``: the full name of what it is set on; None where the file's name has to say so.

    ``project``: the number or id of its project, where the row gives it.
    """

    policy: Row
    resource: str | None = None
    project: str = ""


class Project(Struct, frozen=True, kw_only=True):
    """The known names of a project; any may be missing. ``ancestors``: nearest first."""

    id: str = ""
    number: str = ""
    parent: str = ""
    ancestors: tuple[str, ...] = ()
    labels: Mapping[str, str] = {}
    is_active: bool = True


class Rows(Struct, kw_only=True):
    """The rows of a file. ``assets``: project (by number or id) and type of assets in a listing of Cloud Asset.

    ``searched``: whether policies are from a search, which returns all. ``roles``: by name.
    ``parents``: of folders and organizations by name. ``described``: how many rows describe a project. ``unknown``: how
    many rows are not recognised.
    """

    items: list[Item] = field(default_factory=list)
    policies: list[PolicyOf] = field(default_factory=list)
    projects: list[Project] = field(default_factory=list)
    parents: dict[str, str | None] = field(default_factory=dict)
    roles: dict[str, Row] = field(default_factory=dict)
    assets: set[tuple[str, str]] = field(default_factory=set)
    searched: bool = False
    described: int = 0
    unknown: int = 0

    @property
    def are_recognised(self) -> bool:
        """Whether any row is."""
        return bool(self.items or self.policies or self.described or self.parents or self.roles)


def rows_of(rows: Iterator[Row] | tuple[Row, ...], *, file: str = "") -> Rows:
    """Sort them. ``file``: the name of their file, which alone says that an empty object is a policy."""
    found = Rows()
    for row in rows:
        if not row and is_of_a_policy(file):
            found.policies.append(PolicyOf(policy=row))
            continue
        if not (_asset(row, found) or _policy(row, found) or _container(row, found) or _role(row, found)):
            item = k.item_in(row)
            found.items += [] if item is None else [item, *_inside(item)]
            found.unknown += item is None
    if any(one.resource is None for one in found.policies) and (named := projects_in(file)):
        found.projects.append(Project(number=named) if named.isdigit() else Project(id=named))
    return found


def _asset(row: Row, found: Rows) -> bool:
    name = row.get("name")
    if not isinstance(name, str) or not name.startswith("//") or not (row.get("assetType") or row.get("asset_type")):
        return False
    project = _place(row, name, found)
    policy = row.get("iamPolicy") or row.get("iam_policy")
    if isinstance(policy, Mapping):
        found.policies.append(PolicyOf(policy=policy, resource=name, project=project))
        found.searched = True
    item = k.asset_in(row)
    if item is None:
        return True
    if project:
        found.assets.add((project, item.type))
    if item.type == k.ROLE:
        found.roles[item.path] = {"includedPermissions": [], **item.data, "name": item.path}
    elif item.type.startswith(_CONTAINERS):
        _container(item.data, found)
    else:
        found.items.append(item)
    return True


def _inside(item: Item) -> Iterator[Item]:
    """A listing of clusters has their node pools, which are assets of their own."""
    pools = item.data.get("nodePools") if item.type == k.CLUSTER else None
    for pool in pools if isinstance(pools, list) else ():
        if isinstance(pool, Mapping):
            path = f"{item.path}/nodePools/{pool.get('name')}"
            yield Item(type="container.googleapis.com/NodePool", path=path, data=pool)


def _policy(row: Row, found: Rows) -> bool:
    resource, policy = row.get("resource"), row.get("policy")
    if isinstance(resource, str) and resource.startswith("//") and isinstance(policy, Mapping):
        found.policies.append(PolicyOf(policy=policy, resource=resource, project=_place(row, resource, found)))
        found.searched = True
        return True
    if isinstance(row.get("bindings"), list) or (row and row.keys() <= _OF_POLICIES):
        found.policies.append(PolicyOf(policy=row))
        return True
    kind, id_ = row.get("type"), row.get("id")
    if isinstance(policy, Mapping) and kind in _KINDS and isinstance(id_, str):
        # Of ``gcloud projects get-ancestors-iam-policy``.
        found.policies.append(PolicyOf(policy=policy, resource=f"{_RESOURCE_MANAGER}/{kind}s/{id_}"))
        return True
    return False


def _place(row: Row, name: str, found: Rows) -> str:
    """The project of an asset, or of a result of a search for policies: its number, else its id.

    Empty outside of projects.
    """
    inside = re.search(r"/projects/([^/]+)", name)
    ancestors = _texts(row.get("ancestors"))
    if not ancestors:
        ancestors = [*_texts([row.get("project")]), *_texts(row.get("folders")), *_texts([row.get("organization")])]
    if ancestors and ancestors[0].startswith("projects/"):
        called = inside[1] if inside else ""
        number = ancestors[0].removeprefix("projects/")
        id_ = "" if called.isdigit() else called
        found.projects.append(Project(id=id_, number=number, ancestors=tuple(filter(is_above, ancestors[1:]))))
        return number
    return inside[1] if inside else ""


def _container(row: Row, found: Rows) -> bool:
    """A project, folder or organization, in the shape of version 1 of Resource Manager or of version 3."""
    name, parent = row.get("name"), _parent(row.get("parent"))
    id_ = row.get("projectId")
    if isinstance(id_, str) and ("projectNumber" in row or _PROJECT.fullmatch(str(name))):
        number = row.get("projectNumber") or str(name).removeprefix("projects/")
        state = row.get("lifecycleState") or row.get("state") or "ACTIVE"
        labels = row.get("labels")
        described = {str(one): str(text) for one, text in labels.items()} if isinstance(labels, Mapping) else {}
        is_active = state == "ACTIVE"
        found.projects.append(Project(id=id_, number=str(number), parent=parent, labels=described, is_active=is_active))
        found.described += 1
        return True
    if isinstance(name, str) and is_above(name):
        found.parents[name] = parent or None
        return True
    return False


def _role(row: Row, found: Rows) -> bool:
    name = row.get("name")
    if not isinstance(name, str) or not _ROLE.fullmatch(name):
        return False
    found.roles[name] = row
    return True


def _parent(parent: Any) -> str:
    """The parent, if it is a folder or an organization; else empty."""
    named = f"{parent.get('type')}s/{parent.get('id')}" if isinstance(parent, Mapping) else parent
    return named if isinstance(named, str) and is_above(named) else ""


def _texts(values: Any) -> list[str]:
    return [each for each in values if isinstance(each, str)] if isinstance(values, list) else []


# --- Names: projects by id and number, accounts by e-mail and unique id, and files by their content ---

_IN_PROJECT = re.compile(r"(?P<before>(?:.*?/)?projects/)(?P<project>[^/]+)(?P<rest>.*)", re.DOTALL)
_RESOURCE_MANAGER = "//cloudresourcemanager.googleapis.com"


class GcpNames(Struct, frozen=True, kw_only=True):
    """``described``: what is known of each project, by its id. ``numbers``: ids of projects by number.

    ``emails``: of accounts by unique id. ``homes``: ids of projects by the e-mails of the accounts in them.
    ``parents``: of folders and organizations.
    """

    described: Mapping[str, Project]
    numbers: Mapping[str, str]
    emails: Mapping[str, str]
    homes: Mapping[str, str]
    parents: Mapping[str, str | None]

    def id_of(self, called: str) -> str:
        """A project's id by its number or id; the number where no file gives the id."""
        return self.numbers.get(called, called)

    def project_in(self, name: str) -> str:
        """The id of the project in a resource name; empty where there is none."""
        return self.id_of(project_in(name))

    def resource(self, name: str) -> str:
        """A resource name with the project's id, and of an account with its e-mail."""
        found = _IN_PROJECT.fullmatch(name)
        if found is None:
            return name
        rest = found["rest"]
        if rest.startswith("/serviceAccounts/"):
            account, _, more = rest.removeprefix("/serviceAccounts/").partition("/")
            email = self.emails.get(account, account)
            rest = f"/serviceAccounts/{email}{'/' if more else ''}{more}"
        return f"{found['before']}{self.id_of(found['project'])}{rest}"

    def within(self, item: Item) -> Item:
        """The thing with its name so."""
        return structs.replace(item, path=self.resource(item.path))

    def ended(self) -> list[str]:
        """The ids of projects that are being deleted."""
        return [id_ for id_ in sorted(self.described) if not self.described[id_].is_active]

    def projects(self) -> dict[str, ProjectRef]:
        """Those that are not being deleted, in the order of their ids."""
        active = (self.described[id_] for id_ in sorted(self.described) if self.described[id_].is_active)
        return {
            one.id: ProjectRef(id=one.id, number=one.number or "-", ancestors=self._above(one), labels=one.labels)
            for one in active
        }

    def known(self, organization: str | None = None) -> GcpKnown:
        """What paths may name. ``organization``: the one that the settings name."""
        above = {name for one in self.described.values() for name in self._above(one)} | self.parents.keys()
        numbers = (name.removeprefix("organizations/") for name in above if name.startswith("organizations/"))
        return GcpKnown(
            projects={**{one: one for one in self.described}, **self.numbers},
            emails=self.homes,
            organization=organization or sole(numbers),
            only=next(iter(self.described)) if len(self.described) == 1 else None,
        )

    def _above(self, project: Project) -> tuple[str, ...]:
        return project.ancestors or ancestors_of(project.parent or None, self.parents)


def project_in(name: str) -> str:
    """The project in a resource name, as it is called there; empty where there is none."""
    found = _IN_PROJECT.fullmatch(name)
    return found["project"] if found else ""


def names_of(files: Iterable[Rows]) -> GcpNames:
    """The names in all files together."""
    every = tuple(files)
    described = [one for rows in every for one in rows.projects]
    numbers = {one.number: one.id for one in described if one.id and one.number}
    items = [item for rows in every for item in rows.items]
    called = {found["project"] for item in items if (found := _IN_PROJECT.fullmatch(item.path))}
    described += [Project(number=one) if one.isdigit() else Project(id=one) for one in called]
    described += [Project(id=found["project"]) for found in map(_IN_PROJECT.fullmatch, _containers(every)) if found]
    projects: dict[str, Project] = {}
    for one in described:
        id_ = numbers.get(one.number, one.number) if not one.id else numbers.get(one.id, one.id)
        projects[id_] = _merged(projects.get(id_, Project(id=id_)), one)
    accounts = [(item, str(item.data.get("email"))) for item in items if item.type == k.ACCOUNT]
    return GcpNames(
        described=projects,
        numbers=numbers,
        emails={str(item.data.get("uniqueId")): email for item, email in accounts},
        homes={email: numbers.get(home := item.path.split("/")[1], home) for item, email in accounts},
        parents={name: parent for rows in every for name, parent in rows.parents.items()},
    )


def _containers(files: Iterable[Rows]) -> Iterator[str]:
    """Projects whose own policy is reported."""
    for rows in files:
        for policy in rows.policies:
            if policy.resource and policy.resource.startswith(f"{_RESOURCE_MANAGER}/projects/"):
                yield policy.resource.removeprefix("//")


def _merged(one: Project, other: Project) -> Project:
    return Project(
        id=one.id,
        number=one.number or other.number,
        parent=one.parent or other.parent,
        ancestors=max(one.ancestors, other.ancestors, key=len),
        labels={**one.labels, **other.labels},
        is_active=one.is_active and other.is_active,
    )
