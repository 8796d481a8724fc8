"""Reading directory roles: who holds which, through groups, on what, and what stays unknown."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from scanner.demo.fakes.azure.faults import Fault
from scanner.demo.fakes.azure.rights import DIRECTORY_ROLES, add_directory_role, add_group, give_directory_role
from scanner.demo.fakes.azure.tenant import Row, guid
from scanner.demo.fakes.azure.wire import Reply
from tests.connectors.azure.estate import AzureEstate
from tests.connectors.azure.rights.reading import directory_of, give_rows, read_tenant

CREDENTIALS = "microsoft.directory/applications/credentials/update"


@pytest.fixture
def ci(azure: AzureEstate) -> Row:
    """A service principal in a tenant with a few roles."""
    for name, (role, actions) in DIRECTORY_ROLES.items():
        add_directory_role(azure.tenant, name, role, actions)
    return azure.tenant.add_service_principal("ci")


def test_a_role_is_reported_with_its_name_and_what_it_amounts_to(azure: AzureEstate, ci: Row) -> None:
    """On the whole directory; Graph does not say since when."""
    row = give_directory_role(azure.tenant, "Application Administrator", ci)

    reported = read_tenant(azure).only()

    assert reported.key == f"azure://{azure.tenant.id}/roleAssignments/{row['id']}"
    assert (reported.scope, reported.holder, reported.holder_name) == (azure.tenant.id, ci["id"], "ci")
    assert (reported.grant.name, reported.grant.via, reported.grant.resource) == (
        "Application Administrator",
        "direct",
        "the directory",
    )
    assert reported.privilege.level == "high"
    assert reported.becomes == (f"azure://{azure.tenant.id}/applications/*",)
    assert reported.attributes == {"right": "directory role"}
    assert (reported.gone, reported.created_at) == (None, None)


def test_an_administrator_is_reported_as_one(azure: AzureEstate, ci: Row) -> None:
    """Its grant says so, too."""
    give_directory_role(azure.tenant, "Global Administrator", ci)

    reported = read_tenant(azure).only()

    assert (reported.privilege.level, reported.grant.admin, reported.becomes) == ("admin", True, ())


def test_a_role_on_one_application_lets_its_holder_become_that_one(azure: AzureEstate, ci: Row) -> None:
    """Its object id leads to its key."""
    shop = azure.tenant.add_service_principal("shop")
    give_directory_role(azure.tenant, "Application Administrator", ci, scope=f"/{shop['id']}")

    reported = read_tenant(azure).only()

    assert reported.becomes == (f"azure://{azure.tenant.id}/applications/{shop['appId']}",)
    assert reported.privilege.level == "normal"
    assert reported.grant.resource == f"/{shop['id']}"


@pytest.mark.parametrize(
    ("facts", "level"),
    [
        ({}, "high"),
        ({"isEnabled": False}, "normal"),
        ({"rolePermissions": [{"allowedResourceActions": [CREDENTIALS], "condition": "$SubjectIsOwner"}]}, "normal"),
        (
            {
                "rolePermissions": [
                    {
                        "allowedResourceActions": [CREDENTIALS],
                        "excludedResourceActions": [CREDENTIALS],
                        "condition": None,
                    }
                ]
            },
            "normal",
        ),
    ],
)
def test_a_custom_role_counts_for_what_it_allows_on_anything(
    azure: AzureEstate, ci: Row, facts: dict[str, object], level: str
) -> None:
    """Not where it is switched off, nor for what one owns anyway."""
    add_directory_role(azure.tenant, "Deployers", guid("deployers"), [CREDENTIALS], **facts)
    give_directory_role(azure.tenant, guid("deployers"), ci)

    reported = read_tenant(azure).only()

    assert reported.privilege.level == level
    assert reported.attributes["custom"] is True


def test_a_condition_of_an_assignment_makes_it_uncertain(azure: AzureEstate, ci: Row) -> None:
    """At most high."""
    give_directory_role(azure.tenant, "Global Administrator", ci, condition="@Resource[a] StringEquals 'b'")

    reported = read_tenant(azure).only()

    assert (reported.privilege.level, reported.conditional) == ("high", True)


def test_a_role_without_a_definition_is_unknown(azure: AzureEstate, ci: Row) -> None:
    """Never taken for harmless."""
    give_directory_role(azure.tenant, guid("made yesterday"), ci)

    assert read_tenant(azure).only().privilege.level == "unknown"


def test_rights_of_people_are_counted_and_those_of_groups_handed_on(azure: AzureEstate, ci: Row) -> None:
    """To the service principals in them."""
    group = add_group(azure.tenant, "admins", [ci])
    give_directory_role(azure.tenant, "Global Administrator", azure.tenant.add_person("eve"))
    row = give_directory_role(azure.tenant, "Global Administrator", group)

    reported = read_tenant(azure)

    assert reported.only().grant.via == "group:admins"
    assert reported.only().key.endswith(f"{row['id']}#{ci['id']}")
    assert reported.only().holder == ci["id"]
    assert reported.coverage["graph.directory_roles"].detail == "1 role assignment of people is left out"


def test_a_role_of_somebody_deleted_is_counted(azure: AzureEstate, ci: Row) -> None:
    """No row goes without a word."""
    give_directory_role(azure.tenant, "Global Administrator", ci)
    give_directory_role(azure.tenant, "Global Administrator", {"id": guid("someone deleted")})

    reported = read_tenant(azure)

    assert reported.only().holder == ci["id"]
    detail = "1 role assignment of principals that are not in the directory is left out"
    assert reported.coverage["graph.directory_roles"].detail == detail


def test_microsofts_own_are_left_out_with_their_rights(azure: AzureEstate, ci: Row) -> None:
    """As they are from the list of identities; also inside a group."""
    own = azure.tenant.add_service_principal("Microsoft something")
    give_directory_role(azure.tenant, "Global Administrator", own)
    give_directory_role(azure.tenant, "Directory Readers", add_group(azure.tenant, "readers", [own, ci]))

    reported = read_tenant(azure, directory_of(azure, own["id"]))

    assert reported.grants() == [(ci["id"], "Directory Readers")]


def test_a_service_principal_that_was_not_listed_is_reported_all_the_same(azure: AzureEstate, ci: Row) -> None:
    """Where the list of them is a gap, the directory is asked who the holder is."""
    give_directory_role(azure.tenant, "Global Administrator", ci)
    empty = replace(directory_of(azure), names={}, keys={})

    assert read_tenant(azure, empty).only().holder == ci["id"]


def test_holders_that_cannot_be_reported_leave_the_section_in_part(azure: AzureEstate, ci: Row) -> None:
    """What is known is reported."""
    give_directory_role(azure.tenant, "Global Administrator", ci)
    give_directory_role(azure.tenant, "Global Administrator", add_group(azure.tenant, "admins", [ci]))
    azure.server.faults.deny("graph", "/v1.0/directoryObjects")

    reported = read_tenant(azure)

    assert reported.only().grant.via == "direct"
    assert reported.gaps() == {"graph.directory_roles": "partial"}


@pytest.mark.parametrize("kind", ["roleAssignments", "roleDefinitions"])
@pytest.mark.parametrize(("status", "told_as"), [(403, "denied"), (500, "failed")])
def test_roles_that_cannot_be_read_are_a_gap_that_feeds_permissions(
    azure: AzureEstate, ci: Row, kind: str, status: int, told_as: str
) -> None:
    """So that no one in the tenant is taken for harmless; the other sections go on."""
    give_directory_role(azure.tenant, "Global Administrator", ci)
    azure.server.faults.add(
        Fault(service="graph", path=f"/v1.0/roleManagement/directory/{kind}", reply=Reply(status=status, body={}))
    )

    reported = read_tenant(azure)

    assert reported.gaps() == {"graph.directory_roles": told_as}
    assert reported.coverage["graph.directory_roles"].feeds == ("permissions",)
    assert reported.coverage["graph.app_permissions"].status == "complete"


def test_every_page_is_read(azure: AzureEstate, ci: Row) -> None:
    """Definitions and assignments alike."""
    for name in DIRECTORY_ROLES:
        give_directory_role(azure.tenant, name, ci)
    azure.server.pages.largest = 1

    assert {one.privilege.level for one in read_tenant(azure).assignments} == {"admin", "high", "normal"}


def test_a_row_that_cannot_be_understood_costs_only_itself(azure: AzureEstate, ci: Row) -> None:
    """An id that is none would become part of a path."""
    row = give_directory_role(azure.tenant, "Directory Readers", ci)
    definitions = azure.tenant.collections["/roleManagement/directory/roleDefinitions"]
    place = "/v1.0/roleManagement/directory"
    give_rows(azure, "graph", f"{place}/roleAssignments", [row, {**row, "principalId": "../../users"}])
    give_rows(azure, "graph", f"{place}/roleDefinitions", [{"id": "x", "rolePermissions": 5}, *definitions])

    reported = read_tenant(azure)

    assert reported.only().holder == ci["id"]
    assert reported.only().privilege.level == "normal"
    assert reported.gaps() == {"graph.directory_roles": "partial"}


def test_calls_do_not_grow_with_the_assignments(azure: AzureEstate, ci: Row) -> None:
    """One list of roles, one of assignments, one question about what is no service principal, members by twenty."""
    for number in range(21):
        give_directory_role(azure.tenant, "Directory Readers", add_group(azure.tenant, f"group{number}", [ci]))

    reported = read_tenant(azure)

    assert len(reported.assignments) == 21
    assert reported.coverage["graph.directory_roles"].calls == 3
    assert reported.coverage["graph.group_members"].calls == 2
