"""Reading application permissions and delegated grants: their names, whose they are, gaps, calls."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from connectors.azure.rights.reading import DEFAULT_ACCESS
from scanner.demo.fakes.azure.faults import Fault
from scanner.demo.fakes.azure.rights import GRAPH, add_api, add_group, consent, give_directory_role, permit
from scanner.demo.fakes.azure.tenant import Row, guid
from scanner.demo.fakes.azure.wire import Reply
from tests.connectors.azure.estate import AzureEstate
from tests.connectors.azure.rights.reading import directory_of, give_rows, read_tenant

ADMIN, MAIL, HARMLESS = "RoleManagement.ReadWrite.Directory", "Mail.Read", "User.Read.All"
JOIN = "PrivilegedAssignmentSchedule.ReadWrite.AzureADGroup"


@pytest.fixture
def graph(azure: AzureEstate) -> Row:
    """Microsoft Graph, as every tenant has it."""
    return add_api(azure.tenant, "Microsoft Graph", GRAPH, [ADMIN, MAIL, HARMLESS, JOIN, "Application.ReadWrite.All"])


@pytest.fixture
def ci(azure: AzureEstate) -> Row:
    return azure.tenant.add_service_principal("ci")


def test_a_permission_is_reported_by_its_name_and_its_api(azure: AzureEstate, graph: Row, ci: Row) -> None:
    """Which the row has only an id of."""
    row = permit(azure.tenant, graph, "Application.ReadWrite.All", ci)

    reported = read_tenant(azure).only()

    assert reported.key == f"azure://{azure.tenant.id}/appRoleAssignments/{row['id']}"
    assert (reported.holder, reported.holder_name) == (ci["id"], "ci")
    assert (reported.grant.name, reported.grant.resource, reported.grant.via) == (
        "Application.ReadWrite.All",
        "Microsoft Graph",
        "direct",
    )
    assert reported.privilege.level == "high"
    assert reported.becomes == (f"azure://{azure.tenant.id}/applications/*",)
    assert reported.created_at == datetime(2025, 3, 4, 5, 6, 7, 123456, tzinfo=UTC)
    assert reported.attributes == {"right": "application permission"}


def test_permissions_of_an_own_api_say_nothing_by_their_name(azure: AzureEstate, ci: Row) -> None:
    """Whatever they are called."""
    api = add_api(azure.tenant, "Orders", guid("orders"), [ADMIN])
    permit(azure.tenant, api, ADMIN, ci)

    reported = read_tenant(azure).only()

    assert (reported.grant.name, reported.grant.resource, reported.privilege.level) == (ADMIN, "Orders", "normal")


@pytest.mark.parametrize(
    ("role", "name", "level"),
    [(DEFAULT_ACCESS, "default access", "normal"), (guid("withdrawn"), guid("withdrawn"), "unknown")],
)
def test_a_permission_that_is_not_published(
    azure: AzureEstate, graph: Row, ci: Row, role: str, name: str, level: str
) -> None:
    """Access without a role is known; one that was withdrawn since is not."""
    permit(azure.tenant, graph, role, ci)

    reported = read_tenant(azure).only()

    assert (reported.grant.name, reported.privilege.level) == (name, level)


def test_people_and_groups_are_counted(azure: AzureEstate, graph: Row, ci: Row) -> None:
    """Members of a group that hold it are no service principals for it."""
    permit(azure.tenant, graph, MAIL, azure.tenant.add_person("eve"), principalType="User")
    permit(azure.tenant, graph, MAIL, ci, principalType="Group")

    reported = read_tenant(azure)

    assert reported.assignments == []
    assert reported.coverage["graph.app_permissions"].detail == "2 permissions of people and groups are left out"


def test_what_is_not_listed_has_no_rights_reported(azure: AzureEstate, graph: Row, ci: Row) -> None:
    """Neither by itself nor in names of users."""
    permit(azure.tenant, graph, ADMIN, ci)
    consent(azure.tenant, ci, graph, "Mail.Read")

    assert read_tenant(azure, directory_of(azure, ci["id"])).assignments == []


def test_one_api_that_cannot_be_read_leaves_the_others(azure: AzureEstate, graph: Row, ci: Row) -> None:
    """A partial gap, that feeds permissions."""
    other = add_api(azure.tenant, "Orders", guid("orders"), ["Read"])
    permit(azure.tenant, graph, ADMIN, ci)
    permit(azure.tenant, other, "Read", ci)
    azure.server.faults.deny("graph", f"/v1.0/servicePrincipals/{other['id']}")

    reported = read_tenant(azure)

    assert reported.grants() == [(ci["id"], ADMIN)]
    assert reported.gaps() == {"graph.app_permissions": "partial"}
    assert reported.coverage["graph.app_permissions"].feeds == ("permissions",)


def test_an_api_that_was_deleted_meanwhile_is_no_gap(azure: AzureEstate, graph: Row, ci: Row) -> None:
    """It gives nothing any more."""
    permit(azure.tenant, graph, ADMIN, ci)
    known = directory_of(azure)
    del azure.tenant.service_principals[graph["id"]]
    azure.tenant.collections.clear()

    reported = read_tenant(azure, known)

    assert reported.assignments == []
    assert reported.gaps() == {}


def test_apis_are_asked_twenty_at_a_time_and_graph_first(azure: AzureEstate, graph: Row, ci: Row) -> None:
    """Those without permissions of their own not at all."""
    for number in range(24):
        permit(azure.tenant, add_api(azure.tenant, f"api{number}", guid(f"api{number}"), ["Read"]), "Read", ci)

    reported = read_tenant(azure)

    asked = [call for call in azure.server.asked("graph") if "appRoleAssignedTo" in call]
    assert reported.coverage["graph.app_permissions"].calls == 2
    assert len(reported.assignments) == 24
    assert len(asked) == 25
    assert graph["id"] in asked[19]  # the fake answers a batch in another order than it was asked in


def test_every_page_of_every_list_is_read(azure: AzureEstate, graph: Row) -> None:
    """Those inside a batch go on outside it."""
    for number in range(3):
        principal = azure.tenant.add_service_principal(f"app{number}")
        permit(azure.tenant, graph, MAIL, principal)
        consent(azure.tenant, principal, graph, "Mail.Read")
    azure.server.pages.largest = 1

    assert len(read_tenant(azure).assignments) == 6


def test_a_grant_for_everybody_is_reported_permission_by_permission(azure: AzureEstate, graph: Row, ci: Row) -> None:
    """The service writes a space before the first, at times."""
    consent(azure.tenant, ci, graph, f" {MAIL} openid  {MAIL}")

    reported = read_tenant(azure).assignments

    assert [(one.grant.name, one.privilege.level) for one in reported] == [(MAIL, "high"), ("openid", "normal")]
    assert {one.grant.via for one in reported} == {"consent for all users"}
    assert reported[0].grant.resource == "Microsoft Graph"
    assert reported[0].holder_name == "ci"
    assert reported[0].attributes == {"right": "delegated grant"}


def test_consents_of_users_are_reported_together_with_their_number(azure: AzureEstate, graph: Row, ci: Row) -> None:
    """A tenant has thousands of them, one for each person and application."""
    for number in range(5):
        consent(azure.tenant, ci, graph, MAIL, user=azure.tenant.add_person(f"user{number}"))

    reported = read_tenant(azure).only()

    assert (reported.grant.via, reported.attributes["users"], reported.privilege.level) == (
        "consent of users",
        5,
        "normal",
    )


def test_what_a_grant_on_an_unknown_api_allows_is_not_known(azure: AzureEstate, ci: Row) -> None:
    """What a name means is a matter of whose it is."""
    consent(azure.tenant, ci, {"id": guid("unknown api"), "displayName": "?"}, ADMIN)

    reported = read_tenant(azure).only()

    assert (reported.grant.resource, reported.privilege.level) == (guid("unknown api"), "unknown")


@pytest.mark.parametrize(("status", "told_as"), [(403, "denied"), (500, "failed")])
def test_grants_that_cannot_be_read_are_a_gap_that_feeds_permissions(
    azure: AzureEstate, graph: Row, ci: Row, status: int, told_as: str
) -> None:
    """They need a right that few other lists do."""
    permit(azure.tenant, graph, ADMIN, ci)
    azure.server.faults.add(
        Fault(service="graph", path="/v1.0/oauth2PermissionGrants", reply=Reply(status=status, body={}))
    )

    reported = read_tenant(azure)

    assert reported.gaps() == {"graph.delegated_grants": told_as}
    assert reported.coverage["graph.delegated_grants"].permission == ("Directory.Read.All" if status == 403 else None)
    assert reported.grants() == [(ci["id"], ADMIN)]


def test_a_page_that_fails_leaves_what_was_read(azure: AzureEstate, graph: Row) -> None:
    """In part, and said so."""
    for number in range(3):
        consent(azure.tenant, azure.tenant.add_service_principal(f"app{number}"), graph, MAIL)
    azure.server.pages.largest = 1
    azure.server.faults.add(
        Fault(service="graph", path="/v1.0/oauth2PermissionGrants", reply=Reply(status=503, body={}), after=2)
    )

    reported = read_tenant(azure)

    assert len(reported.assignments) == 2
    assert reported.gaps() == {"graph.delegated_grants": "partial"}


@pytest.mark.parametrize(
    "broken",
    [{"clientId": "../x"}, {"resourceId": None}, {"scope": 5}],
)
def test_a_row_that_cannot_be_understood_costs_only_itself(
    azure: AzureEstate, graph: Row, ci: Row, broken: dict[str, object]
) -> None:
    """The others are reported."""
    whole = consent(azure.tenant, ci, graph, MAIL)
    give_rows(azure, "graph", "/v1.0/oauth2PermissionGrants", [whole, {**whole, **broken}])

    reported = read_tenant(azure)

    assert reported.grants() == [(ci["id"], MAIL)]
    assert reported.gaps() == {"graph.delegated_grants": "partial"}


@pytest.mark.parametrize(
    "when", ["-8:00", "soon", "2026-01-01T00:00:00", "9999-12-31T23:59:59-12:00", 5, None, "0001-01-01T00:00:00+14:00"]
)
def test_a_date_that_is_none_costs_no_row(azure: AzureEstate, graph: Row, ci: Row, when: object) -> None:
    """Since when is not known, then."""
    row = permit(azure.tenant, graph, MAIL, ci)
    give_rows(azure, "graph", f"/v1.0/servicePrincipals/{graph['id']}", [{**row, "createdDateTime": when}])

    assert read_tenant(azure).only().created_at is None


@pytest.mark.parametrize("status", [404, 501])
def test_where_apis_have_no_list_of_holders_each_holder_is_asked(
    azure: AzureEstate, graph: Row, ci: Row, status: int
) -> None:
    """The same rows, from the other side."""
    permit(azure.tenant, graph, ADMIN, ci)
    before = read_tenant(azure).assignments
    reply = Reply(status=status, body={})
    azure.server.faults.add(Fault(service="graph", path=".*/appRoleAssignedTo", reply=reply))

    reported = read_tenant(azure)

    assert reported.assignments == before != []
    assert reported.gaps() == {}


def test_without_any_list_of_permissions_it_is_a_gap(azure: AzureEstate, graph: Row, ci: Row) -> None:
    """And no one is taken for harmless."""
    permit(azure.tenant, graph, ADMIN, ci)
    reply = Reply(status=404, body={})
    azure.server.faults.add(Fault(service="graph", path=".*/appRole", reply=reply))

    assert read_tenant(azure).gaps() == {"graph.app_permissions": "failed"}


def test_a_permission_of_an_api_that_is_not_listed_is_not_known(azure: AzureEstate, graph: Row, ci: Row) -> None:
    """It is reported by its id, and may be anything."""
    permit(azure.tenant, graph, ADMIN, ci)
    reply = Reply(status=404, body={})
    azure.server.faults.add(Fault(service="graph", path=".*/appRoleAssignedTo", reply=reply))
    del azure.tenant.service_principals[graph["id"]]

    reported = read_tenant(azure).only()

    assert (reported.grant.resource, reported.privilege.level) == ("Microsoft Graph", "unknown")


def test_a_row_that_does_not_say_whose_it_is_is_known_by_its_holder(azure: AzureEstate, graph: Row, ci: Row) -> None:
    """A right of a service principal is not taken for a person's."""
    azure.is_hostile = True
    permit(azure.tenant, graph, ADMIN, ci, principalType=None)
    permit(azure.tenant, graph, ADMIN, azure.tenant.add_person("eve"), principalType=None)

    assert read_tenant(azure).only().holder == ci["id"]


@pytest.mark.parametrize(
    ("given", "level"),
    [
        ({}, "escalation"),
        ({"role": "Application Administrator"}, "high"),
        ({"scope": "/administrativeUnits/1"}, "high"),
        ({"condition": "@Resource[a] StringEquals 'b'"}, "high"),
        (None, "high"),
    ],
)
def test_a_group_that_rules_is_one_that_others_can_join(
    azure: AzureEstate, graph: Row, ci: Row, given: dict[str, str] | None, level: str
) -> None:
    """Only one with the role of an admin on the whole directory, whatever happens."""
    permit(azure.tenant, graph, JOIN, ci)
    if given is not None:
        facts = {"role": "Global Administrator"} | given
        row = give_directory_role(azure.tenant, facts.pop("role"), add_group(azure.tenant, "operators", []))
        row |= {"directoryScopeId": facts.pop("scope", "/")} | facts

    (reported,) = (one for one in read_tenant(azure).assignments if one.holder == ci["id"])

    assert reported.privilege.level == level


def test_groups_that_were_not_read_may_rule(azure: AzureEstate, graph: Row, ci: Row) -> None:
    """The level stays high, and the evidence says why."""
    permit(azure.tenant, graph, JOIN, ci)
    give_rows(azure, "graph", "/v1.0/roleManagement/directory/roleAssignments", [{"id": 7}])

    (evidence,) = read_tenant(azure).only().privilege.evidence

    assert evidence.endswith(", and which groups do was not read")
