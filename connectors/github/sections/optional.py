"""Optional sections: those with a request for each token or repository, webhooks, and alerts of secret scanning."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from functools import partial

from connectors.core.contract import DiscoveredRecord, SectionReading
from connectors.core.reading import ReadSection
from connectors.exposed import NAMELESS, Alert, DescribedAlert, exposure_of, leak_of_alert
from connectors.github import keys
from connectors.github import spec as s
from connectors.github.client import payloads as p
from connectors.github.client import requests as r
from connectors.github.client.repositories import Read, is_of
from connectors.github.client.requests import names
from connectors.github.identities.apps import webhook
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

            def read(name: str, request: r.GithubRequest = request) -> list[p.SecretName]:
                return list(reader.api.rows(request, p.SecretName, section, **names(name)))

            for name, rows in reader.each(section, f"repositories' secrets for {store}", read, in_use, str, part=str):
                for row in rows:
                    owner = keys.repository(place.organization.host, name)
                    yield stored_secret(place, row, keys.stored_secret(owner, row.name, store=store), store, name)
                    section.found()
    yield reader.done(section)


# --- Webhooks of the organization and its repositories ---


def read_webhooks(reader: GithubReader, found: Sequence[Read]) -> ReadSection[None]:
    """Webhooks of the organization, and of repositories that are not archived."""
    if not reader.settings.webhooks:
        yield reader.place.scope.coverage(s.WEBHOOKS, "off")
        return
    with reader.section(s.WEBHOOKS) as section:
        for row in reader.listed(section, r.ORG_HOOKS, p.Hook):
            yield webhook(reader.place, row)
            section.found()
        read = partial(reader.of_repository, section, r.REPOSITORY_HOOKS, p.Hook)
        in_use = [one.facts.full_name for one in found if not one.facts.archived]
        for name, rows in reader.each(section, "repositories", read, in_use, str, part=str):
            for row in rows:
                yield webhook(reader.place, row, name)
                section.found()
    yield reader.done(section)


# --- Alerts of secret scanning ---


def read_alerts(reader: GithubReader) -> Iterator[DiscoveredRecord]:
    """Alerts of secret scanning, open and closed, without their secrets; alerts closed as no leak are only counted."""
    scope = reader.place.scope
    if not reader.settings.secret_scanning_alerts:
        yield scope.coverage(s.ALERTS, "off")
        return
    no_leaks = nameless = 0
    with reader.section(s.ALERTS) as section:
        alerts = reader.listed(section, r.SECRET_ALERTS, Alert)
        ids = _ids_of_leaked(reader, section) if alerts else {}
        for row in alerts:
            leak = leak_of_alert(row, ids.get(row.place, {}))
            no_leaks += not row.is_leak
            nameless += row.is_leak and not leak.is_kept
            if row.is_leak and leak.is_kept:
                yield exposure_of(leak, scope.source, scope.id)
                section.found()
        for number, why in ((no_leaks, "closed as no leak"), (nameless, NAMELESS)):
            if number:
                section.note(f"alerts left out: {number:,} {why}")
    yield reader.done(section)


def _ids_of_leaked(reader: GithubReader, section: SectionReading) -> Mapping[tuple[str, int], Mapping[str, str]]:
    """Ids of leaked keys that GitHub got from their providers, by the alert's repository and number.

    A filtered list has the alerts with ids, and each of these is read. Enterprise Servers and files have none.
    """
    if reader.settings.from_files is not None or keys.is_server(reader.place.organization.host):
        return {}
    listed = (
        row.place
        for request in (r.ALERTS_WITH_ID, r.ALERTS_WITH_OWNER)
        for row in reader.listed(section, request, Alert)
        if row.is_leak
    )
    places = [one for one in dict.fromkeys(listed) if is_of(one[0], reader.org)]

    def read(place: tuple[str, int]) -> Mapping[str, str]:
        alert = reader.api.one(r.SECRET_ALERT, DescribedAlert, **names(place[0]), alert_number=str(place[1]))
        return alert.ids

    return dict(reader.each(section, "alerts", read, places, lambda one: f"{one[0]} {one[1]}"))
