"""The demo's cluster, read as any other: no gap, objects as Kubernetes publishes them, and all that it hides."""

from __future__ import annotations

from collections.abc import Iterator

import kubernetes_validate
import pytest

from connectors.core.contract import DiscoveredRecord
from connectors.kubernetes.connector import KubernetesConnector
from connectors.kubernetes.settings import KubernetesSettings
from connectors.testing import read
from scanner.demo.estate import load_estate
from scanner.demo.kubernetes_cluster import cluster_server, planted
from scanner.model import Assignment, Coverage, Identity

TOKEN = "token-of-the-demo"


@pytest.fixture
def records(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[DiscoveredRecord]]:
    """What the connector reads."""
    monkeypatch.setenv("KUBERNETES_TOKEN", TOKEN)
    estate = load_estate()
    with cluster_server(estate["kubernetes"], estate["account"], TOKEN) as url:
        yield read(KubernetesConnector("cluster", KubernetesSettings(url=url)))


def test_it_is_read_without_a_gap(records: list[DiscoveredRecord]) -> None:
    """With the rights that ``--policy`` prints, and no others."""
    assert [one for one in records if isinstance(one, Coverage) and one.is_gap] == []
    assert {one.kind for one in records if isinstance(one, Identity)} == {"service_account", "argocd_role"}
    assert [one.holder_name for one in records if isinstance(one, Assignment)] == ["data/nightly-import"]


def test_its_objects_are_what_kubernetes_publishes() -> None:
    """Strictly, but for those of Argo CD, which Kubernetes does not publish."""
    estate = load_estate()
    cluster = planted(estate["kubernetes"], estate["account"])
    objects = [one for some in cluster.objects.values() for one in some if "argoproj" not in one["apiVersion"]]

    assert len(objects) > 30
    for one in objects:
        kubernetes_validate.validate(one, "1.36.0", strict=True)
