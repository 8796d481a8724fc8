"""Entra's sign-ins of service principals, managed identities and agents: single sign-ins, and Graph's summaries.

Source: Microsoft Graph beta, the resources signIn and summarizedSignIn, and Azure Monitor's schemas of their exports.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar, NamedTuple

from msgspec import Struct, field

from connectors.core.contract import Connector
from connectors.core.offline import Unreadable
from connectors.logs import LogSpec
from connectors.logs.content import Records
from connectors.logs.events import Event, EventCounting, LogAct
from connectors.logs.folders import Layout
from connectors.logs.live import LiveLog, LiveSource
from connectors.logs.names import Networks, plain
from connectors.logs.tally import DENIED, DONE, FAILED
from scanner.model.activity import NOBODY, PERSON

SPEC = LogSpec(
    name="entra",
    title="Entra sign-ins of workloads",
    provider="azure",
    names_people=True,
    permissions=("AuditLog.Read.All",),
    is_live=True,
    blind_spots=(
        "What is done with a token: a sign-in says for which resource it is, no more.",
        "Tokens that a workload still holds: it signs in again only when they have ended.",
        "Sign-ins of people.",
        "Which hours, where counts have windows of more than an hour.",
    ),
)
LAYOUT = Layout(
    dated=(
        re.compile(
            r"(?i)(?:^|/)(?:insights-logs-(?:serviceprincipal|managedidentity)signinlogs/)?"
            r"tenantid=(?P<scope>[0-9a-f-]{36})/"
            r"y=(?P<year>\d{4})/m=(?P<month>\d\d)/d=(?P<day>\d\d)/h=\d\d/m=\d\d/[^/]+$"
        ),
    ),
    left_out=re.compile(
        r"(?i)(?:^|/)insights-logs-(?!(?:serviceprincipal|managedidentity)signinlogs/)[a-z]*/|/insights-metrics-"
    ),
)
"""Files of diagnostic settings in a storage account, one per hour."""
_MICROSOFT = "f8cdef31-a31e-4b4a-93e4-5f571e91255a"
"""The tenant of Microsoft's own applications."""
_NO_ID = "00000000-0000-0000-0000-000000000000"
_OF_SERVER = frozenset({50000, 50196, 81016, 90006, 90013, 90020, 90024, 90033, 90036, 90051})
"""AADSTS codes of failures of Entra, not of the caller."""
_NO_AGENT = frozenset({None, "", "notAgentic"})
_OF_PERSON = "notAgentic"
"""Type of the subject of an agent's sign-in that is for a person, and not for the agent or for an agent's own user."""
_EXCHANGE = "token exchange"
"""In the name of the resource for which an agent requests a token to exchange; the sign-in after that says for whom."""
_MOST_COUNTED = 100_000_000


class _Status(Struct, gc=False, frozen=True):
    code: int | None = field(default=None, name="errorCode")


class _Location(Struct, gc=False, frozen=True):
    country: str | None = field(default=None, name="countryOrRegion")


class _Managed(Struct, gc=False, frozen=True):
    resource: str | None = field(default=None, name="associatedResourceId")


class _Agent(Struct, gc=False, frozen=True):
    type: str | None = field(default=None, name="agentType")
    parent: str | None = field(default=None, name="parentAppId")
    subject: str | None = field(default=None, name="agentSubjectType")


class AzureSignIn(Struct, gc=False, frozen=True):
    """A row of ``signIns`` or of a summary, or the ``properties`` of an exported row."""

    id: str | None = None
    created: str | None = field(default=None, name="createdDateTime")
    first: str | None = field(default=None, name="firstSignInDateTime")
    count: int | None = field(default=None, name="signInCount")
    app: str | None = field(default=None, name="appId")
    principal: str | None = field(default=None, name="servicePrincipalId")
    owner: str | None = field(default=None, name="appOwnerTenantId")
    user: str | None = field(default=None, name="userId")
    user_name: str | None = field(default=None, name="userPrincipalName")
    key: str | None = field(default=None, name="servicePrincipalCredentialKeyId")
    federation: str | None = field(default=None, name="federatedCredentialId")
    address: str | None = field(default=None, name="ipAddress")
    user_agent: str | None = field(default=None, name="userAgent")
    resource: str | None = field(default=None, name="resourceDisplayName")
    resource_id: str | None = field(default=None, name="resourceId")
    tenant: str | None = field(default=None, name="tenantId")
    resource_tenant: str | None = field(default=None, name="resourceTenantId")
    status: _Status | None = None
    location: _Location | str | None = None
    managed: _Managed | None = field(default=None, name="managedServiceIdentity")
    agent: _Agent | None = None


class Line(AzureSignIn, gc=False, frozen=True):
    """A row, or a line of an export with the row in ``properties``."""

    time: str | None = None
    properties: AzureSignIn | None = None


class _Raw(NamedTuple):
    tenant: str
    caller: str
    principal: str
    is_microsoft: bool
    resource: str
    address: str
    user_agent: str
    country: str
    credential: str
    parent: str
    code: int
    on_behalf_of: str


class SignInCounting(EventCounting[Line]):
    """Counts the sign-ins of one unit."""

    def event(self, record: Line) -> Event | str | None:
        """See ``EventCounting``. Raises Unreadable for a record without a time."""
        row: AzureSignIn = record.properties or record
        time = row.created or row.first or record.time
        if not time:
            raise Unreadable("one of its records is not a sign-in")
        agent = row.agent or _NO_ONE
        managed = ((row.managed.resource if row.managed else None) or "").lower()
        principal = _id(row.principal)
        caller = _id(row.app) or principal or managed
        on_behalf_of, user = "", _id(row.user_name) or _id(row.user)
        if agent.type not in _NO_AGENT and user and agent.subject == _OF_PERSON and caller:
            on_behalf_of = f"{PERSON}{user}"
        elif agent.type not in _NO_AGENT and _id(row.user):
            caller, principal = user, _id(row.user)
        elif not principal and not managed:
            return "of people"
        elif agent.type not in _NO_AGENT and _EXCHANGE not in (row.resource or "").lower():
            on_behalf_of = NOBODY
        raw = _Raw(
            record.tenant or row.tenant or row.resource_tenant or "",
            caller,
            principal,
            row.owner == _MICROSOFT,
            row.resource or row.resource_id or "",
            row.address or "",
            (row.user_agent or "")[:400],
            (row.location.country if isinstance(row.location, _Location) else row.location) or "",
            _id(row.key) or _id(row.federation),
            _id(agent.parent),
            (row.status.code if row.status else 0) or 0,
            on_behalf_of,
        )
        count = min(max(row.count if row.count is not None else 1, 0), _MOST_COUNTED)
        return Event(time, row.id or "", raw, count) if count else "in summaries that count none"

    def act(self, raw: Any) -> LogAct:
        """See ``EventCounting``: the act is a token for a resource."""
        what: _Raw = raw
        scope = plain(what.tenant.lower(), 64) or "tenant"
        if what.is_microsoft:
            return LogAct(scope, by_provider=True)
        features = self.features(
            "secret",
            f"{service_of(what.resource)}:sign-in",
            address=what.address,
            user_agent=what.user_agent,
            region=what.country,
            credential=what.credential,
            assumed_by=what.parent,
            on_behalf_of=what.on_behalf_of,
        )
        outcome = DONE if not what.code else FAILED if what.code in _OF_SERVER else DENIED
        return LogAct(scope, plain(what.caller), features, plain(what.principal, 64), outcome)


_NO_ONE = _Agent()


def _id(text: str | None) -> str:
    return "" if text is None or text == _NO_ID else text.lower()


def service_of(resource: str) -> str:
    """The name of a resource: its display name, in lower case."""
    return plain(resource.strip().lower().replace(":", " "), 64) or "unknown"


class EntraLog(LiveLog):
    """Reads files of Graph and of diagnostic settings, or requests the log from Graph."""

    spec: ClassVar[LogSpec] = SPEC
    layout: ClassVar[Layout] = LAYOUT
    records: ClassVar[Records[Line]] = Records(Line, ("value", "records"))

    def counting(self, networks: Networks) -> SignInCounting:
        """See ``FileLog``."""
        return SignInCounting(networks)

    def live(self, source: Connector | None) -> LiveSource:
        """See ``LiveLog``."""
        from connectors.azure.logs.live import SignIns, connector_of

        return SignIns(connector_of(source))
