"""EKS's audit log, asked for live: what is particular to it; the contract of live logs has the rest."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from functools import partial

import pytest

from connectors.kubernetes.connector import KubernetesConnector
from connectors.kubernetes.live import asked
from connectors.kubernetes.settings import KubernetesSettings
from connectors.logs import LogSettings
from connectors.logs.kubernetes import KubernetesAuditLog, Reading
from connectors.logs.live import LiveReader
from connectors.logs.names import Networks
from scanner.errors import SourceError, UsageError
from scanner.model.activity import LogUnit, UnitReading
from tests.connectors.aws.conftest import moto
from tests.connectors.kubernetes.conftest import Running, Scan
from tests.connectors.kubernetes.logs import Logs
from tests.connectors.kubernetes.manifests import Manifest, account, binding, group, role, rule
from tests.connectors.kubernetes.test_clouds import EKS
from tests.connectors.logs.test_kubernetes import LEDGER, event
from tests.servers.moto_server import ENVIRONMENT, MotoServer

__all__ = ["moto"]

DAY = date(2026, 11, 20)
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def logs(moto: MotoServer, clusters: Running, monkeypatch: pytest.MonkeyPatch) -> Iterator[Logs]:
    """An account with a cluster."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    with Logs(moto, clusters) as server:
        yield server


def reader(logs: Logs) -> LiveReader:
    """Reads its log."""
    source = KubernetesConnector("k8s", KubernetesSettings(cluster=EKS, endpoint_url=logs.url))
    return LiveReader("live", asked(source), KubernetesAuditLog.records, partial(Reading, Networks(), "live"))


def read(logs: Logs) -> UnitReading:
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


def test_what_the_cloud_says_wrong_is_no_day(logs: Logs) -> None:
    """A broken event is; an answer that is none, too."""
    logs.add(event(), "2026-11-20T10:00:00Z")
    logs.events[-1]["message"] = '{"kind": "Event", "auditID":'
    with pytest.raises(SourceError, match="cannot be read"):
        read(logs)


@pytest.mark.parametrize("is_there", [True, False])
def test_only_clusters_of_a_cloud_have_one(*, is_there: bool) -> None:
    """Others are read from files."""
    source = KubernetesConnector("k8s", KubernetesSettings(url="https://127.0.0.1:1")) if is_there else None
    with pytest.raises(UsageError, match="ARN"):
        KubernetesAuditLog(LogSettings(log="live"), source)


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
    everybody = role("system:basic-user", rule("create", "authorization.k8s.io", "selfsubjectrulesreviews"))
    usual = binding("system:basic-user", "ClusterRole/system:basic-user", group("system:authenticated"))
    usual["metadata"]["labels"] = {"kubernetes.io/bootstrapping": "rbac-defaults"}
    bound = binding("app", "ClusterRole/app", ("shop", "web"))
    found = scan(account("shop", "web"), role("app", *rules), bound, everybody, usual).accounts["shop/web"]

    assert found.attributes.get("granted_services") == granted
