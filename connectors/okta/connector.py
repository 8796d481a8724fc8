"""The connector for Okta: one scope, the organization."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar
from urllib.parse import unquote

import msgspec
from msgspec import Raw

from connectors.core.contract import Check, DiscoveredRecord, Gone, Malformed, Meter, Scope, SectionReading, Spec
from connectors.core.paging import Paging, link_header, next_link
from connectors.core.reading import decoded, require_sdk
from connectors.core.refusals import refusal
from connectors.okta import payloads as p
from connectors.okta import spec as s
from connectors.okta.identities import ai_agent, api_token, service_app
from connectors.okta.settings import OktaSettings
from scanner.errors import Denied, NotOffered, SourceError
from scanner.model import EVERY_SCOPE, Coverage

if TYPE_CHECKING:
    from requests import Response

    from connectors.core.http import Client

T = TypeVar("T")

_BELOW_APP = "/api/v1/apps/{id}"
_AGENTS = "/workload-principals/api/v1/ai-agents"
_PAGE = {"limit": "200"}
_NEXT: Paging = next_link("/_links/next/href")
_REFUSED = (401, 403)
_FILTER = "filter="


class OktaConnector:
    """Reads service apps, API tokens and AI agents. Never a secret's value.

    Raises MissingExtra if requests is not installed.
    """

    spec: ClassVar[Spec] = s.SPEC

    def __init__(self, source: str, settings: OktaSettings) -> None:
        require_sdk("requests", s.SPEC)
        self._source = source
        self._settings = settings

    def scopes(self) -> Iterator[Scope | Coverage]:
        """The organization that the token belongs to. See ``Connector.scopes``."""
        meter = Meter()
        nowhere = Scope(source=self._source, spec=s.SPEC, id=EVERY_SCOPE)
        found: list[Scope] = []
        with nowhere.section(s.ORG, meter=meter) as section, self._client(meter) as client:
            org = _for(client, s.ORG).get("/api/v1/org", p.Org)
            if not org.id.strip():
                raise Malformed("the organization has no id")
            found.append(Scope(source=self._source, spec=s.SPEC, id=org.id))
        yield from found
        yield section.coverage if not found else _at(section.coverage, found[0].id)

    def discover(self, scope: Scope) -> Iterator[DiscoveredRecord]:
        """Read all sections, and yield what each list has."""
        meter = Meter()
        with self._client(meter) as client:
            reader = _OktaReader(scope, meter, client)
            yield from reader.apps()
            yield from reader.tokens()
            yield from reader.agents()

    def check(self) -> Iterator[Check]:
        """See ``Preflight.check``."""
        try:
            with self._client(Meter()) as client:
                org = client.get("/api/v1/org", p.Org)
                yield Check(name=s.ORG, ok=True, detail=f"organization {org.id}")
                for name, path in _TRIED.items():
                    yield _tried(client, name, path)
        except SourceError as error:
            yield Check(name=s.ORG, ok=False, detail=str(error), fix=error.permission or error.hint)

    @classmethod
    def base_policy(cls) -> str:
        """See ``LeastPrivilege.base_policy``: the scopes of a service app, as JSON."""
        scopes = sorted({scope for one in s.SPEC.sections for scope in one.permissions})
        policy = {"scopes": scopes, "role": "READ_ONLY_ADMIN"}
        return msgspec.json.format(msgspec.json.encode(policy), indent=2).decode()

    def policy(self) -> str:
        """See ``LeastPrivilege.policy``."""
        return self.base_policy()

    def _client(self, meter: Meter) -> Client:
        from connectors.core.http import Client

        settings = self._settings
        if not settings.url:
            raise SourceError("no address", hint="set url, or OKTA_CLIENT_ORGURL")
        return Client(
            settings.url,
            headers={"Authorization": settings.signed, "User-Agent": "muster"},
            meter=meter,
            attempts=settings.max_attempts,
            backoff=settings.backoff,
            timeout=settings.timeout,
            ca_file=settings.ca_file,
            insecure_http=settings.insecure_http,
        )


_TRIED: Mapping[str, str] = {
    s.APPS: "/api/v1/apps?limit=1",
    s.TOKENS: "/api/v1/api-tokens",
    s.AGENTS: f"{_AGENTS}?limit=1",
}


def _tried(client: Client, name: str, path: str) -> Check:
    try:
        _for(client, name).get(path, Raw)
    except Gone:
        return Check(name=name, ok=True, detail="the organization does not have it")
    except SourceError as error:
        return Check(name=name, ok=False, detail=str(error), fix=error.permission or error.hint)
    return Check(name=name, ok=True, detail="permitted")


class _OktaReader:
    """Reads the sections of one organization."""

    def __init__(self, scope: Scope, meter: Meter, client: Client) -> None:
        self._scope = scope
        self._meter = meter
        self._client = client

    def apps(self) -> Iterator[DiscoveredRecord]:
        """Service apps, with their secrets, keys, roles and scopes."""
        apps: dict[str, p.App] = {}
        with self._section(s.APPS) as section:
            for app in self._rows(s.APPS, "/api/v1/apps", p.App, section, paging=link_header):
                if app.is_service:
                    apps[app.id] = app
                    section.found()
        yield section.coverage
        secrets: dict[str, list[p.Secret]] = {}
        with self._section(s.APP_CREDENTIALS) as section:
            for id_ in apps:
                found = self._each(s.APP_CREDENTIALS, _BELOW_APP + "/credentials/secrets", p.Secret, section, id_)
                keys = self._each(s.APP_CREDENTIALS, _BELOW_APP + "/credentials/jwks", p.Secret, section, id_)
                secrets[id_] = [*found, *keys]
        coverage = section.coverage
        yield coverage
        rights: dict[str, tuple[list[p.Role], list[str]]] = {}
        with self._section(s.APP_RIGHTS) as section:
            for id_, app in apps.items():
                path = "/oauth2/v1/clients/{id}/roles"
                roles = self._each(s.APP_RIGHTS, path, p.Role, section, app.client_id)
                granted = self._each(s.APP_RIGHTS, _BELOW_APP + "/grants", p.ScopeGrant, section, id_)
                is_on = [one.scope_id for one in granted if one.status in (None, "ACTIVE")]
                rights[id_] = ([one for one in roles if one.status in (None, "ACTIVE")], sorted(set(is_on)))
        known = section.coverage
        yield known
        for id_, app in apps.items():
            held = None if coverage.is_gap else secrets.get(id_)
            yield service_app(self._scope, app, held, None if known.is_gap else rights.get(id_))

    def tokens(self) -> Iterator[DiscoveredRecord]:
        """API tokens."""
        tokens: dict[str, p.ApiToken] = {}
        with self._section(s.TOKENS) as section:
            for token in self._rows(s.TOKENS, "/api/v1/api-tokens", p.ApiToken, section, paging=link_header):
                tokens[token.id] = token
                section.found()
        yield section.coverage
        yield from (api_token(self._scope, one) for one in tokens.values())

    def agents(self) -> Iterator[DiscoveredRecord]:
        """AI agents, with keys, connections and owners."""
        agents: dict[str, p.Agent] = {}
        with self._section(s.AGENTS) as section:
            try:
                for agent in self._rows(s.AGENTS, _AGENTS, p.Agent, section, at="/data", paging=_NEXT):
                    agents[agent.id] = agent
                    section.found()
            except Gone:
                if agents:
                    raise
                raise NotOffered("the organization does not have Okta for AI Agents") from None
        yield section.coverage
        keys = yield from self._of_agents(s.AGENT_KEYS, _AGENTS + "/{id}/credentials/jwks", p.Secret, agents)
        connections = yield from self._of_agents(s.CONNECTIONS, _AGENTS + "/{id}/connections", p.Connection, agents)
        owners: dict[str, list[p.Principal]] = {}
        with self._section(s.OWNERS) as section:
            for id_, agent in agents.items():
                if (orn := orn_of(agent)) is not None:
                    rows = self._owned(section, orn)
                    owners[id_] = [one for row in rows for one in row.principals]
        yield section.coverage
        is_unread = section.coverage.is_gap
        for id_, agent in agents.items():
            owned = None if is_unread else owners.get(id_)
            yield ai_agent(self._scope, agent, keys.get(id_), connections.get(id_), owned)

    def _owned(self, section: SectionReading, orn: str) -> list[p.Owned]:
        params = {"filter": f'parentResourceOrn eq "{orn}"', **_PAGE}
        client = _for(self._client, s.OWNERS)
        path = "/governance/api/v1/resource-owners"
        return list(client.rows(path, p.Owned, section, at="/data", paging=_NEXT, params=params))

    def _of_agents(
        self, name: str, path: str, shape: type[T], agents: Mapping[str, p.Agent]
    ) -> Any:  # a generator of Coverage that returns the rows by agent; none of a section that is a gap
        found: dict[str, list[T]] = {}
        with self._section(name) as section:
            for id_ in agents:
                found[id_] = self._each(name, path, shape, section, id_)
        yield section.coverage
        return {} if section.coverage.is_gap else found

    def _section(self, name: str) -> SectionReading:
        return self._scope.section(name, meter=self._meter)

    def _rows(
        self, name: str, path: str, shape: type[T], section: SectionReading, *, at: str = "", paging: Paging
    ) -> Iterator[T]:
        yield from _for(self._client, name).rows(path, shape, section, at=at, paging=paging, params=_PAGE)

    def _each(self, name: str, path: str, shape: type[T], section: SectionReading, of: str) -> list[T]:
        """The rows below an object, which may be a list, or within one; none if it was deleted since."""
        try:
            answer = _for(self._client, name).get(path, Raw, id=of)
        except Gone:
            return []
        rows: list[T] = []
        for number, raw in enumerate(_listed(answer), start=1):
            try:
                rows.append(decoded(bytes(raw), shape))
            except SourceError as error:
                section.malformed(f"{number} of {of}", str(error))
        return rows


def _listed(answer: Raw) -> list[Raw]:
    """The rows of an answer: a list, or a list by one of the names that Okta has for it."""
    try:
        whole: Any = msgspec.json.decode(answer, type=list[Raw] | dict[str, Raw])
        if isinstance(whole, list):
            return whole
        inner = next((whole[name] for name in ("data", "keys", "jwks") if name in whole), None)
        if inner is not None:
            return _listed(inner)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        pass
    raise Malformed("a response has no list")


def orn_of(agent: p.Agent) -> str | None:
    """The name of an agent for owners: given, or in the filter of one of its links; None if neither has it."""
    if agent.orn:
        return agent.orn
    link = agent.links.delegation_links
    text = unquote(link.href.partition(_FILTER)[2]) if link is not None else ""
    found = text.partition('"')[2].partition('"')[0]
    return found if found.startswith("orn:") and found.endswith(f":{agent.id}") else None


def _for(client: Client, section: str) -> Client:
    """The client, whose refusals name the scopes that a section takes."""
    permissions = next(one.permissions for one in s.SPEC.sections if one.name == section)

    def refused(response: Response) -> SourceError:
        if response.status_code in _REFUSED:
            return Denied(f"Okta answers {response.status_code}", permission=", ".join(permissions))
        return refusal(response)

    return client.with_options(refusal=refused)


def _at(coverage: Coverage, scope: str) -> Coverage:
    return msgspec.structs.replace(coverage, scope=scope)
