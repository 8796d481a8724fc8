"""Secrets of Secret Manager in all projects below, with their versions, in one listing."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from connectors.base import DiscoveredRecord, SectionReading
from connectors.gcp import requests as r
from connectors.gcp.payloads import Asset
from connectors.gcp.places import ProjectRef
from connectors.gcp.reader import Reader
from connectors.gcp.stored import Secret, SecretVersion, parse_secret
from scanner.errors import SourceError

NAME = "secretmanager.secrets"
SECRET, VERSION = TYPES = ("secretmanager.googleapis.com/Secret", "secretmanager.googleapis.com/SecretVersion")


class _Listed:
    """What was listed: secrets, and versions by project and secret."""

    def __init__(self) -> None:
        self.secrets: list[tuple[ProjectRef, Secret]] = []
        self.versions: defaultdict[tuple[str, str], list[SecretVersion]] = defaultdict(list)
        self.doubtful = False
        """A version could not be understood, or the listing broke off: whose value is older is not known."""


def read_secrets(reader: Reader) -> Iterator[DiscoveredRecord]:
    """Stored secrets, each in its own project's scope."""
    found: Counter[str] = Counter()
    listed = _Listed()
    with reader.section(NAME) as section:
        try:
            _list(reader, section, listed)
        except SourceError as error:
            listed.doubtful = True
            section.lost(error, partial=bool(listed.secrets))
        for project, row in listed.secrets:
            versions = None if listed.doubtful else listed.versions[project.id, row.path]
            secret = reader.parsed(section, row.name, parse_secret, reader.scope.source, project, row, versions)
            if secret is not None:
                section.found()
                found[project.id] += 1
                yield secret
    yield from reader.done(section, found)


def _list(reader: Reader, section: SectionReading, listed: _Listed) -> None:
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
                listed.doubtful = True
            else:
                listed.versions[project.id, version.secret].append(version)
