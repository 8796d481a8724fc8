"""The section of repositories, with their environments, custom properties and admin teams."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from connectors.core.contract import SectionReading
from connectors.core.reading import ReadSection
from connectors.github import spec as s
from connectors.github.client import payloads as p
from connectors.github.client import requests as r
from connectors.github.client.repositories import Read, read_admin_teams, read_repositories
from connectors.github.reader import GithubReader
from connectors.github.sections.apps import Made
from connectors.github.sections.environments import with_all
from scanner.errors import SourceError


def read_all_repositories(reader: GithubReader, made: Made) -> ReadSection[list[Read]]:
    """Repositories with their workflows, environments, owners and properties."""
    found: list[Read] = []
    with reader.section(s.REPOSITORIES) as section:
        organization = reader.place.organization
        try:
            # Repositories before a failure are kept.
            found.extend(read_repositories(reader.api, section, organization.login, organization.database_id))
        except SourceError as error:
            section.lost(error, partial=bool(found))
        section.found(len(found))
        if not section.coverage.is_gap and reader.api.shows_all:
            reader.whole.add(s.REPOSITORIES)
        if found:
            found = _owned(reader, section, with_all(reader.api, section, found), made)
        if not reader.api.shows_all:
            hint = "install it for all repositories"
            section.lost(SourceError("the App is installed for selected repositories only", hint=hint), partial=True)
    yield reader.done(section)
    return found


def _owned(reader: GithubReader, section: SectionReading, found: list[Read], made: Made) -> list[Read]:
    properties = {
        row.repository_full_name.lower(): {
            one.property_name: one.value if isinstance(one.value, str) else ",".join(map(str, one.value))
            for one in row.properties
            if isinstance(one.value, (str, list))
        }
        for row in reader.listed(section, r.PROPERTIES, p.Properties)
    }
    teams: Mapping[str, tuple[str, ...]] = {}
    try:
        teams = read_admin_teams(reader.api, section, reader.org)
    except SourceError as error:
        section.lost(error, partial=True)
    return [
        replace(
            one,
            facts=replace(
                one.facts,
                properties=properties.get(one.facts.full_name.lower(), {}),
                admin_teams=teams.get(one.facts.full_name, ()),
                renamed_at=made.renamed.get(one.facts.full_name.lower()),
            ),
        )
        for one in found
    ]
