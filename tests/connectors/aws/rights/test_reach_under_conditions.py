"""Who could become someone under a condition alone, or is let in or kept out by a condition of the trust policy."""

from __future__ import annotations

from typing import Any

import pytest

from tests.connectors.aws.rights.control import levels
from tests.connectors.aws.rights.policies import IF, allow, deny
from tests.connectors.aws.rights.test_reach_of_roles import (
    ADA,
    ADMIN,
    BOSS,
    CLERK,
    LAMBDA,
    MAKE,
    OWN,
    ada,
    becomes,
    rights,
    role,
)

CHIEF = f"{CLERK}-chief"
ASK = allow("sts:AssumeRole", BOSS)


@pytest.mark.parametrize(
    ("rows", "level"),
    [
        ([ada(allow("sts:AssumeRole", BOSS, **IF)), role(BOSS, OWN, ADMIN)], "high"),
        ([ada(allow("sts:AssumeRole", BOSS, **IF)), role(BOSS, OWN, allow("iam:PutRolePolicy"))], "high"),
        ([ada(allow("sts:AssumeRole", BOSS, **IF)), role(BOSS, OWN, allow("logs:*"))], "normal"),
        ([ada(allow("sts:AssumeRole", BOSS, **IF)), role(BOSS, LAMBDA, ADMIN)], "normal"),
        ([ada(allow("sts:AssumeRole", BOSS, **IF)), role(BOSS, OWN, allow("sts:AssumeRole", CLERK)),
          role(CLERK, OWN, ADMIN)], "high"),
        ([ada(allow("sts:AssumeRole", BOSS, **IF)), role(BOSS, OWN, allow("sts:AssumeRole", CLERK)),
          role(CLERK, OWN, allow("sts:AssumeRole", CHIEF)), role(CHIEF, OWN, ADMIN)], "high"),
        ([ada(allow("iam:UpdateAssumeRolePolicy", BOSS, **IF)), role(BOSS, LAMBDA, ADMIN)], "high"),
        ([ada(allow("iam:UpdateAssumeRolePolicy", BOSS, **IF)), role(BOSS, LAMBDA, allow("kms:ListKeys"))], "normal"),
        ([ada(allow("iam:PassRole", BOSS), {**MAKE, **IF}), role(BOSS, LAMBDA, ADMIN)], "high"),
        ([ada(allow("iam:UpdateAssumeRolePolicy", "arn:aws:iam::*:role/${aws:username}")), role(BOSS, LAMBDA, ADMIN)],
         "normal"),
        ([ada(allow("iam:UpdateAssumeRolePolicy", BOSS, **IF), deny("iam:*", BOSS)), role(BOSS, LAMBDA, ADMIN)],
         "normal"),
    ],
)  # fmt: skip
def test_a_condition_makes_it_high_and_no_path(rows: list[tuple[str, dict[str, Any]]], level: str) -> None:
    """If it leads to an administrator, or to who can become one; the evidence names the way and the condition."""
    found = rights(*rows)

    assert becomes(found) == []
    assert levels(found)[ADA] == level
    if level == "high":
        (way,) = found.permissions[ADA].ways
        assert (way.kind, way.on, way.conditional) == ("become", (BOSS,), True)
        assert "by policy own (inline) statement 1" in way.by
        assert "unless" not in way.by


@pytest.mark.parametrize("action", ["sts:AssumeRole", "iam:UpdateAssumeRolePolicy"])
def test_what_is_allowed_without_a_condition_as_well_is_certain(action: str) -> None:
    """The condition adds nothing."""
    found = rights(ada(allow(action, BOSS), allow(action, BOSS, **IF)), role(BOSS, OWN, ADMIN))

    assert becomes(found) == ["boss"]
    assert [way for way in found.permissions[ADA].ways if way.conditional] == []


@pytest.mark.parametrize(
    ("principal", "condition", "expected"),
    [
        ("*", {}, ["boss"]),
        ({"AWS": "*"}, {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}, []),
        ({"AWS": "*"}, {"StringEquals": {"aws:PrincipalAccount": "999999999999"}}, []),
        (OWN, {"ArnEquals": {"aws:PrincipalArn": ADA}}, ["boss"]),
        (OWN, {"ArnEquals": {"aws:PrincipalArn": CLERK}}, []),
        ({"AWS": ADA}, {"StringEquals": {"aws:PrincipalTag/x": "y"}}, ["boss"]),
        ({"AWS": ADA}, {"StringEquals": {"aws:PrincipalTag/x": "n"}}, []),
        (OWN, {"StringEquals": {"aws:userid": "AIDAADA"}}, ["boss"]),
        (OWN, {"StringEquals": {"aws:userid": "AIDABOB"}}, []),
    ],
)
def test_a_trust_policy_s_conditions_on_who_asks(
    principal: Any, condition: dict[str, Any], expected: list[str]
) -> None:
    """They are held against the user: its ARN, account, id and tags."""
    user = ada(ASK, UserId="AIDAADA", Tags=[{"Key": "x", "Value": "y"}])

    assert becomes(rights(user, role(BOSS, principal, ADMIN, Condition=condition))) == expected


def test_a_deny_under_a_condition_leaves_the_way_and_a_word_of_it() -> None:
    """It is distinguished from an allowance under one."""
    found = rights(ada(ASK, deny("sts:*", **IF)), role(BOSS, OWN, ADMIN))

    (link,) = found.links[ADA]
    assert link.evidence == (
        "its policies allow sts:AssumeRole on it, unless the condition of a deny is met, "
        "and the role trusts the account"
    )
