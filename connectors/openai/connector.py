"""The connector for OpenAI: one scope, the organization, its sections read in this order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from functools import partial
from typing import ClassVar

from connectors.core.contract import Check, DiscoveredRecord, Meter, Scope, Spec
from connectors.core.reading import require_sdk
from connectors.openai import payloads as p
from connectors.openai import requests as r
from connectors.openai import spec as s
from connectors.openai.agents import read_agents
from connectors.openai.identities import identities
from connectors.openai.reading import read_all, usage_span
from connectors.openai.settings import OpenaiSettings
from connectors.openai.spec import SPEC, key_policy, readings
from connectors.vendors.api import Api, FileApi, HttpApi, opened
from connectors.vendors.reader import VendorReader, checked, tried
from connectors.vendors.records import VendorOrganization
from connectors.vendors.settings import by_place
from scanner.errors import UsageError
from scanner.model import EVERY_SCOPE, Coverage
from scanner.redaction.redact import SecretRef


class OpenaiConnector:
    """Reads projects, service accounts, keys, rules and agents. Never a key's value or an agent's instructions.

    Raises MissingExtra if requests is not installed.
    """

    spec: ClassVar[Spec] = SPEC

    def __init__(self, source: str, settings: OpenaiSettings) -> None:
        require_sdk("requests", SPEC)
        self._source = source
        self._settings = settings

    @property
    def organization(self) -> str:
        """The name of the organization."""
        return self._settings.organization or self._source

    def log_api(self, meter: Meter) -> HttpApi:
        """The API of the audit log. Raises UsageError if the source reads files."""
        if self._settings.from_files is not None:
            raise UsageError(f"the source {self._source} reads files, so no log can be read live through it")
        return self._http(self._settings.secret, meter)

    def scopes(self) -> Iterator[Scope | Coverage]:
        """The organization, with its projects. See ``Connector.scopes``."""
        nowhere = Scope(source=self._source, spec=SPEC, id=EVERY_SCOPE)
        meter = self._meter()
        projects: tuple[p.Project, ...] | None = None
        with nowhere.section(s.PROJECTS, meter=meter) as section, ExitStack() as stack:
            api = stack.enter_context(closing(self._admin(meter)))
            projects = tuple(api.rows(r.PROJECTS, p.Project, section))
        coverage = section.coverage
        if projects is not None:
            yield Scope(source=self._source, spec=SPEC, id=self.organization, context=projects)
        yield coverage

    def discover(self, scope: Scope) -> Iterator[DiscoveredRecord]:
        """Read with the admin key, then read the agents of projects."""
        projects: tuple[p.Project, ...] = scope.context
        meter = self._meter()
        with ExitStack() as stack:
            apis = self._apis(stack, meter)
            reader = VendorReader(VendorOrganization(scope), apis, meter, self._settings.workers)
            read = yield from read_all(reader, projects, usage_days=self._settings.usage_days)
            yield from identities(reader.place, read)
            yield from read_agents(reader, projects)

    def check(self) -> Iterator[Check]:
        """See ``Preflight.check``."""
        yield from checked(
            self._settings.from_files,
            self._tried(),
            rights="the API does not say whether the key could also write: "
            "`muster connectors openai --policy` prints the least that it takes",
        )

    def _tried(self) -> Iterator[Check]:
        with ExitStack() as stack:
            span = usage_span(datetime.now(UTC), self._settings.usage_days)
            yield from tried(readings(self._settings), self._apis(stack, Meter()), span)

    @classmethod
    def base_policy(cls) -> str:
        """See ``LeastPrivilege.base_policy``."""
        return key_policy()

    def policy(self) -> str:
        """See ``LeastPrivilege.policy``."""
        return key_policy(self._settings)

    def _apis(self, stack: ExitStack, meter: Meter) -> dict[str, Mapping[str, Api]]:
        """The APIs for which the source has keys. Raises SourceError if a key is missing."""
        admin = stack.enter_context(closing(self._admin(meter)))
        if isinstance(admin, FileApi):
            return {"token": {"": admin}, s.PROJECT_TOKENS: {"1": admin} if admin.has(r.AGENTS) else {}}
        tokens = by_place(self._settings.project_tokens)
        ways: dict[str, Api] = {
            project: stack.enter_context(closing(opened(partial(self._http, token, meter, r.AGENTS_BETA))))
            for project, token in tokens.items()
        }
        return {"token": {"": admin}, s.PROJECT_TOKENS: ways}

    def _admin(self, meter: Meter) -> Api:
        folder = self._settings.from_files
        return self._http(self._settings.secret, meter) if folder is None else FileApi(folder)

    def _http(self, token: SecretRef, meter: Meter, beta: Mapping[str, str] = {}) -> HttpApi:
        return HttpApi(self._settings, {**beta, "Authorization": f"Bearer {token.resolve()}"}, meter)

    def _meter(self) -> Meter:
        return Meter(asks=self._settings.from_files is None)
