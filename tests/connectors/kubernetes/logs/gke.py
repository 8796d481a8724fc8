"""GKE's audit log in Cloud Logging: a project with a cluster, with entries as Google's discovery document has them."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.kubernetes.settings import KubernetesSettings
from scanner.demo.fakes.gcp.cloud import Cloud
from scanner.demo.fakes.gcp.consumers import add_cluster
from scanner.demo.fakes.gcp.logs import cluster_entry
from scanner.demo.fakes.gcp.server import rest_server
from tests.connectors.gcp.discovery import check_resource
from tests.connectors.kubernetes.conftest import Running
from tests.connectors.kubernetes.manifests import account
from tests.connectors.kubernetes.test_clouds import GKE, Google, Known, signing_in

PROJECT = "projects/shop"


class Gke:
    """A cluster with an empty log. ``uid``: its own. ``url``: where Google answers."""

    url = ""

    def __init__(self, sign_in: Google, clusters: Running) -> None:
        server = clusters.server(account("shop", "cart"), users=Known(lambda token: token in sign_in.given))
        spaces = server.cluster.of("namespaces")
        self.uid = next(one["metadata"]["uid"] for one in spaces if one["metadata"]["name"] == "kube-system")
        self.cloud = Cloud()
        self.cloud.add_project("shop", "1")
        self.cloud.rights |= {"logging.logEntries.list", "logging.privateLogEntries.list"}
        authority = base64.b64encode(clusters.tls.ca_file.read_bytes()).decode()
        endpoint, keys = server.url.removeprefix("https://"), {"clusterCaCertificate": authority}
        add_cluster(self.cloud, "shop", "web", endpoint=endpoint, masterAuth=keys, location="europe-west1")

    @property
    def settings(self) -> KubernetesSettings:
        """Of a source with the cluster."""
        return KubernetesSettings(cluster=GKE, endpoint_url=self.url)

    def keep_for(self, days: int) -> None:
        """The bucket keeps logs for so many days."""
        bucket = f"{PROJECT}/locations/global/buckets"
        self.cloud.add(bucket, {"name": f"{bucket}/_Default", "retentionDays": days})

    def act(self, at: str, user: str, method: str = "core.v1.pods.list", path: str = "core/v1/namespaces/apps/pods",
            *, kind: str = "data_access", cluster: str = GKE, **payload: Any) -> None:  # fmt: skip
        """Someone does something. ``payload``: more of the entry's."""
        facts = {
            "methodName": f"io.k8s.{method}",
            "resourceName": path,
            "authenticationInfo": {"principalEmail": user},
            "requestMetadata": {"callerIp": "203.0.113.7", "callerSuppliedUserAgent": "kubectl/v1.36.0 (linux/amd64)"},
            **payload,
        }
        row = cluster_entry(self.cloud, cluster, at, len(self.cloud.rows[f"{PROJECT}/logs"]), kind, **facts)
        check_resource("logging.v2", "LogEntry", row)


@pytest.fixture
def gke(clusters: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gke]:
    """A project with a cluster."""
    with signing_in(tmp_path, monkeypatch) as sign_in:
        made = Gke(sign_in, clusters)
        with rest_server(made.cloud) as url:
            made.url = url
            yield made
