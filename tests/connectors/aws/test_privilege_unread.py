"""What AWS's own policies are known to do where a listing lacks their documents, and what stays unknown."""

from __future__ import annotations

import json

import pytest
from moto.iam.aws_managed_policies import aws_managed_policies_data

from connectors.aws.globs import action_matches
from connectors.aws.payloads import AttachedPolicy, Boundary, InlinePolicy
from connectors.aws.permissions import Permissions, PolicyLibrary
from connectors.aws.policy import parse_statements
from connectors.aws.reach import sum_up
from tests.connectors.aws.policies import ACCOUNT, WORDS, allow

USER = f"arn:aws:iam::{ACCOUNT}:user/ada"


def aws(name: str, partition: str = "aws") -> str:
    """The ARN of one of AWS's own policies."""
    return f"arn:{partition}:iam::aws:policy/{name}"


def permissions(*attached: str, allowed: str | None = None, boundary: str | None = None) -> Permissions:
    """What a user with these policies may do, of whose documents none was listed, and an inline one."""
    policies = [AttachedPolicy(policy_name=arn.rpartition("/")[2], policy_arn=arn) for arn in attached]
    own = [] if allowed is None else [InlinePolicy(policy_name="own", policy_document={"Statement": [allow(allowed)]})]
    limit = None if boundary is None else Boundary(permissions_boundary_arn=boundary)
    return PolicyLibrary((), (), words=WORDS, account=ACCOUNT).permissions(USER, own, policies, limit)


@pytest.mark.parametrize(
    ("attached", "level"),
    [
        (aws("AdministratorAccess"), "admin"),
        (aws("AdministratorAccess", "aws-cn"), "admin"),
        (aws("IAMFullAccess"), "admin"),
        (aws("ReadOnlyAccess"), "unknown"),
        (f"arn:aws:iam::{ACCOUNT}:policy/AdministratorAccess", "unknown"),
    ],
)
def test_an_arn_that_only_aws_can_give_says_what_the_policy_does(attached: str, level: str) -> None:
    """Attached, an administrator's policy needs no document; a policy of the account's own may be called anything."""
    assert permissions(attached).privilege.level == level


def test_a_boundary_that_allows_everything_takes_nothing_away() -> None:
    """Nor is it unknown."""
    bounded = permissions(allowed="*", boundary=aws("AdministratorAccess"))

    assert (bounded.privilege.level, bounded.is_whole) == ("admin", True)
    assert permissions(allowed="*", boundary=aws("ReadOnlyAccess")).privilege.level == "unknown"


@pytest.mark.parametrize(
    ("unread", "level"),
    [
        (aws("ReadOnlyAccess"), "admin"),
        (aws("job-function/ViewOnlyAccess"), "admin"),
        (aws("AWSDenyAll"), "unknown"),
        (aws("AWSCompromisedKeyQuarantineV3"), "unknown"),
        (f"arn:aws:iam::{ACCOUNT}:policy/own", "unknown"),
    ],
)
def test_what_can_but_add_leaves_an_administrator_one(unread: str, level: str) -> None:
    """Only a policy that may deny puts it in doubt; in any case it is told that it could not be read."""
    found = permissions(unread, allowed="*")

    assert found.privilege.level == level
    assert f"policy {unread.rpartition('/')[2]} (direct) could not be read" in found.privilege.evidence
    assert not found.is_whole
    assert permissions(unread, allowed="iam:PutUserPolicy").privilege.level == "unknown"


def test_the_list_of_awss_own_denies_is_whole() -> None:
    """Each of AWS's policies that denies something in IAM is among the patterns, and those we know deny nothing."""
    denying = set()
    for number, (name, policy) in enumerate(json.loads(aws_managed_policies_data).items()):
        statements = parse_statements(policy["Document"])
        document = sum_up(statements, number=number, words=WORDS, account=ACCOUNT)
        if (document.denied.somewhere | document.hindered) & WORDS.iam:
            denying.add(name)

    tables = WORDS.tables
    listed = {name for name in denying if any(action_matches(each, name) for each in tables.aws_policies_that_deny)}
    assert {"AWSDenyAll", "AWSCompromisedKeyQuarantine"} <= denying
    assert listed == denying
    assert not denying & set(tables.aws_policies)
