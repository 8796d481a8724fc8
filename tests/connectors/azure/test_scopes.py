"""The units of work that are found, and what is said where they cannot be."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.core.contract import Scope
from scanner.demo.fakes.azure.faults import Fault
from scanner.demo.fakes.azure.tenant import guid
from scanner.demo.fakes.azure.wire import Reply
from scanner.model import Coverage
from scanner.redaction.redact import SecretRef
from tests.connectors.azure.estate import AzureEstate

RESOURCE_GRAPH, ENTITIES = "/providers/Microsoft.ResourceGraph", "/providers/Microsoft.Management/getEntities"


@pytest.fixture
def estate(azure: AzureEstate) -> AzureEstate:
    """Two groups, a subscription in each, and one that is being closed down."""
    azure.tenant.add_management_group("corp", title="Contoso")
    azure.tenant.add_management_group("lab", parent="corp")
    azure.tenant.add_subscription("prod", group="corp")
    azure.tenant.add_subscription("test", group="lab")
    azure.tenant.add_subscription("gone", group="lab", state="Disabled")
    return azure


def _units(azure: AzureEstate, **facts: Any) -> tuple[dict[str, str | None], dict[str, Coverage]]:
    found = list(azure.connector(**facts).scopes())
    units = {one.context.kind + " " + one.id: one.context.name for one in found if isinstance(one, Scope)}
    return units, {one.section: one for one in found if isinstance(one, Coverage)}


def _id(name: str) -> str:
    return guid(f"subscription/{name}")


GROUPS = {"management_group managementGroups/corp": "Contoso", "management_group managementGroups/lab": "lab"}
SUBSCRIPTIONS = {f"subscription {_id('prod')}": "prod", f"subscription {_id('test')}": "test"}


@pytest.mark.parametrize(
    ("facts", "expected", "calls"),
    [
        ({}, GROUPS | SUBSCRIPTIONS, 1),
        ({"skip_subscriptions": _id("test").upper()}, {**GROUPS, f"subscription {_id('prod')}": "prod"}, 1),
        ({"subscriptions": (_id("test"),), "management_groups": ()}, {f"subscription {_id('test')}": None}, 0),
        ({"subscriptions": (_id("gone"),)}, {**GROUPS, f"subscription {_id('gone')}": "gone"}, 1),
        ({"management_groups": "lab"}, {"management_group managementGroups/lab": "lab", **SUBSCRIPTIONS}, 1),
        ({"subscriptions": (), "management_groups": ()}, {}, 0),
    ],
)
def test_one_call_finds_what_is_not_named(
    estate: AzureEstate, facts: dict[str, Any], expected: dict[str, str | None], calls: int
) -> None:
    """Closed subscriptions apart, unless they are asked for by name."""
    units, coverage = _units(estate, **facts)

    assert units == {f"tenant {estate.tenant.id}": None, **expected}
    assert {one.status for one in coverage.values()} == {"complete"}
    assert len(estate.server.log) == calls


def test_without_resource_graph_the_resource_manager_lists_them(estate: AzureEstate) -> None:
    """In one call for each kind."""
    estate.server.faults.deny("arm", RESOURCE_GRAPH)

    units, coverage = _units(estate)

    assert units == {f"tenant {estate.tenant.id}": None, **GROUPS, **SUBSCRIPTIONS}
    assert {one.status for one in coverage.values()} == {"complete"}
    assert "was used instead" in str(coverage["arm.subscriptions"].detail)
    assert sum(one.calls for one in coverage.values() if one.section != "entra.tenant") == len(estate.server.log) == 3


def test_where_groups_cannot_be_listed_they_are_the_gap(estate: AzureEstate) -> None:
    """Subscriptions are still found."""
    estate.server.faults.deny("arm", RESOURCE_GRAPH)
    estate.server.faults.deny("arm", ENTITIES)

    units, coverage = _units(estate)

    assert units == {f"tenant {estate.tenant.id}": None, **SUBSCRIPTIONS}
    assert coverage["arm.subscriptions"].status == "complete"
    assert (coverage["arm.management_groups"].status, coverage["arm.management_groups"].scope) == ("denied", "*")


def test_where_only_groups_are_looked_for_their_list_is_the_gap(estate: AzureEstate) -> None:
    """And subscriptions that were named are read."""
    estate.server.faults.deny("arm", RESOURCE_GRAPH)
    estate.server.faults.deny("arm", ENTITIES)

    units, coverage = _units(estate, subscriptions=(_id("test"),))

    assert units == {f"tenant {estate.tenant.id}": None, f"subscription {_id('test')}": None}
    assert {name: (one.status, one.scope) for name, one in coverage.items() if one.is_gap} == {
        "arm.management_groups": ("denied", "*")
    }
    assert sum(one.calls for one in coverage.values() if one.section != "entra.tenant") == len(estate.server.log) == 2


def _contexts(azure: AzureEstate, **facts: Any) -> dict[str, Any]:
    return {one.id: one.context for one in azure.connector(**facts).scopes() if isinstance(one, Scope)}


@pytest.mark.parametrize("by", ["one query", "lists"])
def test_each_unit_knows_what_it_lies_in(estate: AzureEstate, by: str) -> None:
    """A group what it holds, and a subscription which of the groups that are read it inherits from."""
    if by == "lists":
        estate.server.faults.deny("arm", RESOURCE_GRAPH)
    estate.tenant.add_subscription("apart")
    estate.tenant.add_management_group("other")

    units = _contexts(estate)

    assert units[_id("test")].ancestors == units[_id("test")].groups[::-1] == ("lab", "corp")
    assert units["managementGroups/lab"].ancestors == units[_id("prod")].ancestors == ("corp",)
    assert set(units["managementGroups/corp"].subscriptions) == {_id("prod"), _id("test")}
    assert units["managementGroups/lab"].subscriptions == (_id("test"),)
    assert units[_id("apart")].groups == ("corp", "lab", "other")


def test_a_group_that_is_named_is_known_by_its_own_name(estate: AzureEstate) -> None:
    """However it is written in the settings."""
    units = _contexts(estate, management_groups=("CORP", "missing"))

    assert (units["managementGroups/corp"].name, len(units["managementGroups/corp"].subscriptions)) == ("Contoso", 2)
    assert (units["managementGroups/missing"].name, units[_id("test")].groups) == (None, ("corp",))


def test_what_is_closed_is_left_out_and_said(estate: AzureEstate) -> None:
    """By its name."""
    _, coverage = _units(estate)

    assert "1 that are closed or being closed are left out: gone" in str(coverage["arm.subscriptions"].detail)
    assert coverage["arm.subscriptions"].identities == 2


def test_a_query_that_looked_into_some_only_is_not_trusted(estate: AzureEstate) -> None:
    """Above ten thousand subscriptions Resource Graph says so in a header; the resource manager's list has no end."""
    reply = Reply(
        body={"data": [], "totalRecords": 0, "count": 0, "resultTruncated": "false"},
        headers={"x-ms-tenant-subscription-limit-hit": "true"},
    )
    estate.server.faults.add(Fault(service="arm", path=RESOURCE_GRAPH, reply=reply))

    units, coverage = _units(estate)

    assert units == {f"tenant {estate.tenant.id}": None, **GROUPS, **SUBSCRIPTIONS}
    assert "more subscriptions than one query" in str(coverage["arm.subscriptions"].detail)


def test_what_a_failing_query_gave_first_is_kept(estate: AzureEstate) -> None:
    """Where nothing else answers, the list is partial."""
    estate.tenant.resource_graph_page = 4
    estate.server.faults.add(Fault(service="arm", path=RESOURCE_GRAPH, reply=Reply(status=500, body={}), after=1))
    estate.server.faults.deny("arm", "/subscriptions")
    estate.server.faults.deny("arm", ENTITIES)

    units, coverage = _units(estate)

    assert len(units) == 1 + 3
    assert {(one.section, one.status) for one in coverage.values() if one.is_gap} == {
        ("arm.subscriptions", "partial"), ("arm.management_groups", "partial")
    }  # fmt: skip


def test_without_either_list_the_tenant_is_still_read(estate: AzureEstate) -> None:
    """The gap covers every subscription there may be."""
    estate.server.faults.deny("arm", ".*")

    units, coverage = _units(estate)

    gap = coverage["arm.subscriptions"]
    assert units == {f"tenant {estate.tenant.id}": None}
    assert (gap.status, gap.scope, gap.permission) == ("denied", "*", "Microsoft.Resources/subscriptions/read")


def test_seeing_no_subscription_is_no_proof_that_there_is_none(azure: AzureEstate) -> None:
    """Azure answers with an empty list where the right is missing; anyone who has none says so."""
    _, coverage = _units(azure)
    _, reported = _units(azure, subscriptions=())

    assert (coverage["arm.subscriptions"].status, coverage["arm.subscriptions"].scope) == ("denied", "*")
    assert "subscriptions = []" in str(coverage["arm.subscriptions"].detail)
    assert not any(one.is_gap for one in reported.values())


def test_a_subscription_that_cannot_be_understood_is_a_gap_of_its_size(estate: AzureEstate) -> None:
    """The others are read."""
    rows = [
        {"id": "/subscriptions/x", "name": 7},
        {"name": "odd", "type": "microsoft.resources/subscriptions", "subscriptionId": "S-1", "properties": "none"},
    ]
    estate.server.faults.add(Fault(service="arm", path=RESOURCE_GRAPH, reply=Reply(body={"data": rows})))

    units, coverage = _units(estate)

    assert units == {f"tenant {estate.tenant.id}": None, "subscription s-1": "odd"}
    assert (coverage["arm.subscriptions"].status, coverage["arm.subscriptions"].scope) == ("partial", "*")


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"tenant_id": None}, "AZURE_TENANT_ID"),
        ({"client_secret": SecretRef(env="NO_SUCH_SECRET")}, "NO_SUCH_SECRET"),
        ({"client_id": guid("another")}, "AADSTS7000215"),
        ({"tenant_id": guid("another tenant")}, "no token"),
    ],
)
def test_without_a_token_nothing_else_is_tried(azure: AzureEstate, facts: dict[str, Any], words: str) -> None:
    """One gap over everything, with what is to be done."""
    (gap,) = azure.connector(**facts).scopes()

    assert isinstance(gap, Coverage)
    assert (gap.section, gap.scope, gap.status) == ("entra.tenant", "*", "failed")
    assert words in str(gap.detail)
    assert azure.server.log == []


@pytest.mark.parametrize("rows", [[], [{"id": "/subscriptions/x/d", "name": "d", "type": "Microsoft.Compute/disks"}]])
def test_a_query_that_finds_no_subscription_is_not_trusted(estate: AzureEstate, rows: list[Any]) -> None:
    """Resource Graph lags behind, and the resource manager's own list costs one request."""
    reply = Reply(body={"data": rows, "totalRecords": 0, "count": 0, "resultTruncated": "false"})
    estate.server.faults.add(Fault(service="arm", path=RESOURCE_GRAPH, reply=reply))
    estate.is_hostile = True

    units, coverage = _units(estate)

    assert units == {f"tenant {estate.tenant.id}": None, **GROUPS, **SUBSCRIPTIONS}
    assert "returns no subscription" in str(coverage["arm.subscriptions"].detail)


@pytest.mark.parametrize("status", [400, 404, 405, 501])
def test_where_entities_are_not_known_the_groups_are_listed_alone(estate: AzureEstate, status: int) -> None:
    """They are units then, though what they lie in is not reported."""
    estate.server.faults.deny("arm", RESOURCE_GRAPH)
    estate.server.faults.add(Fault(service="arm", path=ENTITIES, reply=Reply(status=status, body={})))
    rows = [
        {
            "id": f"/providers/Microsoft.Management/managementGroups/{name}",
            "type": "Microsoft.Management/managementGroups",
            "name": name,
            "properties": {"tenantId": estate.tenant.id, "displayName": title},
        }
        for name, title in (("corp", "Contoso"), ("lab", "lab"))
    ]
    path = "/providers/Microsoft.Management/managementGroups\\?"
    estate.server.faults.add(Fault(service="arm", path=path, reply=Reply(body={"value": rows})))

    units, coverage = _units(estate)

    assert units == {f"tenant {estate.tenant.id}": None, **GROUPS, **SUBSCRIPTIONS}
    assert not any(one.is_gap for one in coverage.values())
