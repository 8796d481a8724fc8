"""Everybody and everything that may notice is named, from what a scan and its logs say."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from scanner.access.attack_paths import Step, graph_of
from scanner.judging.activity.timeline import Covered, timeline
from scanner.lifecycle.retirement.dependents import References, calls
from scanner.model import Grant, Link, StoredSecret, Trust, Workload
from scanner.model.activity import Caller, CallerPast, DayCounts
from scanner.model.retirement import Dependent
from tests.factories import ACCOUNT, make_assessment, make_credential, make_exposure, make_identity, make_result

BOT = make_identity(
    "svc-billing",
    unique_id="AIDABILLING",
    credentials=(make_credential("svc-billing", "AKIABILLING0000000001"),),
    grants=(Grant(name="s3:PutObject", via="direct", resource="arn:aws:s3:::ledger"),),
    trusts=(
        Trust(principal="oidc", kind="federated", issuer="https://token.example", subject="repo:acme/x", evidence="t"),
    ),
)  # fmt: skip


def place(key: str, **facts: Any) -> dict[str, Any]:
    return {"key": key, "provider": "aws", "source": "prod", "scope": ACCOUNT, "name": key, **facts}


def secret(name: str, **facts: Any) -> StoredSecret:
    return StoredSecret(**place(f"secret:{name}", **facts) | {"name": name})


def found_by(*others: Any, consumers: tuple[str, ...] = (), **facts: Any) -> dict[tuple[str, str], Dependent]:
    judged = make_assessment(BOT, consumers=consumers)
    graph = graph_of([Step(source="arn:admin", target=BOT.key, relation="can_assume", evidence="iam:*")])
    result = make_result(judged, *map(make_assessment, others), **facts)
    return {(one.kind, one.what): one for one in References(result, graph).of(judged)}


def test_what_runs_as_it_is_bound_also_while_it_is_switched_off() -> None:
    job = Workload(
        **place("lambda:nightly", kind="function", attributes={"enabled": False, "schedule": "rate(7 days)"})
    )
    found = found_by(consumers=("lambda:nightly",), workloads=(job,))["workload", "lambda:nightly"]

    assert found.starts
    assert "schedule rate(7 days)" in found.evidence
    assert "may be switched on again" in found.evidence


def test_who_signs_in_as_it_and_becomes_it() -> None:
    link = Link(relation="federates", target="AIDABILLING", evidence="jobs.deploy")
    workflow = make_identity("deploy", key="github:acme/deploy", provider="github", kind="workflow", links=(link,))
    found = found_by(workflow)

    assert found["workflow", "github:acme/deploy"].starts
    assert not found["becomes", "arn:admin"].starts
    assert ("federated", "https://token.example: repo:acme/x") in found


def test_stored_copies_of_its_keys() -> None:
    """By a tag, the id of a key, a name within another's, and a leak; and who reads them."""
    secrets = (
        secret("tagged", tags={"identity": "svc-billing"}),
        secret("by-key", attributes={"key_id": "AKIABILLING0000000001"}),
        secret("SVC_BILLING_TOKEN"),
        secret("other", tags={"team": "billing"}),
    )
    reader = Workload(**place("ecs:shop", kind="task", uses=("secret:tagged",)))
    leak = make_exposure(BOT.credentials[0], identity=BOT.key)
    found = found_by(secrets=secrets, workloads=(reader,), exposures=(leak,))

    copies = {what for kind, what in found if kind == "stored_copy"}
    assert copies == {"secret:tagged", "secret:by-key", "secret:SVC_BILLING_TOKEN", "acme/shop prod.env:3"}
    assert "which holds a credential of it" in found["workload", "ecs:shop"].evidence


def test_what_only_it_can_do() -> None:
    other = make_identity("svc-other", grants=BOT.grants)

    assert ("only_it", "arn:aws:s3:::ledger") in found_by()
    assert ("only_it", "arn:aws:s3:::ledger") not in found_by(other)


def test_callers_and_hosts_with_the_last_call() -> None:
    """Also those that were refused, and none from before the window."""
    at = int(datetime(2026, 11, 20, 10, 30, tzinfo=UTC).timestamp())
    features = ("read=s3:GetObject", "client=boto3", "network=203.0.113.0/24", "assumed_by=ci", "client=old")
    day = DayCounts(first=at, last=at, hours=1, events=3, counts=((0, 2, 1), (1, 2, 1), (2, 2, 1), (3, 0, 1)))
    old = DayCounts(first=1, last=1, hours=1, events=1, counts=((4, 1),))
    caller = Caller(number=1, log="trail", scope=ACCOUNT, caller=BOT.key)
    ordinal = datetime(2026, 11, 20, tzinfo=UTC).toordinal()
    line = timeline(
        [CallerPast(caller=caller, features=features, days=((ordinal - 200, old), (ordinal, day)))], Covered()
    )
    judged = make_assessment(BOT)
    told = References(make_result(judged)).of(judged, calls(line, ordinal - 90), "trail")
    heard = {one.what: one for one in told if one.kind in ("caller", "host")}

    assert set(heard) == {"boto3", "203.0.113.0/24", "ci"}
    assert "the last at 2026-11-20 10:30" in heard["boto3"].evidence
    assert (heard["boto3"].uses, heard["ci"].uses) == (True, False)
