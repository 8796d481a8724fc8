"""Secrets of Secret Manager: names and dates, never a value. In bulk from Cloud Asset, or project by project.

A version's value cannot be changed, so a secret's value is as old as its newest enabled version.
Source: the Secret Manager API's Secret and SecretVersion.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from msgspec import Struct

from connectors.core.contract import DiscoveredRecord, Gone, SectionReading
from connectors.core.reading import Moment, in_utc
from connectors.gcp.client import requests as r
from connectors.gcp.client.api import GcpPage
from connectors.gcp.client.payloads import Asset
from connectors.gcp.each import at_each_location, of_each
from connectors.gcp.keys import last_segment, stored_key
from connectors.gcp.reader import GcpReader
from connectors.gcp.units import ProjectRef, tags_of
from connectors.gcp.workloads.records import known
from scanner.errors import SourceError
from scanner.model import StoredSecret

ENABLED = "ENABLED"


class _Rotation(Struct, frozen=True, kw_only=True, rename="camel"):
    next_rotation_time: Moment | None = None
    rotation_period: str = ""


class _Replica(Struct, frozen=True, kw_only=True):
    location: str = ""


class _Replicas(Struct, frozen=True, kw_only=True):
    replicas: list[_Replica] = []


class _Replication(Struct, frozen=True, kw_only=True, rename="camel"):
    user_managed: _Replicas | None = None


class Secret(Struct, kw_only=True, rename="camel"):
    """A secret. ``name``: ``projects/P/secrets/S`` or ``projects/P/locations/L/secrets/S``; P is a number or an id."""

    name: str
    create_time: Moment | None = None
    expire_time: Moment | None = None
    labels: dict[str, str] = {}
    rotation: _Rotation | None = None
    replication: _Replication = _Replication()
    secret_type: str = ""

    @property
    def path(self) -> str:
        """Its name within its project."""
        return self.name.partition("/")[2].partition("/")[2]


class SecretVersion(Struct, kw_only=True, rename="camel"):
    """The metadata of one version. ``name``: its secret's name and ``/versions/N``."""

    name: str
    state: str = ""
    create_time: Moment | None = None

    @property
    def secret(self) -> str:
        """The name of its secret within its project."""
        return self.name.partition("/versions/")[0].partition("/")[2].partition("/")[2]


def parse_secret(
    source: str, project: ProjectRef, row: Secret, versions: Sequence[SecretVersion] | None
) -> StoredSecret:
    """A stored secret. ``versions``: None if they were not read; then the age of its value is unknown.

    Raises ValueError if its name is not that of a secret.
    """
    if "secrets/" not in row.path:
        raise ValueError("not the name of a secret")
    return StoredSecret(
        key=stored_key(project.id, row.path),
        provider="gcp",
        source=source,
        scope=project.id,
        name=last_segment(row.name),
        # A secret that seems never to have been rotated is judged by this date.
        created_at=None if versions is None else in_utc(row.create_time),
        rotated_at=_written(versions or ()),
        expires_at=row.expire_time,
        rotation_enabled=row.rotation is not None,
        tags=tags_of(project, row.labels),
        attributes=_attributes(row, versions),
    )


def _written(versions: Sequence[SecretVersion]) -> Any:
    dates = (in_utc(one.create_time) for one in versions if one.state == ENABLED)
    return max(filter(None, dates), default=None)


def _attributes(row: Secret, versions: Sequence[SecretVersion] | None) -> dict[str, Any]:
    """``rotation_enabled`` means that a notification is sent; something else must then add a version."""
    rotation, replicas = row.rotation or _Rotation(), row.replication.user_managed
    place = row.path.split("/")[1] if row.path.startswith("locations/") else None
    facts = known(
        location=place,
        replicated_to=sorted(one.location for one in replicas.replicas) if replicas else None,
        type=row.secret_type,
        next_rotation=rotation.next_rotation_time and rotation.next_rotation_time.isoformat(),
        rotation_period=rotation.rotation_period,
    )
    if versions is None:
        return facts | {"versions_unread": True}
    return facts | {"enabled_versions": sum(one.state == ENABLED for one in versions)}


# --- Secrets and versions of all projects, in bulk ---

NAME = "secretmanager.secrets"
SECRET, VERSION = TYPES = ("secretmanager.googleapis.com/Secret", "secretmanager.googleapis.com/SecretVersion")


class _Listed:
    """The listed secrets, and versions by project and secret."""

    def __init__(self) -> None:
        self.secrets: list[tuple[ProjectRef, Secret]] = []
        self.versions: defaultdict[tuple[str, str], list[SecretVersion]] = defaultdict(list)
        self.uncertain = False
        """Whether a version could not be read or the listing broke off; then the age of every value is unknown."""


def read_secrets(reader: GcpReader) -> Iterator[DiscoveredRecord]:
    """The stored secrets of all projects, each in its own project's scope."""
    found: Counter[str] = Counter()
    listed = _Listed()
    with reader.section(NAME) as section:
        try:
            _list(reader, section, listed)
        except SourceError as error:
            listed.uncertain = True
            section.lost(error, partial=bool(listed.secrets))
        for project, row in listed.secrets:
            versions = None if listed.uncertain else listed.versions[project.id, row.path]
            secret = reader.parsed(section, row.name, parse_secret, reader.scope.source, project, row, versions)
            if secret is not None:
                section.found()
                found[project.id] += 1
                yield secret
    yield from reader.done(section, found)


def _list(reader: GcpReader, section: SectionReading, listed: _Listed) -> None:
    for asset in reader.rows(section, r.ASSETS, Asset, {"assetTypes": TYPES}, parent=reader.place.name):
        project = next(filter(None, map(reader.project, asset.ancestors)), None)
        if project is None:
            continue
        if asset.asset_type == SECRET:
            secret = reader.row(section, asset.resource.data, Secret, asset.name)
            listed.secrets += [] if secret is None else [(project, secret)]
        else:
            version = reader.row(section, asset.resource.data, SecretVersion, asset.name)
            if version is None:
                listed.uncertain = True
            else:
                listed.versions[project.id, version.secret].append(version)


# --- Secrets of one project, global and regional: one request for the versions of each ---


class _SecretFound(Struct, frozen=True):
    row: Secret
    location: str | None = None


def read_secrets_of_project(reader: GcpReader) -> Iterator[DiscoveredRecord]:
    """The stored secrets of one project."""
    project = reader.place.project

    def at(location: str) -> Iterator[_SecretFound]:
        for row in reader.rows(section, r.REGIONAL_SECRETS, Secret, project=project.id, location=location):
            yield _SecretFound(row, location)

    found: dict[str, _SecretFound] = {}
    with reader.section(NAME) as section:
        for row in reader.rows(section, r.SECRETS, Secret, project=project.id):
            section.found()
            found[row.name] = _SecretFound(row)
        for one in at_each_location(reader, section, at):
            section.found()
            found[one.row.name] = one
    yield from _with_versions(reader, section, found)
    yield from reader.done(section)


def _with_versions(
    reader: GcpReader, section: SectionReading, found: dict[str, _SecretFound]
) -> Iterator[StoredSecret]:
    """The secrets with their versions; a secret whose versions could not be listed has no age."""
    project = reader.place.project

    def ask(name: str) -> list[GcpPage]:
        at, secret = found[name].location, last_segment(name)
        if at is None:
            return list(reader.api.pages(r.SECRET_VERSIONS, project=project.id, secret=secret))
        return list(reader.api.pages(r.REGIONAL_SECRET_VERSIONS, project=project.id, location=at, secret=secret))

    versions: dict[str, list[SecretVersion]] = {}
    failed: dict[str, SourceError] = {}
    for name, answer in of_each(reader, tuple(found), ask):
        if isinstance(answer, SourceError):
            failed |= {} if isinstance(answer, Gone) else {str(answer): answer}
            continue
        rows = list(reader.decoded(section, answer, SecretVersion))
        if len(rows) == sum(len(page.rows) for page in answer):
            versions[name] = rows
    for error in failed.values():
        section.lost(error, partial=True)
    for name, one in found.items():
        reported = versions.get(name)
        secret = reader.parsed(section, name, parse_secret, reader.scope.source, project, one.row, reported)
        if secret is not None:
            yield secret
