"""Kubernetes' audit log: plain lines, lists of events, and lines in a cloud's envelope.

Source: the reference of audit.k8s.io/v1 and the page "Audit annotations". No names of objects are kept, except those of
service accounts that were changed or impersonated, or got a token.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, ClassVar, NamedTuple

import msgspec

from connectors.core.contract import Connector
from connectors.core.offline import Unreadable
from connectors.kubernetes.actions import action_of
from connectors.kubernetes.logs.events import NOTHING, AuditEvent, KubernetesLine, Object, User, events_of
from connectors.logs import LogSpec
from connectors.logs.content import Records
from connectors.logs.events import Event, EventCounting, LogAct
from connectors.logs.folders import Layout
from connectors.logs.live import LiveLog, LiveSource
from connectors.logs.names import Networks, plain
from connectors.logs.tally import DENIED, DONE, FAILED
from scanner.model.activity import PERSON, FeatureSort

SPEC = LogSpec(
    name="kubernetes_audit",
    title="Kubernetes audit log",
    provider="kubernetes",
    permissions=(
        "logs:FilterLogEvents",
        "logs:DescribeLogGroups",
        "logging.logEntries.list",
        "logging.privateLogEntries.list",
        "logging.buckets.get",
    ),
    is_live=True,
    unlogged=("events:*", "nodes/proxy:*", "nodes/metrics:*", "nodes/stats:*", "nodes/log:*", "nodes/healthz:*"),
    blind_spots=(
        "What the audit policy leaves out; in GKE, all reads while Data Access logs are off, and who is impersonated.",
        "What pods do outside of the API server: the kubelet, other pods, clouds.",
        "Who is bound by a binding, and which workload got which account, below the level Request.",
        "Which cluster a plain file is of: each needs a log of its own.",
    ),
)
_LAYOUT = Layout(
    dated=(
        re.compile(
            r"(?i)/managedclusters/[^/]+/y=(?P<year>\d{4})/m=(?P<month>\d\d)/d=(?P<day>\d\d)/h=\d\d/m=\d\d/[^/]+$"
        ),
    ),
    appended=True,
    left_out=re.compile(r"(?i)(?:^|/)insights-(?:metrics-|logs-(?!kube-audit))"),
)
"""AKS writes dated files to a storage account; other files are those that the API server appends to."""

_BINDINGS = frozenset({"rolebindings", "clusterrolebindings"})
_WORKLOADS = frozenset({"deployments", "statefulsets", "daemonsets", "replicasets", "jobs", "cronjobs", "pods"})
_ACCOUNT = "system:serviceaccount:"
_GKE = "@container-engine-robot.iam.gserviceaccount.com"
_CLOUDS = ("eks:", "aksService", "aksProblemDetector", "nodeclient", "hcpService", "gke-", "masterclient")
"""Users of clouds that operate a control plane."""
_OTHERS = frozenset({"system:anonymous", "system:unauthenticated", "system:admin"})
_UNAUTHENTICATED, _FORBIDDEN, _ERRORS = 401, 403, 400


class _KubernetesAuditRaw(NamedTuple):
    user: str
    uid: str
    impersonated: str
    action: str
    sort: FeatureSort
    address: str
    user_agent: str
    outcome: int
    credential: str
    target: str
    changed: tuple[str, ...]


class KubernetesAuditCounting(EventCounting[AuditEvent]):
    """Counts the events of one unit. ``scope``: the name of the cluster."""

    covers_everything = True

    def __init__(self, networks: Networks, scope: str) -> None:
        super().__init__(networks)
        self._scope = plain(scope, 64)

    def unwrapped(self, record: KubernetesLine) -> Iterable[AuditEvent]:
        """See ``EventCounting``."""
        found = list(events_of(record, is_asked=bool(self.only_scope)))
        if not found and record.items is None:
            self.left_out[self.only_scope, "of other logs of the control plane"] += 1
        return found

    def event(self, record: AuditEvent) -> Event | str | None:
        """See ``EventCounting``. One stage of each request counts; ``RequestReceived`` comes before any outcome."""
        if not record.id and not record.verb:
            raise Unreadable("one of its records is not an audit event")
        if record.stage == "RequestReceived":
            return "at the stage RequestReceived"
        if record.user is None:
            return "without a user"
        user, what = record.user, record.object or NOTHING
        is_account = user.name.startswith(_ACCOUNT)
        action, sort = action_of(what.resource, what.subresource, what.group, record.verb)
        raw = _KubernetesAuditRaw(
            user.name,
            user.uid if is_account else "",
            record.impersonated.name if record.impersonated else "",
            action,
            sort,
            record.addresses[0] if record.addresses else "",
            record.user_agent[:400],
            _outcome(record),
            _credential(record, user),
            f"{_ACCOUNT}{what.namespace}:{what.name}" if action == "serviceaccounts/token:create" else "",
            tuple(_changed(record, what)) if sort == "write" else (),
        )
        return Event(record.time, record.id, raw)

    def act(self, raw: Any) -> LogAct:
        """See ``EventCounting``."""
        what: _KubernetesAuditRaw = raw
        if is_of_cluster(what.user, what.user_agent):
            return LogAct(self._scope, by_provider=True)
        features = self.features(
            what.sort, what.action, address=what.address, user_agent=what.user_agent, credential=what.credential
        )
        if what.impersonated:
            features = (*features, "become=users:impersonate")
            if not what.impersonated.startswith("system:"):
                features = (*features, plain(f"on_behalf_of={PERSON}{what.impersonated}"))
        target = what.impersonated or what.target
        return LogAct(
            self._scope,
            plain(what.user) or "unknown",
            features,
            plain(what.uid, 64),
            what.outcome,
            tuple(map(plain, what.changed)),
            (plain(target), "") if target else None,
        )


@lru_cache(maxsize=20_000)
def is_of_cluster(user: str, user_agent: str) -> bool:
    """Whether the caller is the cluster itself: its components, nodes or controllers, or the cloud that operates it."""
    if user.startswith(_ACCOUNT):
        return user.startswith(f"{_ACCOUNT}kube-system:") and user_agent.startswith("kube-controller-manager/")
    return user not in _OTHERS and (user.startswith(("system:", *_CLOUDS)) or user.endswith(_GKE))


def _outcome(event: AuditEvent) -> int:
    code = event.status.code if event.status else 0
    decision = (event.annotations or {}).get("authorization.k8s.io/decision")
    if decision == "forbid" or code in (_UNAUTHENTICATED, _FORBIDDEN):
        return DENIED
    return FAILED if code >= _ERRORS or event.stage == "Panic" else DONE


def _credential(event: AuditEvent, user: User) -> str:
    """The secret's name for a token, the hash for a certificate; none for tokens of pods, which are renewed hourly."""
    legacy = (event.annotations or {}).get("authentication.k8s.io/legacy-token", "")
    ids = (user.extra or {}).get("authentication.kubernetes.io/credential-id", ())
    return legacy or next((one for one in ids if one.startswith("X509SHA256=")), "")


def _changed(event: AuditEvent, what: Object) -> Iterator[str]:
    """The service accounts that a write changes, binds or runs a workload as, if the event includes its request."""
    if what.resource == "serviceaccounts":
        yield f"{_ACCOUNT}{what.namespace}:{what.name}"
    elif what.resource in _BINDINGS or what.resource in _WORKLOADS:
        try:
            request = msgspec.json.decode(event.request)
        except (msgspec.MsgspecError, RecursionError, UnicodeError):
            return
        if what.resource in _BINDINGS:
            for subject in _inside(request, "subjects", list) or []:
                if _inside(subject, "kind", str) == "ServiceAccount":
                    namespace = _inside(subject, "namespace", str) or what.namespace
                    yield f"{_ACCOUNT}{namespace}:{_inside(subject, 'name', str) or ''}"
            return
        spec = _inside(request, "spec", dict)
        for name in ("jobTemplate", "spec", "template", "spec"):
            spec = _inside(spec, name, dict) or spec
        account = _inside(spec, "serviceAccountName", str)
        if account:
            yield f"{_ACCOUNT}{what.namespace}:{account}"


def _inside(holder: Any, name: str, kind: type) -> Any:
    held = holder.get(name) if isinstance(holder, dict) else None
    return held if isinstance(held, kind) else None


class KubernetesAuditLog(LiveLog):
    """Reads files of one cluster, or the logs that the clouds of a source's clusters keep."""

    spec: ClassVar[LogSpec] = SPEC
    layout: ClassVar[Layout] = _LAYOUT
    records: ClassVar[Records[KubernetesLine]] = Records(KubernetesLine, ("items", "records", "events"))

    def counting(self, networks: Networks) -> KubernetesAuditCounting:
        """See ``FileLog``."""
        return KubernetesAuditCounting(networks, self.settings.log)

    def live(self, source: Connector | None) -> LiveSource:
        """See ``LiveLog``."""
        from connectors.kubernetes.logs.live import asked

        return asked(source)
