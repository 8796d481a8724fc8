"""The demo's Google Cloud, read as any other: no gap, and all that it hides is there to be found."""

from __future__ import annotations

from collections.abc import Callable

from scanner.demo.estate import load_estate
from scanner.demo.fakes.gcp.cloud import Cloud
from scanner.demo.gcp_cloud import planted
from scanner.model import Assignment, Coverage, Identity, StoredSecret
from tests.connectors.gcp.conftest import Place


def test_it_is_read_without_a_gap(start: Callable[[Cloud], Place]) -> None:
    """Every answer of the stand-in is one that the connector understands."""
    records = start(planted(load_estate()["gcp"])).scan(resources="all")

    assert [one for one in records if isinstance(one, Coverage) and one.is_gap] == []
    kinds = {one.kind for one in records if isinstance(one, Identity)}
    assert kinds == {"service_account", "service_agent", "workload_identity", "api_key", "agent_engine"}
    assert [one.holder for one in records if isinstance(one, Assignment) and one.gone] == ["108134500217760034512"]
    assert {one.name for one in records if isinstance(one, StoredSecret)} == {
        "carrier-gateway-token",
        "model-provider-key",
    }


def test_what_it_hides_is_reported(start: Callable[[Cloud], Place]) -> None:
    """A key in the open, a key without an end, a pool for everyone, an account of another cloud's role."""
    records = start(planted(load_estate()["gcp"])).scan()
    found = {one.name: one for one in records if isinstance(one, Identity)}

    assert "github.com/tidewater" in found["svc-parcel-photos"].credentials[0].attributes["exposed"]
    assert found["svc-order-router"].credentials[0].never_expires
    assert [one.restriction for one in found["ci-deploy-gcp"].trusts] == ["none"]
    assert [(one.issuer, one.restriction) for one in found["aws-warehouse-mirror"].trusts] == [
        ("aws:471208833519", "exact")
    ]
    assert [one.target for one in found["aws-warehouse-mirror"].links if one.relation == "federates"] == [
        "arn:aws:sts::471208833519:assumed-role/warehouse-admin/*"
    ]
    assert found["481516234201-compute"].attributes["default_account"] is True
