"""Principals of its own account that a trust policy allows: by name, the account, anyone; conditions; denies."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.aws.rights.trust import trust_statements
from connectors.aws.rights.trusted_principals import AwsCaller, RoleTrust
from tests.connectors.aws.rights.policies import ACCOUNT

IAM = f"arn:aws:iam::{ACCOUNT}"
ADA = AwsCaller(arn=f"{IAM}:user/team/ada", unique_id="AIDAADA", tags={"Team": "pay"})
JOB = AwsCaller(arn=f"{IAM}:role/job", unique_id="AROAJOB", tags={"Team": "pay"})
UNREAD = AwsCaller(arn=f"{IAM}:user/team/ada")
OWN = {"AWS": f"{IAM}:root"}


def statement(principal: Any, effect: str = "Allow", **more: Any) -> dict[str, Any]:
    """A statement of a trust policy."""
    return {"Effect": effect, "Principal": principal, "Action": "sts:AssumeRole", **more}


def given_that(operator: str, key: str, *values: str) -> dict[str, Any]:
    """A condition block with one condition."""
    return {"Condition": {operator: {key: list(values)}}}


def trust(*statements: dict[str, Any]) -> RoleTrust:
    """The trust of a role with these statements in its trust policy."""
    return RoleTrust(role=f"{IAM}:role/boss", statements=tuple(trust_statements({"Statement": list(statements)})))


@pytest.mark.parametrize(
    ("principal", "named", "account"),
    [
        ({"AWS": ADA.arn}, "yes", "no"),
        (OWN, "no", "yes"),
        ({"AWS": ACCOUNT}, "no", "yes"),
        ({"AWS": "*"}, "no", "yes"),
        ("*", "no", "yes"),
        ({"AWS": [ADA.arn, ACCOUNT]}, "yes", "yes"),
        ({"AWS": "999999999999"}, "no", "no"),
        ({"AWS": f"{IAM}:user/ada"}, "no", "no"),
        ({"AWS": f"{IAM}:user/root"}, "no", "no"),
        ({"Federated": "*"}, "no", "no"),
        ({"Service": "lambda.amazonaws.com"}, "no", "no"),
    ],
)
def test_who_is_let_in(principal: Any, named: str, account: str) -> None:
    """By name, or as one of the account, which "anyone" takes in."""
    found = trust(statement(principal))

    assert (found.trusts_named(ADA), found.trusts_through_account(ADA)) == (named, account)
    assert (bool(found.named & {ADA.arn}), found.is_open) == (named == "yes", account == "yes")
    assert found.is_open_to_all == found.is_open


@pytest.mark.parametrize(
    ("condition", "user", "role"),
    [
        (given_that("ArnEquals", "aws:PrincipalArn", ADA.arn), "yes", "no"),
        (given_that("StringEquals", "AWS:principalarn", ADA.arn, JOB.arn), "yes", "yes"),
        (given_that("ArnLike", "aws:PrincipalArn", f"{IAM}:role/aws-reserved/sso.amazonaws.com/*"), "no", "no"),
        (given_that("ArnLike", "aws:PrincipalArn", f"{IAM}:user/team/*"), "yes", "no"),
        (given_that("StringEquals", "aws:PrincipalArn", f"{IAM}:user/team/*"), "no", "no"),
        (given_that("StringLike", "aws:PrincipalArn", f"{IAM}:user/team/${{aws:username}}"), "maybe", "no"),
        (given_that("ArnNotLike", "aws:PrincipalArn", f"{IAM}:user/*"), "no", "yes"),
        (given_that("StringNotEqualsIfExists", "aws:PrincipalArn", ADA.arn), "no", "yes"),
        (given_that("StringEquals", "aws:PrincipalAccount", ACCOUNT), "yes", "yes"),
        (given_that("StringEquals", "aws:PrincipalAccount", "999999999999"), "no", "no"),
        (given_that("StringEquals", "aws:userid", "AIDAADA"), "yes", "no"),
        (given_that("StringLike", "aws:userid", "AROAJOB:*"), "no", "yes"),
        (given_that("StringEquals", "aws:userid", "AROAJOB:night"), "no", "maybe"),
        (given_that("StringEquals", "aws:PrincipalTag/team", "pay"), "yes", "yes"),
        (given_that("StringEquals", "aws:PrincipalTag/team", "PAY"), "no", "maybe"),
        (given_that("StringEqualsIgnoreCase", "aws:PrincipalTag/team", "PAY"), "yes", "yes"),
        (given_that("StringEquals", "aws:PrincipalTag/env", "prod"), "no", "maybe"),
        (given_that("StringEqualsIfExists", "aws:PrincipalTag/env", "prod"), "yes", "maybe"),
        (given_that("StringNotEquals", "aws:PrincipalTag/env", "prod"), "yes", "maybe"),
        (given_that("StringEquals", "aws:PrincipalOrgID", "o-1"), "maybe", "maybe"),
        (given_that("ForAllValues:StringEquals", "aws:PrincipalArn", "x"), "maybe", "maybe"),
        (given_that("Bool", "aws:MultiFactorAuthPresent", "true"), "maybe", "maybe"),
        (given_that("StringEquals", "aws:PrincipalArn"), "no", "no"),
    ],
)  # fmt: skip
def test_a_condition_on_who_asks_is_decided(condition: dict[str, Any], user: str, role: str) -> None:
    """A user is known whole; a role's sessions may bring names and tags. What else is asked stays open."""
    found = trust(statement(OWN, **condition))

    assert not found.is_open_to_all
    assert (found.trusts_through_account(ADA), found.trusts_through_account(JOB)) == (user, role)


def test_what_was_not_read_is_not_decided() -> None:
    """Neither tags nor ids."""
    for key in ("aws:PrincipalTag/team", "aws:userid"):
        assert trust(statement(OWN, **given_that("StringEquals", key, "x"))).trusts_through_account(UNREAD) == "maybe"


@pytest.mark.parametrize(
    ("refusal", "user", "role"),
    [
        (statement({"AWS": ADA.arn}, "Deny"), "no", "yes"),
        (statement({"AWS": f"arn:aws:sts::{ACCOUNT}:assumed-role/job/night"}, "Deny"), "yes", "no"),
        (statement("*", "Deny", **given_that("ArnNotEquals", "aws:PrincipalArn", ADA.arn)), "yes", "no"),
        (statement("*", "Deny", **given_that("Bool", "aws:SecureTransport", "false")), "maybe", "maybe"),
        (statement(OWN, "Deny"), "no", "no"),
        (statement({"AWS": ADA.arn}, "Deny", Action="sts:TagSession"), "yes", "yes"),
        ({"Effect": "Deny", "NotPrincipal": {"AWS": ADA.arn}, "Action": "sts:*"}, "yes", "no"),
        ({"Effect": "Deny", "NotPrincipal": {"AWS": [ADA.arn, f"{IAM}:root"]}, "Action": "sts:*"}, "yes", "no"),
        ({"Effect": "Deny", "NotPrincipal": {"AWS": [f"{IAM}:root"]}, "Action": "sts:AssumeRole"}, "yes", "yes"),
    ],
)
def test_a_refusal_holds_for_who_it_names(refusal: dict[str, Any], user: str, role: str) -> None:
    """The account is trusted, but for some; a refusal under an open condition leaves an uncertainty."""
    found = trust(statement(OWN), refusal)

    assert not found.is_open_to_all or user == role == "yes"
    assert (found.trusts_through_account(ADA), found.trusts_through_account(JOB)) == (user, role)


@given(st.text(max_size=12), st.text(max_size=12), st.sampled_from(["String", "Arn"]))
def test_a_negated_condition_says_the_opposite(value: str, tag: str, sort: str) -> None:
    """Of a user, whatever stands there."""
    caller = AwsCaller(arn=ADA.arn, tags={"x": f"t{tag}"})
    plain, negated = (
        trust(statement(OWN, **given_that(f"{sort}{no}Like", "aws:PrincipalTag/x", value))).trusts_through_account(
            caller
        )
        for no in ("", "Not")
    )

    assert (plain, negated) in {("yes", "no"), ("no", "yes"), ("maybe", "maybe")}
