"""Azure's activity log: writes through Azure Resource Manager, with the caller. It has no reads.

Source: "Azure activity log event schema", for the REST API and for exports of diagnostic settings.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, ClassVar, NamedTuple

import msgspec
from msgspec import Struct, field

from connectors.azure.keys import arm_key
from connectors.core.contract import Connector
from connectors.core.offline import Unreadable
from connectors.logs import LogSpec
from connectors.logs.content import Records
from connectors.logs.events import Event, EventCounting, LogAct
from connectors.logs.folders import Layout
from connectors.logs.live import LiveLog, LiveSource
from connectors.logs.names import Networks, plain
from connectors.logs.tally import DENIED, DONE, FAILED, valid_time
from scanner.model.activity import FeatureSort

SPEC = LogSpec(
    name="azure_activity",
    title="Azure activity log",
    provider="azure",
    permissions=("Microsoft.Insights/eventtypes/values/read", "Microsoft.Resources/subscriptions/read"),
    is_live=True,
    blind_spots=(
        "Reads, and all use of data: of storage, vaults, databases, models.",
        "Whatever does not pass Azure Resource Manager; the directory has a log of its own.",
        "Live: what is logged at management groups and the tenant.",
        "Clients: the log has no user agents.",
    ),
    unlogged=("*:*/read", "*:read", "microsoft.keyvault:*", "microsoft.storage:*", "microsoft.cognitiveservices:*"),
)
_LAYOUT = Layout(
    dated=(
        re.compile(
            r"(?i)insights-activity-logs/resourceid=/subscriptions/(?P<scope>[0-9a-f-]{36})/"
            r"y=(?P<year>\d{4})/m=(?P<month>\d\d)/d=(?P<day>\d\d)/h=\d\d/m=\d\d/[^/]+$"
        ),
    ),
    left_out=re.compile(r"(?i)(?:^|/)insights-(?:logs|metrics)-"),
)
_SORTS: tuple[tuple[FeatureSort, re.Pattern[str]], ...] = (
    (
        "secret",
        re.compile(
            r".*/(?:list\w*(?:keys?|secrets?|credentials?|connectionstrings|sas|tokens?)|regenerate\w*|getaccesstoken"
            r"|list(?:cluster)?(?:admin|user)\w*|getcredentials|generatecredentials)/action"
            r"|.*/config/list/action|.*/publishxml/action"
        ),
    ),
    (
        "become",
        re.compile(
            r"microsoft\.managedidentity:.*/(?:assign|assume)/action|microsoft\.authorization:elevateaccess/action"
            r"|microsoft\.compute:.*/runcommands?/(?:action|write)|microsoft\.containerservice:.*/runcommand/action"
        ),
    ),
    ("read", re.compile(r".*/read|.*/(?:validate|checknameavailability|whatif)/action")),
)
"""By action. The first match counts; no match is a write."""
_CHANGES = re.compile(
    r"microsoft\.managedidentity:userassignedidentities/.+|microsoft\.web:sites/.+"
    r"|microsoft\.(?:app:containerapps|compute:virtualmachines|compute:virtualmachinescalesets|logic:workflows)/.+"
    r"|microsoft\.(?:automation:automationaccounts|datafactory:factories|containerservice:managedclusters)/.+"
)
"""Writes to identities and to workloads that run as an identity: the resource is what changed."""
_ASSIGNMENT = "microsoft.authorization:roleassignments/write"
_RESOURCE = re.compile(r"(?i)(/subscriptions/[^/]+/resourcegroups/[^/]+/providers/[^/]+/[^/]+/[^/]+)")
_SCOPES = re.compile(r"(?i)/subscriptions/(?P<subscription>[0-9a-f-]{36})|/(?P<group>managementGroups/[^/]+)")
_OID = "http://schemas.microsoft.com/identity/claims/objectidentifier"
_UPN = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn"
_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_BEGUN = frozenset({"started", "start", "accepted", "accept", "inprogress"})
_ENDED_WELL = frozenset({"", "succeeded", "success", "active", "resolved"})
_REFUSED = re.compile(r"(?i)forbidden|unauthorized|authorizationfailed|\b40[13]\b")
_MOST_OPEN = 200_000


class _Value(Struct, gc=False, frozen=True):
    value: str | None = None


_Text = str | _Value | None


class _Request(Struct, gc=False, frozen=True):
    address: str | None = field(default=None, name="clientIpAddress")


class _Who(Struct, gc=False, frozen=True):
    claims: Mapping[str, Any] | None = None


class Record(Struct, gc=False, frozen=True):
    """The fields of a record that are read, in either shape."""

    operation: _Text = field(default=None, name="operationName")
    category: _Text = None
    time: str | None = None
    timestamp: str | None = field(default=None, name="eventTimestamp")
    id: str | None = field(default=None, name="eventDataId")
    correlation: str | None = field(default=None, name="correlationId")
    resource: str | None = field(default=None, name="resourceId")
    caller: str | None = None
    claims: Mapping[str, Any] | None = None
    who: _Who | str | None = field(default=None, name="identity")
    request: _Request | None = field(default=None, name="httpRequest")
    address: str | None = field(default=None, name="callerIpAddress")
    status: _Text = None
    substatus: _Text = field(default=None, name="subStatus")
    result: str | None = field(default=None, name="resultType")
    signature: str | None = field(default=None, name="resultSignature")
    tenant: str | None = field(default=None, name="tenantId")
    properties: Mapping[str, Any] | str | None = None


class _Raw(NamedTuple):
    scope: str
    caller: str
    unique_id: str
    by_provider: bool
    operation: str
    address: str
    outcome: int
    changed: tuple[str, ...]


class AzureActivityCounting(EventCounting[Record]):
    """Counts the operations of one unit.

    Start, acceptance and end of an operation count as one, with the result of the end.
    """

    def __init__(self, networks: Networks) -> None:
        super().__init__(networks)
        self._open: dict[tuple[str, ...], Event] = {}

    def event(self, record: Record) -> Event | str | None:
        """See ``EventCounting``. Raises Unreadable for a record without operation or time."""
        operation, time = _text(record.operation).lower(), record.timestamp or record.time
        if not operation or not time:
            raise Unreadable("one of its records is not an operation")
        time = valid_time(time)
        resource = (record.resource or "").lower()
        same = (record.correlation or record.id or "", operation, resource)
        raw = _raw(record, operation, resource)
        event = Event(time, record.id or record.correlation or "", raw, once=same)
        if (_text(record.status) or record.result or "").lower() in _BEGUN and same[0]:
            if len(self._open) >= _MOST_OPEN:
                self.add([self._open.pop(next(iter(self._open)))])
            self._open.setdefault(same, event)
            return None
        begun = self._open.pop(same, None)
        if begun is not None and isinstance(begun.raw, _Raw) and not raw.changed:
            event = event._replace(raw=raw._replace(changed=begun.raw.changed))  # only the start event has the request
        return event

    def finish(self) -> None:
        """See ``Counting``."""
        self.add(self._open.values())
        self._open = {}
        super().finish()

    def act(self, raw: Any) -> LogAct:
        """See ``EventCounting``."""
        what: _Raw = raw
        scope = plain(what.scope, 80) or "tenant"
        if what.by_provider:
            return LogAct(scope, by_provider=True)
        action = action_of(what.operation)
        features = self.features(sort_of(action), action, address=what.address)
        changed = tuple(map(plain, what.changed))
        return LogAct(scope, plain(what.caller), features, plain(what.unique_id, 64), what.outcome, changed)


def _raw(record: Record, operation: str, resource: str) -> _Raw:
    claims = record.claims or (record.who.claims if isinstance(record.who, _Who) else None) or {}
    app, oid, upn = _claim(claims, "appid"), _claim(claims, _OID) or _claim(claims, "oid"), _claim(claims, _UPN)
    named = (record.caller or "").lower()
    is_app = _claim(claims, "idtyp") == "app" or not (upn or "@" in named)
    caller = (app if is_app else upn or named) or app or named or oid
    category = _text(record.category).lower()
    place = _SCOPES.search(resource)
    scope = (place["subscription"] or place["group"]) if place else record.tenant or ""
    status = (_text(record.status) or record.result or "").lower()
    refused = _REFUSED.search(f"{_text(record.substatus)} {record.signature or ''}"[:200])
    outcome = DENIED if refused else DONE if status in _ENDED_WELL or status in _BEGUN else FAILED
    return _Raw(
        scope,
        caller,
        oid or (named if _GUID.fullmatch(named) else ""),
        (bool(category) and category != "administrative") or not caller,
        operation,
        (record.request.address if record.request else None) or record.address or _claim(claims, "ipaddr"),
        outcome,
        tuple(_changed(action_of(operation), resource, record.properties)),
    )


def _text(held: _Text) -> str:
    return (held.value if isinstance(held, _Value) else held) or ""


def _claim(claims: Mapping[str, Any], name: str) -> str:
    held = claims.get(name)
    return held.lower() if isinstance(held, str) else ""


@lru_cache(maxsize=20_000)
def action_of(operation: str) -> str:
    """``provider:operation`` in lower case: exports have it in upper case."""
    provider, _, rest = operation.lower().partition("/")
    return f"{plain(provider.replace(':', '.'), 64) or 'unknown'}:{plain(rest, 120) or 'unknown'}"


@lru_cache(maxsize=20_000)
def sort_of(action: str) -> FeatureSort:
    """The sort of an operation."""
    return next((sort for sort, pattern in _SORTS if pattern.fullmatch(action)), "write")


def _changed(action: str, resource: str, properties: Mapping[str, Any] | str | None) -> Iterator[str]:
    """The resource whose identity or code was changed, or the principal that was given a role."""
    if action == _ASSIGNMENT and isinstance(properties, Mapping):
        body = properties.get("requestbody")
        try:
            held = msgspec.json.decode(body) if isinstance(body, str) else body
        except (msgspec.MsgspecError, RecursionError, UnicodeError):
            return
        inner = _member(held, "properties")
        principal = _member(inner if inner is not None else held, "principalid")
        if isinstance(principal, str):
            yield principal.lower()
    elif _CHANGES.fullmatch(action) and (found := _RESOURCE.match(resource)):
        yield arm_key(found[1])


def _member(holder: Any, name: str) -> Any:
    """A member, its name in whatever case."""
    return (
        next((held for key, held in holder.items() if key.lower() == name), None) if isinstance(holder, dict) else None
    )


class AzureActivityLog(LiveLog):
    """Reads the output of the command line, the API and diagnostic settings, or requests the log live."""

    spec: ClassVar[LogSpec] = SPEC
    layout: ClassVar[Layout] = _LAYOUT
    records: ClassVar[Records[Record]] = Records(Record, ("value", "records"))

    def counting(self, networks: Networks) -> AzureActivityCounting:
        """See ``FileLog``."""
        return AzureActivityCounting(networks)

    def live(self, source: Connector | None) -> LiveSource:
        """See ``LiveLog``."""
        from connectors.azure.logs.live import ActivityLog, connector_of

        return ActivityLog(connector_of(source))
