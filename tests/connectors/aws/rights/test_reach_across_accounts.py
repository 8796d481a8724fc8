"""Paths from one account into another: each account is judged for itself, and the scan puts both sides together."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.aws.client.iam_calls import AwsListing
from connectors.aws.client.payloads import AwsAccount, RoleDetail
from connectors.aws.identities.users import role_identity
from connectors.aws.rights.account_rights import rights_in
from connectors.aws.spec import ROLES
from scanner.discovery.inventory import ScopeReading, join
from scanner.judging.last_known.remembered import Remembered
from scanner.judging.pipeline import Declared, judge
from scanner.model import Assessment, ScanInfo, Way
from tests.connectors.aws.rights.policies import IF, allow, deny

HERE, THERE = "111111111111", "222222222222"
CALLER, BOSS = f"arn:aws:iam::{HERE}:role/caller", f"arn:aws:iam::{THERE}:role/boss"
LAMBDA = {"Service": "lambda.amazonaws.com"}
HERE_ROOT = {"AWS": f"arn:aws:iam::{HERE}:root"}


def role(arn: str, principal: Any, *statements: dict[str, Any]) -> dict[str, Any]:
    """A role as the API lists it."""
    letting = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    inline = {"PolicyName": "own", "PolicyDocument": {"Statement": list(statements)}}
    return {
        "Arn": arn,
        "RoleName": arn.rpartition("/")[2],
        "AssumeRolePolicyDocument": {"Statement": [letting]},
        "RolePolicyList": [inline],
    }


def scan(*roles: dict[str, Any]) -> dict[str, Assessment]:
    """What a scan of both accounts says of each role, by name."""
    readings = []
    for account in (HERE, THERE):
        listing = AwsListing()
        listing.add(ROLES, [row for row in roles if f"::{account}:" in row["Arn"]], RoleDetail)
        rights = rights_in(listing, account, ())
        place = AwsAccount(source="prod", account=account)
        found = tuple(
            role_identity(one, rights.trusts[one.arn], rights.permissions[one.arn], rights.links[one.arn], place)
            for one in listing.roles
        )
        readings.append(ScopeReading(source="prod", scope=account, identities=found))
    now = datetime(2026, 11, 25, tzinfo=UTC)
    info = ScanInfo(id="s", started_at=now, finished_at=now, version="1")
    result = judge(join(readings, {"prod": 0}), Declared(), Remembered(), info)
    return {one.identity.name: one for one in result.identities}


@pytest.mark.parametrize(
    ("allowed", "trusted", "level"),
    [
        ([allow("sts:AssumeRole", BOSS)], HERE_ROOT, "escalation"),
        ([allow("sts:AssumeRole", "arn:aws:iam::*:role/b*")], HERE_ROOT, "escalation"),
        ([allow("sts:AssumeRole", BOSS)], {"AWS": CALLER}, "escalation"),
        ([allow("sts:AssumeRole", BOSS, **IF)], {"AWS": CALLER}, "high"),
        ([allow("sts:AssumeRole", "arn:aws:iam::*:role/b*", **IF)], HERE_ROOT, "high"),
        ([allow("sts:AssumeRole", BOSS), allow("sts:AssumeRole", BOSS, **IF)], HERE_ROOT, "escalation"),
        ([allow("sts:AssumeRole", BOSS, **IF), deny("sts:AssumeRole", BOSS)], HERE_ROOT, "normal"),
        ([allow("sts:AssumeRole", BOSS, **IF)], LAMBDA, "normal"),
        ([], {"AWS": CALLER}, "normal"),
        ([allow("sts:AssumeRole", BOSS), deny("sts:AssumeRole", BOSS)], {"AWS": CALLER}, "normal"),
        ([allow("sts:AssumeRole", BOSS)], LAMBDA, "normal"),
        ([allow("sts:AssumeRole", BOSS)], {"AWS": f"arn:aws:iam::{THERE}:root"}, "normal"),
    ],
)
def test_a_role_of_another_account_takes_both_sides(allowed: list[dict[str, Any]], trusted: Any, level: str) -> None:
    """What the caller's policies allow, and who the role trusts."""
    found = scan(role(CALLER, LAMBDA, *allowed), role(BOSS, trusted, allow("*")))

    assert found["caller"].privilege.level == level
    assert found["boss"].privilege.level == "admin"


@pytest.mark.parametrize(
    ("operator", "value", "level"),
    [
        ("ArnLike", CALLER, "escalation"),
        ("StringLike", f"arn:aws:iam::{HERE}:role/c*", "escalation"),
        ("ArnEquals", [BOSS, CALLER], "escalation"),
        ("StringEquals", f"arn:aws:iam::{HERE}:role/another", "normal"),
        ("StringNotEquals", f"arn:aws:iam::{HERE}:role/another", "escalation"),
        ("StringLike", "*", "escalation"),
        ("StringLike", "arn:aws:iam::*:role/${aws:username}", "escalation"),
    ],
)
def test_a_trust_may_name_who_it_means_of_an_account(operator: str, value: Any, level: str) -> None:
    """By the caller's ARN; what cannot be decided leaves the way open."""
    boss = role(BOSS, HERE_ROOT, allow("*"))
    boss["AssumeRolePolicyDocument"]["Statement"][0]["Condition"] = {operator: {"aws:PrincipalArn": value}}

    assert scan(role(CALLER, LAMBDA, allow("sts:AssumeRole")), boss)["caller"].privilege.level == level


def test_a_condition_of_ones_own_policies_is_reported_and_makes_no_link() -> None:
    """What might lead to an administrator, and under whose condition."""
    found = scan(role(CALLER, LAMBDA, allow("sts:AssumeRole", BOSS, **IF)), role(BOSS, HERE_ROOT, allow("*")))["caller"]

    why = "a condition of its own policies; its trust policy names it, without a condition"
    (reason,) = found.privilege.evidence
    assert reason.startswith(f"{CALLER} can become ")
    assert reason.endswith(f"{BOSS}, under a condition: {why}")
    assert found.identity.links == ()
    assert found.identity.reach == (Way(kind="assume", on=(BOSS,), conditional=True),)
    assert found.identity.published_attributes["may_become_if"] == [BOSS]


def test_a_path_may_pass_assume_and_cross_accounts() -> None:
    """Passing a role here that may assume one there that can make itself an admin: each step with its reason."""
    builder, worker = f"arn:aws:iam::{HERE}:role/builder", f"arn:aws:iam::{HERE}:role/worker"
    make = allow(["lambda:CreateFunction", "lambda:InvokeFunction"])
    found = scan(
        role(builder, LAMBDA, allow("iam:PassRole", worker), make),
        role(worker, LAMBDA, allow("sts:AssumeRole", BOSS)),
        role(BOSS, HERE_ROOT, allow("iam:AttachRolePolicy", BOSS)),
    )

    assert found["builder"].privilege.level == "escalation"
    method = "iam:PassRole + lambda:CreateFunction + lambda:InvokeFunction"
    sources = "policy own (inline) statement 2, policy own (inline) statement 1"
    assert found["builder"].privilege.evidence[:2] == (
        f"{builder} can become {worker}: by {method} on it; by {sources}",
        f"{worker} can become {BOSS}, which can make itself an admin: its trust policy names it, without a condition",
    )


def test_the_accounts_of_a_scan_are_no_outsiders_to_each_other() -> None:
    """Trusting an outsider without a condition is an open trust; trusting an account of ours is none."""
    found = scan(
        role(CALLER, LAMBDA),
        role(BOSS, HERE_ROOT),
        role(f"arn:aws:iam::{THERE}:role/open", {"AWS": "arn:aws:iam::999999999999:root"}),
    )

    assert [trust.external for trust in found["boss"].identity.trusts] == [False]
    assert [trust.external for trust in found["open"].identity.trusts] == [True]
