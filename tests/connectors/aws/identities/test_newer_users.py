"""Users who the credential report does not know: newer than it, made anew since, or in a row that is unreadable."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from datetime import datetime

import pytest

from connectors.aws.client.credential_report import ReportRow
from tests.connectors.aws.estate import Estate, Found
from tests.servers.fault_proxy import Fault
from tests.servers.proxy import Answer, Proxy, Request

pytestmark = pytest.mark.real_server

Edit = Callable[[str], str | None]


class OldReport(Proxy):
    """Passes everything on; of the credential report, each user's line as edited (None: it is left out)."""

    def __init__(self, upstream: str, edit: Edit) -> None:
        super().__init__(upstream)
        self._edit = edit

    def answer(self, request: Request) -> Answer | None:
        """The server's own answer, or its report edited."""
        answer = self.forward(request)
        if b"Action=GetCredentialReport" not in request.body:
            return answer
        return answer._replace(body=re.sub(rb"(?<=<Content>)[^<]+", self._edited, answer.body))

    def _edited(self, content: re.Match[bytes]) -> bytes:
        heading, *lines = base64.b64decode(content[0]).decode().splitlines()
        kept = [edited for line in lines if (edited := self._edit(line)) is not None]
        return base64.b64encode("\n".join([heading, *kept]).encode())


def without(*names: str) -> Edit:
    """The report as it was before these users came."""
    return lambda line: None if line.split(",")[0] in names else line


def unreadable(name: str) -> Edit:
    """A report whose line of that user has lost its end."""
    return lambda line: line[: len(line) // 2] if line.startswith(f"{name},") else line


def older(name: str) -> Edit:
    """A report about another user of that name, who had a password and a key."""

    def edit(line: str) -> str:
        user, arn, created, _, *rest = line.split(",")
        if user != name:
            return line
        rest[4:7] = ["true", "2020-01-02T00:00:00+00:00", "2021-01-01T00:00:00+00:00"]
        return ",".join([user, arn, created.replace(created[:4], "2020", 1), "true", *rest])

    return edit


def read(aws: Estate, edit: Edit) -> Found:
    """The account with its report edited."""
    with OldReport(aws.proxy.url, edit) as proxy:
        return aws.read_iam(endpoint_url=proxy.url)


@pytest.fixture
def estate(aws: Estate) -> Estate:
    """Three users that the report knows, and three that it may not: with a password, with a key, with nothing."""
    for number in range(3):
        aws.user(f"known-{number}", password=True)
    aws.user("ada", password=True)
    aws.user("svc", keys=1)
    aws.user("empty")
    return aws


def test_users_newer_than_the_report_are_asked_about_singly(estate: Estate) -> None:
    """Whether they have a password, and when it was used, is known as of everyone else; no one else is asked."""
    found = read(estate, without("ada", "svc", "empty"))

    assert found.gaps == {}
    users = {name: found.identities[name] for name in ("ada", "svc", "empty")}
    assert {name: each.enabled for name, each in users.items()} == {"ada": True, "svc": True, "empty": False}
    assert {each.unread for each in users.values()} == {()}
    assert {name: [c.kind for c in each.credentials] for name, each in users.items()} == {
        "ada": ["password"], "svc": ["access_key"], "empty": [],
    }  # fmt: skip
    assert [signal.says for signal in users["ada"].signals] == ["human"]
    asked = [call.parameters["UserName"] for call in estate.proxy.log if call.operation == "iam:GetLoginProfile"]
    assert sorted(asked) == ["ada", "empty", "svc"]
    assert (found.coverage["iam.passwords"].status, found.coverage["iam.passwords"].identities) == ("complete", 3)


def test_the_listing_of_passwords_use_is_for_those_who_have_one(estate: Estate) -> None:
    """It is paged through for the whole account: not for new users without a password."""
    read(estate, without("svc", "empty"))
    assert estate.proxy.calls["iam:ListUsers"] == 0

    read(estate, without("ada"))
    assert estate.proxy.calls["iam:ListUsers"] == 1


def test_a_user_whose_row_is_unreadable_is_asked_about_singly(estate: Estate) -> None:
    """The row is the report's gap; nothing of the user is lost."""
    found = read(estate, unreadable("ada"))

    assert found.gaps == {"iam.credential_report": "partial"}
    assert (found.identities["ada"].enabled, found.identities["ada"].unread) == (True, ())


def test_a_refusal_is_reported_of_the_new_users_alone(estate: Estate) -> None:
    """Those that the report knows need no answer."""
    estate.proxy.fail("iam:GetLoginProfile", Fault("denied"))

    found = read(estate, without("ada", "svc"))

    assert found.gaps == {"iam.passwords": "denied"}
    assert "2 of 2 users' passwords" in (found.coverage["iam.passwords"].detail or "")
    assert {name for name, each in found.identities.items() if "credentials" in each.unread} == {"ada", "svc"}


def test_a_row_about_a_deleted_user_of_the_same_name_is_ignored(estate: Estate) -> None:
    """A user of another creation date is another user: neither its password nor its keys' use is this one's."""
    found = read(estate, older("empty"))

    empty = found.identities["empty"]
    assert (empty.enabled, empty.last_used_at, empty.credentials, empty.unread) == (False, None, (), ())
    assert found.gaps == {}


@pytest.mark.parametrize(
    ("row_created", "user_created", "same"),
    [
        pytest.param("2024-01-02T03:04:05+00:00", "2024-01-02T03:04:05.900+00:00", True, id="fractions do not count"),
        pytest.param("2024-01-02T03:04:05+00:00", "2024-01-02T04:04:05+01:00", True, id="another zone"),
        pytest.param("2024-01-02T03:04:05+00:00", "2024-01-02T03:04:06+00:00", False, id="a second later"),
        pytest.param(None, "2024-01-02T03:04:05+00:00", True, id="the report does not say"),
        pytest.param("2024-01-02T03:04:05+00:00", None, True, id="the listing does not say"),
    ],
)
def test_dates_of_creation_are_compared_to_the_second(
    row_created: str | None, user_created: str | None, same: bool
) -> None:
    """The report has no fractions; a date that is unknown contradicts nothing."""
    row_at, user_at = (datetime.fromisoformat(text) if text else None for text in (row_created, user_created))
    row = ReportRow(
        user="u",
        arn="arn:u",
        created_at=row_at,
        password_enabled=None,
        password_changed_at=None,
        password_last_used_at=None,
        mfa_active=None,
        slots=(),
        certificate_active=False,
    )

    assert row.is_about(user_at) is same
