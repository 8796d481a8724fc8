"""Stored secrets from what Secrets Manager and SSM report on them (pure)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.aws.workloads.declarations import Where
from connectors.aws.workloads.stored import parse_parameter, parse_secret, with_tags

WHERE = Where(source="prod", account="123456789012", partition="aws", region="eu-west-1")
DAYS = [datetime(2026, 5, day, tzinfo=UTC) for day in range(1, 10)]
SECRET = {"ARN": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:x-AbCdEf", "Name": "x"}


def test_the_age_of_a_secret_is_that_of_its_last_change() -> None:
    """A rotation is one; the day of last use is AWS's own."""
    row = {
        **SECRET,
        "CreatedDate": DAYS[0],
        "LastChangedDate": DAYS[3],
        "LastRotatedDate": DAYS[2],
        "LastAccessedDate": DAYS[4],
        "RotationEnabled": True,
        "OwningService": "rds",
        "DeletedDate": DAYS[8],
        "Description": "hunter2",
    }

    secret = parse_secret(row, WHERE)

    assert (secret.created_at, secret.rotated_at, secret.last_used_at) == (DAYS[0], DAYS[3], DAYS[4])
    assert secret.rotation_enabled is True
    assert secret.attributes["owning_service"] == "rds"
    assert secret.attributes["deletion_planned_at"] == DAYS[8].isoformat()
    assert "hunter2" not in repr(secret)


@pytest.mark.parametrize(
    ("name", "tags", "identity"),
    [
        ("x", {"iam-user": "svc-billing"}, "svc-billing"),
        ("x", {"service_account": "sa", "identity": "arn:aws:iam::1:user/u"}, "arn:aws:iam::1:user/u"),
        ("x", {"identity": ""}, None),
        ("x", {"owner": "ada"}, None),
        ("bedrock-agentcore-identity!default/oauth2/github", {}, "github"),
        ("keys/AKIAIOSFODNN7EXAMPLE", {}, "AKIAIOSFODNN7EXAMPLE"),
        ("keys/AKIAIOSFODNN7EXAMPLE", {"identity": "svc"}, "svc"),
        ("XAKIAIOSFODNN7EXAMPLE", {}, None),
    ],
)
def test_whose_credential_a_secret_is(name: str, tags: dict[str, str], identity: str | None) -> None:
    """Its tags say, or the name that AgentCore gave it."""
    row = {**SECRET, "Name": name, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}

    assert parse_secret(row, WHERE).attributes.get("identity") == identity


def test_a_parameter_has_an_arn_and_an_end() -> None:
    """The first is made up from its name where SSM leaves it out; the second stands in a policy."""
    until = '{"Type":"Expiration","Version":"1.0","Attributes":{"Timestamp":"2026-12-02T21:34:33.000Z"}}'
    row = {
        "Name": "/prod/key",
        "LastModifiedDate": DAYS[1],
        "LastModifiedUser": "arn:aws:iam::123456789012:user/ada",
        "Policies": [
            {"PolicyType": "NoChangeNotification", "PolicyText": "not read"},
            {"PolicyType": "Expiration", "PolicyText": until},
        ],
    }

    parameter = parse_parameter(row, WHERE)
    tagged = with_tags(parameter, {"iam_user": "svc"})

    assert parameter.key == "arn:aws:ssm:eu-west-1:123456789012:parameter/prod/key"
    assert parameter.expires_at == datetime(2026, 12, 2, 21, 34, 33, tzinfo=UTC)
    assert parameter.rotated_at == DAYS[1]
    assert parameter.created_at is None
    assert parameter.attributes["last_modified_by"].endswith("user/ada")
    assert (tagged.tags, tagged.attributes["identity"]) == ({"iam_user": "svc"}, "svc")
    assert parse_parameter({**row, "ARN": "arn:x"}, WHERE).key == "arn:x"


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"ARN": "arn:x"}, "Name"),
        ({"Name": 1}, "Name"),
        ({"Name": "x", "Policies": [{"PolicyType": "Expiration", "PolicyText": "{"}]}, "its expiration cannot be read"),
        (
            {"Name": "x", "Policies": [{"PolicyType": "Expiration", "PolicyText": '{"a":' * 100_000}]},
            "its expiration cannot be read",
        ),
        ({"Name": "x", "LastModifiedDate": "yesterday"}, "LastModifiedDate"),
    ],
)
def test_a_parameter_that_cannot_be_read_is_refused(row: dict[str, Any], reason: str) -> None:
    """It is a gap for that row."""
    with pytest.raises(ValueError, match=reason):
        parse_parameter(row, WHERE)
