"""Exports that no one honest wrote: whatever stands in them, the scan goes on, and no row is lost in silence."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.aws.offline.documents import answer_of, parse_documents, recognised
from connectors.aws.offline.operations import Operation, operations
from connectors.aws.workloads.catalog import TYPES
from connectors.aws.workloads.declarations import ResourceType
from scanner.model import Coverage
from tests.connectors.aws.offline.command_line import write
from tests.connectors.aws.offline.exported import MADE, details, keys, read, report, row, secrets
from tests.connectors.aws.workloads.generated import full_answer
from tests.connectors.hostile import reported
from tests.examples import examples
from tests.hostile_json import mutated

ACCOUNT = "111111111111"
RESOURCES = ("secretsmanager", "lambda.functions", "codebuild.projects", "ecs", "bedrock.agents")
ALLOWED = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
ORGANIZATION = f"arn:aws:organizations::{ACCOUNT}"


def _answers() -> list[Any]:
    """One of each answer that is read otherwise than row by row."""
    account = details(ACCOUNT, "ann", "bob", roles=("job",))
    account["UserDetailList"][0]["UserPolicyList"] = [{"PolicyName": "all", "PolicyDocument": ALLOWED}]
    function = {"FunctionName": "pay", "FunctionArn": f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:pay", "Role": "r"}
    cluster = f"arn:aws:ecs:eu-west-1:{ACCOUNT}:cluster/prod"
    service = {"serviceName": "web", "serviceArn": f"arn:aws:ecs:eu-west-1:{ACCOUNT}:service/prod/web", "roleArn": "r"}
    agent = {"agentId": "A", "agentName": "helper", "agentStatus": "PREPARED", "updatedAt": MADE}
    return [
        account,
        keys("ann", "AKIAANN"),
        secrets(ACCOUNT, "eu-west-1", "db"),
        {"SummaryMap": {"AccountAccessKeysPresent": 1, "Users": 2}},
        {"Content": "dXNlcixhcm4=", "ReportFormat": "text/csv", "GeneratedTime": MADE},
        {"Functions": [function]},
        {"projects": ["web", "api"]},
        {
            "projects": [
                {"name": "web", "arn": f"arn:aws:codebuild:eu-west-1:{ACCOUNT}:project/web", "serviceRole": "r"}
            ]
        },
        {"clusterArns": [cluster]},
        {"serviceArns": [f"arn:aws:ecs:eu-west-1:{ACCOUNT}:service/prod/web"]},
        {"services": [service], "failures": []},
        {"ResourceTagMappingList": [{"ResourceARN": cluster, "Tags": [{"Key": "owner", "Value": "ada"}]}]},
        {"trustAnchors": [{"trustAnchorId": "t", "trustAnchorArn": f"arn:aws:rolesanywhere:eu-west-1:{ACCOUNT}:t/t"}]},
        {"agentSummaries": [agent]},
        {"agent": {**agent, "agentArn": f"arn:aws:bedrock:eu-west-1:{ACCOUNT}:agent/A"}},
        {"OpenIDConnectProviderList": [{"Arn": f"arn:aws:iam::{ACCOUNT}:oidc-provider/example.com"}]},
        {"Url": "example.com", "ClientIDList": ["a"], "ThumbprintList": [], "CreateDate": MADE},
        {"JwtVendingEnabled": True, "IssuerIdentifier": "https://example.com"},
        {"Regions": [{"RegionName": "eu-west-1", "OptInStatus": "opted-in"}]},
        {"Accounts": [{"Id": ACCOUNT, "Arn": f"{ORGANIZATION}:account/o-1/{ACCOUNT}", "Status": "ACTIVE"}]},
        {"Policies": [{"Id": "p-1", "Arn": f"{ORGANIZATION}:policy/o-1/p-1", "Type": "SERVICE_CONTROL_POLICY"}]},
        {"Policy": {"PolicySummary": {"Id": "p-1"}, "Content": json.dumps(ALLOWED)}},
    ]


@examples(8)
@given(answers=mutated(_answers()))
def test_nothing_in_a_file_ends_a_scan(answers: Any) -> None:
    """Any part of any answer may be anything at all: what comes of it is records and gaps, which can be determined."""
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder, "all.json"), *(answers if isinstance(answers, list) else [answers]))
        found = read(Path(folder), resources=RESOURCES)

    assert any(isinstance(each, Coverage) for each in found.records)
    reported(found.records)


@pytest.mark.parametrize("member", ["UserDetailList", "RoleDetailList"])
@pytest.mark.parametrize("row", [None, 7, "x", [], {}, {"Arn": 7}])
def test_a_row_that_is_none_is_counted(tmp_path: Path, member: str, row: Any) -> None:
    """It is named among what could not be read, and the others are read."""
    account = details(ACCOUNT, "ann", "bob", roles=("job", "other"))
    account[member].append(row)
    write(tmp_path / "account.json", account)

    found = read(tmp_path, resources=("secretsmanager",))

    section = {"UserDetailList": "iam.users", "RoleDetailList": "iam.roles"}[member]
    assert (found.coverage[section].status, found.coverage[section].identities) == ("partial", 2)
    assert "could not be read" in str(found.coverage[section].detail)
    assert {"ann", "bob", "job", "other"} <= found.identities.keys()


@pytest.mark.parametrize(
    ("section", "answer"),
    [
        ("iam.credential_report", {"Content": 7, "ReportFormat": "text/csv"}),
        ("iam.credential_report", {"Content": "no base64, no report", "GeneratedTime": "yesterday"}),
        ("iam.root", {"SummaryMap": {"AccountAccessKeysPresent": "many"}}),
    ],
)
def test_what_represents_itself_is_checked_too(tmp_path: Path, section: str, answer: Any) -> None:
    """No row can be named; the section is read as far as it goes."""
    write(tmp_path / "account.json", details(ACCOUNT, "ann"))
    write(tmp_path / "answer.json", answer)

    found = read(tmp_path)

    assert found.coverage[section].status in ("failed", "complete")
    assert "ann" in found.identities


def test_a_report_of_unknown_age_is_read(tmp_path: Path) -> None:
    """When it was made is a remark."""
    write(tmp_path / "account.json", details(ACCOUNT, "ann"))
    text = report(row(ACCOUNT, "ann", key_used="N/A"))
    write(tmp_path / "report.json", {"Content": text, "GeneratedTime": "yesterday"})

    assert read(tmp_path).coverage["iam.credential_report"].detail == "made at an unknown time"


@given(st.lists(st.dictionaries(st.text(), st.text() | st.integers()), min_size=1), st.sampled_from(["", " ", "\n\n"]))
def test_documents_one_behind_the_other_are_read(objects: list[Any], gap: str) -> None:
    """As ``>>`` leaves them, and as a list."""
    assert list(parse_documents(gap.join(map(json.dumps, objects)).encode())) == objects
    assert list(parse_documents(json.dumps(objects).encode())) == objects


@given(st.binary())
def test_no_bytes_are_beyond_a_clear_word(content: bytes) -> None:
    """Either documents, or a ValueError that says what is wrong and quotes nothing."""
    reported = "it is fine"
    try:
        list(parse_documents(content))
    except ValueError as error:
        reported = str(error)
    assert reported.startswith(("it is ", "its JSON is "))


_CALLS = [
    (one, operation)
    for one in TYPES
    for operation in (one.listing.operation, *(detail.operation for detail in one.details))
]
# Two listings of AgentCore have the same members; the file's name distinguishes them.
_ALIKE = {"ListOauth2CredentialProviders", "ListPaymentCredentialProviders"}


@pytest.mark.parametrize(("one", "operation"), _CALLS, ids=[f"{one.section}-{operation}" for one, operation in _CALLS])
def test_every_answer_is_recognised(one: ResourceType, operation: str) -> None:
    """By what is in it; where two services have the same answer, as that of both."""
    answer = json.loads(json.dumps(full_answer(one, operation), default=str))

    wanted = _known(one.service, operation)
    found = recognised(answer, f"{wanted.command.partition(' ')[2]}.json" if operation in _ALIKE else "x.json")

    assert wanted in found
    assert {each.name for each in found} == {operation}


def _known(service: str, name: str) -> Operation:
    return next(one for one in operations() if (one.service, one.name) == (service, name))


def test_members_that_no_model_has_are_dropped() -> None:
    """Only what the service's own answer may hold is kept, at every depth."""
    listing = _known("secretsmanager", "ListSecrets")

    answer = answer_of({"SecretList": [{"Name": "n", "Planted": "x"}], "Planted": "x"}, listing.shape)

    assert answer == {"SecretList": [{"Name": "n"}]}


def test_half_a_character_is_replaced(tmp_path: Path) -> None:
    """JSON can write one, and nothing else can hold it."""
    account = details(ACCOUNT, "ann")
    account["UserDetailList"][0]["Tags"] = [{"Key": "owner", "Value": "a\ud800b"}]
    write(tmp_path / "account.json", account)

    assert read(tmp_path).identities["ann"].tags == {"owner": "a\ufffdb"}


def test_an_empty_listing_of_many_is_of_none() -> None:
    """Several services answer with ``items``; which one, only the file's name can say."""
    assert list(recognised({"items": []}, "x.json")) == []
    assert [each.name for each in recognised({"items": []}, "a/list-gateways.json")] == ["ListGateways"]
