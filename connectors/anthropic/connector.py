"""The connector for Anthropic: one scope, the organization, its sections read in this order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from functools import partial
from typing import ClassVar

from connectors.anthropic import payloads as p
from connectors.anthropic import requests as r
from connectors.anthropic import spec as s
from connectors.anthropic.agents import read_agents
from connectors.anthropic.identities import identities
from connectors.anthropic.reading import read_all, usage_spans
from connectors.anthropic.settings import AnthropicSettings
from connectors.anthropic.spec import SPEC, key_policy, readings
from connectors.core.contract import Check, DiscoveredRecord, Gone, Meter, Scope, Spec
from connectors.core.reading import require_sdk
from connectors.vendors.api import Api, FileApi, HttpApi, opened
from connectors.vendors.reader import VendorReader, checked, tried
from connectors.vendors.records import VendorOrganization
from connectors.vendors.settings import by_place
from scanner.errors import UsageError
from scanner.model import EVERY_SCOPE, Coverage
from scanner.redaction.redact import SecretRef

_VERSION = {"anthropic-version": r.VERSION}


class AnthropicConnector:
    """Reads keys, service accounts, federation rules and managed agents. Never a key's value or a system prompt.

    Raises MissingExtra where requests is not installed.
    """

    spec: ClassVar[Spec] = SPEC

    def __init__(self, source: str, settings: AnthropicSettings) -> None:
        require_sdk("requests", SPEC)
        self._source = source
        self._settings = settings

    def log_api(self, meter: Meter) -> HttpApi:
        """The API of the activity feed. Raises UsageError if the source reads files."""
        if self._settings.from_files is not None:
            raise UsageError(f"the source {self._source} reads files, so no log can be read live through it")
        return self._by_key(self._settings.secret, meter)

    def named(self, api: Api) -> str:
        """The name of the organization: the configured name, its id, or the name of the source. Raises SourceError."""
        try:
            found = api.one(r.ORGANIZATION, p.Organization).id
        except Gone:
            found = self._source
        return self._settings.organization or found

    def scopes(self) -> Iterator[Scope | Coverage]:
        """The organization of the admin key. See ``Connector.scopes``."""
        nowhere = Scope(source=self._source, spec=SPEC, id=EVERY_SCOPE)
        meter = self._meter()
        named = ""
        with nowhere.section(s.ORGANIZATION, meter=meter) as section, ExitStack() as stack:
            api = stack.enter_context(closing(self._admin(meter)))
            named = self.named(api)
        coverage = section.coverage
        if named:
            yield Scope(source=self._source, spec=SPEC, id=named)
        yield coverage

    def discover(self, scope: Scope) -> Iterator[DiscoveredRecord]:
        """Read with the admin key and the organization's token, then read the agents of workspaces."""
        meter = self._meter()
        with ExitStack() as stack:
            reader = VendorReader(VendorOrganization(scope), self._apis(stack, meter), meter, self._settings.workers)
            read = yield from read_all(reader, usage_days=self._settings.usage_days)
            yield from identities(reader.place, read)
            yield from read_agents(reader, read)

    def check(self) -> Iterator[Check]:
        """See ``Preflight.check``."""
        yield from checked(
            self._settings.from_files,
            self._tried(),
            rights="an admin key and a token with org:admin can also write: Anthropic has none that only read, "
            "so make them for Muster alone and let them expire",
        )

    def _tried(self) -> Iterator[Check]:
        with ExitStack() as stack:
            span = next(usage_spans(datetime.now(UTC), self._settings.usage_days))
            yield from tried(readings(self._settings), self._apis(stack, Meter()), span)

    @classmethod
    def base_policy(cls) -> str:
        """See ``LeastPrivilege.base_policy``."""
        return key_policy()

    def policy(self) -> str:
        """See ``LeastPrivilege.policy``."""
        return key_policy(self._settings)

    def _apis(self, stack: ExitStack, meter: Meter) -> dict[str, Mapping[str, Api]]:
        """The APIs for which the source has keys. Raises SourceError if the admin key is missing."""
        admin = stack.enter_context(closing(self._admin(meter)))
        if isinstance(admin, FileApi):
            org = {"": admin} if admin.has(r.SERVICE_ACCOUNTS) else {}
            return {
                "token": {"": admin},
                s.ORG_TOKEN: org,
                s.WORKSPACE_TOKENS: {"1": admin} if admin.has(r.AGENTS) else {},
            }
        token = self._settings.org_token
        ways: dict[str, Api] = {}
        if token is not None:
            ways[""] = stack.enter_context(closing(opened(partial(self._by_token, token, meter))))
        workspaces: dict[str, Api] = {
            workspace: stack.enter_context(closing(opened(partial(self._by_key, key, meter, r.AGENTS_BETA))))
            for workspace, key in by_place(self._settings.workspace_tokens).items()
        }
        return {"token": {"": admin}, s.ORG_TOKEN: ways, s.WORKSPACE_TOKENS: workspaces}

    def _admin(self, meter: Meter) -> Api:
        folder = self._settings.from_files
        return self._by_key(self._settings.secret, meter) if folder is None else FileApi(folder)

    def _by_key(self, key: SecretRef, meter: Meter, beta: str = r.USAGE_BETA) -> HttpApi:
        return HttpApi(self._settings, {**_VERSION, "anthropic-beta": beta, "x-api-key": key.resolve()}, meter)

    def _by_token(self, token: SecretRef, meter: Meter) -> HttpApi:
        return HttpApi(self._settings, {**_VERSION, "Authorization": f"Bearer {token.resolve()}"}, meter)

    def _meter(self) -> Meter:
        return Meter(asks=self._settings.from_files is None)
