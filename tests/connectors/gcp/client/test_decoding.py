"""JSON as records: a null is as good as nothing, and whatever else is wrong stays wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from connectors.gcp.client.errors import decoded, read_refusal
from connectors.gcp.client.payloads import ApiKey, Asset, ServiceAccount
from connectors.gcp.identities.accounts import ServiceAccountKey
from connectors.gcp.workloads.secrets import Secret
from scanner.demo.fakes.gcp.cloud import Cloud
from tests.connectors.gcp.conftest import Place, small_company
from tests.connectors.gcp.estate import PROD, coverage_in, identities_in, without_bulk

SECRET = "projects/1/secrets/s"
ROWS: tuple[tuple[type[Any], dict[str, Any], dict[str, Any]], ...] = (
    (Secret, {"name": SECRET, "labels": None, "createTime": None, "replication": None}, {"name": SECRET}),
    (
        Secret,
        {"name": SECRET, "replication": {"userManaged": {"replicas": None}}},
        {"name": SECRET, "replication": {"userManaged": {}}},
    ),
    (ServiceAccount, {"email": "a@b", "uniqueId": "1", "disabled": None}, {"email": "a@b", "uniqueId": "1"}),
    (ServiceAccountKey, {"name": "k", "disabled": None, "extendedStatus": None, "keyType": None}, {"name": "k"}),
    (ApiKey, {"name": "k", "restrictions": None, "displayName": None}, {"name": "k"}),
    (Asset, {"name": "//x", "assetType": "y", "resource": None}, {"name": "//x", "assetType": "y"}),
)


@pytest.mark.parametrize(("kind", "nulls", "without"), ROWS)
def test_a_null_counts_as_left_out(kind: type[Any], nulls: dict[str, Any], without: dict[str, Any]) -> None:
    """As in the JSON of protocol buffers."""
    row, expected = (decoded(msgspec.json.encode(one), kind) for one in (nulls, without))

    assert msgspec.json.encode(row) == msgspec.json.encode(expected)


@pytest.mark.parametrize(
    "content", [b'{"email": null, "uniqueId": "1"}', b'{"email": "a", "uniqueId": 7, "x": null}', b"null", b"[null]"]
)
def test_what_is_needed_is_missed_all_the_same(content: bytes) -> None:
    """And another shape is another shape."""
    with pytest.raises(msgspec.ValidationError):
        decoded(content, ServiceAccount)


def test_a_refusal_may_have_nulls() -> None:
    """It is Google's all the same."""
    assert (
        read_refusal(403, b'{"error": {"code": 403, "message": "no", "errors": null, "details": null}}').status == 403
    )


@pytest.mark.parametrize("bulk", [True, False])
def test_nulls_cost_no_account(start: Callable[[Cloud], Place], bulk: bool) -> None:
    """Of anyone who answers in place of Google and writes them out."""
    cloud = small_company()
    (account,) = cloud.rows[f"projects/{PROD}/serviceAccounts"]
    account |= {"disabled": None, "description": None}
    place = start(cloud)

    records = (place if bulk else without_bulk(place)).scan(grpc_endpoint=None)

    assert len(identities_in(records)) == 2
    assert [one for one in coverage_in(records).values() if one.is_gap] == []
