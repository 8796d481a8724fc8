"""The answers that tests make up for AWS are held against its own models."""

from __future__ import annotations

from typing import Any

import pytest

from tests.servers.wire import Wrong, rest_operation, written

OPERATION = "iam:ListOpenIDConnectProviders"


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param({"Providers": []}, id="a name that it does not have"),
        pytest.param({"OpenIDConnectProviderList": "none"}, id="another type"),
        pytest.param({"OpenIDConnectProviderList": [{"Arn": "short"}]}, id="too short"),
    ],
)
def test_an_answer_that_aws_could_not_give_is_refused(answer: dict[str, Any]) -> None:
    """Unless it is meant to be wrong."""
    with pytest.raises(AssertionError, match=OPERATION):
        written(OPERATION, answer)

    assert written(OPERATION, Wrong(answer)).status == 200


@pytest.mark.parametrize(
    ("method", "path", "operation"),
    [
        ("GET", "/trustanchors?pageSize=100", "ListTrustAnchors"),
        ("GET", "/trustanchor/abc", "GetTrustAnchor"),
        ("POST", "/nowhere", ""),
    ],
)
def test_a_rest_request_is_known_by_its_path(method: str, path: str, operation: str) -> None:
    """As its service's model has it."""
    assert rest_operation("rolesanywhere", method, path) == operation
