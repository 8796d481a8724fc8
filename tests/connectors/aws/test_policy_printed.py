"""The policy that is printed: all that is called and nothing else, and no way to a secret's value."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from fnmatch import fnmatchcase
from http import HTTPStatus
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.aws.connector import AwsConnector
from connectors.aws.least_privilege import NEVER, NEVER_BUT_LOGS, POLICY_LIMIT, USUAL_ROLE, least_policies, printed
from connectors.aws.settings import AwsSettings
from connectors.aws.spec import MEMBER_ROLE, OF_ORGANIZATIONS, SPEC
from connectors.core.contract import Section
from scanner.model import Coverage
from tests.connectors.aws.estate import Estate
from tests.connectors.aws.test_organization import Company
from tests.examples import examples
from tests.servers.fault_proxy import Fault
from tests.servers.moto_server import MotoServer

EVERYTHING = {"resources": "all", "ssh_keys": True, "service_last_accessed": True, "creators": True}
"""All that a source can be asked to read."""


def statements(text: str) -> dict[str, dict[str, Any]]:
    """A printed document's statements by name; one document is expected."""
    return {statement["Sid"]: statement for statement in json.loads(text)["Statement"]}


def test_it_holds_what_the_sections_declare_and_fits_one_managed_policy() -> None:
    """Each permission of each section, but for entering accounts, which is allowed on one role's name only."""
    text = AwsConnector.base_policy()

    reported = statements(text)
    declared = {one for section in SPEC.sections if section.name != MEMBER_ROLE for one in section.permissions}
    assert len(text) <= POLICY_LIMIT
    assert set(reported["MusterReads"]["Action"]) == declared
    assert reported["MusterEnters"]["Resource"] == f"arn:*:iam::*:role/{USUAL_ROLE}"
    assert reported["NeverSecretValues"] == {
        "Sid": "NeverSecretValues", "Effect": "Deny", "Resource": "*", "Action": list(NEVER),
    }  # fmt: skip
    assert {name for name, one in reported.items() if one["Effect"] == "Deny"} == {
        "NeverSecretValues", "NeverObjects", "NeverDecrypt",
    }  # fmt: skip


def test_another_policy_can_let_a_trail_be_read() -> None:
    """A deny cannot be lifted, so these two leave out the files of a trail and the decryption of objects."""
    reported = statements(AwsConnector.base_policy())
    objects, decrypt = reported["NeverObjects"], reported["NeverDecrypt"]

    assert [*objects["Action"], *decrypt["Action"]] == list(NEVER_BUT_LOGS)
    assert "Resource" not in objects
    for key in ("AWSLogs/o-1/111122223333/CloudTrail/eu-west-1/2026/11/20/x.json.gz", "trails/AWSLogs/1/CloudTrail/x"):
        assert fnmatchcase(f"arn:aws:s3:::acme-trail/{key}", objects["NotResource"])
    assert not fnmatchcase("arn:aws:s3:::acme-payroll/2026/salaries.csv", objects["NotResource"])
    assert decrypt["Condition"] == {"StringNotLike": {"kms:ViaService": "s3.*.amazonaws.com*"}}


def test_a_source_prints_what_it_needs_itself() -> None:
    """With an organization the role that it assumes, and without one nothing of organizations."""
    alone = statements(AwsConnector("prod", AwsSettings()).policy())
    many = statements(AwsConnector("prod", AwsSettings(organization_role="audit/Reader")).policy())

    of_organizations = {one for section in OF_ORGANIZATIONS for one in SPEC.section(section).permissions}
    assert of_organizations.isdisjoint(alone["MusterReads"]["Action"])
    assert "MusterEnters" not in alone
    assert many["MusterEnters"]["Resource"] == "arn:*:iam::*:role/audit/Reader"
    assert of_organizations - {"sts:AssumeRole"} <= set(many["MusterReads"]["Action"])


@given(st.integers(0, 400), st.integers(4, 80))
@examples(50, smoke=50)
def test_what_does_not_fit_one_document_goes_on_in_another(count: int, length: int) -> None:
    """None is too long or holds less than it could, nothing is lost or said twice; several are printed as a list."""
    names = [f"service{number % 7}:{number:0{length}}" for number in range(count)]
    sections = [Section(name=name, title="", permissions=(name,), without="") for name in names]

    documents = least_policies(sections=sections)

    held = [statements(text)["MusterReads"]["Action"] for text in documents]
    assert sorted(action for actions in held for action in actions) == sorted(names)
    assert max(map(len, documents)) <= POLICY_LIMIT
    assert all(len(text) > POLICY_LIMIT - 100 for text in documents[:-1])
    shown = json.loads(printed(documents))
    assert (shown if len(documents) > 1 else [shown]) == [json.loads(text) for text in documents]


def exercised(aws: Estate, *readings: Any) -> set[str]:
    """The operations that were called while these went on."""
    for reading in readings:
        reading()
    return set(aws.proxy.calls)


@pytest.mark.real_server
def test_nothing_else_is_called(aws: Estate) -> None:
    """Not by a reading of all there is, nor by its fallbacks, nor by an organization's, nor by the check beforehand."""
    company = Company(aws)
    aws.user("deploy", keys=1, password=True)
    aws.role("admin", allow="*")
    aws.secret("db")
    of_accounts = {**EVERYTHING, "resources": "secretsmanager"}

    def without_bulk_listings() -> None:
        aws.proxy.fail("iam:GenerateCredentialReport", Fault("denied"))
        aws.proxy.fail("iam:GetAccountAuthorizationDetails", Fault("denied"))
        aws.read(**of_accounts, regions="eu-west-1")

    called = exercised(
        aws,
        lambda: aws.read(**EVERYTHING, regions="eu-west-1"),
        lambda: company.read_all(**of_accounts),
        lambda: list(company.company(**EVERYTHING).check()),
        without_bulk_listings,
    )

    reported = statements(AwsConnector.base_policy())
    assert called - {"sts:AssumeRole"} <= set(reported["MusterReads"]["Action"])
    assert {"iam:ListUsers", "iam:GetLoginProfile", "iam:GetAccessKeyLastUsed", "organizations:ListRoots"} <= called


@pytest.mark.real_server
def test_each_section_names_the_permission_that_it_was_denied(aws: Estate) -> None:
    """Whatever is called of an account, once refused, is named by a gap: nothing is lost in silence."""
    aws.user("deploy", keys=1, password=True)
    asked = {**EVERYTHING, "resources": "secretsmanager", "regions": "eu-west-1"}
    aws.read(**asked)
    operations = set(aws.proxy.calls)

    unnamed = set()
    for operation in operations:
        aws.proxy.reset()
        aws.proxy.fail(operation, Fault("denied"))
        records = aws.read(**asked).records
        named = {each.permission for each in records if isinstance(each, Coverage) and each.is_gap}
        if operation not in {one for each in named if each for one in each.split(", ")}:
            unnamed.add(operation)

    assert len(operations) > 10
    assert unnamed == set()


@pytest.fixture
def enforced(aws: Estate) -> Iterator[Estate]:
    """The account, read by a user who has the printed policy and nothing else; the emulator checks each call.

    It checks signatures, too, so that nothing may come between.
    """
    aws.user("deploy", keys=1)
    aws.secret("db")
    aws.iam.create_user(UserName="muster")
    policy = aws.iam.create_policy(PolicyName="muster", PolicyDocument=AwsConnector.base_policy())["Policy"]["Arn"]
    aws.iam.attach_user_policy(UserName="muster", PolicyArn=policy)
    key = aws.iam.create_access_key(UserName="muster")["AccessKey"]
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
        environment.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
        enforce(aws.moto, after=0)
        try:
            yield aws
        finally:
            enforce(aws.moto, after=None)


def enforce(moto: MotoServer, *, after: int | None) -> None:
    """Let the emulator check permissions after so many calls; None: never."""
    body = str("inf" if after is None else after).encode()
    plain = {"Content-Type": "text/plain"}
    address = f"{moto.url}/moto-api/reset-auth"
    request = urllib.request.Request(address, data=body, headers=plain, method="POST")  # noqa: S310  # loopback
    with urllib.request.urlopen(request, timeout=10):  # noqa: S310  # loopback
        pass


@pytest.mark.real_server
def test_it_suffices_and_opens_no_secret(enforced: Estate) -> None:
    """Where the emulator enforces policies: nothing of IAM is refused, and a value or a change always is."""
    found = enforced.read(resources="secretsmanager", endpoint_url=enforced.moto.url)

    assert {"deploy", "muster"} <= found.identities.keys()
    assert set(found.secrets) == {"db"}
    assert {section: each.detail for section, each in found.coverage.items() if each.is_gap} == {}
    for service, method, parameters in (
        ("secretsmanager", "get_secret_value", {"SecretId": "db"}),
        ("secretsmanager", "delete_secret", {"SecretId": "db"}),
        ("iam", "create_access_key", {"UserName": "deploy"}),
        ("iam", "delete_user", {"UserName": "deploy"}),
    ):
        assert status(service, method, parameters, enforced.moto) == HTTPStatus.FORBIDDEN


def status(service: str, method: str, parameters: dict[str, Any], moto: MotoServer) -> int:
    """How a call is answered, with the credentials in the environment."""
    import boto3
    from botocore.exceptions import ClientError

    client = boto3.client(service, endpoint_url=moto.url, region_name="eu-west-1")
    try:
        answer = getattr(client, method)(**parameters)
    except ClientError as error:
        answer = error.response
    return int(answer["ResponseMetadata"]["HTTPStatusCode"])
