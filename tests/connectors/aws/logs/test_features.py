"""What was done, from where and with what, in words that profiles keep."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from connectors.aws.logs.cloudtrail import SPEC
from connectors.logs.names import Networks, client_of
from connectors.logs.tally import MORE
from tests.connectors.aws.logs.trail import (
    ACCOUNT,
    ROLE,
    USER,
    event,
    features,
    log_of,
    packed,
    profiles,
    put,
    read_all,
    role,
)

ACTIONS: list[tuple[str, dict[str, Any], str]] = [
    ("s3:ListObjects", {}, "read=s3:ListBucket"),
    ("s3:PutObject", {"readOnly": False}, "write=s3:PutObject"),
    ("lambda:Invoke", {"readOnly": False}, "write=lambda:InvokeFunction"),
    ("lambda:UpdateFunctionCode20150331v2", {"readOnly": False}, "write=lambda:UpdateFunctionCode"),
    ("cloudfront:GetDistribution2020_05_31", {}, "read=cloudfront:GetDistribution"),
    ("monitoring:DescribeAlarms", {}, "read=cloudwatch:DescribeAlarms"),
    ("secretsmanager:GetSecretValue", {}, "secret=secretsmanager:GetSecretValue"),
    ("kms:Decrypt", {}, "secret=kms:Decrypt"),
    ("ssm:GetParameter", {"requestParameters": {"name": "x", "withDecryption": True}}, "secret=ssm:GetParameter"),
    ("ssm:GetParameter", {"requestParameters": {"name": "x", "withDecryption": False}}, "read=ssm:GetParameter"),
    ("sts:AssumeRole", {}, "become=sts:AssumeRole"),
    ("sts:GetCallerIdentity", {}, "read=sts:GetCallerIdentity"),
    ("ec2:DescribeInstances", {"readOnly": None}, "read=ec2:DescribeInstances"),
    ("ec2:RunInstances", {"readOnly": None}, "write=ec2:RunInstances"),
    ("ec2:RunInstances", {"readOnly": "false"}, "write=ec2:RunInstances"),
]


@pytest.mark.parametrize(("name", "more", "feature"), ACTIONS)
def test_actions_have_the_names_of_iam_and_a_class(
    name: str, more: dict[str, Any], feature: str, tmp_path: Path
) -> None:
    """Declarations are written in these words."""
    one = event(name, USER, **more)
    profile = profiles(tmp_path, one)[USER["arn"]]

    assert features(profile, "read", "write", "secret", "become") == [feature]
    assert profile.samples[feature] == one["eventID"]


def test_events_that_iam_calls_otherwise_are_named_for_declarations() -> None:
    """An entry may have either word."""
    assert "s3:ListObjectsV2" in SPEC.also_called["s3:ListBucket"]
    assert SPEC.also_called["lambda:InvokeFunction"] == ("lambda:Invoke", "lambda:InvokeWithResponseStream")


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        (None, (1, 0, 0)), ("AccessDenied", (0, 1, 0)), ("AccessDeniedException", (0, 1, 0)),
        ("Client.UnauthorizedOperation", (0, 1, 0)), ("UnauthorizedOperation", (0, 1, 0)),
        ("Client.UnauthorizedAccess", (0, 1, 0)), ("NotAuthorizedException", (0, 1, 0)),
        ("NoSuchBucket", (0, 0, 1)), ("ThrottlingException", (0, 0, 1)), ("Client.DryRunOperation", (0, 0, 1)),
    ],
)  # fmt: skip
def test_an_error_is_a_try(code: str | None, outcome: tuple[int, int, int], tmp_path: Path) -> None:
    """Denied, or failed for another reason."""
    profile = profiles(tmp_path, event(errorCode=code))[ROLE]

    assert set(profile.counts.values()) == {outcome}
    assert (profile.events, profile.denied) == (1, outcome[1])


def test_a_profile_counts_hours_regions_networks_and_clients(tmp_path: Path) -> None:
    """And nothing of what was asked for."""
    profile = profiles(
        tmp_path,
        event(at="03:00:00"),
        event(at="03:59:59", awsRegion="us-east-1", userAgent="aws-cli/2.17.20 md/awscrt#0.21"),
        event("s3:GetObject", at="23:10:00", requestParameters={"bucketName": "salaries", "key": "2026.csv"}),
    )[ROLE]

    assert profile.hours == 1 << 3 | 1 << 23
    assert (profile.first_at.hour, profile.last_at.hour, profile.events) == (3, 23, 3)
    assert profile.counts["region=eu-west-1"] == (2, 0, 0)
    assert profile.counts["network=203.0.113.0/24"] == (3, 0, 0)
    assert profile.counts["client=aws-cli"] == (1, 0, 0)
    assert "salaries" not in repr(profile)


def test_long_lived_keys_are_reported_and_sessions_are_not(tmp_path: Path) -> None:
    """A session's key says nothing that is declared."""
    found = profiles(tmp_path, event(who=USER), event())

    assert features(found[USER["arn"]], "credential") == ["credential=AKIAEXAMPLE0000000001"]
    assert features(found[ROLE], "credential") == []


@pytest.mark.parametrize(
    ("more", "marked"),
    [
        ({"userAgent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/130.0 Safari/537.36"}, True),
        ({"userAgent": "console.amazonaws.com"}, True),
        ({"userAgent": "[S3Console/0.4, aws-internal/3 aws-sdk-java/1.12]"}, True),
        ({"sessionCredentialFromConsole": "true"}, True),
        ({"userAgent": "aws-cli/2.17.20 md/awscrt#0.21 exec-env/CloudShell"}, False),
        ({"userAgent": "Boto3/1.35"}, False),
    ],
)
def test_a_persons_client_is_marked(more: dict[str, Any], marked: bool, tmp_path: Path) -> None:
    """The command line alone is none: machines use it, too."""
    one = event(**more)
    profile = profiles(tmp_path, one)[ROLE]

    assert (profile.counts.get("mark=interactive") == (1, 0, 0)) is marked
    assert (profile.samples.get("mark=interactive") == one["eventID"]) is marked


@pytest.mark.parametrize(("answer", "outcome"), [("Success", (1, 0, 0)), ("Failure", (0, 1, 0))])
def test_signing_in_at_the_console_is_interactive(answer: str, outcome: tuple[int, int, int], tmp_path: Path) -> None:
    """Also where it is refused, as a try."""
    login = event("signin:ConsoleLogin", USER, eventType="AwsConsoleSignIn", readOnly=False,
                  responseElements={"ConsoleLogin": answer})  # fmt: skip
    profile = profiles(tmp_path, login)[USER["arn"]]

    assert profile.counts["mark=interactive"] == profile.counts["write=signin:ConsoleLogin"] == outcome


@pytest.mark.parametrize(
    ("name", "request_", "tool"),
    [
        ("bedrock:InvokeModel", {"modelId": "anthropic.claude-3-5-sonnet-20240620-v1:0"},
         "anthropic.claude-3-5-sonnet-20240620-v1:0"),
        ("bedrock:Converse", {"modelId": "arn:aws:bedrock:eu-west-1:1:inference-profile/eu.amazon.nova-v1:0"},
         "eu.amazon.nova-v1:0"),
        ("bedrock-agentcore:InvokeGateway", {"body": {"method": "tools/call", "params": {"name": "crm___lookup"}}},
         "crm___lookup"),
        ("bedrock-agentcore:InvokeGateway", {"gatewayIdentifier": "gw-1"}, "gw-1"),
    ],
)  # fmt: skip
def test_models_and_tools_are_reported(name: str, request_: dict[str, Any], tool: str, tmp_path: Path) -> None:
    """What an agent works with."""
    assert features(profiles(tmp_path, event(name, requestParameters=request_))[ROLE], "tool") == [f"tool={tool}"]


HOST = "i-0123456789abcdef0"
HOME, AWAY = "203.0.113.7", "198.51.100.9"
LAMBDA = "aws-sdk-go-v2/1.30 exec-env/AWS_Lambda_provided.al2023"


def on_host(session: str = HOST, **more: Any) -> dict[str, Any]:
    """An event of temporary credentials of an instance."""
    return event(who=role(session=session), **more)


POD = "eks-shop-cart-7c9f-0a1b2c3d-1111-2222-3333-444455556666"
CLUSTER = "oidc.eks.eu-west-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF"
CHILD = "ASIAEXAMPLE0000000009"


def assuming(session: str, gives: str = CHILD, who: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A session assumes the role, and is given credentials."""
    answer = {"credentials": {"accessKeyId": gives}, "assumedRoleUser": {"assumedRoleId": "AROAEXAMPLELEDGER:s"}}
    asking = who or role("builder", session=session)
    return event("sts:AssumeRole", asking, requestParameters={"roleArn": ROLE}, responseElements=answer)


def assumed(**more: Any) -> dict[str, Any]:
    """An event with the credentials that were given."""
    return event(who=role(accessKeyId=CHILD), **{"at": "10:01:00", **more})


def with_token(key: str = CHILD, **more: Any) -> dict[str, Any]:
    """An event with credentials that a pod has for its token."""
    who = role(accessKeyId=key)
    provider = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{CLUSTER}"
    who["sessionContext"]["webIdFederationData"] = {"federatedProvider": provider, "attributes": {}}
    return event(who=who, **more)


ELSEWHERE: dict[str, tuple[list[dict[str, Any]], int]] = {
    "another network": ([on_host(), on_host(at="11:00:00", sourceIPAddress=AWAY)], 1),
    "the first one counts, in any order": (
        [on_host(at="11:00:00", sourceIPAddress=AWAY), on_host(), on_host(at="12:00:00")], 1,
    ),
    "the same network": ([on_host(), on_host(sourceIPAddress="203.0.113.99")], 0),
    "an endpoint": ([on_host(), on_host(sourceIPAddress=AWAY, vpcEndpointId="vpce-0a")], 0),
    "a private address": ([on_host(), on_host(sourceIPAddress="10.1.2.3")], 0),
    "AWS for it": ([on_host(), on_host(sourceIPAddress="athena.amazonaws.com")], 0),
    "IPv6 beside IPv4": ([on_host(), on_host(sourceIPAddress="2001:db8::1")], 0),
    "no instance": ([on_host("alice"), on_host("alice", sourceIPAddress=AWAY)], 0),
    "it was given an address": (
        [on_host(), on_host(at="11:00:00", sourceIPAddress=AWAY),
         event("ec2:AssociateAddress", USER, requestParameters={"instanceId": HOST}, readOnly=False)], 0,
    ),
    "a role that it assumed": ([assuming(HOST), assumed(), assumed(at="11:00:00", sourceIPAddress=AWAY)], 1),
    "a role assumed by that": (
        [assuming(HOST, gives="ASIAEXAMPLE0000000002"),
         assuming("x", who=role("other", session="x", accessKeyId="ASIAEXAMPLE0000000002")),
         assumed(), assumed(at="11:00:00", sourceIPAddress=AWAY)], 1,
    ),
    "a role assumed for others": ([assuming(HOST), assumed(sourceIPAddress=AWAY), assumed(at="11:00:00")], 0),
    "a role assumed by nobody's host": ([assuming("x"), assumed(), assumed(at="11:00:00", sourceIPAddress=AWAY)], 0),
    "a pod": ([on_host(POD), on_host(POD, at="11:00:00", sourceIPAddress=AWAY)], 1),
    "a pod with a token": ([with_token(), with_token(at="11:00:00", sourceIPAddress=AWAY)], 1),
    "a pod of a cluster with two addresses": (
        [with_token(), with_token(at="11:00:00", sourceIPAddress=AWAY),
         with_token("ASIAEXAMPLE0000000005", at="12:00:00", sourceIPAddress=AWAY)], 0,
    ),
    "a function has many addresses": (
        [on_host("f", userAgent=LAMBDA), on_host("f", userAgent=LAMBDA, sourceIPAddress=AWAY)], 0,
    ),
    "a function's credentials in another client": (
        [on_host("f", userAgent=LAMBDA), on_host("f", at="11:00:00", sourceIPAddress=AWAY)], 1,
    ),
}  # fmt: skip


def test_a_credential_in_more_places_than_are_compared_is_a_gap(tmp_path: Path) -> None:
    """Or a thief's use could be among those that were left out."""
    events = [on_host(at=f"10:{number:02}:00", sourceIPAddress=f"198.51.{number}.7") for number in range(53)]
    put(tmp_path, packed(*events))
    ((reading,), _) = read_all(log_of(tmp_path))

    (day,) = reading.coverage
    assert (day.status, day.detail) == ("partial", "left out: where 3 uses of hosts' credentials came from")


@pytest.mark.parametrize("case", ELSEWHERE)
def test_credentials_of_a_host_on_another(case: str, tmp_path: Path) -> None:
    """Anyone who speaks first with them says where the host is."""
    events, times = ELSEWHERE[case]
    profile = profiles(tmp_path, *events)[ROLE]

    assert profile.counts.get("mark=off_host", (0, 0, 0))[0] == times
    assert profile.events == sum(one["userIdentity"]["principalId"].startswith("AROAEXAMPLELEDGER") for one in events)


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("203.0.113.7", "203.0.113.0/24"), ("2001:db8:1:2::7", "2001:db8:1::/48"),
        ("::ffff:203.0.113.7", "203.0.113.0/24"),
        ("10.0.0.9", "private"), ("100.64.1.1", "private"), ("fd00::1", "private"), ("198.51.100.200", "office"),
        ("198.51.100.1", "198.51.100.0/24"), ("athena.amazonaws.com", "athena.amazonaws.com"),
        ("AWS Internal", "aws internal"), ("", "unknown"), ("<script>", "unknown"), ("1.2.3", "unknown"),
    ],
)  # fmt: skip
def test_addresses_become_networks(address: str, name: str) -> None:
    """Own ranges by their names, the narrowest first."""
    networks = Networks((("198.51.100.128/25", "office"), ("10.0.0.0/8", "private")))

    assert networks.name(address) == name
    assert Networks(truncate=False).name("203.0.113.7") == "203.0.113.7"


@pytest.mark.parametrize(
    ("agent", "family"),
    [
        ("Boto3/1.35.0 md/Botocore#1.35 exec-env/AWS_Lambda_python3.11", "boto3"),
        ("aws-cli/1.22.34 Python/3.8.10 Linux/5.15 botocore/1.23.34", "aws-cli"),
        ("[aws-cli/2.17.20 md/awscrt#0.21]", "aws-cli"),
        ("APN/1.0 HashiCorp/1.0 Terraform/1.9.2 (+https://www.terraform.io) aws-sdk-go-v2/1.30.3", "terraform"),
        ("aws-sdk-go/1.44 (go1.19; linux; amd64)", "go-sdk"), ("aws-sdk-java/2.20.1 Linux/5", "java-sdk"),
        ("kubectl/v1.31.0 (linux/amd64) kubernetes/9edcffc", "kubectl"),
        ("Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 Safari/605.1.15", "browser"),
        ("console.amazonaws.com", "console"), ("signin.amazonaws.com", "console"),
        ("lambda.amazonaws.com", "service"), ("AWS Internal", "service"), ("curl/8.5.0", "curl"), ("", "none"),
        ("Nightcrawler/3.1 (x)", "nightcrawler"), ("\x1b[31m", "other"), ("A" * 5000, "other"),
    ],
)  # fmt: skip
def test_user_agents_become_families(agent: str, family: str) -> None:
    """Without versions."""
    assert client_of(agent) == family


def test_what_a_hostile_log_is_full_of_is_counted_together(tmp_path: Path) -> None:
    """Distinct names cost memory: those beyond a limit are one, and the day says so."""
    put(tmp_path, packed(*(event(userAgent=f"tool{'abcdefghij'[n % 10]}{'klmnopqrst'[n // 10 % 10]}"
                                           f"{'uvwxyzabcd'[n // 100]}/1") for n in range(300))))  # fmt: skip
    (reading,), _ = read_all(log_of(tmp_path))
    (profile,) = reading.callers

    assert len(features(profile, "client")) == 251
    assert profile.counts[f"client={MORE}"] == (50, 0, 0)
    assert reading.coverage[0].status == "partial"
    assert (
        reading.coverage[0].detail == "left out: 50 uses of more actions or places by 1 caller than are counted for one"
    )


def test_a_fleet_comes_from_very_many_networks(tmp_path: Path) -> None:
    """More than of other things are counted, and those beyond make the day a gap."""
    put(tmp_path, packed(*(event(sourceIPAddress=f"203.{n // 250}.{n % 250}.7") for n in range(1003))))
    (reading,), _ = read_all(log_of(tmp_path))
    (profile,) = reading.callers

    assert len(features(profile, "network")) == 1001
    assert profile.counts[f"network={MORE}"] == (3, 0, 0)
    assert [(day.status, day.detail) for day in reading.coverage] == [
        ("partial", "left out: 3 uses of more actions or places by 1 caller than are counted for one")
    ]


def test_no_secret_of_a_log_is_kept(tmp_path: Path) -> None:
    """In a name, a user agent or an id."""
    token = "ghp_" + "a1B2" * 9
    found = profiles(tmp_path, event(f"s3:{token}", {**USER, "arn": f"arn:aws:iam::1:user/{token}"},
                                     userAgent=f"{token}/1", awsRegion=token))  # fmt: skip

    assert token not in repr(found)


def test_each_action_has_its_own_times(tmp_path: Path) -> None:
    """Not those of the day; nor does the role act when somebody assumes it."""
    answer = {"assumedRoleUser": {"assumedRoleId": "AROAEXAMPLELEDGER:s"}}
    assuming = event("sts:AssumeRole", USER, "05:00:00", requestParameters={"roleArn": ROLE}, responseElements=answer)
    acts = [event(at="06:00:00"), event("s3:PutObject", at="07:30:00", readOnly=False), event(at="09:00:00")]
    profile = profiles(tmp_path, assuming, *acts)[ROLE]

    assert f"{profile.first_at:%H:%M} {profile.last_at:%H:%M}" == "06:00 09:00"
    assert {text: f"{first:%H:%M} {last:%H:%M}" for text, (first, last) in profile.times.items()} == {
        "write=s3:PutObject": "07:30 07:30"
    }
