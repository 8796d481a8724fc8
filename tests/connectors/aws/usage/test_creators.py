"""Who created what, from CloudTrail's event history."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.aws.usage.creators import parse_event
from tests.connectors.aws.estate import Estate, arn
from tests.servers.fault_proxy import Fault
from tests.servers.moto_server import ACCOUNT
from tests.servers.wire import Wrong

LOOK_UP = "cloudtrail:LookupEvents"
AT = datetime(2026, 11, 1, tzinfo=UTC)
CLOUDFORMATION = "cloudformation.amazonaws.com"
ADA = {"type": "IAMUser", "arn": arn("user", "ada")}
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/Admin/ada@example.com"
NAMES = {
    "CreateUser", "CreateRole", "CreateServiceLinkedRole", "AcquireRole", "CreateOpenIDConnectProvider",
    "CreateSAMLProvider", "CreateAccessKey", "CreateServiceSpecificCredential",
}  # fmt: skip


def event(
    name: str, response: Any, *, who: Any = None, at: datetime = AT, event_id: str = "e-1", **record: Any
) -> dict[str, Any]:
    """An event, as the look-up gives it."""
    inside = {"userIdentity": ADA if who is None else who, "responseElements": response, **record}
    return {"EventId": event_id, "EventName": name, "EventTime": at, "CloudTrailEvent": json.dumps(inside)}


def history(aws: Estate, *events: dict[str, Any]) -> None:
    """An event history of these."""

    def page(asked: Mapping[str, str]) -> Mapping[str, Any]:
        (wanted,) = [name for name in NAMES if f"'{name}'" in asked["LookupAttributes"]]
        matching = [one for one in events if one["EventName"] == wanted]
        at = int(asked.get("NextToken", 0))
        more = {"NextToken": str(at + 1)} if at + 1 < len(matching) else {}
        return {"Events": matching[at : at + 1], **more}

    aws.proxy.made[LOOK_UP] = page


@pytest.mark.real_server
def test_identities_and_credentials_carry_their_creators_on_request(aws: Estate) -> None:
    """Looked up by the name of the event, in the region where IAM's are kept."""
    (key,) = aws.user("svc", keys=1)
    role, provider = aws.role("worker"), arn("saml-provider", "okta")
    aws.iam.create_saml_provider(Name="okta", SAMLMetadataDocument="x" * 1024)
    aws.user("old")
    history(
        aws,
        event("CreateUser", {"user": {"arn": arn("user", "svc")}}),
        event("CreateUser", {"user": {"arn": arn("user", "somebody-else")}}),
        event("CreateRole", {"role": {"arn": role}}, who={"type": "AssumedRole", "arn": SESSION}),
        event(
            "CreateAccessKey", {"accessKey": {"accessKeyId": key}}, who={"invokedBy": "cloudformation.amazonaws.com"}
        ),
        event("CreateSAMLProvider", {"sAMLProviderArn": provider}),
    )

    off, on = aws.read_iam(), aws.read_iam(creators=True)

    assert off.coverage["cloudtrail.creators"].status == "off"
    assert {name: one.created_by for name, one in on.identities.items()} == {
        "root": None, "svc": arn("user", "ada"), "worker": SESSION, "okta": arn("user", "ada"), "old": None,
    }  # fmt: skip
    assert on.identities["svc"].credentials[0].attributes["created_by"] == CLOUDFORMATION
    coverage = on.coverage["cloudtrail.creators"]
    assert (coverage.status, coverage.identities, coverage.calls) == ("complete", 5, len(NAMES) + 1)
    assert {call.region for call in aws.proxy.log if call.operation == LOOK_UP} == {"us-east-1"}


@pytest.mark.real_server
def test_a_name_given_anew_is_its_newest_creator_s(aws: Estate) -> None:
    """Whatever order the events come in."""
    aws.user("svc")
    again = {"type": "IAMUser", "arn": arn("user", "bob")}
    response = {"user": {"arn": arn("user", "svc")}}
    history(
        aws,
        event("CreateUser", response, who=again, at=AT + timedelta(days=3)),
        event("CreateUser", response, at=AT),
    )

    assert aws.read_iam(creators=True).identities["svc"].created_by == arn("user", "bob")


@pytest.mark.real_server
@pytest.mark.parametrize("kind", ["denied", "throttled", "error"])
def test_a_refusal_is_named_and_costs_nothing_else(aws: Estate, kind: Any) -> None:
    """No one is said to be without a creator; nothing else is a gap."""
    aws.user("svc")
    aws.proxy.fail(LOOK_UP, Fault(kind))

    found = aws.read_iam(creators=True)

    assert found.gaps == {"cloudtrail.creators": "denied" if kind == "denied" else "failed"}
    assert found.coverage["cloudtrail.creators"].permission == (LOOK_UP if kind == "denied" else None)
    assert "svc" in found.identities


@pytest.mark.real_server
def test_an_event_that_cannot_be_read_is_named(aws: Estate) -> None:
    """The others are."""
    aws.user("svc")
    good = event("CreateUser", {"user": {"arn": arn("user", "svc")}})
    aws.proxy.made[LOOK_UP] = lambda asked: Wrong(
        Events=[{**good, "EventId": "e-bad", "CloudTrailEvent": "{"}, good] if "CreateUser" in str(asked) else []
    )

    found = aws.read_iam(creators=True)

    assert found.gaps == {"cloudtrail.creators": "partial"}
    assert "row e-bad could not be read" in (found.coverage["cloudtrail.creators"].detail or "")
    assert found.identities["svc"].created_by == arn("user", "ada")


@pytest.mark.parametrize(
    ("who", "creator"),
    [
        pytest.param(ADA, arn("user", "ada"), id="a user"),
        pytest.param({"arn": SESSION}, SESSION, id="a session, whose name says who"),
        pytest.param({"sessionContext": {"sessionIssuer": {"arn": arn("role", "R")}}}, arn("role", "R"),
                     id="a session without an ARN of its own"),
        pytest.param({**ADA, "invokedBy": "cloudformation.amazonaws.com"},
                     f"cloudformation.amazonaws.com for {arn('user', 'ada')}", id="a service for someone"),
        pytest.param({"invokedBy": "autoscaling.amazonaws.com"}, "autoscaling.amazonaws.com", id="a service"),
        pytest.param({"type": "WebIdentityUser", "userName": "repo:acme/app", "identityProvider": "github"},
                     "repo:acme/app of github", id="someone from outside"),
        pytest.param({"userName": "ada"}, "ada", id="a bare name"),
    ],
)  # fmt: skip
def test_the_creator_is_named_as_cloudtrail_names_it(who: Any, creator: str) -> None:
    """The ARN where there is one; with the service that acted for it."""
    row = event("CreateUser", {"user": {"arn": "arn:u"}}, who=who)

    assert parse_event(row, "CreateUser") == ("arn:u", AT, creator)


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(event("CreateUser", {"user": {"arn": "arn:u"}}, errorCode="AccessDenied"), id="it failed"),
        pytest.param(event("CreateUser", None), id="nothing came of it"),
        pytest.param(event("CreateUser", {"user": "arn:u"}), id="another form"),
        pytest.param(event("CreateUser", {"user": {"arn": 7}}), id="no ARN"),
        pytest.param(event("CreateUser", {"user": {"arn": "arn:u"}}, who={}), id="by nobody we could name"),
    ],
)
def test_what_says_no_creator_says_nothing(row: dict[str, Any]) -> None:
    """It is no error either."""
    assert parse_event(row, "CreateUser") is None


def reported(record: str) -> object:
    """What an event with this record says, or why it cannot be read."""
    try:
        return parse_event({"EventTime": AT, "CloudTrailEvent": record}, "CreateUser")
    except ValueError as error:
        return str(error)


@given(st.text() | st.recursive(st.none() | st.booleans() | st.text(), st.lists).map(json.dumps))
def test_hostile_records_are_refused_or_say_nothing(record: str) -> None:
    """Whatever stands in an event, it is no traceback."""
    assert reported(record) is None or "cannot be read" in str(reported(record))
