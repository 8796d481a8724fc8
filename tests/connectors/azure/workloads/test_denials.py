"""Reading deny assignments: where, of whom they take what, and what a gap of theirs leaves as it is."""

from __future__ import annotations

import pytest

from scanner.demo.fakes.azure.faults import Fault
from scanner.demo.fakes.azure.rights import add_group
from scanner.demo.fakes.azure.wire import Reply
from tests.connectors.azure.estate import AzureEstate
from tests.connectors.azure.rights.reading import read_place
from tests.connectors.azure.workloads.test_assignments import Place

SECTION = "arm.deny_assignments"


@pytest.fixture
def place(azure: AzureEstate) -> Place:
    return Place(azure)


def test_a_right_that_is_denied_is_uncertain(place: Place) -> None:
    """And says by what."""
    place.give("Owner")
    place.tenant.deny(place.scope, "stack", ["*"])

    reported = place.read()

    assert (reported.only().privilege.level, reported.only().conditional) == ("high", True)
    assert reported.only().grant.admin is False
    assert reported.only().attributes["denied_by"] == "stack"
    assert (reported.coverage[SECTION].status, reported.coverage[SECTION].identities) == ("complete", 1)


def test_who_it_excludes_keeps_the_right(place: Place) -> None:
    """By itself, or by a group that it is in."""
    other = place.tenant.add_service_principal("other")
    group = add_group(place.tenant, "publishers", [place.ci])
    for principal in (place.ci, other):
        place.give("Owner", principal=principal["id"])
    place.give("Reader", principal=group["id"], principalType="Group")
    place.tenant.deny(place.scope, "stack", ["*"], excludePrincipals=[{"id": group["id"], "type": "Group"}])

    levels = {one.holder_name: one.privilege.level for one in place.read().assignments if one.grant.name == "Owner"}

    assert levels == {"ci": "admin", "other": "high"}


def test_members_of_one_group_are_distinguished(place: Place) -> None:
    """What one of them is spared the others may be denied."""
    other = place.tenant.add_service_principal("other")
    group = add_group(place.tenant, "team", [place.ci, other])
    place.give("Owner", principal=group["id"], principalType="Group")
    excluded = [{"id": place.ci["id"], "type": "ServicePrincipal"}]
    place.tenant.deny(place.scope, "stack", ["*"], excludePrincipals=excluded)

    levels = {one.holder_name: one.privilege.level for one in place.read().assignments}

    assert levels == {"ci": "admin", "other": "high"}


def test_a_part_of_the_subscription_that_is_denied_leaves_the_right(place: Place) -> None:
    """What is there may be spared."""
    place.give("Contributor")
    place.tenant.deny(f"{place.scope}/resourceGroups/managed", "app", ["*"])

    reported = place.read().only()

    assert (reported.privilege.level, reported.conditional, reported.attributes["denied_by"]) == (
        "high",
        False,
        "app",
    )
    machines = [one for one in reported.takes_over if "virtualmachines/" in one.on[0]]
    assert sorted((one.conditional, bool(one.but)) for one in machines) == [(False, True), (True, False)]


def test_a_part_that_is_denied_leaves_a_right_that_the_subscription_inherits(place: Place) -> None:
    """As one that is given at the subscription itself."""
    place.give("Contributor", "managementGroups/corp")
    place.tenant.deny(f"{place.scope}/resourceGroups/managed", "app", ["*"])

    reported = place.read().only()

    assert reported.attributes["denied_by"] == "app"
    machines = [one for one in reported.takes_over if "virtualmachines/" in one.on[0]]
    assert sorted((one.conditional, bool(one.but)) for one in machines) == [(False, True), (True, False)]


def test_of_a_management_group_those_at_it_are_asked_for(place: Place, azure: AzureEstate) -> None:
    """What holds in one of its subscriptions is theirs to say."""
    place.give("Owner", "managementGroups/corp")
    place.tenant.deny("managementGroups/corp", "stack", ["Microsoft.Authorization/*"])
    place.tenant.deny(place.scope, "below", ["*"])

    reported = read_place(azure, "managementGroups/corp").only()

    assert (reported.privilege.level, reported.attributes["denied_by"]) == ("high", "stack")
    filters = [call.query.get("$filter") for call in azure.server.log if call.path.endswith("denyAssignments")]
    assert filters == ["atScope()"]


@pytest.mark.parametrize(
    ("reply", "status"),
    [
        (Reply(status=403, body={"error": {"code": "AuthorizationFailed", "message": "no"}}), "denied"),
        (Reply(body={"value": [{"id": "d", "properties": {"scope": "nowhere"}}]}), "partial"),
        (Reply(body={"value": [{"id": 7}]}), "partial"),
    ],
)
def test_what_could_not_be_read_takes_nothing_away(place: Place, reply: Reply, status: str) -> None:
    """The gap is of its own section, and the right stands as it is reported."""
    place.give("Owner")
    place.tenant.deny(place.scope, "stack", ["*"])
    place.azure.is_hostile = True
    place.azure.server.faults.add(Fault(service="arm", path=".*/denyAssignments", reply=reply))

    reported = place.read()

    assert reported.only().privilege.level == "admin"
    assert {name: one.status for name, one in reported.coverage.items() if one.is_gap} == {SECTION: status}
    assert reported.coverage[SECTION].feeds == ()
    if status == "denied":
        assert reported.coverage[SECTION].permission == "Microsoft.Authorization/denyAssignments/read"


def test_no_one_asks_where_no_one_holds_anything(place: Place) -> None:
    """There is nothing that could be denied."""
    place.tenant.deny(place.scope, "stack", ["*"])

    reported = place.read()

    assert (reported.coverage[SECTION].status, reported.coverage[SECTION].calls) == ("complete", 0)
