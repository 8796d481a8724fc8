"""The sections of deploy keys, and of names of stored secrets."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from operator import itemgetter

from msgspec.structs import replace

from connectors.core.contract import SectionReading
from connectors.core.reading import ReadSection
from connectors.github import keys
from connectors.github import spec as s
from connectors.github.client import payloads as p
from connectors.github.client import requests as r
from connectors.github.client.repositories import Read
from connectors.github.client.requests import names
from connectors.github.identities.keys_and_secrets import deploy_key, stored_secret
from connectors.github.identities.people import GithubPeople
from connectors.github.reader import GithubReader
from connectors.github.sections.organization import Bypasses
from scanner.model import StoredSecret


def read_deploy_keys(
    reader: GithubReader, found: Sequence[Read], people: GithubPeople, bypasses: Bypasses
) -> ReadSection[None]:
    """Deploy keys of repositories."""
    with reader.section(s.DEPLOY_KEYS) as section:
        having = [one.facts.full_name for one in found if one.keys != 0]
        read = partial(reader.of_repository, section, r.DEPLOY_KEYS, p.DeployKey)
        for name, rows in reader.each(section, "repositories", read, having, str, part=str):
            for row in rows:
                former = people.is_former(row.added_by)
                yield deploy_key(reader.place, name, row, former=former, bypasses=bypasses.deploy_keys)
                section.found()
    yield reader.done(section)


def read_secrets(
    reader: GithubReader, found: Sequence[Read]
) -> ReadSection[tuple[dict[str, list[StoredSecret]], list[Read]]]:
    """Names of secrets of the organization, repositories and their environments.

    Returns the secrets by repository (the organization's under an empty name), and the repositories with their names.
    """
    secrets: defaultdict[str, list[StoredSecret]] = defaultdict(list)
    place = reader.place
    with reader.section(s.SECRETS) as section:
        for request, store in ((r.ORG_SECRETS, "actions"), (r.DEPENDABOT_SECRETS, "dependabot")):
            for row in reader.listed(section, request, p.SecretName):
                key = keys.stored_secret(place.root, row.name, store=store)
                secrets[""].append(stored_secret(place, row, key, store))
        in_use = [one.facts for one in found if not one.facts.archived]
        read = partial(reader.of_repository, section, r.REPOSITORY_SECRETS, p.SecretName)
        for name, rows in reader.each(section, "repositories", read, [one.full_name for one in in_use], str, part=str):
            for row in rows:
                key = keys.stored_secret(_key(reader, name), row.name)
                secrets[name].append(stored_secret(place, row, key, "actions", name))
        environments = [(one.full_name, environment) for one in in_use for environment in one.environments]
        read_environment = partial(_environment_secrets, reader, section)
        for at, rows in reader.each(
            section, "environments", read_environment, environments, ": ".join, part=itemgetter(0)
        ):
            for row in rows:
                key = keys.environment_secret(_key(reader, at[0]), at[1], row.name)
                secrets[at[0]].append(stored_secret(place, row, key, "environment", at[0]))
        section.found(sum(map(len, secrets.values())))
    yield reader.done(section)
    of = {name: tuple(sorted({one.name for one in some})) for name, some in secrets.items()}
    return dict(secrets), [
        replace(one, facts=replace(one.facts, secret_names=of.get(one.facts.full_name, ()))) for one in found
    ]


def _environment_secrets(reader: GithubReader, section: SectionReading, at: tuple[str, str]) -> list[p.SecretName]:
    places = names(at[0])
    return list(reader.api.rows(r.ENVIRONMENT_SECRETS, p.SecretName, section, **places, environment_name=at[1]))


def _key(reader: GithubReader, full_name: str) -> str:
    return keys.repository(reader.place.organization.host, full_name)
