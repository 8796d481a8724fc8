"""Scans of an AWS account from the command line, with the provider failing: gaps, exit codes, and nothing ever gone."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from tests.cli.conftest import Done, Muster, muster
from tests.connectors.aws.conftest import account, moto, running_proxy
from tests.connectors.aws.estate import Estate
from tests.processes import run_muster
from tests.servers.fault_proxy import Fault, FaultKind

__all__ = ["account", "moto", "muster", "running_proxy"]
pytestmark = pytest.mark.real_server

DETAILS = "iam:GetAccountAuthorizationDetails"
TRUST = '{"Version": "2012-10-17", "Statement": []}'


REGISTRY = "id,arn\nA,svc-00\nB,svc-11\nC,arn:aws:iam::123456789012:user/never-was\n"


@pytest.fixture
def estate(account: Estate, tmp_path: Path) -> Estate:  # the imported fixture
    """Twelve users with a key, and a registry that knows two of them and one that is gone."""
    account.hold(_first_night)
    (tmp_path / "registry.csv").write_text(REGISTRY)
    return account


@pytest.fixture
def before(estate: Estate, tmp_path: Path) -> dict[str, Any]:
    """What the first night read, and its store in the folder."""
    store, result = estate.hold(_first_night)
    (tmp_path / "muster.db").write_bytes(store)
    return result


def _first_night(account: Estate) -> tuple[bytes, dict[str, Any]]:
    """The users, and the store and the result of a scan of them: the same for every test."""
    for number in range(12):
        account.iam.create_user(UserName=f"svc-{number:02}")
        account.iam.create_access_key(UserName=f"svc-{number:02}")
    with TemporaryDirectory() as folder:
        Path(folder, "registry.csv").write_text(REGISTRY)
        result = json.loads(run_muster(Path(folder), *_command(account)))
        return Path(folder, "muster.db").read_bytes(), result


def _scan(run: Muster, account: Estate, *options: str) -> tuple[Done, dict[str, Any]]:
    done = run(*_command(account), *options)
    return done, json.loads(done.out) if done.out else {}


def _command(account: Estate) -> tuple[str, ...]:
    source = f"aws:endpoint_url={account.proxy.url},regions=eu-west-1,resources=secretsmanager,max_attempts=1"
    return "scan", source, "--registry", "registry.csv", "--quiet", "-o", "json:-"


def _users(result: dict[str, Any]) -> set[str]:
    return {one["name"] for one in result["identities"] if one["kind"] == "user"}


@pytest.mark.parametrize("kind", ["denied", "throttled", "error", "close", "malformed"])
@pytest.mark.parametrize(
    "operation",
    [
        DETAILS,
        "iam:GenerateCredentialReport",
        "iam:GetCredentialReport",
        "iam:ListAccessKeys",
        "iam:GetAccountSummary",
        "secretsmanager:ListSecrets",
    ],
)
def test_one_failing_call_is_a_gap_and_nothing_is_gone(
    muster: Muster,  # the imported fixture
    estate: Estate,
    before: dict[str, Any],
    operation: str,
    kind: FaultKind,
) -> None:
    """The second night one call fails: exit 3 under --strict, a gap that names it, and every identity still there."""
    estate.proxy.fail(operation, Fault(kind))

    done, after = _scan(muster, estate, "--strict")

    assert (done.code, "Traceback" in done.err) == (3, False)
    assert after["summary"]["gaps"] > 0
    assert _users(after) == _users(before)
    assert len([one for one in after["identities"] if one["credentials"]]) >= 12
    assert not [finding for finding in after["findings"] if finding["new"]]


@pytest.mark.usefixtures("before")
def test_half_a_listing_is_half_read_and_the_rest_stands(
    muster: Muster,  # the imported fixture
    estate: Estate,
) -> None:
    """A page in the middle fails: what came is fresh, the rest is shown as last seen, and no entry is called lost."""
    estate.proxy.page_size = 5
    estate.proxy.fail(DETAILS, Fault("denied", from_page=2))

    done, after = _scan(muster, estate, "--strict")

    fresh = {one["name"] for one in after["identities"] if one["rechecked"] and one["kind"] == "user"}
    assert done.code == 3
    assert len(_users(after)) == 12
    assert len(fresh) == 5
    assert {entry["id"]: entry["state"] for entry in after["registry"]} == {
        "A": "found",
        "B": "found",
        "C": "not_found",
    }


def test_on_a_first_scan_a_gap_leaves_entries_open(
    muster: Muster,  # the imported fixture
    estate: Estate,
) -> None:
    """What was never seen under a gap is not evaluated, and what is unmatched there is provisional."""
    estate.proxy.page_size = 5
    estate.proxy.fail(DETAILS, Fault("throttled", from_page=2))

    _, result = _scan(muster, estate)

    states = {entry["id"]: entry["state"] for entry in result["registry"]}
    unregistered = [one["registry"] for one in result["identities"] if one["registry"]["state"] == "unregistered"]
    assert states == {"A": "found", "B": "not_evaluated", "C": "not_evaluated"}
    assert unregistered
    assert {verdict["provisional"] for verdict in unregistered} == {True}


@pytest.mark.usefixtures("before")
def test_what_was_deleted_is_gone_once_all_was_read(
    muster: Muster,  # the imported fixture
    estate: Estate,
) -> None:
    """Where nothing failed, absence is a fact: the identity leaves and its entry is not found."""
    (key,) = estate.iam.list_access_keys(UserName="svc-00")["AccessKeyMetadata"]
    estate.iam.delete_access_key(UserName="svc-00", AccessKeyId=key["AccessKeyId"])
    estate.iam.delete_user(UserName="svc-00")

    _, after = _scan(muster, estate)

    assert "svc-00" not in _users(after)
    assert {entry["id"]: entry["state"] for entry in after["registry"]}["A"] == "not_found"


def test_an_account_that_cannot_be_reached_at_all_is_exit_4(
    muster: Muster,  # the imported fixture
    estate: Estate,
) -> None:
    """Nothing is stored, and the reason stands in the message."""
    estate.proxy.fail("sts:GetCallerIdentity", Fault("expired"))

    done, _ = _scan(muster, estate)

    assert done.code == 4
    assert "expired" in done.err
