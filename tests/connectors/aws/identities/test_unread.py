"""What a gap kept from us of one user, role or root user, reported about it and of no one else."""

from __future__ import annotations

import json
from typing import Any

import pytest

from connectors.aws.client.credential_report import KeyUse, ReportRow
from connectors.aws.client.payloads import (
    AccessKey,
    AttachedPolicy,
    AwsAccount,
    Boundary,
    PolicyDetail,
    PolicyVersion,
    RoleDetail,
    RoleLastUsed,
    UserDetail,
)
from connectors.aws.identities.root import root_identity
from connectors.aws.identities.users import UserFacts, role_identity, user_identity
from connectors.aws.rights.permissions import Permissions, PolicyLibrary, unread
from connectors.aws.rights.vocabulary import vocabulary
from scanner.model import Fact
from tests.connectors.aws.estate import Estate, arn
from tests.servers.fault_proxy import Fault
from tests.servers.moto_server import ACCOUNT

PLACE = AwsAccount(source="prod", account=ACCOUNT)
USER = UserDetail(arn=arn("user", "svc"), user_name="svc")
ROLE = RoleDetail(arn=arn("role", "job"), role_name="job", role_last_used=RoleLastUsed())
KEY = AccessKey(access_key_id="AKIA1", status="Active")
ROW = ReportRow(
    user="svc",
    arn=USER.arn,
    password_enabled=False,
    password_changed_at=None,
    password_last_used_at=None,
    mfa_active=False,
    slots=(),
    certificate_active=False,
)
WHOLE: dict[str, Any] = {"row": ROW, "keys": (KEY,), "uses": {"AKIA1": KeyUse()}, "password": False}
SINGLY: dict[str, Any] = {**WHOLE, "row": None}
READ = AttachedPolicy(policy_name="read", policy_arn=arn("policy", "read"))
LATE = AttachedPolicy(policy_name="late", policy_arn=arn("policy", "late"))
BROKEN = AttachedPolicy(policy_name="broken", policy_arn=arn("policy", "broken"))


def library() -> PolicyLibrary:
    """One policy that was read, and one that was not understood."""
    allow = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
    documents = {READ.policy_arn: {"Statement": [allow]}, BROKEN.policy_arn: "?"}
    policies = [
        PolicyDetail(arn=name, policy_version_list=(PolicyVersion(is_default_version=True, document=document),))
        for name, document in documents.items()
    ]
    return PolicyLibrary(policies, [], words=vocabulary(), account=ACCOUNT)


def permissions(
    *attached: AttachedPolicy, boundary: Boundary | None = None, groups: tuple[str, ...] = ()
) -> Permissions:
    """What these come to."""
    return library().permissions(USER.arn, (), attached, boundary, groups)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param(WHOLE, (), id="read whole"),
        pytest.param(SINGLY, (), id="asked about singly, never signed in"),
        pytest.param({**SINGLY, "password": True, "password_use_known": True}, (), id="asked about singly"),
        pytest.param({**WHOLE, "keys": None, "uses": {}}, ("credentials",), id="keys unlisted; the report has its use"),
        pytest.param({**WHOLE, "password": None}, ("credentials",), id="password unknown"),
        pytest.param({**SINGLY, "keys": None, "uses": {}}, ("credentials", "use"), id="no report, keys unlisted"),
        pytest.param({**SINGLY, "password": None}, ("credentials", "use"), id="no report, password unknown"),
        pytest.param({**SINGLY, "password": True}, ("use",), id="the password's use unknown"),
        pytest.param({**SINGLY, "uses": {}}, ("use",), id="no report, a key's use unknown"),
        pytest.param({**WHOLE, "uses": {}}, ("use",), id="a key's use unknown"),
        pytest.param({**WHOLE, "others_known": False}, ("credentials", "use"), id="other credentials unread"),
    ],
)
def test_a_user_s_credentials_and_use(facts: dict[str, Any], expected: tuple[Fact, ...]) -> None:
    """Keys and passwords that could not be listed, and uses that neither the report nor a call reported."""
    assert user_identity(USER, UserFacts(**facts), permissions(READ), (), PLACE).unread == expected


@pytest.mark.parametrize(
    ("held", "expected"),
    [
        pytest.param(permissions(READ), (), id="read whole"),
        pytest.param(permissions(), (), id="none at all"),
        pytest.param(permissions(READ, LATE), ("permissions",), id="a policy on an unread page"),
        pytest.param(permissions(BROKEN), ("permissions",), id="a policy not understood"),
        pytest.param(permissions(READ, groups=("ops",)), ("permissions",), id="a group unread"),
        pytest.param(
            permissions(READ, boundary=Boundary(permissions_boundary_arn=LATE.policy_arn)),
            ("permissions",),
            id="its boundary unread",
        ),
        pytest.param(unread("refused"), ("permissions",), id="no policies at all"),
    ],
)
def test_permissions(held: Permissions, expected: tuple[Fact, ...]) -> None:
    """Whatever could change what it may do, of a user as of a role."""
    assert user_identity(USER, UserFacts(**WHOLE), held, (), PLACE).unread == expected
    assert role_identity(ROLE, (), held, (), PLACE).unread == expected


@pytest.mark.parametrize(
    ("used", "trusts", "by_name", "expected"),
    [
        pytest.param(RoleLastUsed(), (), False, (), id="read whole"),
        pytest.param(None, (), False, (), id="a service that tells no use"),
        pytest.param(RoleLastUsed(), None, False, ("trusts",), id="trust policy not understood"),
        pytest.param(None, (), True, ("tags", "use"), id="by name"),
        pytest.param(RoleLastUsed(), (), True, ("tags",), id="by name, with its use"),
    ],
)
def test_a_role_s_trusts_tags_and_use(used: Any, trusts: Any, by_name: bool, expected: tuple[Fact, ...]) -> None:
    """The smaller listing has neither tags nor the last use."""
    role = RoleDetail(arn=ROLE.arn, role_name="job", role_last_used=used)

    assert role_identity(role, trusts, permissions(READ), (), PLACE, by_name=by_name).unread == expected


def test_a_user_listed_by_name_has_unread_tags() -> None:
    """No tags in that listing does not mean that it has none."""
    assert user_identity(USER, UserFacts(**WHOLE), permissions(), (), PLACE, by_name=True).unread == ("tags",)


@pytest.mark.parametrize(
    ("row", "report_is_whole", "expected"),
    [
        pytest.param(ROW, True, (), id="in the report"),
        pytest.param(None, True, (), id="not in the report"),
        pytest.param(None, False, ("use",), id="no report"),
    ],
)
def test_the_root_user(row: ReportRow | None, report_is_whole: bool, expected: tuple[Fact, ...]) -> None:
    """The account's summary counts its keys, but does not know when they were used."""
    summary = {"AccountAccessKeysPresent": 1}

    assert root_identity(row, summary, PLACE, report_is_whole=report_is_whole).unread == expected


@pytest.fixture
def estate(aws: Estate) -> Estate:
    """Two users with a key each, one with a password, and a role."""
    aws.user("deploy", keys=1, allow="*")
    aws.user("build", keys=1)
    aws.user("ada", password=True)
    aws.role("worker", allow="*")
    return aws


@pytest.mark.real_server
@pytest.mark.parametrize(
    ("faults", "expected"),
    [
        pytest.param({}, {}, id="no gap"),
        pytest.param(
            {"iam:ListAccessKeys": Fault("denied", user="deploy")}, {"deploy": ("credentials",)}, id="one user's keys"
        ),
        pytest.param({"iam:GetCredentialReport": Fault("denied")}, {"root": ("use",)}, id="the report"),
        pytest.param(
            {"iam:GetCredentialReport": Fault("denied"), "iam:GetLoginProfile": Fault("throttled", user="ada")},
            {"root": ("use",), "ada": ("credentials",)},
            id="the report and one password",
        ),
        pytest.param(
            {"iam:GetCredentialReport": Fault("denied"), "iam:GetAccessKeyLastUsed": Fault("denied")},
            {"root": ("use",), "deploy": ("use",), "build": ("use",)},
            id="the report and the keys' uses",
        ),
        pytest.param(
            {"iam:GetCredentialReport": Fault("denied"), "iam:ListUsers": Fault("denied")},
            {"root": ("use",), "ada": ("use",)},
            id="the report and the password's use",
        ),
        pytest.param(
            {"iam:GetAccountAuthorizationDetails": Fault("denied")},
            {
                **dict.fromkeys(("deploy", "build", "ada"), ("permissions", "tags")),
                "worker": ("permissions", "tags", "use"),
            },
            id="tags and policies",
        ),
    ],
)
def test_each_gap_is_reported_of_who_it_hits(
    estate: Estate, faults: dict[str, Fault], expected: dict[str, tuple[Fact, ...]]
) -> None:
    """Everyone else was read whole."""
    for operation, fault in faults.items():
        estate.proxy.fail(operation, fault)

    identities = estate.read_iam().identities

    assert {name: each.unread for name, each in identities.items() if each.unread} == expected
    assert set(identities) == {"root", "deploy", "build", "ada", "worker"}


@pytest.mark.real_server
def test_a_trust_policy_that_is_not_understood_is_unread(estate: Estate) -> None:
    """No one knows who that role lets in; of the other role it is known."""
    estate.role("odd")
    nobody = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole"}]})
    estate.iam.update_assume_role_policy(RoleName="odd", PolicyDocument=nobody)

    found = estate.read_iam()

    assert found.gaps == {"iam.roles": "partial"}
    assert {name: each.unread for name, each in found.identities.items() if each.unread} == {"odd": ("trusts",)}
