"""The sections of an organization: each yields its coverage and returns what was read."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Generator, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Final, TypeAlias, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from connectors.base import DiscoveredRecord, SectionReading
from connectors.exposed import NAMELESS, Alert, DescribedAlert, exposure_of, leak_of_alert
from connectors.github import keys
from connectors.github import spec as s
from connectors.github.client import payloads as p
from connectors.github.client import requests as r
from connectors.github.client.repositories import Read, is_of, names, read_admin_teams, read_repositories
from connectors.github.client.requests import Request
from connectors.github.facts import SubjectTemplate, WorkflowFile
from connectors.github.identities.apps import app, runner_group, webhook
from connectors.github.identities.keys_and_secrets import deploy_key, stored_secret
from connectors.github.identities.people import People
from connectors.github.reader import Reader
from connectors.github.sections.environments import with_all
from connectors.github.sections.organization import Bypasses
from scanner.errors import NotOffered, SourceError
from scanner.model import StoredSecret

T = TypeVar("T")
Found: TypeAlias = Generator[DiscoveredRecord, None, T]

INSTALLED, RENAMED = "integration_installation.create", "repo.rename"
_YEAR_5138: Final = 10**14
"""In milliseconds: later ones are no times."""
_DEFAULT_CLAIMS: Final = ((), ("repo", "context"))


class Made(Struct, frozen=True):
    """What the audit log says. ``installed_by``: by an App's slug; ``renamed``: by a repository's name."""

    installed_by: Mapping[str, str] = {}
    renamed: Mapping[str, datetime] = {}


def read_audit_log(reader: Reader) -> Found[Made]:
    """The newest event of each counts: GitHub gives these first."""
    installed: dict[str, str] = {}
    renamed: dict[str, datetime] = {}
    with reader.section(s.AUDIT_LOG) as section:
        for event in reader.listed(section, r.INSTALLED, p.AuditEvent):
            if event.action == INSTALLED and event.actor and (name := event.integration or event.name):
                installed.setdefault(_slug(name), event.actor)
        for event in reader.listed(section, r.RENAMED, p.AuditEvent):
            if event.action == RENAMED and event.repo and event.timestamp and 0 < event.timestamp < _YEAR_5138:
                renamed.setdefault(event.repo.lower(), datetime.fromtimestamp(event.timestamp / 1000, UTC))
    yield reader.done(section)
    return Made(installed, renamed)


def _slug(name: str) -> str:
    """The slug that GitHub makes of an App's name."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def read_apps(reader: Reader, made: Made, bypasses: Bypasses) -> Found[None]:
    """Installed Apps."""
    with reader.section(s.APPS) as section:
        for row in reader.listed(section, r.INSTALLATIONS, p.Installation):
            slug = row.app_slug.lower()
            yield app(reader.place, row, made.installed_by.get(slug), bypasses.apps.get(slug, ()))
            section.found()
    yield reader.done(section)


def read_listed(reader: Reader, name: str, request: Request, row: type[T]) -> Found[list[T]]:
    """A section that is one listing."""
    found: list[T] = []
    with reader.section(name) as section:
        found = reader.listed(section, request, row)
        section.found(len(found))
    yield reader.done(section)
    return found


# --- What belongs to the organization ---


def read_runners(reader: Reader) -> Found[None]:
    """Runner groups with their runners; a group of the provider's own without any runner is left out."""
    with reader.section(s.RUNNERS) as section:
        groups = reader.listed(section, r.RUNNER_GROUPS, p.RunnerGroup)
        runners = reader.listed(section, r.RUNNERS, p.Runner)
        hosted: list[p.HostedRunner] = []
        try:
            hosted.extend(reader.api.rows(r.HOSTED_RUNNERS, p.HostedRunner, section, org=reader.org))
        except NotOffered:
            section.note("runners that GitHub hosts for the organization are not offered")
        except SourceError as error:
            section.lost(error, partial=bool(groups))
        are_known = not section.coverage.is_gap
        for group in groups:
            own = [one for one in runners if one.runner_group_id == group.id]
            by_github = [one for one in hosted if one.runner_group_id == group.id]
            if own or by_github or not group.default or not are_known:
                yield runner_group(reader.place, group, own, by_github)
                section.found()
    yield reader.done(section)


def read_all_repositories(reader: Reader, made: Made) -> Found[list[Read]]:
    """Repositories with their workflows, environments, owners and properties."""
    found: list[Read] = []
    with reader.section(s.REPOSITORIES) as section:
        organization = reader.place.organization
        try:
            # What came before a failure stays.
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


def _owned(reader: Reader, section: SectionReading, found: list[Read], made: Made) -> list[Read]:
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


def read_subjects(reader: Reader, found: Sequence[Read]) -> Found[tuple[SubjectTemplate, list[Read]]]:
    """How subjects are made: the organization's, and each repository's that has a workflow with tokens."""
    organization = SubjectTemplate()
    templates: dict[str, SubjectTemplate] = {}
    with reader.section(s.OIDC) as section:
        organization = template(reader.api.one(r.ORG_SUBJECT, p.SubjectRow, org=reader.org))
        asking = [one.facts.full_name for one in found if asks_for_tokens(one)]
        has_properties = any(one.facts.properties for one in found if asks_for_tokens(one))
        if has_properties and r.PROPERTIES.path in reader.whole:
            organization = replace(organization, properties=_claimed(reader, section))
        for name, row in reader.each(
            section,
            "repositories",
            lambda name: reader.api.one(r.REPOSITORY_SUBJECT, p.SubjectRow, **names(name)),
            asking,
            str,
        ):
            templates[name] = template(row)
            section.found()
    yield reader.done(section)
    return organization, [
        replace(one, facts=replace(one.facts, template=templates.get(one.facts.full_name))) for one in found
    ]


def _claimed(reader: Reader, section: SectionReading) -> tuple[str, ...] | None:
    """The custom properties that are claims of tokens; None where that could not be read."""
    try:
        rows = reader.api.one(r.CLAIMED_PROPERTIES, list[p.ClaimedProperty], org=reader.org)
    except NotOffered:
        return ()
    except SourceError as error:
        section.lost(error, partial=True)
        return None
    return tuple(row.custom_property_name for row in rows)


def asking(repository: Read) -> Iterator[WorkflowFile]:
    """The workflows that may ask for tokens: their texts have the words."""
    return (file for file in repository.files if "id-token" in file.text or "write-all" in file.text)


def asks_for_tokens(repository: Read) -> bool:
    """Whether a workflow of a repository in use may ask for tokens."""
    return not repository.facts.archived and any(asking(repository))


def template(row: p.SubjectRow) -> SubjectTemplate:
    """An organization's names its claims, a repository's may say that it uses GitHub's own form."""
    is_default = row.include_claim_keys in _DEFAULT_CLAIMS if row.use_default is None else row.use_default
    return SubjectTemplate(use_default=is_default, claim_keys=row.include_claim_keys, immutable=row.is_immutable)


# --- What belongs to repositories ---


def read_deploy_keys(reader: Reader, found: Sequence[Read], people: People, bypasses: Bypasses) -> Found[None]:
    """The keys of repositories that have any."""
    with reader.section(s.DEPLOY_KEYS) as section:
        having = [one.facts.full_name for one in found if one.keys != 0]
        read = partial(_rows, reader, section, r.DEPLOY_KEYS, p.DeployKey)
        for name, rows in reader.each(section, "repositories", read, having, str):
            for row in rows:
                former = people.is_former(row.added_by)
                yield deploy_key(reader.place, name, row, former=former, bypasses=bypasses.deploy_keys)
                section.found()
    yield reader.done(section)


def _rows(reader: Reader, section: SectionReading, request: Request, row: type[T], full_name: str) -> list[T]:
    return list(reader.api.rows(request, row, section, **names(full_name)))


def read_secrets(reader: Reader, found: Sequence[Read]) -> Found[tuple[dict[str, list[StoredSecret]], list[Read]]]:
    """Secrets of the organization (under an empty name), of repositories and their environments.

    Gives them by the name of their repository, and the repositories with their names.
    """
    secrets: defaultdict[str, list[StoredSecret]] = defaultdict(list)
    place = reader.place
    with reader.section(s.SECRETS) as section:
        for request, store in ((r.ORG_SECRETS, "actions"), (r.DEPENDABOT_SECRETS, "dependabot")):
            for row in reader.listed(section, request, p.SecretName):
                key = keys.stored_secret(place.root, row.name, store=store)
                secrets[""].append(stored_secret(place, row, key, store))
        in_use = [one.facts for one in found if not one.facts.archived]
        read = partial(_rows, reader, section, r.REPOSITORY_SECRETS, p.SecretName)
        for name, rows in reader.each(section, "repositories", read, [one.full_name for one in in_use], str):
            for row in rows:
                key = keys.stored_secret(_key(reader, name), row.name)
                secrets[name].append(stored_secret(place, row, key, "actions"))
        environments = [(one.full_name, environment) for one in in_use for environment in one.environments]
        read_environment = partial(_environment_secrets, reader, section)
        for at, rows in reader.each(section, "environments", read_environment, environments, ": ".join):
            for row in rows:
                key = keys.environment_secret(_key(reader, at[0]), at[1], row.name)
                secrets[at[0]].append(stored_secret(place, row, key, "environment"))
        section.found(sum(map(len, secrets.values())))
    yield reader.done(section)
    of = {name: tuple(sorted({one.name for one in some})) for name, some in secrets.items()}
    return dict(secrets), [
        replace(one, facts=replace(one.facts, secret_names=of.get(one.facts.full_name, ()))) for one in found
    ]


def _environment_secrets(reader: Reader, section: SectionReading, at: tuple[str, str]) -> list[p.SecretName]:
    places = names(at[0])
    return list(reader.api.rows(r.ENVIRONMENT_SECRETS, p.SecretName, section, **places, environment_name=at[1]))


def _key(reader: Reader, full_name: str) -> str:
    return keys.repository(reader.place.organization.host, full_name)


# --- Webhooks ---


def read_webhooks(reader: Reader, found: Sequence[Read]) -> Found[None]:
    """The organization's, and those of repositories in use."""
    if not reader.settings.webhooks:
        yield reader.place.scope.coverage(s.WEBHOOKS, "off")
        return
    with reader.section(s.WEBHOOKS) as section:
        for row in reader.listed(section, r.ORG_HOOKS, p.Hook):
            yield webhook(reader.place, row)
            section.found()
        read = partial(_rows, reader, section, r.REPOSITORY_HOOKS, p.Hook)
        in_use = [one.facts.full_name for one in found if not one.facts.archived]
        for name, rows in reader.each(section, "repositories", read, in_use, str):
            for row in rows:
                yield webhook(reader.place, row, name)
                section.found()
    yield reader.done(section)


def read_alerts(reader: Reader) -> Iterator[DiscoveredRecord]:
    """Alerts of secret scanning, open and closed, without their secrets; those closed as no leak are only counted."""
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


def _ids_of_leaked(reader: Reader, section: SectionReading) -> Mapping[tuple[str, int], Mapping[str, str]]:
    """What GitHub learnt from providers of leaked keys, by the alert's repository and number.

    The list of alerts names those with ids, and each of these is asked for. Enterprise Servers and files have none.
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
