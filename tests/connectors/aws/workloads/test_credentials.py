"""Credentials that belong to no IAM user: by their ids and dates, read over HTTP."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.aws.workloads.catalog import BY_SECTION, SECTIONS, TYPES
from connectors.aws.workloads.declarations import Kept, ResourceType, Where
from connectors.aws.workloads.rows import cut_down
from connectors.aws.workloads.stored import parse_policy, stored_secret
from scanner.model import StoredSecret
from tests.connectors.aws.workloads.account import HIDDEN, REGION, Account
from tests.servers.moto_server import ACCOUNT

WHERE = Where(source="prod", account=ACCOUNT, partition="aws", region=REGION)
MADE, END = datetime(2026, 1, 2, tzinfo=UTC), datetime(2027, 1, 2, tzinfo=UTC)
STRANGER = "arn:aws:iam::999999999999:root"


def test_key_pairs_open_machines(account: Account) -> None:
    """Which there are and since when; never any half of the key."""
    made = account.client("ec2").create_key_pair(
        KeyName="bastion",
        TagSpecifications=[{"ResourceType": "key-pair", "Tags": [{"Key": "owner", "Value": "ada"}]}],
    )

    found = account.read("ec2.key_pairs")
    pair = found.secrets["bastion"]

    assert pair.key == f"arn:aws:ec2:{REGION}:{ACCOUNT}:key-pair/{made['KeyPairId']}"
    assert pair.attributes["type"] == "key pair"
    assert pair.created_at is not None
    assert pair.tags == {"owner": "ada"}
    assert "PRIVATE" not in repr(found.records)


def test_certificates_of_every_kind_of_key_end_some_day(account: Account) -> None:
    """AWS lists but two kinds unless it is asked for all."""
    asked: list[Any] = []

    def answer(parameters: Any) -> dict[str, Any]:
        asked.append(parameters)
        row = {
            "CertificateArn": f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/1",
            "DomainName": "example.com",
            "NotAfter": END,
            "InUse": True,
            "SubjectAlternativeNameSummaries": [HIDDEN],
        }
        return {"CertificateSummaryList": [row]}

    account.server.say("acm", "ListCertificates", answer)
    found = account.read("acm")

    assert len(asked[0]["Includes"]["keyTypes"]) == 7
    assert found.secrets["example.com"].expires_at == END
    assert found.secrets["example.com"].attributes["in_use"] is True
    assert HIDDEN not in repr(found.records)


def test_tokens_of_grafana_hang_under_accounts_and_workspaces(account: Account) -> None:
    """Three listings deep, each row with what it hangs under."""
    workspace = {"id": "g-0123456789", "created": MADE, "modified": MADE, "status": "ACTIVE", "grafanaVersion": "10",
                 "endpoint": "x", "authentication": {"providers": ["SAML"]}}  # fmt: skip
    robot = {"id": "7", "name": "deploy", "isDisabled": "false", "grafanaRole": "EDITOR"}
    token = {"id": "3", "name": "ci", "createdAt": MADE, "expiresAt": END, "lastUsedAt": MADE}
    account.server.say("grafana", "ListWorkspaces", {"workspaces": [workspace]})
    account.server.say(
        "grafana", "ListWorkspaceServiceAccounts", {"serviceAccounts": [robot], "workspaceId": workspace["id"]}
    )
    account.server.say(
        "grafana",
        "ListWorkspaceServiceAccountTokens",
        {"serviceAccountTokens": [token], "workspaceId": workspace["id"], "serviceAccountId": "7"},
    )

    found = account.read("grafana")
    key = f"arn:aws:grafana:{REGION}:{ACCOUNT}:/workspaces/g-0123456789/serviceaccounts/7"

    assert found.gaps == {}
    assert found.workloads["grafana_service_account", "deploy"].key == key
    assert found.secrets["ci"] == StoredSecret(
        key=f"{key}/tokens/3",
        provider="aws",
        source="prod",
        scope=ACCOUNT,
        name="ci",
        created_at=MADE,
        expires_at=END,
        last_used_at=MADE,
        attributes={"region": REGION, "type": "token", "workspace": "g-0123456789", "service_account": "7"},
    )


def test_app_clients_of_cognito_are_reported_by_id(account: Account) -> None:
    """Their secrets are in no listing."""
    pools = account.client("cognito-idp")
    pool = pools.create_user_pool(PoolName="shop")["UserPool"]["Id"]
    made = pools.create_user_pool_client(UserPoolId=pool, ClientName="web", GenerateSecret=True)["UserPoolClient"]

    found = account.read("cognito.app_clients")

    assert found.workloads["cognito_app_client", "web"].attributes["client_id"] == made["ClientId"]
    assert made["ClientSecret"] not in repr(found.records)


def test_what_else_may_read_a_secret_stands_with_it(account: Account) -> None:
    """One record, whichever section had what."""
    secrets = account.client("secretsmanager")
    arn = secrets.create_secret(Name="shared", SecretString=HIDDEN)["ARN"]
    secrets.create_secret(Name="own", SecretString=HIDDEN)
    policy = {"Statement": [{"Effect": "Allow", "Principal": {"AWS": STRANGER}, "Action": "secretsmanager:Get*"}]}
    secrets.put_resource_policy(SecretId=arn, ResourcePolicy=json.dumps(policy))

    found = account.read("secret.policies")

    assert found.gaps == {}
    assert [one.name for one in found.records if isinstance(one, StoredSecret)] == ["shared", "own"]
    assert found.secrets["shared"].created_at is not None
    assert found.secrets["shared"].attributes["readable_by"] == [STRANGER]
    assert "readable_by" not in found.secrets["own"].attributes


@pytest.mark.parametrize(
    ("statement", "readers"),
    [
        ({"Principal": "*", "Action": "*"}, ["*"]),
        ({"Principal": {"AWS": ["1", "2"]}, "Action": ["secretsmanager:getsecretvalue"]}, ["1", "2"]),
        ({"Principal": {"AWS": "1"}, "Action": "secretsmanager:GetSecretValue", "Condition": {"Bool": {}}},
         ["1, under a condition"]),
        ({"Principal": {"Service": "lambda.amazonaws.com"}, "Action": "secretsmanager:*"}, ["lambda.amazonaws.com"]),
        ({"Principal": {"AWS": "1"}, "Action": "secretsmanager:DescribeSecret"}, []),
        ({"Principal": {"AWS": "1"}, "NotAction": "secretsmanager:DeleteSecret"}, ["1"]),
        ({"Principal": {"AWS": "1"}, "NotAction": "secretsmanager:*"}, []),
        ({"NotPrincipal": {"AWS": "1"}, "Action": "*"}, ["*"]),
        ({"Principal": {"AWS": "1"}, "Action": "*", "Effect": "Deny"}, []),
    ],
)  # fmt: skip
def test_who_may_read_by_a_resource_policy(statement: dict[str, Any], readers: list[str]) -> None:
    """Anyone who an Allow names; what is denied elsewhere can but take away."""
    policy = json.dumps({"Statement": {"Effect": "Allow", **statement}})

    secret = parse_policy({"ARN": "arn:x", "Name": "x", "ResourcePolicy": policy}, WHERE)

    assert secret.attributes.get("readable_by", []) == readers


@pytest.mark.parametrize("policy", ["{", "[]", '{"Statement": [{"Effect": "Perhaps"}]}', '{"a":' * 100_000])
def test_a_resource_policy_that_cannot_be_read_is_reported(policy: str) -> None:
    """It is a gap for that secret."""
    with pytest.raises(ValueError, match="its resource policy cannot be read"):
        parse_policy({"ARN": "arn:x", "Name": "x", "ResourcePolicy": policy}, WHERE)


def test_listings_that_hand_out_values_are_not_among_them() -> None:
    """Keys of API Gateway and AppSync and passwords of Glue come with the permission to list them."""
    permissions = {permission for section in SECTIONS for permission in section.permissions}

    assert not {each for each in permissions if each.startswith(("apigateway:", "appsync:", "glue:GetConnection"))}


@pytest.mark.parametrize("one", [one for one in TYPES if isinstance(one.stored, Kept)], ids=lambda one: one.section)
def test_a_row_that_is_none_is_refused(one: ResourceType) -> None:
    """Saying what it lacks."""
    assert one.stored
    with pytest.raises(ValueError, match="it has no"):
        stored_secret({}, one.stored, WHERE)


def test_a_connection_to_a_source_host_is_reported() -> None:
    """Its token is AWS's secret; its name, host and state are not."""
    fields = BY_SECTION["codeconnections.connections"].record
    assert fields
    row = {"ConnectionArn": "arn:x", "ConnectionName": "github", "ProviderType": "GitHub", "OwnerAccountId": HIDDEN}

    taken = cut_down(row, fields, WHERE)

    assert (taken.key, taken.name, taken.facts) == ("arn:x", "github", {"host": "GitHub"})
