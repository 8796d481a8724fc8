"""Recommender's insights, which are read where they are asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.gcp.usage.reading import Insight, role_used, unused_since
from scanner.demo.fakes.gcp.cloud import Cloud
from scanner.demo.fakes.gcp.usage import add_insight
from tests.connectors.gcp.conftest import ORGANIZATION, Place, small_company
from tests.connectors.gcp.consuming import BILLING, DEV, PROD, accounts_in, coverage_in

NAME = "recommender.insights"
BUILDER = "builder@acme-dev.iam.gserviceaccount.com"
EDITOR = {"role": "roles/editor", "currentTotalPermissionsCount": "9000"}


def _permissions(count: int) -> list[dict[str, str]]:
    return [{"permission": f"storage.objects.verb{number}"} for number in range(count)]


@pytest.fixture
def place(start: Callable[[Cloud], Place]) -> Place:
    """Builder went unused; billing used 3 of 9,000 permissions in one project and none in the other."""
    cloud = small_company()
    add_insight(cloud, DEV, "serviceAccount", {"email": BUILDER, "serviceAccountId": "1"})
    add_insight(cloud, DEV, "serviceAccount", {"email": BILLING}, state="DISMISSED")
    member = {"member": f"serviceAccount:{BILLING}"}
    add_insight(cloud, PROD, "policy", EDITOR | member | {"exercisedPermissions": _permissions(3)})
    add_insight(cloud, DEV, "policy", {"role": "roles/viewer"} | member)
    add_insight(cloud, PROD, "policy", EDITOR | {"member": "user:ada@example.com"})
    return start(cloud)


def test_they_are_off_unless_asked_for(place: Place) -> None:
    """A call for each project and type is worth asking for."""
    records = place.scan()

    assert coverage_in(records)[PROD, NAME].status == "off"
    assert not any("insightTypes" in line for line in place.cloud.log)
    assert "roles_used" not in accounts_in(records)["billing"].attributes


@pytest.mark.parametrize("bulk", [True, False])
def test_what_recommender_says_of_an_account_stands_with_it(place: Place, bulk: bool) -> None:
    """Those that are dismissed, and those of people, do not."""
    if not bulk:
        place.cloud.faults.deny(api="cloudasset")

    records = place.scan(resources=NAME)
    found = accounts_in(records)

    assert found["builder"].attributes["unused_by_recommender"] == "in 90 days"
    assert "unused_by_recommender" not in found["billing"].attributes
    assert "roles/editor: 3 of 9000 permissions used" in found["billing"].attributes["roles_used"]
    assert coverage_in(records)[PROD, NAME].calls == 2


def test_what_is_said_in_several_projects_comes_together(place: Place) -> None:
    """An account may hold roles anywhere."""
    assert accounts_in(place.scan(resources=NAME))["billing"].attributes["roles_used"] == [
        "roles/editor: 3 of 9000 permissions used",
        "roles/viewer: 0 permissions used",
    ]


@pytest.mark.parametrize(("part", "left"), [("serviceAccount.Insight", "roles_used"), ("policy.Insight", "unused")])
def test_one_type_that_is_denied_does_not_cost_the_other(place: Place, part: str, left: str) -> None:
    """It is a gap all the same, which names what is missing."""
    place.cloud.faults.deny(api="recommender", part=part)

    records = place.scan(resources=NAME)
    coverage = coverage_in(records)[DEV, NAME]

    assert any(left in name for one in accounts_in(records).values() for name in one.attributes)
    assert coverage.status == "partial"
    kind = "iamServiceAccountInsights" if "Account" in part else "iamPolicyInsights"
    assert coverage.permission == f"recommender.{kind}.list"
    assert not any(scope == ORGANIZATION for scope, name in coverage_in(records) if name == NAME)


def test_both_denied_is_denied(place: Place) -> None:
    """Nothing was read."""
    place.cloud.faults.deny(api="recommender")

    assert coverage_in(place.scan(resources=NAME))[PROD, NAME].status == "denied"


@pytest.mark.parametrize(
    ("content", "reported"),
    [
        ({"member": "serviceAccount:e", "role": "roles/x"}, "roles/x: 0 permissions used"),
        (
            {
                "member": "serviceAccount:e",
                "role": "r",
                "exercisedPermissions": [{}],
                "currentTotalPermissionsCount": 7,
            },
            "r: 1 of 7 permissions used",
        ),
        (
            {"member": "serviceAccount:e", "role": "r", "currentTotalPermissionsCount": "\x1b[2J"},
            "r: 0 permissions used",
        ),
        ({"member": "serviceAccount:e"}, None),
        ({"member": "group:e", "role": "r"}, None),
        ({}, None),
    ],
)
def test_how_much_of_a_role_was_used(content: dict[str, Any], reported: str | None) -> None:
    """As far as it is said."""
    assert role_used(msgspec.convert({"content": content}, Insight)) == reported


def test_since_when_an_account_went_unused() -> None:
    """Where a last use is known."""
    row = {"content": {"email": "e", "lastAuthenticatedTime": "2026-01-02T07:00:00Z"}}

    assert unused_since(msgspec.convert(row, Insight)) == "since 2026-01-02"


@given(member=st.text(), role=st.text(), total=st.text() | st.integers())
def test_nothing_that_is_said_breaks_it(member: str, role: str, total: str | int) -> None:
    """Contents have no fixed shape."""
    content = {"member": member, "role": role, "currentTotalPermissionsCount": total}

    reported = role_used(msgspec.convert({"content": content}, Insight))

    assert (reported is not None) == (member.startswith("serviceAccount:") and role != "")
