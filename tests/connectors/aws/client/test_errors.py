"""What AWS answers as our own errors."""

from __future__ import annotations

import pytest
from botocore import exceptions as sdk

from connectors.aws.client.errors import NotTaken, NotValidHere, translated
from connectors.core.contract import MAX_WORDS, Gone
from scanner.errors import Denied, NotOffered, SourceError, Throttled, Unreachable


def answered(code: str, message: str = "", status: int = 400) -> sdk.ClientError:
    """An error answer of the SDK's."""
    response = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return sdk.ClientError(response, "ListUsers")


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (answered("AccessDenied"), Denied),
        (answered("UnauthorizedOperation"), Denied),
        (answered("Whatever", status=403), Denied),
        (answered("Throttling"), Throttled),
        (answered("RequestLimitExceeded", status=503), Throttled),
        (answered("NoSuchEntity", status=404), Gone),
        (answered("InvalidAction"), NotOffered),
        (answered("OptInRequired", status=403), NotOffered),
        (answered("501", status=501), NotOffered),
        (answered("InternalFailure", status=500), Unreachable),
        (answered("ValidationError"), NotTaken),
        (answered("Whatever"), SourceError),
        (answered("ExpiredToken", status=403), NotValidHere),
        (answered("UnrecognizedClientException"), NotValidHere),
        (sdk.EndpointConnectionError(endpoint_url="https://x"), Unreachable),
        (sdk.ReadTimeoutError(endpoint_url="https://x"), Unreachable),
        (sdk.ConnectionClosedError(endpoint_url="https://x"), Unreachable),
        (sdk.NoCredentialsError(), SourceError),
        (sdk.UnknownServiceError(service_name="newer", known_service_names="iam"), NotOffered),
        (KeyError("ListUsersResult"), Unreachable),
    ],
    ids=repr,
)
def test_each_failure_has_its_kind(raised: Exception, kind: type[SourceError]) -> None:
    """The kind decides what the coverage says."""
    with pytest.raises(SourceError) as caught, translated("iam:ListUsers"):
        raise raised

    assert type(caught.value) is kind


def test_an_answer_s_own_words_are_made_safe() -> None:
    """They may come from anywhere: no control characters, no secrets, no novel."""
    message = "\x1b[2J https://user:hunter2@host " + "x" * 5000
    with pytest.raises(SourceError) as caught, translated("iam:ListUsers"):
        raise answered("ValidationError", message)

    text = str(caught.value)
    assert "\x1b" not in text
    assert "hunter2" not in text
    assert len(text) < MAX_WORDS + 100
