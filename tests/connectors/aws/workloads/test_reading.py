"""What holds for every section: pages, refusals, gaps, rows that cannot be read, and what hangs under what."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.aws.workloads.catalog import BY_SECTION, TYPES, wanted
from tests.connectors.aws.workloads.account import ROLE, Account
from tests.servers.moto_server import ACCOUNT

CORE = "bedrock-agentcore-control"
CREATED = datetime(2026, 5, 1, tzinfo=UTC)
OTHER = f"arn:aws:iam::{ACCOUNT}:role/other"
DEFINITION = f"arn:aws:ecs:eu-west-1:{ACCOUNT}:task-definition/web:7"


def _function(name: str, role: str = ROLE) -> dict[str, Any]:
    return {"FunctionName": name, "FunctionArn": f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:{name}", "Role": role}


def test_every_section_that_is_denied_names_its_permission(account: Account) -> None:
    """Each is a gap of its own, also those whose rows hang under others; nothing is taken for empty."""
    account.server.refuses_all = True

    found = account.read("all")

    assert {section: one.status for section, one in found.coverage.items()} == dict.fromkeys(
        ["tag.resources", *BY_SECTION], "denied"
    )
    for one in TYPES:
        first = one
        while first.listing.under:
            first = BY_SECTION[first.listing.under]
        assert found.coverage[one.section].permission == first.permissions[0]
    assert found.workloads == {}
    assert account.server.calls.total() == 1 + sum(one.listing.under is None for one in TYPES)


def test_what_is_not_asked_for_is_off(account: Account) -> None:
    """It is reported, and is no gap."""
    found = account.read("lambda.functions")

    assert {section for section, one in found.coverage.items() if one.status != "off"} == {
        "tag.resources",
        "lambda.functions",
    }
    assert set(found.coverage) == {"tag.resources", *BY_SECTION}
    assert found.gaps == {}


def test_optional_sections_are_off_by_default(account: Account) -> None:
    """They cost calls for each thing, or give little."""
    found = account.read()

    assert {section for section, one in found.coverage.items() if one.status == "off"} == set(BY_SECTION) - wanted(
        ["usual"]
    )
    assert found.coverage["events.targets"].status == "off"


def test_what_the_server_does_not_offer_is_no_gap(account: Account) -> None:
    """Nor is what hangs under it, and neither is asked for twice."""
    found = account.read("qbusiness")

    assert {section: one.status for section, one in found.coverage.items() if one.status != "off"} == {
        "qbusiness.applications": "not_offered",
        "qbusiness.plugins": "not_offered",
        "qbusiness.data_accessors": "not_offered",
    }
    assert account.server.calls == {"qbusiness:ListApplications": 1}


def test_all_pages_are_read(account: Account) -> None:
    """Through the SDK's paginators."""

    def page(asked: Mapping[str, Any]) -> Mapping[str, Any]:
        start = int(asked.get("Marker", 0))
        more = {"NextMarker": str(start + 1)} if start < 2 else {}
        return {"Functions": [_function(f"f{start}")], **more}

    account.server.say("lambda", "ListFunctions", page)

    found = account.read("lambda.functions")

    assert [name for _, name in found.workloads] == ["f0", "f1", "f2"]
    assert found.coverage["lambda.functions"].identities == 3
    assert found.coverage["lambda.functions"].calls == 3


def test_pages_that_the_sdk_does_not_turn_are_read_too(account: Account) -> None:
    """Where it has no paginator."""

    def page(asked: Mapping[str, Any]) -> Mapping[str, Any]:
        start = int(asked.get("NextToken", 0))
        more = {"NextToken": str(start + 1)} if start < 2 else {}
        return {"Sessions": [{"Id": f"s{start}", "Role": ROLE}], **more}

    account.server.say("glue", "ListSessions", page)

    found = account.read("glue.sessions")

    assert [name for _, name in found.workloads] == ["s0", "s1", "s2"]
    assert account.server.calls["glue:ListSessions"] == 3


def test_a_listing_that_breaks_off_keeps_what_came_before(account: Account) -> None:
    """And says that the rest is missing."""

    def page(_: Mapping[str, Any]) -> Mapping[str, Any]:
        account.server.refuse("lambda", "ListFunctions")
        return {"Functions": [_function("first")], "NextMarker": "1"}

    account.server.say("lambda", "ListFunctions", page)

    found = account.read("lambda.functions")

    assert [name for _, name in found.workloads] == ["first"]
    assert found.coverage["lambda.functions"].status == "partial"
    assert found.coverage["lambda.functions"].permission == "lambda:ListFunctions"


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"Role": "arn:aws:s3:::bucket"}, "row bad could not be read: not a role ARN"),
        ({"FunctionArn": ""}, "row bad could not be read: it has no FunctionArn"),
    ],
)
def test_a_row_that_cannot_be_read_is_named(account: Account, row: dict[str, Any], reason: str) -> None:
    """It is a gap for that row, and the others are there."""
    bad = {**_function("bad"), **row}
    account.server.say("lambda", "ListFunctions", {"Functions": [_function("good"), bad]})

    found = account.read("lambda.functions")

    assert [name for _, name in found.workloads] == ["good"]
    assert found.gaps == {"lambda.functions": "partial"}
    assert found.coverage["lambda.functions"].detail == reason


def test_a_profile_without_a_readable_role_is_named(account: Account) -> None:
    """The machines are there; as what they run is the gap of the profiles' own section."""
    ec2 = account.client("ec2")
    account.role()
    account.client("iam").create_instance_profile(InstanceProfileName="machines")
    ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1, IamInstanceProfile={"Name": "machines"})
    account.server.refuse("iam", "ListInstanceProfiles")

    found = account.read("ec2.instances")
    [machine] = found.workloads.values()

    assert machine.runs_as == ()
    assert machine.attributes["instance_profiles"] == [f"arn:aws:iam::{ACCOUNT}:instance-profile/machines"]
    assert found.gaps == {"iam.instance_profiles": "denied"}


def test_tags_of_the_tagging_service_that_cannot_be_read_are_a_gap(account: Account) -> None:
    """Which tags there would be is unknown, and the things are there."""
    account.server.refuse("resourcegroupstaggingapi", "GetResources")
    account.server.say("lambda", "ListFunctions", {"Functions": [_function("f")]})

    found = account.read("lambda.functions")

    assert found.gaps == {"tag.resources": "denied"}
    assert found.coverage["tag.resources"].permission == "tag:GetResources"
    assert found.workloads["lambda_function", "f"].tags == {}
