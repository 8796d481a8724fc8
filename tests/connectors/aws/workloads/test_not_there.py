"""Services that a region has not got, and those that the installed SDK does not know: facts, and no gaps."""

from __future__ import annotations

import socket

import pytest

from connectors.aws.client.payloads import AwsAccount
from connectors.aws.client.session import AwsSession
from connectors.aws.settings import AwsSettings
from connectors.aws.spec import SPEC
from connectors.aws.workloads.declarations import AwsDeclarationListing, Fields, ResourceType, Where
from connectors.aws.workloads.region import Region
from connectors.aws.workloads.service import ServiceReading
from connectors.core.contract import Scope
from scanner.model import Coverage
from tests.connectors.aws.workloads.account import REGION, Account
from tests.servers.moto_server import ACCOUNT


@pytest.fixture
def nowhere() -> str:
    """An address where no one listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    return f"http://127.0.0.1:{port}"


def test_a_service_without_an_address_in_the_region_is_not_offered(
    account: Account, nowhere: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """AWS has STS in every region; where that answers, the other one is not there, and is tried once only."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", account.server.url)
    monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_AGENT", nowhere)

    found = account.read("bedrock.agents", endpoint_url=None, max_attempts=5)

    assert found.coverage["bedrock.agents"].status == "not_offered"
    assert found.coverage["bedrock.agents"].detail == f"AWS does not offer it in {REGION}"
    assert found.coverage["bedrock.agents"].calls == 1
    assert account.server.calls == {"sts:GetCallerIdentity": 1}


def test_a_region_that_cannot_be_reached_is_a_gap(
    account: Account, nowhere: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a network nothing can be said about any service."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", nowhere)

    found = account.read("bedrock.agents", endpoint_url=None, max_attempts=1)

    assert found.coverage["bedrock.agents"].status == "failed"


def test_a_service_that_every_region_has_is_a_gap_where_it_does_not_answer(
    account: Account, nowhere: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is tried again as often as the settings say."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", account.server.url)
    monkeypatch.setenv("AWS_ENDPOINT_URL_EKS", nowhere)

    found = account.read("eks.clusters", endpoint_url=None, max_attempts=2)

    assert found.coverage["eks.clusters"].status == "failed"
    assert found.coverage["eks.clusters"].calls == 2


@pytest.mark.parametrize(
    ("service", "operation"), [("no-such-service", "ListFunctions"), ("lambda", "ListNothingAtAll")]
)
def test_what_the_installed_sdk_does_not_know_is_said(account: Account, service: str, operation: str) -> None:
    """It takes a newer one, not a permission."""
    one = ResourceType(
        section="lambda.functions",
        title="Things",
        service=service,
        listing=AwsDeclarationListing(operation=operation, rows="Things"),
        record=Fields(kind="thing", key="{id}", name="{id}"),
    )
    session = AwsSession(AwsSettings(endpoint_url=account.server.url, max_attempts=1))
    place = AwsAccount(source="prod", account=ACCOUNT)
    where = Where(source=place.source, account=place.account, partition=place.partition, region=REGION)
    region = Region(Scope(source="prod", spec=SPEC, id=ACCOUNT, part=REGION), session, where)

    [coverage] = ServiceReading(region, [one]).read()

    assert isinstance(coverage, Coverage)
    assert coverage.status == "not_offered"
    assert "the installed boto3 does not know" in (coverage.detail or "")
    assert not account.server.log
