"""The content of a folder of files, project by project, and the files that cannot be used."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct, field, structs

from connectors.core.offline import Unreadable, files_in, name_in
from connectors.gcp.offline import recognise as k
from connectors.gcp.offline.documents import Document, newest, read_document
from connectors.gcp.offline.naming import Names, PolicyOf, Rows, names_of, rows_of
from connectors.gcp.offline.recognise import Item, Row
from connectors.gcp.places import ProjectRef, last_segment

CONTAINERS = "//cloudresourcemanager.googleapis.com/"
"""Prefix of the full names of projects, folders and organizations."""
_HOMELESS = "the resource of this policy is unknown: put the project's id or the account's e-mail into the file's name"
_UNCHOSEN = frozenset(
    f"{service}.googleapis.com/{kind}"
    for service, kind in (("cloudresourcemanager", "Project"), ("serviceusage", "Service"), ("logging", "LogBucket"))
)
"""Every project has each of these, and no one here asks for them: where all are reported, no types were chosen."""
_BRIEF = "roles without their permissions: `gcloud iam roles describe` has them, a listing has not"
_NO_SCOPE = "it has no rows and does not say of what: put the project's id and what it lists into its name"


class Export(Struct, frozen=True, kw_only=True):
    """The content of all files. Projects are named by id.

    ``items``: by project and type, then by resource name. ``whole``: projects and types that are listed completely;
    ``parts``: types and names of single resources, such as accounts, whose parts are listed completely. ``policies``:
    by full resource name; ``homes``: project ids by the full names of resources that do not include them; ``searched``:
    projects with all their policies. ``unusable``: files and what is wrong with them; ``unknown``: files without a
    recognised row. ``dated_at``: the newest date in the files, otherwise the date of the newest file.
    """

    projects: Mapping[str, ProjectRef]
    parents: Mapping[str, str | None]
    items: dict[tuple[str, str], dict[str, Item]] = field(default_factory=lambda: defaultdict(dict))
    whole: set[tuple[str, str]] = field(default_factory=set)
    parts: set[tuple[str, str]] = field(default_factory=set)
    policies: dict[str, Row] = field(default_factory=dict)
    homes: dict[str, str] = field(default_factory=dict)
    searched: set[str] = field(default_factory=set)
    roles: dict[str, Row] = field(default_factory=dict)
    unusable: list[tuple[str, str]] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    files: int = 0
    dated_at: datetime | None = None

    def holds(self, project: str, type_: str, parent: str | None = None) -> bool:
        """Whether all things of a type are there, of a project or of one thing in it."""
        return (project, type_) in self.whole or (parent is not None and (type_, parent) in self.parts)

    def of(self, project: str, type_: str, parent: str | None = None) -> Iterator[Item]:
        """Those that are there."""
        for path, item in self.items.get((project, type_), {}).items():
            if parent is None or path.startswith(f"{parent}/"):
                yield item


class _File(Struct, frozen=True, kw_only=True):
    name: str
    written_at: datetime
    document: Document
    rows: Rows


def open_export(root: Path) -> Export:
    """Read every file. Raises OSError where the folder cannot be looked into."""
    files: list[_File] = []
    unusable: list[tuple[str, str]] = []
    for path in files_in(root):
        name = name_in(root, path)
        try:
            document = read_document(path)
            written_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
            files.append(_File(name=name, written_at=written_at, document=document, rows=rows_of(document.rows)))
        except (Unreadable, OSError, RecursionError) as error:
            unusable.append((name, str(error) if isinstance(error, Unreadable) else "it cannot be read"))
    names = names_of(one.rows for one in files)
    export = Export(projects=names.projects(), parents=names.parents, unusable=unusable, files=len(files))
    for one in sorted(files, key=lambda each: each.written_at):
        _add(export, names, one)
    for one in files:
        if not one.document.rows:
            _add_empty(export, names, one.name)
    described = [date for one in files if (date := newest(one.document.rows, one.written_at))]
    dated_at = max(described or [one.written_at for one in files], default=None)
    return structs.replace(export, dated_at=dated_at, unusable=sorted(set(export.unusable)))


def _add(export: Export, names: Names, file: _File) -> None:
    """Newer rows replace older ones."""
    rows = file.rows
    items = [names.within(item) for item in rows.items]
    for item in items:
        export.items[names.project_in(item.path), item.type][item.path] = item
    if rows.assets:
        _assets_are_whole(export, names, rows)
    elif file.document.is_listing:
        for item in items:
            _is_whole(export, names, item)
    if rows.roles and file.document.is_listing and not any("includedPermissions" in one for one in rows.roles.values()):
        export.unusable.append((file.name, _BRIEF))
    else:  # what is described without any permissions allows nothing
        export.roles.update(rows.roles)
    for policy in rows.policies:
        _add_policy(export, names, file, policy)
    if rows.searched:
        export.searched.update(_searched(names, rows))
    if file.document.rows and not rows:
        export.unknown.append(file.name)


def _assets_are_whole(export: Export, names: Names, rows: Rows) -> None:
    """A listing of assets gives all of a type in each project that it has one of, and all where no types were chosen.

    Of what it has none of in a project no one can say whether it was asked for it there.
    """
    described: defaultdict[str, set[str]] = defaultdict(set)
    for project, type_ in rows.assets:
        described[names.id_of(project)].add(type_)
    for project, types in described.items():
        export.whole.update((project, type_) for type_ in (types | k.ALL_TYPES if types >= _UNCHOSEN else types))


def _searched(names: Names, rows: Rows) -> set[str]:
    """The projects of which these are all policies.

    Their own is among them, for every project has one, and so is one of what lies in a project: else only some types
    may have been asked for.
    """
    resources = {names.resource(one.resource) for one in rows.policies if one.resource}
    projects = f"{CONTAINERS}projects/"
    own = {one.removeprefix(projects) for one in resources if one.startswith(projects)}
    return own if any(not one.startswith(CONTAINERS) for one in resources) else set()


def _is_whole(export: Export, names: Names, item: Item) -> None:
    kind = k.BY_TYPE.get(item.type)
    if kind is not None and kind.within is not None:
        export.parts.add((item.type, item.path.rsplit("/", 2)[0]))
    else:
        export.whole.add((names.project_in(item.path), item.type))


def _add_policy(export: Export, names: Names, file: _File, policy: PolicyOf) -> None:
    resource = policy.resource and names.resource(policy.resource)
    resource = resource or names.policy_in(file.name)
    if resource is None:
        export.unusable.append((file.name, _HOMELESS))
    else:
        export.policies[resource] = policy.policy
        if policy.project:
            export.homes[resource] = names.id_of(policy.project)


def _add_empty(export: Export, names: Names, file: str) -> None:
    """A listing without rows; the name of its file says of what it is."""
    kinds = [kind for kind in k.KINDS if kind.words in file]
    kind = max(kinds, key=lambda one: len(one.words), default=None)
    project = names.project_named(file)
    if kind is not None and kind.within is None and project is not None:
        export.whole.add((project, kind.type))
    elif kind is not None and (parent := _parent_named(export, str(kind.within), file)) is not None:
        export.parts.add((kind.type, parent))
    else:
        export.unusable.append((file, _NO_SCOPE))


def _parent_named(export: Export, type_: str, file: str) -> str | None:
    """The parent of the rows of a file that does not contain it: of that type, the longest name in the file's name."""
    every = (path for (_, one), items in export.items.items() if one == type_ for path in items)
    named = [path for path in every if last_segment(path) in file]
    return max(named, key=lambda path: len(last_segment(path)), default=None)
