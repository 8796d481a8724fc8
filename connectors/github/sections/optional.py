"""Optional sections, which take a request for each token or repository."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence

from connectors.core.contract import DiscoveredRecord
from connectors.github import keys
from connectors.github import spec as s
from connectors.github.client import payloads as p
from connectors.github.client import requests as r
from connectors.github.client.repositories import Read
from connectors.github.client.requests import names
from connectors.github.identities.keys_and_secrets import stored_secret
from connectors.github.reader import GithubReader
from scanner.errors import NotOffered

_SUBSET = "subset"


def read_token_repositories(
    reader: GithubReader, tokens: Sequence[p.AccessToken]
) -> Generator[DiscoveredRecord, None, Mapping[int, Sequence[str]]]:
    """The full names of the repositories that fine-grained tokens are limited to, by id of the grant."""
    found: dict[int, Sequence[str]] = {}
    if not reader.settings.token_repositories:
        yield reader.place.scope.coverage(s.LIMITED_TO, "off")
        return found

    def read(token: p.AccessToken) -> list[p.RepositoryName]:
        rows = reader.api.rows(r.TOKEN_REPOSITORIES, p.RepositoryName, section, org=reader.org, pat_id=str(token.id))
        return list(rows)

    with reader.section(s.LIMITED_TO) as section:
        limited = [one for one in tokens if one.repository_selection == _SUBSET]
        for token, rows in reader.each(section, "tokens", read, limited, lambda one: f"token {one.token_id}"):
            found[token.id] = sorted({row.full_name for row in rows})
    yield reader.done(section)
    return found


def read_more_secrets(reader: GithubReader, found: Sequence[Read]) -> Generator[DiscoveredRecord, None, None]:
    """Secrets of repositories in use for Dependabot and agents, and the organization's for Codespaces."""
    if not reader.settings.all_secrets:
        yield reader.place.scope.coverage(s.MORE_SECRETS, "off")
        return
    place = reader.place
    with reader.section(s.MORE_SECRETS) as section:
        try:
            for row in reader.api.rows(r.CODESPACES_SECRETS, p.SecretName, section, org=reader.org):
                key = keys.stored_secret(place.root, row.name, store="codespaces")
                yield stored_secret(place, row, key, "codespaces")
                section.found()
        except NotOffered:
            section.note("secrets of Codespaces are not offered")
        in_use = [one.facts.full_name for one in found if not one.facts.archived]
        for request, store in ((r.REPOSITORY_DEPENDABOT_SECRETS, "dependabot"), (r.REPOSITORY_AGENT_SECRETS, "agents")):

            def read(name: str, request: r.Request = request) -> list[p.SecretName]:
                return list(reader.api.rows(request, p.SecretName, section, **names(name)))

            for name, rows in reader.each(section, f"repositories' secrets for {store}", read, in_use, str):
                for row in rows:
                    owner = keys.repository(place.organization.host, name)
                    yield stored_secret(place, row, keys.stored_secret(owner, row.name, store=store), store)
                    section.found()
    yield reader.done(section)
