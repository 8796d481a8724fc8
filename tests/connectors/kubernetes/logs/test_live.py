"""Audit logs of EKS and GKE, asked for live: what is particular to them; the contract of live logs has the rest."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import partial

import pytest

from connectors.core.contract import Meter
from connectors.kubernetes.connector import KubernetesConnector
from connectors.kubernetes.logs.audit import KubernetesAuditCounting, KubernetesAuditLog
from connectors.kubernetes.logs.cloud_logging import CloudLogging, question
from connectors.kubernetes.logs.live import asked
from connectors.kubernetes.settings import KubernetesSettings, cluster_named
from connectors.logs import LogSettings
from connectors.logs.live import LiveReader, Span
from connectors.logs.names import Networks
from scanner.errors import Denied, SourceError, UsageError
from scanner.model.activity import LogUnit, UnitReading
from tests.connectors.aws.conftest import moto
from tests.connectors.gcp.discovery import check_resource
from tests.connectors.kubernetes.conftest import Running, Scan
from tests.connectors.kubernetes.logs.eks import Logs
from tests.connectors.kubernetes.logs.gke import Gke, gke
from tests.connectors.kubernetes.logs.test_audit import LEDGER, event
from tests.connectors.kubernetes.manifests import Manifest, account, binding, group, role, rule
from tests.connectors.kubernetes.test_clouds import EKS, GKE
from tests.servers.moto_server import ENVIRONMENT, MotoServer

__all__ = ["gke", "moto"]

DAY = date(2026, 11, 20)
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def logs(moto: MotoServer, clusters: Running, monkeypatch: pytest.MonkeyPatch) -> Iterator[Logs]:
    """An account with a cluster."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    with Logs(moto, clusters) as server:
        yield server


def reader(logs: Logs | Gke) -> LiveReader:
    """Reads its log."""
    settings = KubernetesSettings(cluster=EKS, endpoint_url=logs.url) if isinstance(logs, Logs) else logs.settings
    source = KubernetesConnector("k8s", settings)
    return LiveReader(
        "live", asked(source), KubernetesAuditLog.records, partial(KubernetesAuditCounting, Networks(), "live")
    )


def read(logs: Logs | Gke) -> UnitReading:
    """What it says of one day."""
    live = reader(logs)
    (unit,) = (one for one in live.units(DAY, DAY, NOW) if isinstance(one, LogUnit))
    return live.read(unit, NOW)


def test_an_event_counts_on_the_day_of_its_request(logs: Logs) -> None:
    """Though it was logged on the next; what began on the day before is of that day. Other streams are left alone."""
    times = (
        ("2026-11-20T10:00:00Z", "2026-11-20T10:00:00Z"),
        ("2026-11-20T23:59:59Z", "2026-11-21T00:04:00Z"),
        ("2026-11-19T23:59:59Z", "2026-11-20T00:00:01Z"),
        ("2026-11-21T00:00:00Z", "2026-11-21T00:00:00Z"),
    )
    for requested, logged in times:
        logs.add(event(requestReceivedTimestamp=requested), logged)
    logs.add({"text": "time=…"}, "2026-11-20T11:00:00Z")
    logs.events[-1]["message"] = "I1120 11:00:00 started"

    found = read(logs)

    assert [(one.caller, one.unique_id, one.events) for one in found.callers] == [(LEDGER, "u-1", 2)]
    assert [one.status for one in found.coverage] == ["complete"]


@pytest.mark.parametrize("days", [None, 3650])
def test_a_log_group_may_keep_events_for_ever(logs: Logs, days: int | None) -> None:
    """Then no day is a gap."""
    logs.group = {"logGroupName": "/aws/eks/shop/cluster", **({} if days is None else {"retentionInDays": days})}

    assert [one.status for one in read(logs).coverage] == ["complete"]


def test_a_cluster_without_an_audit_log_is_a_gap(logs: Logs) -> None:
    """The message says what to switch on."""
    logs.group = None

    with pytest.raises(SourceError, match="no log group /aws/eks/shop/cluster") as refused:
        read(logs)
    assert "audit" in str(refused.value.hint)
    assert logs.asked == 0


def test_an_event_that_the_cloud_broke_costs_itself(logs: Logs) -> None:
    """Without another, the day is as good as unread."""
    logs.add(event(), "2026-11-20T10:00:00Z")
    logs.events[-1]["message"] = '{"kind": "Event", "auditID":'
    with pytest.raises(SourceError, match="cannot be read"):
        read(logs)

    logs.add(event(), "2026-11-20T10:00:00Z")
    found = read(logs)
    assert (found.events, found.left_out[0].records, found.coverage[0].status) == (1, 1, "partial")


@pytest.mark.parametrize("is_there", [True, False])
def test_only_clusters_of_a_cloud_have_one(*, is_there: bool) -> None:
    """Others are read from files."""
    source = KubernetesConnector("k8s", KubernetesSettings(url="https://127.0.0.1:1")) if is_there else None
    with pytest.raises(UsageError, match="name in its cloud"):
        KubernetesAuditLog(LogSettings(log="live"), source)


# --- GKE ---

AT = "2026-11-20T10:00:00Z"


@pytest.mark.parametrize(
    ("method", "path", "counted"),
    [
        ("core.v1.secrets.get", "core/v1/namespaces/apps/secrets/crown-jewels", "secret=secrets:get"),
        ("core.v1.pods.exec.create", "core/v1/namespaces/apps/pods/crown-jewels/exec", "become=pods/exec:create"),
        ("apps.v1.deployments.patch", "apps/v1/namespaces/apps/deployments/web", "write=deployments:patch"),
        ("io.argoproj.v1alpha1.applications.patch", "argoproj.io/v1alpha1/namespaces/a/applications/b",
         "write=applications.argoproj.io:patch"),
        ("authorization.rbac.v1.clusterrolebindings.create", "rbac.authorization.k8s.io/v1/clusterrolebindings/x",
         "write=clusterrolebindings:create"),
        ("core.v1.namespaces.finalize.update", "core/v1/namespaces/apps/finalize", "write=namespaces/finalize:update"),
        ("core.v1.nodes.proxy.get", "core/v1/nodes/n/proxy/logs", "become=nodes/proxy:get"),
        ("core.v1.pods.list", "", "read=pods:list"),
        ("get", "healthz", "read=api:get"),
    ],
)  # fmt: skip
def test_an_entry_is_an_event(gke: Gke, method: str, path: str, counted: str) -> None:
    """As RBAC has it; by the account's name. No name of an object is kept."""
    gke.act(AT, LEDGER, method, path)

    (profile,) = read(gke).callers

    assert profile.caller == LEDGER
    assert set(profile.counts) == {counted, "network=203.0.113.0/24", "client=kubectl"}
    assert "crown" not in repr(profile)


def test_only_the_cluster_itself_is_counted(gke: Gke) -> None:
    """Not another one of the project, its own API, nor the end of what began before; the cloud's callers apart."""
    robot = "service-1@container-engine-robot.iam.gserviceaccount.com"
    for user, code in ((LEDGER, 0), (LEDGER, 7), (LEDGER, 16), (LEDGER, 3), ("ada@example.com", 0)):
        gke.act(AT, user, status={"code": code})
    gke.act(AT, LEDGER, cluster=GKE.replace("/web", "/other"))
    gke.act(AT, LEDGER, cluster=GKE.replace("west1", "west4"))
    gke.act(AT, LEDGER, serviceName="container.googleapis.com")
    for user in (robot, "system:node:gke-web-1", "gke-metrics-agent"):
        gke.act(AT, user)
    for ends in ({"first": True}, {"last": True}):
        gke.act(AT, "bob@example.com", "core.v1.pods.exec.create")
        gke.cloud.rows["projects/shop/logs"][-1]["operation"] = {"id": "o", **ends}

    found = read(gke)

    profiles = {one.caller: (one.events, one.denied) for one in found.callers}
    assert profiles == {LEDGER: (4, 2), "ada@example.com": (1, 0), "bob@example.com": (1, 0)}
    assert (found.by_provider, [one.status for one in found.coverage]) == (3, ["complete"])


def test_who_is_bound_by_an_entry(gke: Gke) -> None:
    """The request is there; an account is changed by it."""
    subject = {"kind": "ServiceAccount", "namespace": "apps", "name": "ledger"}
    path = "rbac.authorization.k8s.io/v1/namespaces/apps/rolebindings/x"
    gke.act(AT, "ada@example.com", "authorization.rbac.v1.rolebindings.create", path, kind="activity",
            request={"@type": "rbac.authorization.k8s.io/v1.RoleBinding", "subjects": [subject]})  # fmt: skip

    (change,) = read(gke).changes

    assert (change.target, change.by, change.action) == (LEDGER, "ada@example.com", "rolebindings:create")


@pytest.mark.parametrize("events", [0, 1])
def test_a_day_without_reads_is_a_gap(gke: Gke, events: int) -> None:
    """Data Access logs are off by default; what was written counts all the same."""
    for _ in range(events):
        gke.act(AT, LEDGER, "core.v1.pods.create", "core/v1/namespaces/apps/pods", kind="activity")

    found = read(gke)

    (day,) = found.coverage
    assert (found.events, day.status) == (events, "partial")
    assert "Data Access" in str(day.detail)


def test_without_private_logs_no_day_is_read(gke: Gke) -> None:
    """Google would leave them out without a word."""
    gke.cloud.rights -= {"logging.privateLogEntries.list"}
    with pytest.raises(Denied) as denied:
        read(gke)

    assert denied.value.permission == "logging.privateLogEntries.list"
    assert "POST /v2/entries:list" not in gke.cloud.log


def test_a_bucket_that_may_not_be_seen_keeps_logs_as_usual(gke: Gke) -> None:
    """Thirty days."""
    gke.cloud.faults.deny(part="/buckets/")
    gke.act(AT, LEDGER)
    live = reader(gke)
    (unit,) = (one for one in live.units(DAY, DAY, NOW) if isinstance(one, LogUnit))

    assert [one.status for one in live.read(unit, NOW).coverage] == ["complete"]
    (gap,) = live.read(unit, NOW + timedelta(days=29)).coverage
    assert (gap.status, gap.detail) == ("failed", "the log of its cloud keeps 30 days")


@pytest.mark.parametrize("name", [GKE, f"//container.googleapis.com/{GKE}", GKE.replace("locations", "zones")])
def test_the_question_is_one_that_google_takes(name: str) -> None:
    """However the cluster is named."""
    since = datetime(2026, 11, 20, tzinfo=UTC)
    asked_ = question(cluster_named(name), Span(since, since + timedelta(days=1)))

    check_resource("logging.v2", "ListLogEntriesRequest", asked_)
    assert 'cluster_name="web" AND resource.labels.location="europe-west1"' in asked_["filter"]


def test_a_project_by_its_number_has_no_log(gke: Gke) -> None:
    """A filter by it might find nothing, which is no evidence."""
    log = CloudLogging(gke.settings, Meter())
    with pytest.raises(SourceError, match="id of its project"):
        log.days_kept(cluster_named(GKE.replace("shop", "123456789012")))
    assert gke.cloud.log == []


# --- What of its rights an account uses ---


@pytest.mark.parametrize(
    ("rules", "granted"),
    [
        ([rule("get", "", "pods pods/exec"), rule("create", "apps", "deployments")],
         ["deployments", "pods", "pods/exec"]),
        ([rule("patch", "argoproj.io", "applications")], ["applications.argoproj.io"]),
        ([{"verbs": ["get"], "apiGroups": ["", "apps"], "resources": ["pods"]}], ["pods"]),
        ([{"verbs": ["get"], "apiGroups": ["", "argoproj.io"], "resources": ["pods"]}], None),
        ([rule("get", "", "pods"), rule("*", "*", "*")], None),
        ([rule("get", "", "*/scale")], None),
        ([rule("create", "authorization.k8s.io", "selfsubjectaccessreviews")], None),
        ([], None),
    ],
)  # fmt: skip
def test_granted_resources_are_called_as_the_log_calls_them(
    scan: Scan, rules: list[Manifest], granted: list[str] | None
) -> None:
    """None where a wildcard leaves open which; what every account has is not counted."""
    everyone = role("system:basic-user", rule("create", "authorization.k8s.io", "selfsubjectrulesreviews"))
    usual = binding("system:basic-user", "ClusterRole/system:basic-user", group("system:authenticated"))
    usual["metadata"]["labels"] = {"kubernetes.io/bootstrapping": "rbac-defaults"}
    bound = binding("app", "ClusterRole/app", ("shop", "web"))
    found = scan(account("shop", "web"), role("app", *rules), bound, everyone, usual).accounts["shop/web"]

    assert found.attributes.get("granted_services") == granted
