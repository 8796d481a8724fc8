"""Secrets of Secret Manager in one project: global and regional ones, with a call for the versions of each."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from connectors.base import DiscoveredRecord, Gone, SectionReading
from connectors.gcp import requests as r
from connectors.gcp.api import Page
from connectors.gcp.assets.secrets import NAME
from connectors.gcp.each import of_each
from connectors.gcp.keys import last_segment
from connectors.gcp.projects.locations import at_each_location
from connectors.gcp.reader import Reader
from connectors.gcp.stored import Secret, SecretVersion, parse_secret
from scanner.errors import SourceError
from scanner.model import StoredSecret


class _Found(Struct, frozen=True):
    row: Secret
    location: str | None = None


def read_secrets(reader: Reader) -> Iterator[DiscoveredRecord]:
    """Stored secrets."""
    project = reader.place.project

    def at(location: str) -> Iterator[_Found]:
        for row in reader.rows(section, r.REGIONAL_SECRETS, Secret, project=project.id, location=location):
            yield _Found(row, location)

    found: dict[str, _Found] = {}
    with reader.section(NAME) as section:
        for row in reader.rows(section, r.SECRETS, Secret, project=project.id):
            section.found()
            found[row.name] = _Found(row)
        for one in at_each_location(reader, section, at):
            section.found()
            found[one.row.name] = one
    yield from _with_versions(reader, section, found)
    yield from reader.done(section)


def _with_versions(reader: Reader, section: SectionReading, found: dict[str, _Found]) -> Iterator[StoredSecret]:
    """Where versions are not told, the secret is, without its age; where they may not be listed, one is asked for."""
    project = reader.place.project

    def ask(name: str) -> list[Page]:
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
        told = versions.get(name)
        secret = reader.parsed(section, name, parse_secret, reader.scope.source, project, one.row, told)
        if secret is not None:
            yield secret
