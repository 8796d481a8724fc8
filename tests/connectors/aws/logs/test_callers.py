"""Who acted, for each shape of ``userIdentity``; who became who; what was changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.connectors.aws.logs.trail import (
    ACCOUNT,
    OTHER,
    ROLE,
    USER,
    event,
    log_of,
    packed,
    profiles,
    put,
    read_all,
    role,
)

GITHUB = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"
SHAPES: dict[str, tuple[dict[str, Any], str, str]] = {
    "user": (dict(USER), USER["arn"], "AIDAEXAMPLEUSER"),
    "role": (role(), ROLE, "AROAEXAMPLELEDGER"),
    "role without its issuer": (
        {name: value for name, value in role().items() if name != "sessionContext"},
        f"arn:aws:iam::{ACCOUNT}:role/ledger",
        "AROAEXAMPLELEDGER",
    ),
    "root": (
        {"type": "Root", "principalId": ACCOUNT, "arn": f"arn:aws:iam::{ACCOUNT}:root", "accountId": ACCOUNT},
        f"arn:aws:iam::{ACCOUNT}:root",
        "",
    ),
    "federated user": (
        {
            "type": "FederatedUser",
            "principalId": f"{ACCOUNT}:Alice",
            "arn": f"arn:aws:sts::{ACCOUNT}:federated-user/Alice",
            "accountId": ACCOUNT,
            "accessKeyId": "ASIAEXAMPLE0000000002",
            "sessionContext": {
                "sessionIssuer": {"type": "IAMUser", "principalId": "AIDAEXAMPLEUSER", "arn": USER["arn"]}
            },
        },
        USER["arn"],
        "AIDAEXAMPLEUSER",
    ),
    "web identity": (
        {
            "type": "WebIdentityUser",
            "principalId": f"{GITHUB}:sts.amazonaws.com:repo:acme/shop:ref:refs/heads/main",
            "userName": "repo:acme/shop:ref:refs/heads/main",
            "identityProvider": GITHUB,
        },
        "github:acme/shop",
        "",
    ),
    "saml": (
        {"type": "SAMLUser", "principalId": "abc=:maria", "userName": "maria", "identityProvider": "abc="},
        "abc=#maria",
        "",
    ),
    "identity center": (
        {"type": "IdentityCenterUser", "accountId": ACCOUNT, "principalId": "9067", "onBehalfOf": {"userId": "9067"}},
        "identitycenter:9067",
        "",
    ),
    "anonymous": ({"type": "AWSAccount", "principalId": "", "accountId": "ANONYMOUS_PRINCIPAL"}, "anonymous", ""),
    "directory": ({"type": "Directory", "userName": "bob"}, "bob", ""),
    "unknown": ({"type": "Unknown"}, "unknown", ""),
    "nobody": ({}, "unknown", ""),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_of_user_identity_has_its_caller(shape: str, tmp_path: Path) -> None:
    """Sessions are what issued them."""
    who, caller, unique_id = SHAPES[shape]
    ((found, profile),) = profiles(tmp_path, event(who=who)).items()

    assert (found, profile.unique_id, profile.events) == (caller, unique_id, 1)


def test_a_session_without_its_role_is_joined_with_those_that_name_it(tmp_path: Path) -> None:
    """A refused assumption names the role, and lacks its unique id."""
    request = {"roleArn": ROLE, "roleSessionName": "x"}
    refused = event("sts:AssumeRole", USER, requestParameters=request, errorCode="AccessDenied")
    found = profiles(tmp_path, event(), refused)

    assert found[ROLE].unique_id == "AROAEXAMPLELEDGER"
    assert found[ROLE].counts[f"assumed_by={USER['arn']}"] == (0, 1, 0)
    assert found[ROLE].events == 1


@pytest.mark.parametrize(
    "who",
    [
        {"type": "AWSService", "invokedBy": "lambda.amazonaws.com"},
        {**USER, "invokedBy": "cloudformation.amazonaws.com"},
        {**role(), "invokedBy": "AWS Internal"},
    ],
    ids=["service", "on behalf of a user", "internal"],
)
def test_the_provider_is_apart(who: dict[str, Any], tmp_path: Path) -> None:
    """It is counted as read, and is in no profile."""
    put(tmp_path, packed(event(who=who), event()))
    (reading,), _ = read_all(log_of(tmp_path))

    assert (reading.events, reading.by_provider) == (2, 1)
    assert {one.caller: one.events for one in reading.callers} == {ROLE: 1}


def test_events_of_a_service_itself_are_apart(tmp_path: Path) -> None:
    """Rotation of a key, say."""
    put(tmp_path, packed(event(who={"accountId": ACCOUNT}, eventType="AwsServiceEvent")))
    (reading,), _ = read_all(log_of(tmp_path))

    assert (reading.events, reading.by_provider, reading.callers) == (1, 1, ())


@pytest.mark.parametrize(
    ("name", "who", "by"),
    [
        ("sts:AssumeRole", dict(USER), USER["arn"]),
        ("sts:AssumeRole", role("other"), f"arn:aws:iam::{ACCOUNT}:role/apps/other"),
        ("sts:AssumeRole", {"type": "AWSService", "invokedBy": "lambda.amazonaws.com"}, "lambda.amazonaws.com"),
        (
            "sts:AssumeRole",
            {"type": "AWSAccount", "principalId": "AIDAEXAMPLEAPART:x", "accountId": OTHER},
            f"{OTHER}:AIDAEXAMPLEAPART",
        ),
        ("sts:AssumeRoleWithWebIdentity", SHAPES["web identity"][0], "github:acme/shop"),
        ("sts:AssumeRoleWithSAML", SHAPES["saml"][0], "abc=#maria"),
    ],
)
def test_a_role_is_reported_who_became_it(name: str, who: dict[str, Any], by: str, tmp_path: Path) -> None:
    """What others do is none of its own events."""
    request = {"roleArn": ROLE, "roleSessionName": "s"}
    response = {"assumedRoleUser": {"assumedRoleId": "AROAEXAMPLELEDGER:s"}}
    found = profiles(tmp_path, event(name, who, requestParameters=request, responseElements=response))

    assert found[ROLE].counts == {f"assumed_by={by}": (1, 0, 0)}
    assert (found[ROLE].unique_id, found[ROLE].events, found[ROLE].hours) == ("AROAEXAMPLELEDGER", 0, 0)


def test_of_a_shared_event_the_copy_of_the_caller_counts(tmp_path: Path) -> None:
    """The owner of what was called is given another, with another event id."""
    shared: dict[str, Any] = {"sharedEventID": "s-1"}
    put(tmp_path, packed(event(**shared)))
    put(
        tmp_path,
        packed(event(recipientAccountId=OTHER, **shared), event(who=role(account=OTHER), recipientAccountId=OTHER)),
        account=OTHER,
    )
    readings, _ = read_all(log_of(tmp_path))

    assert [(one.unit.name, one.events, [each.scope for each in one.callers]) for one in readings] == [
        (f"{ACCOUNT}/2026-11-20", 1, [ACCOUNT]),
        (f"{OTHER}/2026-11-20", 1, [OTHER]),
    ]


def test_an_event_that_was_delivered_again_counts_once(tmp_path: Path) -> None:
    """In the same file, and in another of that day and region."""
    one = event()
    put(tmp_path, packed(one, one))
    put(tmp_path, packed(one, event()), number=5)
    (reading,), _ = read_all(log_of(tmp_path))

    assert (reading.events, reading.callers[0].events) == (2, 2)


def test_callers_of_an_anonymised_log_are_distinguished(tmp_path: Path) -> None:
    """Anyone who hands a log out may have replaced all ids of keys by one."""
    other = role()
    other |= {"arn": other["arn"].replace("ledger", "payroll")}
    other["sessionContext"] = {
        "sessionIssuer": {"arn": ROLE.replace("ledger", "payroll"), "principalId": "AROAPAYROLL"}
    }
    put(tmp_path, packed(event(who=role()), event(who=other)))
    (reading,), _ = read_all(log_of(tmp_path))

    assert sorted(one.caller for one in reading.callers) == [ROLE, ROLE.replace("ledger", "payroll")]


CHANGES = [
    ("iam:PutRolePolicy", {"roleName": "ledger", "policyName": "p"}, {}, ["ledger"]),
    ("iam:AttachUserPolicy", {"userName": "deployer"}, {}, ["deployer"]),
    ("iam:CreateAccessKey", {"userName": "bot"}, {}, ["bot"]),
    ("iam:CreateAccessKey", None, {}, [USER["arn"]]),
    ("lambda:UpdateFunctionCode20150331v2", {"functionName": "f"}, {"role": ROLE}, ["f", ROLE]),
    ("ecs:RegisterTaskDefinition", {"family": "web", "taskRoleArn": ROLE}, {}, [ROLE, "web"]),
    ("bedrock:UpdateAgent", {"agentId": "A1", "agentResourceRoleArn": ROLE}, {}, ["A1", ROLE]),
    ("s3:PutBucketPolicy", {"bucketName": "b"}, {}, []),
]


@pytest.mark.parametrize(("name", "request_", "response", "targets"), CHANGES)
def test_a_write_names_who_it_changed(
    name: str, request_: dict[str, Any] | None, response: dict[str, Any], targets: list[str], tmp_path: Path
) -> None:
    """With the caller and the event; also for changes through CloudFormation, not for failed ones."""
    made = event(name, USER, readOnly=False, requestParameters=request_, responseElements=response)
    failed = {**made, "eventID": "failed", "errorCode": "AccessDenied"}
    put(tmp_path, packed(made, failed))
    (reading,), _ = read_all(log_of(tmp_path))

    assert sorted(one.target for one in reading.changes) == sorted(targets)
    assert {(one.by, one.event_id, one.scope) for one in reading.changes} <= {
        (USER["arn"], made["eventID"], ACCOUNT)
    }  # fmt: skip


def test_a_deployment_by_a_service_is_a_change_too(tmp_path: Path) -> None:
    """CloudFormation acts for the pipeline's role."""
    who = {**role("pipeline"), "invokedBy": "cloudformation.amazonaws.com"}
    put(tmp_path, packed(event("iam:PutRolePolicy", who, requestParameters={"roleName": "ledger"})))
    (reading,), _ = read_all(log_of(tmp_path))

    assert [(one.target, one.action, one.by) for one in reading.changes] == [
        ("ledger", "iam:PutRolePolicy", "cloudformation.amazonaws.com")
    ]
    assert reading.callers == ()
