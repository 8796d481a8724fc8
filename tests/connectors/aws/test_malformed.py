"""Rows and documents that do not parse: a gap for each, never a guess and never the end of the reading."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.aws.client.iam_calls import AwsListing
from connectors.aws.client.payloads import AttachedPolicy, Boundary, InlinePolicy, RoleDetail, UserDetail
from connectors.aws.rights.permissions import PolicyLibrary
from connectors.aws.rights.vocabulary import vocabulary
from connectors.aws.spec import ROLES, USERS
from connectors.aws.workloads.declarations import Where
from connectors.aws.workloads.stored import parse_secret

ACCOUNT = "123456789012"
ARN = f"arn:aws:iam::{ACCOUNT}:user/u"
ALL = {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}


@pytest.mark.parametrize(
    "row",
    [
        {"UserName": "u"},
        {"Arn": ARN},
        {"Arn": ARN, "UserName": "u", "Tags": [{"Key": "k"}]},
        {"Arn": ARN, "UserName": 7},
        {"Arn": ARN, "UserName": "u", "CreateDate": "yesterday"},
    ],
    ids=str,
)
def test_a_row_that_does_not_parse_is_set_aside(row: dict[str, Any]) -> None:
    """It is named with its reason; the rows around it are kept."""
    listing = AwsListing()

    listing.add(USERS, [row, {"Arn": f"{ARN}2", "UserName": "u2"}], UserDetail)

    assert [user.user_name for user in listing.users] == ["u2"]
    assert len(listing.malformed[USERS]) == 1


def test_a_role_that_never_was_used_differs_from_one_of_which_it_is_not_reported() -> None:
    """An empty record is "not in 400 days", a missing one is unknown."""
    listing = AwsListing()
    role = {"Arn": f"arn:aws:iam::{ACCOUNT}:role/r", "RoleName": "r"}

    listing.add(ROLES, [{**role, "RoleLastUsed": {}}, role], RoleDetail)

    assert [used.role_last_used is not None for used in listing.roles] == [True, False]


@pytest.mark.parametrize(
    ("inline", "attached", "boundary", "groups", "missing"),
    [
        ([("bad", "{")], [], None, [], "policy bad (inline) could not be read"),
        ([("ok", ALL)], ["late"], None, [], "policy late (direct) could not be read"),
        ([("ok", ALL)], [], "limit", [], "the permissions boundary limit could not be read"),
        ([("ok", ALL)], [], None, ["ops"], "group ops could not be read"),
    ],
)
def test_what_is_missing_makes_privilege_unknown(
    inline: list[tuple[str, Any]], attached: list[str], boundary: str | None, groups: list[str], missing: str
) -> None:
    """The evidence says what is missing, and what the rest amounts to."""
    library = PolicyLibrary((), (), words=vocabulary(), account=ACCOUNT)

    permissions = library.permissions(
        ARN,
        [InlinePolicy(policy_name=name, policy_document=document) for name, document in inline],
        [AttachedPolicy(policy_name=name, policy_arn=name) for name in attached],
        None if boundary is None else Boundary(permissions_boundary_arn=boundary),
        groups,
    )

    assert permissions.privilege.level == "unknown"
    assert permissions.privilege.evidence[0] == missing
    level = "normal" if missing.startswith("policy bad") else "admin"
    assert f"what could be read amounts to {level}" in permissions.privilege.evidence
    assert [name for name, _ in library.malformed] == ([f"{ARN} bad"] if missing.startswith("policy bad") else [])


def test_a_secret_without_a_name_is_refused() -> None:
    """It is a gap for that row."""
    with pytest.raises(ValueError, match="Name"):
        parse_secret(
            {"ARN": "arn:aws:secretsmanager:eu-west-1:1:secret:x"},
            Where(source="prod", account="1", partition="aws", region="eu-west-1"),
        )
