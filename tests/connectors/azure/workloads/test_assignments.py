"""Reading who holds which Azure role: which rows a unit says, through groups, who is gone, gaps, calls."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from scanner.demo.fakes.azure.faults import Fault
from scanner.demo.fakes.azure.rights import BUILT_IN, add_built_in_roles, add_group, delete_principal
from scanner.demo.fakes.azure.tenant import Row, guid
from scanner.demo.fakes.azure.wire import Reply
from scanner.model import Assignment
from tests.connectors.azure.estate import AzureEstate
from tests.connectors.azure.rights.reading import TenantReading, give_rows, read_place
from tests.connectors.azure.rights.test_condition import ONLY_SOME_ROLES

NOBODY = guid("nobody")
ROLES = r"/subscriptions/[^/]+/providers/Microsoft.Authorization/roleDefinitions"


class Place:
    """A subscription with a service principal that holds nothing yet."""

    def __init__(self, azure: AzureEstate) -> None:
        self.azure = azure
        self.tenant = azure.tenant
        add_built_in_roles(self.tenant)
        self.tenant.add_management_group("corp")
        self.id: str = self.tenant.add_subscription("prod", group="corp")["subscriptionId"]
        self.scope = f"/subscriptions/{self.id}"
        self.ci = self.tenant.add_service_principal("ci")

    def give(self, role: str, scope: str | None = None, principal: str | None = None, **facts: object) -> Row:
        """Assign a role to the service principal, on the subscription, unless said otherwise."""
        return self.tenant.assign_role(
            scope or self.scope, principal or self.ci["id"], BUILT_IN.get(role, role), **facts
        )

    def define(self, name: str, *actions: str) -> str:
        """A custom role that can be assigned on the subscription; its id."""
        role: str = self.tenant.define_role(name, actions, place=self.scope)["name"]
        return role

    def read(self, **facts: object) -> TenantReading:
        """What the subscription's unit yields."""
        return read_place(self.azure, self.id, **facts)


@pytest.fixture
def place(azure: AzureEstate) -> Place:
    return Place(azure)


def test_an_assignment_says_who_holds_what_where_since_when(place: Place) -> None:
    """With the name of the role and of its holder, which the row has not."""
    row = place.give("Contributor", f"{place.scope}/resourceGroups/Web", createdBy="someone")

    reported = place.read().only()

    assert reported.key == row["id"].lower()
    assert (reported.provider, reported.source, reported.scope) == ("azure", "prod", place.id)
    assert (reported.holder, reported.holder_kind, reported.holder_name) == (place.ci["id"], "ServicePrincipal", "ci")
    assert (reported.grant.name, reported.grant.via) == ("Contributor", "direct")
    assert reported.grant.resource == f"{place.scope}/resourceGroups/Web"
    assert reported.created_at == datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
    assert reported.created_by == "someone"
    assert reported.gone is False
    assert reported.attributes == {"right": "Azure role"}


def test_the_role_is_judged_where_it_is_assigned(place: Place) -> None:
    """The same role is worth more on the subscription."""
    place.give("Owner")
    place.give("Owner", f"{place.scope}/resourceGroups/web")

    levels = {one.grant.resource: (one.privilege.level, one.grant.admin) for one in place.read().assignments}

    assert levels == {place.scope: ("admin", True), f"{place.scope}/resourceGroups/web": ("high", False)}


def test_a_custom_role_counts_for_its_actions(place: Place) -> None:
    """It is joined by its GUID: a definition's id begins with another scope wherever it is reported."""
    place.give(place.define("Reader of logs", "*"))

    reported = place.read().only()

    assert (reported.grant.name, reported.privilege.level) == ("Reader of logs", "admin")
    assert reported.attributes["custom"] is True


def test_a_role_that_is_not_reported_is_worth_no_one_knows_what(place: Place) -> None:
    """It may have been deleted, or may not be ours to see."""
    place.give(guid("some role"))

    reported = place.read().only()

    assert reported.privilege.level == "unknown"
    assert reported.grant.name == guid("some role")


def test_a_condition_is_kept_and_makes_it_uncertain(place: Place) -> None:
    """For anyone who has to judge it."""
    place.give("Role Based Access Control Administrator", condition=ONLY_SOME_ROLES, conditionVersion="2.0")

    reported = place.read().only()

    assert (reported.privilege.level, reported.conditional) == ("high", True)
    assert "ActionMatches" in reported.attributes["condition"]


def test_a_condition_of_the_role_itself_makes_it_uncertain(place: Place) -> None:
    """Such as that of Key Vault Data Access Administrator, which assigns roles for the data in vaults and no others."""
    block = {"actions": ["Microsoft.Authorization/roleAssignments/write"], "condition": ONLY_SOME_ROLES}
    role = place.tenant.define_role("Data Access", (), permissions=[{**block, "conditionVersion": "2.0"}])["name"]
    place.give(role)

    reported = place.read().only()

    assert (reported.privilege.level, reported.conditional) == ("high", True)


def test_assigning_an_identity_and_running_something_with_it_may_be_two_roles(place: Place) -> None:
    """Of one holder; someone else's do not count."""
    place.give("Managed Identity Operator")
    assert place.read().only().becomes == ()

    place.give("Virtual Machine Contributor", f"{place.scope}/resourceGroups/web")
    other = place.tenant.add_service_principal("other")
    place.give("Managed Identity Operator", principal=other["id"])

    able = {one.holder_name: bool(one.becomes) for one in place.read().assignments if "Operator" in one.grant.name}
    assert able == {"ci": True, "other": False}


def test_people_are_counted_and_not_reported(place: Place) -> None:
    """So are groups of other tenants, which no one can look into."""
    place.give("Owner", principal=place.tenant.add_person("eve")["id"], principalType="User")
    place.give("Reader", principal=guid("foreign"), principalType="ForeignGroup")

    reported = place.read()

    assert reported.assignments == []
    assert reported.coverage["arm.role_assignments"].detail == "2 of people are left out"


# --- inherited ---------------------------------------------------------------------------------------------


def test_what_is_inherited_is_left_to_the_units_of_its_place(place: Place) -> None:
    """Else every subscription would give it again."""
    place.give("Owner", "managementGroups/corp")

    reported = place.read(groups=("Corp",))

    assert reported.assignments == []
    assert "1 that are set elsewhere" in (reported.coverage["arm.role_assignments"].detail or "")


@pytest.mark.parametrize("scope", ["managementGroups/corp", "/"])
def test_what_no_one_else_reads_is_reported_for_this_subscription(place: Place, scope: str) -> None:
    """Where the group itself cannot be read, what it gives is known all the same."""
    place.give("Contributor", scope)

    reported = place.read().only()

    assert reported.privilege.level == "high"
    assert reported.becomes == (f"{place.scope}/*/providers/microsoft.managedidentity/userassignedidentities/*",)


def test_a_management_group_says_what_is_set_at_it(place: Place) -> None:
    """And reaches the subscriptions it holds; what is set above or below is not its own."""
    place.tenant.add_management_group("web", parent="corp")
    own = place.give("Contributor", "managementGroups/corp")
    place.give("Owner", "managementGroups/web")

    reported = read_place(place.azure, "managementGroups/corp", subscriptions=(place.id, guid("other"))).only()

    assert reported.key == own["id"].lower()
    assert [key.split("/")[2] for key in reported.becomes] == [place.id, guid("other")]


def test_the_root_group_says_what_is_set_on_the_whole_tenant(place: Place) -> None:
    """Access that a global administrator raised itself to is set at ``/``."""
    root = place.tenant.id
    place.tenant.add_management_group(root)
    place.tenant.management_groups["corp"]["parent"] = root
    place.give("User Access Administrator", "/")

    assert read_place(place.azure, f"managementGroups/{root}").only().privilege.level == "admin"
    assert read_place(place.azure, "managementGroups/corp").assignments == []
    assert place.read(groups=(root,)).assignments == []


# --- groups ------------------------------------------------------------------------------------------------


def test_a_right_of_a_group_is_reported_for_each_service_principal_in_it(place: Place) -> None:
    """By the group's name, and for no one else in it."""
    second = place.tenant.add_service_principal("second")
    group = add_group(place.tenant, "operators", [place.ci, second])
    row = place.give("Owner", principal=group["id"], principalType="Group")

    reported = place.read()

    assert {(one.holder_name, one.grant.via) for one in reported.assignments} == {
        ("ci", "group:operators"),
        ("second", "group:operators"),
    }
    assert {one.key for one in reported.assignments} == {
        f"{row['id'].lower()}#{one['id']}" for one in (place.ci, second)
    }
    assert {one.privilege.level for one in reported.assignments} == {"admin"}


def test_groups_that_cannot_be_looked_into_leave_rights_uncertain(place: Place) -> None:
    """The gap says so for every identity, since any may be in one."""
    group = add_group(place.tenant, "operators", [place.ci])
    place.give("Owner", principal=group["id"], principalType="Group")
    place.azure.server.faults.deny("graph", r"/v1.0/groups/")

    reported = place.read()

    assert reported.assignments == []
    assert reported.gaps() == {"graph.group_members": "denied"}
    assert reported.coverage["graph.group_members"].feeds == ("permissions",)


def test_a_group_that_is_deleted_meanwhile_is_no_gap(place: Place) -> None:
    """It gives no one anything any more."""
    for name in ("operators", "others"):
        group = add_group(place.tenant, name, [place.ci])
        place.give("Owner", principal=group["id"], principalType="Group")
    path = f"/v1.0/groups/{group['id']}/"
    place.azure.server.faults.add(Fault(service="graph", path=path, reply=Reply(status=404, body={})))

    reported = place.read()

    assert [one.grant.via for one in reported.assignments] == ["group:operators"]
    assert reported.gaps() == {}


def test_where_no_group_has_a_list_of_members_it_is_a_gap(place: Place) -> None:
    """Else rights that come through groups would silently be no one's."""
    group = add_group(place.tenant, "operators", [place.ci])
    place.give("Owner", principal=group["id"], principalType="Group")
    place.azure.server.faults.add(Fault(service="graph", path="/v1.0/groups/", reply=Reply(status=404, body={})))

    assert place.read().gaps() == {"graph.group_members": "failed"}


@pytest.mark.parametrize("status", [400, 404, 501])
def test_where_service_principals_are_not_listed_alone_all_members_are(place: Place, status: int) -> None:
    """People among them are no matter of ours."""
    group = add_group(place.tenant, "operators")
    people = {"@odata.type": "#microsoft.graph.user", "id": guid("ada"), "displayName": "Ada"}
    machine = {"@odata.type": "#microsoft.graph.servicePrincipal", **place.ci}
    place.tenant.collections[f"/groups/{group['id']}/transitiveMembers"] = [people, machine]
    place.give("Owner", principal=group["id"], principalType="Group")
    cast = "/v1.0/groups/.*/microsoft.graph.servicePrincipal"
    place.azure.server.faults.add(Fault(service="graph", path=cast, reply=Reply(status=status, body={})))

    reported = place.read()

    assert [(one.holder, one.grant.via) for one in reported.assignments] == [(place.ci["id"], "group:operators")]
    assert reported.gaps() == {}


def test_a_group_that_is_gone_gives_no_one_anything(place: Place) -> None:
    """And is not asked for its members."""
    place.give("Owner", principal=NOBODY, principalType="Group")
    place.give("Reader")

    assert place.read().grants() == [(place.ci["id"], "Reader")]
    assert not any("transitiveMembers" in call for call in place.azure.server.asked("graph"))


@pytest.mark.parametrize("told_as", [None, "Unknown", "MSI", "DirectoryObjectOrGroup"])
def test_where_the_type_of_a_holder_is_none_that_counts_the_directory_says_it(
    place: Place, told_as: str | None
) -> None:
    """Older versions of the API know other types than today's; of whom no one knows anything it may be a person."""
    place.azure.is_hostile = True
    for holder in (place.ci["id"], place.tenant.add_person("Ada")["id"], NOBODY):
        place.give("Reader", principal=holder, principalType=told_as)

    reported = {one.holder: (one.holder_kind, one.gone) for one in place.read().assignments}

    assert reported == {place.ci["id"]: ("ServicePrincipal", False), NOBODY: (None, None)}


# --- orphans -----------------------------------------------------------------------------------------------


def test_a_principal_that_the_directory_has_no_longer_is_gone(place: Place) -> None:
    """The assignment stays when its principal is deleted, with the type that it had."""
    place.give("Reader")
    place.give("Owner", principal=NOBODY)

    gone = {one.holder: one.gone for one in place.read().assignments}

    assert gone == {place.ci["id"]: False, NOBODY: True}


def test_a_deleted_one_says_until_when_it_can_be_had_back(place: Place) -> None:
    """Thirty days; after that it is gone for good."""
    other = place.tenant.add_service_principal("leaver")
    place.give("Reader")
    place.give("Owner", principal=other["id"])
    delete_principal(place.tenant, other, on="2026-03-01T10:00:00Z")

    (reported,) = (one for one in place.read().assignments if one.gone)

    assert reported.attributes["restorable_until"] == "2026-03-31T10:00:00+00:00"


def test_an_identity_of_another_tenant_is_no_orphan(place: Place) -> None:
    """Azure Lighthouse assigns roles to managed identities that live elsewhere."""
    place.give("Reader")
    place.give("Owner", principal=NOBODY, delegatedManagedIdentityResourceId=f"{place.scope}/x")

    gone = {one.holder: one.gone for one in place.read().assignments}

    assert gone[NOBODY] is None


@pytest.mark.parametrize("status", [403, 500])
def test_no_one_is_gone_where_the_directory_was_not_asked(place: Place, status: int) -> None:
    """Unknown is no finding; the rest is reported all the same."""
    place.give("Owner", principal=NOBODY)
    place.give("Reader")
    place.azure.server.faults.add(
        Fault(service="graph", path="/v1.0/directoryObjects", reply=Reply(status=status, body={}))
    )

    reported = place.read()

    assert [one.gone for one in reported.assignments] == [None, None]
    assert set(reported.gaps()) == {"arm.principals"}


def test_no_one_is_gone_where_the_directory_knows_none_of_them(place: Place) -> None:
    """Anyone who may not read the directory is answered with an empty list, and so is the wrong tenant."""
    place.give("Owner", principal=NOBODY)
    place.give("Owner", principal=guid("nobody else"))

    reported = place.read()

    assert [one.gone for one in reported.assignments] == [None, None]
    assert reported.gaps() == {"arm.principals": "failed"}


def test_no_one_is_gone_where_an_answer_was_not_understood(place: Place) -> None:
    """The row that cannot be read may be theirs."""
    place.give("Owner", principal=NOBODY)
    rows = [{"id": place.ci["id"], "@odata.type": "#microsoft.graph.servicePrincipal"}, {"id": 5}]
    place.azure.server.faults.add(
        Fault(service="graph", path="/v1.0/directoryObjects", reply=Reply(body={"value": rows}))
    )

    reported = place.read()

    assert reported.only().gone is None
    assert set(reported.gaps()) == {"arm.principals"}


def test_agents_are_service_principals_too(place: Place) -> None:
    """The directory gives them by a type of their own."""
    agent = place.tenant.add_service_principal("agent", **{"@odata.type": "#microsoft.graph.agentIdentity"})
    place.give("Reader", principal=agent["id"], principalType=None)

    assert place.read().only().gone is False


# --- gaps, pages, calls ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "name", "level"),
    [
        (guid("role/ours"), guid("role/ours"), "unknown"),
        ("Owner", "Owner", "admin"),
        ("Reader", "Reader", "normal"),
    ],
)
def test_without_role_definitions_a_built_in_role_is_as_published(
    place: Place, role: str, name: str, level: str
) -> None:
    """And any other is never taken for harmless; who holds it is reported."""
    place.give(role)
    place.azure.server.faults.deny("arm", ROLES)

    reported = place.read()

    assert (reported.only().grant.name, reported.only().privilege.level) == (name, level)
    assert reported.gaps() == {"arm.role_definitions": "denied"}


def test_without_assignments_nothing_else_is_asked(place: Place) -> None:
    """The gap names the permission that is missing."""
    place.azure.server.faults.deny("arm", r"/subscriptions/[^/]+/providers/Microsoft.Authorization/roleAssignments")

    reported = place.read()

    assert reported.gaps() == {"arm.role_assignments": "denied"}
    assert list(reported.coverage) == ["arm.role_assignments"]
    assert reported.coverage["arm.role_assignments"].permission == "Microsoft.Authorization/roleAssignments/read"
    assert place.azure.server.asked("graph") == []


def test_a_row_that_cannot_be_understood_costs_only_itself(place: Place) -> None:
    """A scope with a wildcard would be taken for a pattern."""
    rows = [
        place.give("Reader"),
        place.give("Owner", f"{place.scope}/resourceGroups/*"),
        place.give("Owner", principal="no id at all"),
    ]
    give_rows(place.azure, "arm", f"{place.scope}/providers/Microsoft.Authorization/roleAssignments", rows)

    reported = place.read()

    assert [one.grant.name for one in reported.assignments] == ["Reader"]
    assert reported.gaps() == {"arm.role_assignments": "partial"}


def test_every_page_of_every_list_is_read(place: Place) -> None:
    """Assignments, custom roles, members of groups."""
    others = [place.tenant.add_service_principal(f"app{number}") for number in range(3)]
    group = add_group(place.tenant, "operators", others)
    roles = [place.define(f"role{number}", "*/read") for number in range(3)]
    for role in roles:
        place.give(role)
    place.give("Owner", principal=group["id"], principalType="Group")
    place.azure.server.pages.largest = 1

    reported = place.read()

    assert len(reported.assignments) == len(roles) + len(others)
    assert reported.gaps() == {}
    assert {one.privilege.level for one in reported.assignments} == {"normal", "admin"}


def test_calls_do_not_grow_with_the_assignments(place: Place) -> None:
    """One list of each kind; the built-in roles once for a process, whatever the number of subscriptions."""
    for number in range(40):
        principal = place.tenant.add_service_principal(f"app{number}")
        place.give("Contributor", principal=principal["id"])
    place.read()
    before = len(place.azure.server.log)

    reported = place.read()

    assert len(reported.assignments) == 40
    assert len(place.azure.server.log) - before == 4  # assignments, custom roles, who the holders are, what is denied
    assert sum(one.calls for one in reported.coverage.values()) == 4


HOSTILE = ["=1+1", "<script>alert(1)</script>", "\x1b[31mred", "../../etc/passwd", "a" * 5_000, "\u202eevil", ""]


@pytest.mark.parametrize("name", HOSTILE)
def test_names_are_data(place: Place, name: str) -> None:
    """Anyone who names a role or an application may write anything."""
    row = place.tenant.add_service_principal("x", displayName=name)
    group = add_group(place.tenant, "g", [row])
    group["displayName"] = name
    role = place.define(name, "*")
    place.give(role, principal=row["id"])
    place.give(role, principal=group["id"], principalType="Group", condition=name)

    reported = place.read()

    assert reported.gaps() == {}
    assert len(reported.assignments) == 2
    assert all("\x1b" not in str(one.attributes) for one in reported.assignments)


def test_units_know_what_they_leave_to_each_other(place: Place) -> None:
    """A subscription which groups are read, a group which subscriptions it holds."""
    place.tenant.add_management_group("empty")
    place.give("Contributor", "managementGroups/corp")
    place.give("Reader", "managementGroups/empty")

    reported = [one for one in place.azure.read() if isinstance(one, Assignment)]

    assert [(one.scope, one.grant.name) for one in reported] == [
        ("managementGroups/corp", "Contributor"),
        ("managementGroups/empty", "Reader"),
    ]
    assert [key.split("/")[2] for key in reported[0].becomes] == [place.id]


@pytest.mark.parametrize("status", [400, 404])
def test_where_built_in_roles_are_not_listed_for_all_the_place_says_of_them(place: Place, status: int) -> None:
    """A list for one place has them, too."""
    place.give("Owner")
    path = r"/providers/Microsoft.Authorization/roleDefinitions"
    place.azure.server.faults.add(Fault(service="arm", path=path, reply=Reply(status=status, body={})))

    reported = place.read()

    assert (reported.only().grant.name, reported.only().privilege.level) == ("Owner", "admin")
    assert reported.gaps() == {}
