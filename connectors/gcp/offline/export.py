"""The content of a folder of files, project by project, and the files that cannot be used."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from msgspec import Struct, field, structs

from connectors.core.file_names import named_in, without
from connectors.core.offline import Unreadable, files_in, name_in
from connectors.gcp.keys import last_segment
from connectors.gcp.offline import recognise as k
from connectors.gcp.offline.documents import EXTENSIONS, GcpDocument, NoRows, newest, read_document
from connectors.gcp.offline.naming import GcpNames, PolicyOf, Rows, names_of, project_in, rows_of
from connectors.gcp.offline.paths import NEUTRAL, GcpKnown, last_part, named_by, project_of
from connectors.gcp.offline.recognise import Item, Row
from connectors.gcp.units import ProjectRef

CONTAINERS = "//cloudresourcemanager.googleapis.com/"
"""Prefix of the full names of projects, folders and organizations."""
_HOMELESS = (
    "the resource of this policy is unknown: put the project's id or the account's e-mail into the file's name, or "
    "keep it as projects/PROJECT/iam.json or projects/PROJECT/service-accounts/EMAIL/iam.json"
)
_SEVERAL = "it has several policies that do not say of what: keep each in a file of its own"
_UNCHOSEN = frozenset(
    f"{service}.googleapis.com/{kind}"
    for service, kind in (("cloudresourcemanager", "Project"), ("serviceusage", "Service"), ("logging", "LogBucket"))
)
"""Every project has each of these, and no one here asks for them: where all are reported, no types were chosen."""
_KIND_WORDS = NEUTRAL | {word for kind in k.KINDS for word in kind.words.split("-")}
_BRIEF = "roles without their permissions: `gcloud iam roles describe` has them, a listing has not"
_NO_SCOPE = "it has no rows and does not say of what: put the project's id and what it lists into its name"


class GcpExport(Struct, frozen=True, kw_only=True, dict=True):
    """The content of all files. Projects are named by id. ``ended``: those that are being deleted.

    ``known``: the names that a path may contain. ``is_complete``: what has no file is not there, of the types of which
    there are files (the setting ``files_are_complete``).
    ``items``: by project and type, then by resource name. ``whole``: projects and types that are listed completely;
    ``parts``: types and names of single resources, such as accounts, whose parts are listed completely. ``policies``:
    by full resource name; ``homes``: project ids by the full names of resources that do not include them; ``searched``:
    projects with all their policies. ``unusable``: files and what is wrong with them; ``unknown``: files in which not
    every row is recognised. ``dated_at``: the newest date in the files, otherwise the date of the newest file.
    """

    projects: Mapping[str, ProjectRef]
    ended: Sequence[str]
    parents: Mapping[str, str | None]
    known: GcpKnown
    is_complete: bool = False
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
        if self.is_complete and type_ in self.types:
            return True
        return (project, type_) in self.whole or (parent is not None and (type_, parent) in self.parts)

    @property
    def why_unusable(self) -> Mapping[str, list[str]]:
        """The unusable files by the reason."""
        reasons: defaultdict[str, list[str]] = defaultdict(list)
        for file, reason in self.unusable:
            reasons[reason].append(file)
        return reasons

    @cached_property
    def named_resources(self) -> Mapping[str, Mapping[str, Sequence[str]]]:
        """By type, the resource names by their last part."""
        found: defaultdict[str, defaultdict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        for (_, type_), items in self.items.items():
            for path in items:
                found[type_][last_segment(path)].append(path)
        return found

    @cached_property
    def types(self) -> frozenset[str]:
        """The types of which there is a resource, or a listing."""
        return frozenset(type_ for _, type_ in (*self.items, *self.whole))

    @cached_property
    def listed(self) -> frozenset[str]:
        """Ids of projects that files say something of."""
        own = (name.removeprefix(f"{CONTAINERS}projects/") for name in self.policies)
        return frozenset({*(at for at, _ in (*self.items, *self.whole)), *self.searched, *own})

    @cached_property
    def policies_in(self) -> Mapping[str, Sequence[str]]:
        """The full names of resources with a policy, by the project that they are or are in."""
        found: defaultdict[str, list[str]] = defaultdict(list)
        for name in self.policies:
            home = self.homes.get(name) or project_in(name)
            if home:
                found[home].append(name)
        return found

    @cached_property
    def named_roles(self) -> frozenset[str]:
        """The roles that policies name."""
        bindings = (one for policy in self.policies.values() for one in policy.get("bindings") or ())
        return frozenset(str(one.get("role")) for one in bindings if isinstance(one, Mapping))

    def of(self, project: str, type_: str, parent: str | None = None) -> Iterator[Item]:
        """Those that are there."""
        for path, item in self.items.get((project, type_), {}).items():
            if parent is None or path.startswith(f"{parent}/"):
                yield item


class _ExportFile(Struct, frozen=True, kw_only=True):
    name: str
    written_at: datetime
    document: GcpDocument
    rows: Rows


def open_export(root: Path, *, organization: str | None = None, is_complete: bool = False) -> GcpExport:
    """Read every file. Raises OSError where the folder cannot be looked into."""
    files: list[_ExportFile] = []
    unusable: list[tuple[str, str]] = []
    others: list[str] = []
    for path in files_in(root):
        name = name_in(root, path)
        try:
            document = read_document(path)
            written_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
            rows = rows_of(document.rows, file=name)
            files.append(_ExportFile(name=name, written_at=written_at, document=document, rows=rows))
        except NoRows as error:
            if path.suffix.lower() in EXTENSIONS:
                unusable.append((name, str(error)))
            else:  # notes, tables for people, Terraform
                others.append(name)
        except (Unreadable, OSError, RecursionError) as error:
            unusable.append((name, str(error) if isinstance(error, Unreadable) else "it cannot be read"))
    names = names_of(one.rows for one in files)
    export = GcpExport(
        projects=names.projects(),
        ended=names.ended(),
        parents=names.parents,
        known=names.known(organization),
        is_complete=is_complete,
        unusable=unusable,
        unknown=others,
        files=len(files),
    )
    for one in sorted(files, key=lambda each: each.written_at):
        _add(export, names, one)
    for one in files:
        if not one.document.rows:
            _add_empty(export, one.name)
    described = [date for one in files if (date := newest(one.document.rows, one.written_at))]
    dated_at = max(described or [one.written_at for one in files], default=None)
    return structs.replace(export, dated_at=dated_at, unusable=sorted(set(export.unusable)))


def _add(export: GcpExport, names: GcpNames, file: _ExportFile) -> None:
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
    _add_policies(export, names, file)
    if rows.searched:
        export.searched.update(_searched(names, rows))
    if file.document.rows and (rows.unknown or not rows.are_recognised):
        export.unknown.append(file.name)


def _assets_are_whole(export: GcpExport, names: GcpNames, rows: Rows) -> None:
    """A listing of assets gives all of a type in each project that it has one of, and all where no types were chosen.

    Of what it has none of in a project no one can say whether it was asked for it there.
    """
    described: defaultdict[str, set[str]] = defaultdict(set)
    for project, type_ in rows.assets:
        described[names.id_of(project)].add(type_)
    for project, types in described.items():
        export.whole.update((project, type_) for type_ in (types | k.ALL_TYPES if types >= _UNCHOSEN else types))


def _searched(names: GcpNames, rows: Rows) -> set[str]:
    """The projects of which these are all policies.

    Their own is among them, for every project has one, and so is one of what lies in a project: else only some types
    may have been asked for.
    """
    resources = {names.resource(one.resource) for one in rows.policies if one.resource}
    projects = f"{CONTAINERS}projects/"
    own = {one.removeprefix(projects) for one in resources if one.startswith(projects)}
    return own if any(not one.startswith(CONTAINERS) for one in resources) else set()


def _is_whole(export: GcpExport, names: GcpNames, item: Item) -> None:
    kind = k.BY_TYPE.get(item.type)
    if kind is not None and kind.within is not None:
        export.parts.add((item.type, item.path.rsplit("/", 2)[0]))
    else:
        export.whole.add((names.project_in(item.path), item.type))


def _add_policies(export: GcpExport, names: GcpNames, file: _ExportFile) -> None:
    """The name of a file says only of one policy what it is of."""
    homeless = [policy for policy in file.rows.policies if policy.resource is None]
    if len(homeless) > 1:
        export.unusable.append((file.name, _SEVERAL))
    for policy in file.rows.policies:
        if policy.resource is not None or len(homeless) == 1:
            _add_policy(export, names, file, policy)


def _add_policy(export: GcpExport, names: GcpNames, file: _ExportFile, policy: PolicyOf) -> None:
    resource = policy.resource and names.resource(policy.resource)
    home = names.id_of(policy.project) if policy.project else ""
    if resource is None and (named := named_by(file.name, export.known)):
        resource, home = names.resource(named.resource), named.project
    if resource is None:
        export.unusable.append((file.name, _HOMELESS))
        return
    export.policies[resource] = policy.policy
    if home:
        export.homes[resource] = home


def _add_empty(export: GcpExport, file: str) -> None:
    """A listing without rows; the name of its file says of what it is."""
    known = export.known
    for kind in sorted(k.KINDS, key=lambda one: len(one.words), reverse=True):
        names = known.projects if kind.within is None else export.named_resources[kind.within]
        name = named_in(file, names, _KIND_WORDS)
        if kind.words not in without(last_part(file), name or ""):
            continue
        project = known.only if name is None else known.projects.get(name)
        if kind.within is None and project is not None:
            export.whole.add((project, kind.type))
            return
        if kind.within is not None and name is not None and (parent := _parent(export, kind.within, name, file)):
            export.parts.add((kind.type, parent))
            return
    export.unusable.append((file, _NO_SCOPE))


def _parent(export: GcpExport, type_: str, name: str, file: str) -> str | None:
    """The only resource of that type and name, or the only one in the project that the path names."""
    paths = export.named_resources[type_][name]
    project = project_of(file, export.known)
    own = [path for path in paths if path.startswith(f"projects/{project}/")] if project else paths
    return own[0] if len(own) == 1 else None
