"""Google Cloud's audit logs, as log sinks write them and `gcloud logging read` prints them.

Source: the references of LogEntry and google.cloud.audit.AuditLog, and "Understanding audit logs".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fnmatch import translate
from functools import cache, lru_cache
from itertools import pairwise
from typing import Any, ClassVar, NamedTuple
from urllib.parse import unquote

from msgspec import Struct, field

from connectors.core.contract import Connector
from connectors.gcp.logs.spec import SPEC
from connectors.gcp.rights.members import account_of
from connectors.logs import LogSpec
from connectors.logs.content import Records
from connectors.logs.events import Event, EventCounting, LogAct
from connectors.logs.folders import Layout
from connectors.logs.live import LiveLog, LiveSource
from connectors.logs.names import Networks, plain
from connectors.logs.tally import DENIED, DONE, FAILED
from scanner.catalog import read_table
from scanner.matching.keys import is_email
from scanner.model.activity import PERSON, FeatureSort

_LAYOUT = Layout(
    dated=(
        re.compile(
            r"(?:^|/)cloudaudit\.googleapis\.com/(?:activity|data_access|system_event|policy)/"
            r"(?P<year>\d{4})/(?P<month>\d\d)/(?P<day>\d\d)/[^/]+$"
        ),
    ),
)
"""Files of a sink in a bucket: ``LOG/YYYY/MM/DD/HH:00:00_HH:59:59_S0.json``, of all its projects."""
_AUDIT = re.compile(
    r"(?P<scope>.+)/logs/cloudaudit\.googleapis\.com/(?P<kind>activity|data_access|system_event|policy)"
)
_PERMISSION_DENIED, _UNAUTHENTICATED = 7, 16
_INTERNAL = frozenset({"private", "gce-internal-ip"})
_VERSION = re.compile(r"^(?:v\d\w*|alpha|beta)\.")
_KUBERNETES = re.compile(r"^io\.k8s\.(?:.+\.)?v\d\w*\.(?P<rest>.+)$")
_ACCOUNT = re.compile(r"serviceAccounts/(?P<id>[^/:]+)")
_MOST_DELEGATIONS = 4
_WORKFORCE = re.compile(
    r"principal://iam\.googleapis\.com/locations/global/workforcePools/(?P<pool>[^/]+)/subject/(?P<subject>.+)",
    re.DOTALL,
)


class _Party(Struct, gc=False, frozen=True):
    email: str = field(default="", name="principalEmail")


class _Delegation(Struct, gc=False, frozen=True):
    subject: str = field(default="", name="principalSubject")
    first: _Party | None = field(default=None, name="firstPartyPrincipal")


class _Who(Struct, gc=False, frozen=True):
    email: str = field(default="", name="principalEmail")
    subject: str = field(default="", name="principalSubject")
    key: str = field(default="", name="serviceAccountKeyName")
    delegations: tuple[_Delegation, ...] = field(default=(), name="serviceAccountDelegationInfo")


class _AuditStatus(Struct, gc=False, frozen=True):
    code: int = 0


class _Meta(Struct, gc=False, frozen=True):
    address: str = field(default="", name="callerIp")
    user_agent: str = field(default="", name="callerSuppliedUserAgent")


class _Permission(Struct, gc=False, frozen=True):
    type: str = field(default="", name="permissionType")


class _Delta(Struct, gc=False, frozen=True):
    member: str = ""


class _Policy(Struct, gc=False, frozen=True):
    deltas: tuple[_Delta, ...] = field(default=(), name="bindingDeltas")


class _AuditService(Struct, gc=False, frozen=True):
    policy: _Policy | None = field(default=None, name="policyDelta")


class _Payload(Struct, gc=False, frozen=True):
    service: str = field(default="", name="serviceName")
    method: str = field(default="", name="methodName")
    resource: str = field(default="", name="resourceName")
    who: _Who | None = field(default=None, name="authenticationInfo")
    meta: _Meta | None = field(default=None, name="requestMetadata")
    status: _AuditStatus | None = None
    permissions: tuple[_Permission, ...] = field(default=(), name="authorizationInfo")
    data: _AuditService | None = field(default=None, name="serviceData")


class _Resource(Struct, gc=False, frozen=True):
    labels: Mapping[str, str] | None = None


class _Operation(Struct, gc=False, frozen=True):
    first: bool = False
    last: bool = False


class GcpEntry(Struct, gc=False, frozen=True):
    """The fields of a ``LogEntry`` that are read."""

    log: str = field(name="logName")
    time: str = field(default="", name="timestamp")
    id: str = field(default="", name="insertId")
    payload: _Payload | None = field(default=None, name="protoPayload")
    resource: _Resource | None = None
    operation: _Operation | None = None


class _AuditRaw(NamedTuple):
    scope: str
    kind: str
    who: _Who
    service: str
    method: str
    permission: str
    address: str
    user_agent: str
    code: int
    region: str
    tool: str
    changed: tuple[str, ...]
    target: str


@cache
def _tables() -> Mapping[str, Any]:
    tables = read_table("connectors.gcp.logs", "audit.toml", dict[str, Any])
    sorts = tables["sorts"] | {"changes": tables["changes"]["methods"]}
    patterns = {name: re.compile("|".join(map(translate, texts)), re.IGNORECASE) for name, texts in sorts.items()}
    return {**tables, "patterns": patterns, "words": tuple(tables["reads"]["words"])}


@lru_cache(maxsize=20_000)
def action_of(service: str, method: str) -> str:
    """``service:method``: the service without its domain, the method without service, package and version."""
    prefix = service.removesuffix(".googleapis.com").removesuffix(".io").lower()
    name = method.rpartition("/")[2]
    if found := _KUBERNETES.match(name):
        name = found["rest"]
    elif name.startswith("google."):
        name = name.rpartition(".")[2]
    else:
        name = _VERSION.sub("", name).removeprefix(f"{prefix}.")
    return f"{plain(prefix, 64) or 'unknown'}:{plain(name, 100) or 'unknown'}"


@lru_cache(maxsize=20_000)
def sort_of(action: str, kind: str, permission: str) -> FeatureSort:
    """``kind``: of the log; ``permission``: its type, such as ``ADMIN_READ``, if the log has it."""
    patterns = _tables()["patterns"]
    sorts: tuple[FeatureSort, ...] = ("secret", "become", "read")
    for sort in sorts:
        if patterns[sort].match(action):
            return sort
    if permission.endswith(("_READ", "_WRITE")):
        return "read" if permission.endswith("_READ") else "write"
    if kind == "activity":
        return "write"
    return "read" if action.partition(":")[2].rpartition(".")[2].lower().startswith(_tables()["words"]) else "write"


class GcpAuditCounting(EventCounting[GcpEntry]):
    """Counts the entries of one unit."""

    def event(self, record: GcpEntry) -> Event | str | None:
        """See ``EventCounting``. The end of a long operation is not a separate event."""
        found, payload = _log(record.log), record.payload
        ends = record.operation is not None and record.operation.last and not record.operation.first
        if found is None or payload is None:
            return "of no audit log"
        if ends:
            return "at the end of a long operation"
        scope, kind = found
        meta, action = payload.meta or _NO_META, action_of(payload.service, payload.method)
        changed, target = _named(action, payload, record.resource)
        raw = _AuditRaw(
            scope,
            kind,
            payload.who or _NO_CALLER,
            payload.service,
            payload.method,
            payload.permissions[0].type if payload.permissions else "",
            meta.address,
            meta.user_agent[:400],
            payload.status.code if payload.status else 0,
            _region(record.resource),
            _tool(action, payload.resource),
            changed,
            target,
        )
        return Event(record.time, record.id, raw)

    def act(self, raw: Any) -> LogAct:
        """See ``EventCounting``."""
        what: _AuditRaw = raw
        scope = plain(what.scope)
        caller = _name(what.who.email, what.who.subject)
        if what.kind == "system_event" or _is_google(caller):
            return LogAct(scope, by_provider=True)
        action = action_of(what.service, what.method)
        sort = sort_of(action, what.kind, what.permission)
        features = self.features(
            sort,
            action,
            address="127.0.0.1" if what.address in _INTERNAL else what.address,
            user_agent=what.user_agent,
            region=what.region,
            tool=what.tool,
            credential=what.who.key.rpartition("/keys/")[2],
        )
        chain = (
            _name(one.first.email if one.first else "", one.subject) for one in what.who.delegations[:_MOST_DELEGATIONS]
        )
        delegates = [one for one in dict.fromkeys(chain) if not _is_google(one)]
        features += tuple(f"assumed_by={one}" for one in delegates)
        if person := _person(delegates[0]) if delegates else "":
            features = (*features, f"on_behalf_of={PERSON}{person}")
        refused = what.kind == "policy" or what.code in (_PERMISSION_DENIED, _UNAUTHENTICATED)
        outcome = DENIED if refused else FAILED if what.code else DONE
        became = (plain(what.target), "") if sort == "become" and what.target else None
        return LogAct(scope, caller, features, "", outcome, tuple(map(plain, what.changed)), became)


_NO_META, _NO_CALLER = _Meta(), _Who()


@lru_cache(maxsize=20_000)
def _log(name: str) -> tuple[str, str] | None:
    """Scope and kind of an audit log; None for another log."""
    found = _AUDIT.fullmatch(unquote(name))
    return (found["scope"].removeprefix("projects/"), found["kind"]) if found else None


def _name(email: str, subject: str) -> str:
    """An account by its e-mail, a federated principal by its subject."""
    if not email and subject.startswith(("serviceAccount:", "user:")):
        email = subject.partition(":")[2]
    return plain(email or subject) or "anonymous"


def _person(first: str) -> str:
    """The person who began a delegation, by e-mail address, or by workforce pool and subject; empty for a machine."""
    if found := _WORKFORCE.fullmatch(first):
        return f"{found['pool']}#{found['subject']}"
    return first if is_email(first) and account_of(first).kind == "foreign" else ""


def _is_google(caller: str) -> bool:
    """Whether the caller is Google: a service agent, or a component of a cluster."""
    if caller.startswith("system:"):
        return not caller.startswith("system:serviceaccount:") or caller.startswith(
            "system:serviceaccount:kube-system:"
        )
    return account_of(caller).kind == "service_agent" or caller.endswith(_AGENTS)


_AGENTS = ("@cloudservices.gserviceaccount.com", "@system.gserviceaccount.com")


def _region(resource: _Resource | None) -> str:
    labels = (resource.labels if resource else None) or {}
    place = labels.get("location") or labels.get("region") or labels.get("zone") or ""
    return re.sub(r"^([a-z]+-[a-z]+\d+)-[a-z]$", r"\1", place)


def _tool(action: str, resource: str) -> str:
    tables = _tables()["tools"]
    if action.partition(":")[0] not in tables["services"]:
        return ""
    parts = resource.split("/")
    found = [after for name, after in pairwise(parts) if name in tables["behind"]]
    return found[-1] if found else ""


def _named(action: str, payload: _Payload, resource: _Resource | None) -> tuple[tuple[str, ...], str]:
    """The identities that a method changes and that it impersonates, if it names any."""
    patterns = _tables()["patterns"]
    account = _ACCOUNT.search(payload.resource)
    email = ((resource.labels if resource else None) or {}).get("email_id", "") or (account["id"] if account else "")
    members = payload.data.policy.deltas if payload.data and payload.data.policy else ()
    changed: Sequence[str] = [
        one.member.removeprefix("serviceAccount:")
        for one in members
        if one.member.startswith(("serviceAccount:", "principal"))
    ]
    if patterns["changes"].match(action):
        changed = [*changed, email or f"//{payload.service}/{payload.resource}"]
    elif account and action.endswith("SetIamPolicy"):
        changed = [*changed, email]
    target = email if patterns["become"].match(action) else ""
    return tuple(dict.fromkeys(changed)), target


class GcpAuditLog(LiveLog):
    """Reads files of log sinks and other files of entries, or requests entries from Cloud Logging."""

    spec: ClassVar[LogSpec] = SPEC
    layout: ClassVar[Layout] = _LAYOUT
    records: ClassVar[Records[GcpEntry]] = Records(GcpEntry, ("entries",))

    def counting(self, networks: Networks) -> GcpAuditCounting:
        """See ``FileLog``."""
        return GcpAuditCounting(networks)

    def live(self, source: Connector | None) -> LiveSource:
        """See ``LiveLog``."""
        from connectors.gcp.logs.live import asked

        return asked(source)
