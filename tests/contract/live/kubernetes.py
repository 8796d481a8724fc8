"""Audit logs of clusters of EKS and GKE."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from connectors import testing as hub
from connectors.kubernetes.connector import KubernetesConnector
from connectors.kubernetes.logs import audit as kubernetes_audit
from connectors.kubernetes.logs.audit import KubernetesAuditLog
from connectors.kubernetes.logs.live import asked as cluster_logs
from connectors.kubernetes.settings import KubernetesSettings
from connectors.logs.live import LiveReader
from connectors.logs.names import Networks
from scanner.demo.fakes.gcp.faults import Refused
from tests.connectors.kubernetes.conftest import Running
from tests.connectors.kubernetes.logs.eks import Logs
from tests.connectors.kubernetes.logs.gke import Gke
from tests.connectors.kubernetes.logs.test_audit import event as audit_event
from tests.connectors.kubernetes.test_clouds import EKS
from tests.contract.live.base import Live
from tests.servers.moto_server import ENVIRONMENT, MotoServer


class Cluster(Live):
    """The audit log of a cluster of EKS."""

    caller = "system:serviceaccount:apps:ledger"
    permission, kept, page = "logs:FilterLogEvents", 90, 100

    def __init__(self, logs: Logs) -> None:
        self.logs = logs
        spaces = logs.cluster.cluster.of("namespaces")
        self.scope = next(one["metadata"]["uid"] for one in spaces if one["metadata"]["name"] == "kube-system")

    def reader(self) -> LiveReader:
        settings = KubernetesSettings(cluster=EKS, endpoint_url=self.logs.url)
        source = cluster_logs(KubernetesConnector("k8s", settings))
        records = KubernetesAuditLog.records
        return LiveReader(
            "live", source, records, partial(kubernetes_audit.KubernetesAuditCounting, Networks(), "live")
        )

    def act(self, at: str, **facts: Any) -> None:
        self.logs.add(audit_event(user=self.caller, requestReceivedTimestamp=at, **facts), at)

    def asked(self) -> int:
        return self.logs.asked

    def refuse(self, status: int, *, times: int, retry_after: str | None = None) -> None:
        name = "AccessDeniedException" if status == 403 else "ThrottlingException"
        headers = {} if retry_after is None else {"Retry-After": retry_after}
        self.logs.replies = [hub.Reply(status=400, body={"__type": name}, headers=headers)] * times

    def go_in_circles(self) -> None:
        self.logs.circles = True


class GoogleCluster(Live):
    """The audit log of a cluster of GKE, with requests that read."""

    caller = "system:serviceaccount:apps:ledger"
    permission, kept = "logging.logEntries.list", 100

    def __init__(self, gke: Gke) -> None:
        self.gke, self.scope = gke, gke.uid
        gke.keep_for(self.kept)

    def reader(self) -> LiveReader:
        source = cluster_logs(KubernetesConnector("k8s", self.gke.settings))
        records = KubernetesAuditLog.records
        return LiveReader(
            "live", source, records, partial(kubernetes_audit.KubernetesAuditCounting, Networks(), "live")
        )

    def act(self, at: str, **facts: Any) -> None:
        self.gke.act(at, self.caller, **facts)

    def asked(self) -> int:
        return self.gke.cloud.log.count("POST /v2/entries:list")

    def refuse(self, status: int, *, times: int, retry_after: str | None = None) -> None:
        headers = {} if retry_after is None else {"Retry-After": retry_after}
        refused = Refused(status, "no", headers=headers)
        self.gke.cloud.faults.refuse(refused, api="logging", place="projects/shop/logs", times=times)

    def go_in_circles(self) -> None:
        self.gke.cloud.faults.endless_pages = True


@pytest.fixture
def logs(moto: MotoServer, clusters: Running, monkeypatch: pytest.MonkeyPatch) -> Iterator[Logs]:
    """An account with a cluster whose audit log is empty."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    with Logs(moto, clusters) as server:
        yield server
