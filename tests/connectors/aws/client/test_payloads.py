"""Policy documents as the API, the SDK and programs in between write them, and which version is in force."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest

from connectors.aws.client import payloads

DOCUMENT = {"Statement": [{"Effect": "Allow", "Action": "s3:Get*", "Resource": "arn:aws:s3:::a+b/100%25/*"}]}
TEXT = json.dumps(DOCUMENT)
ARN = "arn:aws:iam::123456789012:policy/p"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        pytest.param(DOCUMENT, DOCUMENT, id="decoded"),
        pytest.param(TEXT, DOCUMENT, id="JSON"),
        pytest.param(f"\n {TEXT}", DOCUMENT, id="JSON after a line"),
        pytest.param(quote(TEXT), DOCUMENT, id="URL-encoded"),
        pytest.param(quote(TEXT, safe=""), DOCUMENT, id="URL-encoded, slashes too"),
        pytest.param("no policy", "no policy", id="neither"),
        pytest.param("%7B%22", "%7B%22", id="cut short"),
        pytest.param("{" + '"a":{' * 100_000, "{" + '"a":{' * 100_000, id="nested"),
        pytest.param(None, None, id="none"),
    ],
)
def test_a_document_is_read_however_it_is_written(written: Any, read: Any) -> None:
    """Wherever a row has one; what is none is left for the parser of policies to refuse."""
    inline = payloads.read({"PolicyName": "p", "PolicyDocument": written}, payloads.InlinePolicy)
    role = payloads.read({"Arn": "a", "RoleName": "r", "AssumeRolePolicyDocument": written}, payloads.RoleDetail)
    version = payloads.read({"Document": written}, payloads.PolicyVersion)

    assert [inline.policy_document, role.assume_role_policy_document, version.document] == [read] * 3


@pytest.mark.parametrize(
    ("versions", "default", "read"),
    [
        pytest.param([{"VersionId": "v1", "IsDefaultVersion": True}], None, "v1", id="it says so"),
        pytest.param([{"VersionId": "v1"}, {"VersionId": "v2"}], "v2", "v2", id="the policy says so"),
        pytest.param([{"VersionId": "v1", "IsDefaultVersion": False}], "v1", None, id="it says that it is not"),
        pytest.param([{"VersionId": "v1"}], None, None, id="nobody says"),
        pytest.param([{}], None, None, id="nothing has a name"),
        pytest.param([{"VersionId": "v1"}], "v2", None, id="another is"),
    ],
)
def test_the_version_in_force_is_read(versions: list[dict[str, Any]], default: str | None, read: str | None) -> None:
    """A policy of which that is not reported has no document: it could not be read."""
    rows = [{**version, "Document": {"Id": version.get("VersionId")}} for version in versions]
    policy = payloads.read({"Arn": ARN, "DefaultVersionId": default, "PolicyVersionList": rows}, payloads.PolicyDetail)

    assert policy.document == (None if read is None else {"Id": read})


@pytest.mark.parametrize(
    ("reported", "read"),
    [
        ("2026-01-01T00:00:00", datetime(2026, 1, 1, tzinfo=UTC)),
        ("2026-01-01T00:00:00+02:00", datetime(2025, 12, 31, 22, tzinfo=UTC)),
        ("9999-12-31T23:59:59-12:00", None),
        ("0001-01-01T00:00:00+12:00", None),
    ],
)
def test_a_time_is_one_of_utc(reported: str, read: datetime | None) -> None:
    """Or none, where UTC has no such time."""
    assert payloads.utc(datetime.fromisoformat(reported)) == read
