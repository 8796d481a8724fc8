"""Listings that are paged by hand: pages without rows, answers that break off or go round in a circle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from connectors.aws.client.reading import IAM_PAGES, looped, must_know
from connectors.aws.client.session import AwsClient, AwsSession
from connectors.aws.settings import AwsSettings
from connectors.core.contract import Meter
from scanner.errors import NotOffered, SourceError
from tests.connectors.aws.estate import Estate
from tests.servers.wire import Wrong

pytestmark = pytest.mark.real_server

OPERATION, MEMBER = "iam:ListServiceSpecificCredentials", "ServiceSpecificCredentials"
ROW = {
    "UserName": "u", "Status": "Active", "ServiceUserName": "s", "CreateDate": "2026-01-01T00:00:00Z",
    "ServiceSpecificCredentialId": "ACCAXXXXXXXXXXXXXXXX", "ServiceName": "x",
}  # fmt: skip


def client(aws: Estate) -> AwsClient:
    """IAM behind the proxy."""
    return AwsSession(AwsSettings(endpoint_url=aws.proxy.url, max_attempts=1)).client("iam", "eu-west-1", Meter())


def rows(aws: Estate, *pages: Mapping[str, Any]) -> list[str]:
    """The rows of a listing with these pages."""
    left = iter(pages)
    aws.proxy.made[OPERATION] = lambda _: Wrong(next(left))
    listing = looped(client(aws), "list_service_specific_credentials", MEMBER, IAM_PAGES)
    return [row["UserName"] for page in listing for row in page]


def test_a_page_without_rows_is_followed(aws: Estate) -> None:
    """As long as it says where it goes on, the list itself may be left out."""
    more = {"IsTruncated": True}

    assert rows(aws, {**more, "Marker": "1"}, {MEMBER: [], **more, "Marker": "2"}, {MEMBER: [ROW]}) == ["u"]


@pytest.mark.parametrize(
    ("pages", "words"),
    [
        pytest.param([{MEMBER: [ROW], "IsTruncated": True}], "no token for the next one", id="breaks off"),
        pytest.param(
            [{MEMBER: [ROW], "Marker": "1"}, {MEMBER: [ROW], "Marker": "1"}], "pages repeat", id="in a circle"
        ),
        pytest.param([{}], "unexpected response", id="neither rows nor a place"),
    ],
)
def test_a_listing_that_cannot_end_well_is_an_error(aws: Estate, pages: list[Any], words: str) -> None:
    """It is never taken for the whole."""
    with pytest.raises(SourceError, match=words):
        rows(aws, *pages)


def test_an_operation_that_the_sdk_does_not_know_is_not_offered(aws: Estate) -> None:
    """An older boto3 is no fault of the account's."""
    with pytest.raises(NotOffered, match="boto3 does not know iam list_dreams"):
        must_know(client(aws), "list_dreams")
