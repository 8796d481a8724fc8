"""The source of projects in a folder of files: its readings, its scopes and their coverage."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property

import msgspec
from msgspec import Raw, structs

from connectors.core.contract import Check, DiscoveredRecord, Meter, Scope, SectionReading
from connectors.core.offline import FILES_NAMED, NotExported, dated, looking_into, not_recognised
from connectors.gcp.client import requests as r
from connectors.gcp.client.payloads import Asset
from connectors.gcp.client.session import GcpSession
from connectors.gcp.each import ProjectReading, if_wanted
from connectors.gcp.identities.accounts import emit_accounts, list_accounts, read_account_keys
from connectors.gcp.identities.api_keys import emit_api_keys, list_api_keys
from connectors.gcp.identities.other_credentials import read_hmac_keys, read_oauth_clients
from connectors.gcp.identities.pools import list_pools, read_managed_identities
from connectors.gcp.identities.registered import read_registered
from connectors.gcp.offline.api import GcpFileApi, policy_of
from connectors.gcp.offline.export import CONTAINERS, GcpExport, open_export
from connectors.gcp.offline.recognise import STORED, VERSION, command_for
from connectors.gcp.reader import GcpReader
from connectors.gcp.rights.assignments import POLICIES
from connectors.gcp.rights.reading import read_rights
from connectors.gcp.scopes import BEING_DELETED, LISTING
from connectors.gcp.settings import GcpSettings
from connectors.gcp.units import GcpUnit, ProjectRef, ancestors_of, below
from connectors.gcp.usage.reading import read_insights, read_use_of_accounts, read_use_of_keys
from connectors.gcp.workloads import engines
from connectors.gcp.workloads.agent_credentials import (
    emit_auth_providers,
    list_auth_providers,
    read_access_summaries,
    read_authorizations,
    read_workloads,
)
from connectors.gcp.workloads.catalog import SECTIONS, SORTS
from connectors.gcp.workloads.engines import emit_engines
from connectors.gcp.workloads.records import record_of
from connectors.gcp.workloads.secrets import NAME as SECRETS
from connectors.gcp.workloads.secrets import Secret, SecretVersion, parse_secret
from scanner.errors import SourceError
from scanner.model import Coverage, Identity
from scanner.text import counted, few


def read_consumers(reader: GcpReader) -> Iterator[DiscoveredRecord]:
    """Workloads and agents, section by section: files may have machines and no functions."""
    for name in SECTIONS:
        types = tuple(type_ for type_, sort in SORTS.items() if sort.section == name)
        with reader.section(name) as section:
            for asset in reader.rows(section, r.ASSETS, Asset, {"assetTypes": types}, parent=reader.place.name):
                sort = SORTS[asset.asset_type]
                row = reader.row(section, asset.resource.data, sort.payload_of(asset), asset.name)
                described = None if row is None else row.details(reader.place.project)
                if described is not None:
                    record = record_of(reader, reader.place.project, asset.name, sort.kind, described)
                    section.found(isinstance(record, Identity))
                    yield record
        yield from reader.done(section)


def read_secrets(reader: GcpReader) -> Iterator[DiscoveredRecord]:
    """Stored secrets; those whose versions are in no file are reported without the age of their values."""
    project = reader.place.project
    with reader.section(SECRETS) as section:
        rows = reader.rows(section, r.ASSETS, Asset, {"assetTypes": STORED}, parent=reader.place.name)
        listed = [
            (asset, row) for asset in rows if (row := reader.row(section, asset.resource.data, Secret, asset.name))
        ]
        versions, unread = _versions(reader, section, [asset.name for asset, _ in listed])
        for asset, row in listed:
            described = versions.get(asset.name)
            secret = reader.parsed(section, row.name, parse_secret, reader.scope.source, project, row, described)
            if secret is not None:
                section.found()
                yield secret
        if unread:
            missing = f"no file holds the versions of {counted(unread, 'secret', 'secrets')}"
            section.lost(NotExported(missing, hint=command_for(VERSION, project.id)), partial=True)
    yield from reader.done(section)


def _versions(
    reader: GcpReader, section: SectionReading, names: list[str]
) -> tuple[dict[str, list[SecretVersion]], int]:
    """Those of each secret by its full name, and of how many they are in no file."""
    assert isinstance(reader.api, GcpFileApi)
    export, project = reader.api.export, reader.place.project.id
    found: defaultdict[str, list[SecretVersion]] = defaultdict(list)
    unread = 0
    for name in names:
        path = name.partition(".com/")[2]
        if not export.holds(project, VERSION, path):
            unread += 1
            continue
        found[name] = []
        for item in export.of(project, VERSION, path):
            row = reader.row(section, Raw(msgspec.json.encode(item.data)), SecretVersion, item.path)
            found[name] += [] if row is None else [row]
    return dict(found), unread


OF_FILES: tuple[ProjectReading, ...] = (
    list_accounts,
    read_account_keys,
    list_api_keys,
    list_pools,
    read_hmac_keys,
    read_managed_identities,
    engines.list_engines,
    read_consumers,
    if_wanted("agentregistry.agents", read_registered),
    read_rights,
    read_use_of_accounts,
    read_use_of_keys,
    if_wanted("recommender.insights", read_insights),
    emit_accounts,
    emit_api_keys,
    if_wanted("agentidentity.auth_providers", list_auth_providers),
    if_wanted("agentidentity.authorizations", read_authorizations),
    if_wanted("agentidentity.workloads", read_workloads),
    if_wanted("agentidentity.access_summaries", read_access_summaries),
    emit_engines,
    read_secrets,
    if_wanted("iam.oauth_clients", read_oauth_clients),
    emit_auth_providers,
)
"""As what is read of a project by its own APIs, but that things are reported by type, as Cloud Asset gives them."""


# --- Offline source: the projects in a folder of files, and their coverage ---

_NOTHING = "no file describes a project in a form that gcloud writes"
_COMPLETE = "files_are_complete: projects without a file do not exist"
_NOT_DESCRIBED = "no file describes what is in it"
_FIX = "begin with `gcloud iam service-accounts list --project=PROJECT --format=json > PROJECT-service-accounts.json`"


class GcpExportedSource:
    """The projects in the files of ``settings.from_files``. Looked through once, when it is first asked for anything.

    ``nowhere``: the scope that represents all of the source's.
    """

    def __init__(self, settings: GcpSettings, session: GcpSession, nowhere: Scope) -> None:
        self._settings = settings
        self._session = session
        self._nowhere = nowhere

    def units(self) -> Iterator[Scope | Coverage]:
        """Each project, and each organization and folder with a policy; a Coverage of what cannot be used."""
        with self._nowhere.section(LISTING) as section:
            self._describe(section)
        if section.coverage.is_gap:
            yield section.coverage
        if section.coverage.status == "failed":
            return
        projects = self._projects()
        are_all = len(projects) == len(self._every)
        if self._settings.files_are_complete and are_all and not section.coverage.is_gap:
            yield self._nowhere.coverage(LISTING, "complete", detail=_COMPLETE)
        for project in projects:
            yield from self._project(project)
        yield from map(self._being_deleted, self._export.ended)
        yield from map(self._not_described, self._missing(projects))
        for name in sorted({name for project in projects for name in project.ancestors}):
            scope = structs.replace(self._nowhere, id=name, context=self._place(name, projects))
            with scope.section(POLICIES) as section:
                policy_of(self._export, name)
            yield section.coverage if section.coverage.is_gap else scope

    def reader(self, scope: Scope) -> GcpReader:
        """The reader of a unit."""
        return GcpReader(GcpFileApi(self._export, self._session), scope, Meter(asks=False), self._settings)

    def dated(self, records: Iterable[DiscoveredRecord]) -> Iterator[DiscoveredRecord]:
        """The records; identities say when they were looked at."""
        return dated(records, self._export.dated_at)

    def check(self) -> Iterator[Check]:
        """Whether the files can be read, and what they describe."""
        try:
            export = self._export
        except SourceError as error:
            yield Check(name="files", ok=False, detail=str(error), fix=error.hint)
            return
        described = f"{counted(export.files, 'file', 'files')} about projects {', '.join(export.projects)}"
        ok = bool(export.projects)
        yield Check(name="files", ok=ok, detail=described if ok else _NOTHING, fix=None if ok else _FIX)
        for file, reason in export.unusable:
            yield Check(name=file, ok=False, detail=reason)

    @cached_property
    def _export(self) -> GcpExport:
        assert self._settings.from_files is not None
        with looking_into(self._settings.from_files):
            return open_export(
                self._settings.from_files.expanduser(),
                organization=self._settings.organization,
                is_complete=self._settings.files_are_complete,
            )

    def _describe(self, section: SectionReading) -> None:
        """Look through the files. Raises SourceError where none describes a project."""
        export = self._export
        for reason, files in export.why_unusable.items():
            section.malformed(few(files, FILES_NAMED), reason)
        if not export.projects:
            raise SourceError(_NOTHING, hint=_FIX)

    def _projects(self) -> list[ProjectRef]:
        """Those that the settings ask for."""
        settings = self._settings
        skipped = settings.skipped_projects
        every = [one for one in self._every if skipped.isdisjoint((one.id, one.number))]
        roots = self._roots()
        if not roots and not settings.named_projects:
            return every
        wanted = {*settings.named_projects, *(one.id for root in roots for one in below(root, every))}
        return [one for one in every if not wanted.isdisjoint((one.id, one.number))]

    def _roots(self) -> list[str]:
        """The organization and the folders that the settings name."""
        settings = self._settings
        organization = [f"organizations/{settings.organization}"] if settings.organization else []
        return organization + [f"folders/{folder}" for folder in settings.named_folders]

    def _missing(self, projects: list[ProjectRef]) -> list[str]:
        """Scopes of what the settings name and no file describes."""
        described = {name for one in projects for name in (one.id, one.number, *one.ancestors)}
        named = (*self._roots(), *self._settings.named_projects)
        return [one for one in named if one not in described and one not in self._settings.skipped_projects]

    def _being_deleted(self, project: str) -> Coverage:
        """Nothing in it works any more: it was read as completely as can be, and nothing was found."""
        return structs.replace(self._nowhere, id=project).coverage(LISTING, "complete", detail=BEING_DELETED)

    def _not_described(self, scope: str) -> Coverage:
        gap = structs.replace(self._nowhere, id=scope).coverage(LISTING, "skipped", detail=_NOT_DESCRIBED)
        return structs.replace(gap, permission=None)

    def _project(self, project: ProjectRef) -> Iterator[Scope | Coverage]:
        place = GcpUnit(
            kind="project",
            name=project.name,
            bulk=True,
            projects=(project,),
            ancestors=project.ancestors,
            kin=self._kin,
            is_whole=self._is_whole,
        )
        scope = structs.replace(self._nowhere, id=project.id, context=place, feeds_within=True)
        if project.id not in self._export.listed:
            yield self._not_described(project.id)
            return
        yield scope.coverage(LISTING, "complete", detail=self._provenance())
        yield scope

    @cached_property
    def _every(self) -> tuple[ProjectRef, ...]:
        """All projects in the files. Those whose parent is in none are of the organization, if its policy is there."""
        root = f"organizations/{self._settings.organization}"
        is_there = f"{CONTAINERS}{root}" in self._export.policies
        return tuple(
            structs.replace(one, ancestors=(root,)) if is_there and not one.ancestors else one
            for one in self._export.projects.values()
        )

    @cached_property
    def _kin(self) -> Mapping[str, str]:
        """The ids of all projects in the files, by number."""
        return {one.number: one.id for one in self._every}

    @property
    def _is_whole(self) -> bool:
        """Whether all other projects are external: the settings say which organization the files describe."""
        root = f"organizations/{self._settings.organization}"
        return any(root in one.ancestors for one in self._every)

    def _provenance(self) -> str:
        export = self._export
        described = f"read from files, as of {export.dated_at:%Y-%m-%d}"
        return f"{described}; {not_recognised(export.unknown)}" if export.unknown else described

    def _place(self, name: str, projects: list[ProjectRef]) -> GcpUnit:
        lower = tuple(below(name, projects))
        above = next((one.ancestors[one.ancestors.index(name) + 1 :] for one in lower), ())
        return GcpUnit(
            kind="organization" if name.startswith("organizations/") else "folder",
            name=name,
            below=lower,
            kin=self._kin,
            is_whole=self._is_whole,
            ancestors=above or ancestors_of(self._export.parents.get(name), self._export.parents),
        )
