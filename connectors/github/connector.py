"""The connector for GitHub: one scope, the organization, its sections read in this order."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import ClassVar

from msgspec import Struct
from msgspec.structs import replace

from connectors.core.contract import Check, DiscoveredRecord, Meter, Scope, Spec
from connectors.core.reading import require_sdk
from connectors.github import spec as s
from connectors.github.client import payloads as p
from connectors.github.client import requests as r
from connectors.github.client.api import ENTERPRISE, Api, GithubApi
from connectors.github.facts import GithubOrganization
from connectors.github.identities import people
from connectors.github.identities.organization import with_workflows
from connectors.github.identities.place import GithubScope
from connectors.github.keys import PUBLIC
from connectors.github.least_privilege import app_manifest
from connectors.github.offline.api import GithubFileApi
from connectors.github.preflight import preflight
from connectors.github.reader import GithubReader
from connectors.github.sections import apps, keys_and_secrets, optional, organization
from connectors.github.sections.coding_agents import read_agents
from connectors.github.sections.members import read_people
from connectors.github.sections.optional import read_alerts, read_webhooks
from connectors.github.sections.repositories import read_all_repositories
from connectors.github.sections.subjects import read_subjects
from connectors.github.sections.workflows import read_workflows
from connectors.github.settings import GithubSettings
from connectors.github.spec import SPEC
from scanner.errors import SourceError, UsageError
from scanner.model import EVERY_SCOPE, Coverage


class Context(Struct, frozen=True):
    """The context of a scope. ``plan``: the plan of the organization, if the API returns it."""

    organization: GithubOrganization
    plan: str | None = None


class GithubConnector:
    """Reads apps, tokens, keys, runners, agents and names of secrets. Never a secret's value.

    Raises MissingExtra if requests is not installed.
    """

    spec: ClassVar[Spec] = SPEC

    def __init__(self, source: str, settings: GithubSettings) -> None:
        require_sdk("requests", SPEC)
        require_sdk("cryptography", SPEC)
        self._source = source
        self._settings = settings

    @property
    def login(self) -> str:
        """The organization, as the settings name it."""
        return self._settings.organization

    def log_api(self, meter: Meter) -> GithubApi:
        """The API of the audit log. Raises UsageError if the source reads files."""
        if self._settings.from_files is not None:
            raise UsageError(f"the source {self._source} reads files, so no log can be read live through it")
        return GithubApi(self._settings, meter)

    def scopes(self) -> Iterator[Scope | Coverage]:
        """The organization. See ``Connector.scopes``."""
        nowhere = Scope(source=self._source, spec=SPEC, id=EVERY_SCOPE)
        meter = self._meter()
        scope: Scope | None = None
        with nowhere.section(s.ORGANIZATION, meter=meter) as section:
            if not self._settings.organization:
                raise SourceError("no organization is named", hint="set organization of the source")
            with closing(self._api(meter, None)) as api:
                row = api.one(r.ORGANIZATION, p.OrganizationRow, org=self._settings.organization)
            scope = self._scope(row)
        coverage = section.coverage
        if scope is not None:
            yield scope
        yield coverage

    def discover(self, scope: Scope) -> Iterator[DiscoveredRecord]:
        """Read the organization: the audit log, people, then repositories."""
        context: Context = scope.context
        meter = self._meter()
        with closing(self._api(meter, context.plan)) as api:
            reader = GithubReader(api, GithubScope(scope, context.organization), meter, self._settings)
            yield from self._read(reader, context)

    def _read(self, reader: GithubReader, context: Context) -> Iterator[DiscoveredRecord]:
        made = yield from apps.read_audit_log(reader)
        bypasses = yield from organization.read_rulesets(reader)
        yield from apps.read_apps(reader, made, bypasses)
        may_have_sso = context.plan is None or context.plan.startswith(ENTERPRISE)
        everyone = yield from read_people(reader, may_have_sso=may_have_sso)
        tokens = yield from reader.read_listed(s.ACCESS_TOKENS, r.ACCESS_TOKENS, p.AccessToken)
        reachable = yield from optional.read_token_repositories(reader, tokens)
        given = yield from reader.read_listed(s.AUTHORIZATIONS, r.AUTHORIZATIONS, p.Authorization)
        unread = bool(reader.gaps & {s.ACCESS_TOKENS, s.AUTHORIZATIONS})
        roles = yield from organization.read_roles(reader)
        holdings = people.Holdings(tokens, given, None if s.ROLES in reader.gaps else roles, reachable)
        yield from people.identities(reader.place, everyone, holdings, unread=unread)
        token = yield from organization.read_actions_policy(reader)
        yield from organization.read_runners(reader)
        repositories = yield from read_all_repositories(reader, made)
        subjects, repositories = yield from read_subjects(reader, repositories)
        yield from keys_and_secrets.read_deploy_keys(reader, repositories, everyone, bypasses)
        secrets, repositories = yield from keys_and_secrets.read_secrets(reader, repositories)
        with_subjects = replace(context.organization, oidc=subjects)
        by_default = yield from read_workflows(reader, with_subjects, repositories, secrets)
        if token is not None:
            yield with_workflows(token, by_default)
        yield from organization.read_registries(reader)
        yield from optional.read_more_secrets(reader, repositories)
        yield from read_agents(reader, repositories, everyone, secrets)
        yield from read_webhooks(reader, repositories)
        yield from read_alerts(reader)

    def check(self) -> Iterator[Check]:
        """See ``Preflight.check``."""
        yield from preflight(self._settings)

    @classmethod
    def base_policy(cls) -> str:
        """See ``LeastPrivilege.base_policy``."""
        return app_manifest(GithubSettings())

    def policy(self) -> str:
        """See ``LeastPrivilege.policy``."""
        return app_manifest(self._settings)

    def _api(self, meter: Meter, plan: str | None) -> Api:
        if self._settings.from_files is not None:
            return GithubFileApi(self._settings.from_files)
        return GithubApi(self._settings, meter, plan)

    def _meter(self) -> Meter:
        return Meter(asks=self._settings.from_files is None)

    def _scope(self, row: p.OrganizationRow) -> Scope:
        host = self._settings.host
        facts = GithubOrganization(login=row.login, database_id=row.id, host=host)
        place = row.login if host == PUBLIC else f"{host}/{row.login}"
        context = Context(facts, row.plan.name.lower() if row.plan else None)
        return Scope(source=self._source, spec=SPEC, id=place, context=context)
