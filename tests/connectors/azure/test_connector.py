"""One tenant from end to end: what is found, counted and left to be said."""

from __future__ import annotations

import json

import pytest

from connectors.azure.client.requests import ALLOWED
from connectors.azure.connector import AzureConnector
from scanner.demo.fakes.azure.faults import Fault
from scanner.demo.fakes.azure.rights import GRAPH, add_api
from scanner.demo.fakes.azure.tenant import guid
from scanner.demo.fakes.azure.wire import Reply, Service
from scanner.model import Assignment, Coverage, Identity
from tests.connectors.azure.estate import AzureEstate


def _identities(azure: AzureEstate) -> dict[str, Identity]:
    return {one.name: one for one in azure.read() if isinstance(one, Identity)}


@pytest.fixture
def estate(azure: AzureEstate) -> AzureEstate:
    """A subscription in a management group, and someone with a role at each."""
    tenant = azure.tenant
    tenant.add_management_group("corp")
    subscription = tenant.add_subscription("prod", group="corp")["subscriptionId"]
    tenant.add_application("shop")
    tenant.assign_role(f"/subscriptions/{subscription}", guid("principal/shop"))
    tenant.assign_role("managementGroups/corp", guid("principal/shop"))
    return azure


def test_an_application_and_its_principal_are_one_identity(azure: AzureEstate) -> None:
    """One without a principal here is one all the same, of another kind."""
    azure.tenant.add_application("both")
    azure.tenant.add_application("alone", principal=False)
    azure.tenant.add_service_principal("foreign", appOwnerOrganizationId=guid("fabrikam"))

    found = _identities(azure)

    assert {name: one.kind for name, one in found.items()} == {
        "both": "service_principal",
        "alone": "application",
        "foreign": "service_principal",
    }
    assert found["both"].unique_id == guid("principal/both")
    assert {guid("client/both"), guid("application/both")} <= set(found["both"].aliases)
    assert found["alone"].unique_id is None


def test_a_managed_identity_lies_in_its_subscription(azure: AzureEstate) -> None:
    """Under the key that the subscription's own unit gives it."""
    subscription = azure.tenant.add_subscription("prod")["subscriptionId"]
    site = f"/subscriptions/{subscription}/resourceGroups/rg/providers/Microsoft.Web/sites/Shop"
    azure.tenant.add_managed_identity(site, user_assigned=False)

    (found,) = _identities(azure).values()

    assert (found.kind, found.scope, found.name) == ("managed_identity", subscription, "Shop")
    assert found.key == f"{site.lower()}/providers/microsoft.managedidentity/identities/default"


def test_a_right_is_reported_once_by_the_place_that_gives_it(estate: AzureEstate) -> None:
    """Although a subscription's list repeats what it inherits."""
    rights = [one for one in estate.read() if isinstance(one, Assignment)]

    assert sorted(one.scope for one in rights) == sorted(["managementGroups/corp", guid("subscription/prod")])
    assert {one.holder for one in rights} == {guid("principal/shop")}
    assert all(one.key == one.key.lower() for one in rights)


def test_people_s_rights_are_counted_and_left_out(estate: AzureEstate) -> None:
    """They are not what is looked for."""
    estate.tenant.assign_role(f"/subscriptions/{guid('subscription/prod')}", guid("ada"), principalType="User")
    records = estate.read()

    assert guid("ada") not in {one.holder for one in records if isinstance(one, Assignment)}
    assert any("1 of people" in (one.detail or "") for one in records if isinstance(one, Coverage))


def test_each_request_is_counted_in_its_section(estate: AzureEstate) -> None:
    """What a scan says it asked is what the server saw."""
    coverage = [one for one in estate.read() if isinstance(one, Coverage)]

    signing_in = 1
    assert sum(one.calls for one in coverage) == sum(not call.inner for call in estate.server.log) + signing_in
    assert not any(one.is_gap for one in coverage)


@pytest.mark.parametrize(
    ("service", "path", "scope", "section", "permission"),
    [
        ("graph", r"/v1\.0/applications\?.*appId", "tenant", "graph.applications", "Application.Read.All"),
        ("arm", "/subscriptions/.*/roleAssignments", "subscription", "arm.role_assignments",
         "Microsoft.Authorization/roleAssignments/read"),
        ("arm", "/providers/Microsoft.Management/.*/roleAssignments", "group", "arm.role_assignments",
         "Microsoft.Authorization/roleAssignments/read"),
    ],
)  # fmt: skip
def test_a_refusal_is_a_gap_of_one_section(
    estate: AzureEstate, service: Service, path: str, scope: str, section: str, permission: str
) -> None:
    """That names what is missing, and the rest is read."""
    estate.server.faults.deny(service, path)
    places = {"tenant": estate.tenant.id, "subscription": guid("subscription/prod"), "group": "managementGroups/corp"}

    gaps = estate.gaps()

    assert list(gaps) == [(places[scope], section)]
    assert (gaps[places[scope], section].status, gaps[places[scope], section].permission) == ("denied", permission)


def test_a_row_that_cannot_be_understood_costs_only_itself(azure: AzureEstate) -> None:
    """And is a gap of its size."""
    azure.is_hostile = True
    azure.tenant.add_service_principal("good")
    azure.tenant.add_service_principal("\x1b[31mbad", alternativeNames=7)

    records = azure.read(subscriptions=(), management_groups=())
    gap, hangs_on_it = [one for one in records if isinstance(one, Coverage) and one.is_gap]

    assert [one.name for one in records if isinstance(one, Identity)] == ["good"]
    assert hangs_on_it.section == "graph.app_permissions"
    assert (gap.section, gap.status, gap.identities) == ("graph.service_principals", "partial", 1)
    assert str(gap.detail).isprintable()


def test_a_role_assignment_that_cannot_be_understood_costs_only_itself(estate: AzureEstate) -> None:
    """Also where the SDK has read it."""
    estate.tenant.assign_role(f"/subscriptions/{guid('subscription/prod')}", "x", principalId=None)

    gaps = estate.gaps()

    assert [section for _, section in gaps] == ["arm.role_assignments"]
    assert {one.status for one in gaps.values()} == {"partial"}


def test_a_list_that_ends_early_keeps_what_was_read(azure: AzureEstate) -> None:
    """And says that it is not all."""
    for number in range(4):
        azure.tenant.add_service_principal(f"svc-{number}")
    azure.server.pages.largest = 2
    reply = Reply(status=500, body={})
    azure.server.faults.add(Fault(service="graph", path=r"/v1\.0/servicePrincipals\?.*appId", reply=reply, after=1))

    records = azure.read(subscriptions=(), management_groups=())
    gap, hangs_on_it = [one for one in records if isinstance(one, Coverage) and one.is_gap]

    assert hangs_on_it.section == "graph.app_permissions"
    assert len([one for one in records if isinstance(one, Identity)]) == 2
    assert (gap.section, gap.status, gap.identities) == ("graph.service_principals", "partial", 2)


def test_the_policy_holds_what_the_table_needs_and_nothing_that_writes() -> None:
    """It is printed from the same table that requests are held against."""
    policy = json.loads(AzureConnector.base_policy())
    roles = policy["azureCustomRoles"]
    reported = {
        *policy["graphApplicationPermissions"],
        *policy["optionalDirectoryRoles"],
        *(action for role in roles for action in (*role["Actions"], *role["DataActions"])),
    }

    assert reported == {one.permission for one in ALLOWED}
    assert not [one for one in reported if "write" in one.lower()]
    assert [role["Name"] for role in roles if "*/read" in role["Actions"]] == ["Muster reader of workloads"]


def test_no_role_with_data_actions_is_to_be_assigned_at_a_management_group() -> None:
    """Azure refuses that."""
    roles = json.loads(AzureConnector.base_policy())["azureCustomRoles"]
    places = {place for role in roles if role["DataActions"] for place in role["AssignableScopes"]}

    assert places
    assert not [place for place in places if "managementGroups" in place]


def test_doctor_says_each_unit_and_each_listing(estate: AzureEstate) -> None:
    """With what is missing where one fails."""
    estate.server.faults.deny("arm", "/providers/Microsoft.(ResourceGraph|Management/getEntities)")

    checks = {one.name: one for one in estate.connector().check()}

    assert not checks["arm.management_groups"].ok
    assert checks["arm.subscriptions"].ok
    assert checks["entra.tenant"].detail == "signed in"
    assert checks[f"subscription {guid('subscription/prod')}"].ok


def test_without_service_principals_no_managed_identity_is_called_gone(estate: AzureEstate) -> None:
    """One whose resource is not seen any more is found by that list alone, yet lives in its subscription."""
    subscription = guid("subscription/prod")
    estate.server.faults.deny("graph", "/v1.0/servicePrincipals\\?")

    gaps = [one for one in estate.read() if isinstance(one, Coverage) and one.is_gap]

    (gap,) = [one for one in gaps if (one.scope, one.section) == (subscription, "graph.service_principals")]
    assert (gap.status, gap.kinds, gap.calls) == ("denied", ("managed_identity",), 0)


@pytest.mark.parametrize("graph", [True, False])
def test_what_of_service_principals_is_missing_may_publish_permissions(azure: AzureEstate, *, graph: bool) -> None:
    """Microsoft Graph publishes those that matter: where it was read, the others are trusted."""
    azure.is_hostile = True
    add_api(azure.tenant, "Graph" if graph else "Orders", GRAPH if graph else guid("orders"), ["Read"])
    azure.tenant.add_service_principal("bad", alternativeNames=7)

    records = azure.read(subscriptions=(), management_groups=())

    gaps = {one.section: one.status for one in records if isinstance(one, Coverage) and one.is_gap}
    assert gaps.get("graph.app_permissions") == (None if graph else "partial")


def test_without_service_principals_no_one_s_permissions_are_known(estate: AzureEstate) -> None:
    """They publish the permissions, so that an empty list of these says nothing."""
    estate.server.faults.deny("graph", "/v1.0/servicePrincipals\\?")

    found = {one.section: one for one in estate.read() if isinstance(one, Coverage)}

    assert found["graph.app_permissions"].status == "skipped"
    assert found["graph.app_permissions"].feeds == ("permissions",)
