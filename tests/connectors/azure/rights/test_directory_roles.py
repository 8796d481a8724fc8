"""What roles in the directory amount to, by their actions and by where they are assigned."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.azure.rights.directory_roles import (
    DirectoryRole,
    as_published,
    built_in_roles,
    directory_power,
    directory_table,
    takes_in,
)
from connectors.azure.rights.power import Power
from scanner.demo.fakes.azure.rights import DIRECTORY_ROLES
from scanner.model import POTENTIAL
from tests.connectors.azure.published.unjudged import differences

TENANT = "AAAAAAAA-0000-0000-0000-000000000000"
APPLICATIONS = f"azure://{TENANT.lower()}/applications/*"
BLUEPRINTS = f"azure://{TENANT.lower()}/agentBlueprints/*"
PASSWORDS = "microsoft.directory/users/password/update"
CREDENTIALS = "microsoft.directory/applications/credentials/update"
OWN = "azure://t/applications/own"


UNHEARD_OF = "c0ffee00-0000-0000-0000-000000000000"


def role(*actions: str, template: str = UNHEARD_OF, name: str = "Nobody", custom: bool | None = None) -> DirectoryRole:
    """A custom role, unless reported its template."""
    return DirectoryRole(id=template, name=name, template=template, actions=actions, custom=custom)


def power(given_role: DirectoryRole, scope: str = "/") -> Power:
    """What it amounts to there, with one application known."""
    return directory_power(given_role, scope, TENANT, {"1234": OWN})


@pytest.mark.parametrize(
    ("actions", "level", "becomes"),
    [
        (["microsoft.directory/roleAssignments/allProperties/allTasks"], "admin", ()),
        (["microsoft.directory/roleAssignments/standard/read"], "normal", ()),
        ([CREDENTIALS], "high", (APPLICATIONS,)),
        (["microsoft.directory/applications/allProperties/allTasks"], "high", (APPLICATIONS,)),
        (["microsoft.directory/applications.myOrganization/credentials/update"], "high", (APPLICATIONS,)),
        (["microsoft.directory/servicePrincipals/owners/update"], "high", (APPLICATIONS,)),
        (["microsoft.directory/agentIdentityBlueprints/credentials/update"], "high", (BLUEPRINTS,)),
        ([PASSWORDS], "high", ()),
        (["microsoft.directory/domains/federation/update"], "escalation", ()),
        (["microsoft.directory/groups/members/update"], "high", ()),
        (["microsoft.directory/groups.unified/members/update"], "high", ()),
        (["microsoft.directory/conditionalAccessPolicies/basic/update"], "high", ()),
        (["microsoft.directory/applications/standard/read", "microsoft.directory/users/standard/read"], "normal", ()),
        ([], "normal", ()),
    ],
)
def test_levels_of_actions_on_the_whole_directory(actions: list[str], level: str, becomes: tuple[str, ...]) -> None:
    """Custom roles count for what they are, and who can become any application can become any application."""
    given_power = power(role(*actions))

    assert (given_power.privilege.level, given_power.becomes) == (level, becomes)


@pytest.mark.parametrize(
    ("template", "level"),
    [
        ("62E90394-69F5-4237-9190-012177145E10", "admin"),
        ("7be44c8a-adaf-4e2a-84d6-ab2649e08a13", "escalation"),
        ("F2EF992C-3AFB-46b9-b7cf-a126ee74c451", "high"),
        ("9B895D92-2CD3-44C7-9D02-A6AC2D5EA5C3", "high"),
        ("69091246-20e8-4a56-aa4d-066075b2a7a8", "high"),
        ("88d8e3e3-8f55-4a1e-953a-9b9898b8876b", "normal"),
    ],
)
def test_levels_of_roles_whose_actions_say_less_than_they_can_do(template: str, level: str) -> None:
    """By template id, which is the same in every tenant; the name may be changed or translated."""
    assert power(role(template=template)).privilege.level == level


@pytest.mark.parametrize(
    ("actions", "custom", "level"),
    [
        ((), False, "unknown"),
        ((), True, "normal"),
        (("microsoft.directory/users/standard/read",), False, "unknown"),
        ((PASSWORDS,), False, "high"),
    ],
)
def test_a_built_in_role_that_no_one_has_judged_is_unknown(
    actions: tuple[str, ...], level: str, *, custom: bool
) -> None:
    """Unless what it allows is known to lead somewhere."""
    assert power(role(*actions, custom=custom)).privilege.level == level


def test_a_role_that_is_switched_off_allows_nothing() -> None:
    """It has no template then."""
    assert power(role(template="", custom=False)) == Power()


def test_every_published_role_is_judged_without_its_definition() -> None:
    """114 of Microsoft's list of 2025-06-25, and 19 that are newer, withdrawn or its own."""
    roles = built_in_roles()
    judged = {template: power(as_published(template.upper()) or role()).privilege for template in roles}

    assert len(roles) == 133
    assert {template: one.level for template, one in judged.items()} == {k: one.level for k, one in roles.items()}
    assert all(one.evidence for one in judged.values() if one.level != "normal")
    assert power(as_published("9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3") or role()).becomes == (APPLICATIONS,)
    assert as_published(UNHEARD_OF) is None


def test_what_tenants_say_of_and_no_one_has_judged_is_found() -> None:
    """By `az rest`, as the script documents."""
    rows = [
        {"templateId": one, "isBuiltIn": True, "displayName": known.role, "description": ""}
        for one, known in list(built_in_roles().items())[1:]
    ]
    new = {"templateId": UNHEARD_OF, "isBuiltIn": True, "displayName": "Newest", "description": "Does things."}
    custom = {"templateId": OWN, "isBuiltIn": False, "displayName": "Ours", "description": ""}

    assert list(differences({"value": [*rows, new, custom]})) == [
        f"new {UNHEARD_OF},Newest: Does things.",
        "gone db506228-d27e-4b7d-95e5-295956d6615f,Agent ID Administrator",
    ]


@pytest.mark.parametrize(("name", "level"), [*zip(DIRECTORY_ROLES, ("admin", "high", "normal"), strict=True)])
def test_levels_of_built_in_roles(name: str, level: str) -> None:
    """As the service lists them."""
    template, actions = DIRECTORY_ROLES[name]

    assert power(role(*actions, template=template)).privilege.level == level


def test_evidence_names_what_does_it_and_by_which_role() -> None:
    """Of the most severe level alone."""
    given_power = power(role(PASSWORDS, "microsoft.directory/users/delete", name="Helpers"))

    assert given_power.privilege.evidence == (
        f"{POTENTIAL}could reset passwords and sign-in methods: {PASSWORDS}, by Helpers on the whole directory",
        "create, change or delete users: microsoft.directory/users/delete, by Helpers on the whole directory",
    )


@pytest.mark.parametrize(
    ("ruling", "level", "words"),
    [
        (("operators",), "escalation", "adding itself to the group operators, which holds the role of an admin: "),
        ((), "high", f"{POTENTIAL}could change groups that hold directory roles: "),
        (None, "high", f"{POTENTIAL}could change groups that hold directory roles: "),
    ],
)
def test_changing_groups_that_rule_takes_one_that_does(ruling: tuple[str, ...] | None, level: str, words: str) -> None:
    """Which groups do was read, or that is said."""
    able = role("microsoft.directory/groupsAssignableToRoles/allProperties/update")
    privilege = directory_power(able, "/", TENANT, {}, ruling).privilege

    assert privilege.level == level
    assert privilege.evidence[0].startswith(words)
    assert ("was not read" in privilege.evidence[0]) == (ruling is None)


@pytest.mark.parametrize("action", ["microsoft.directory/roleAssignments/allProperties/allTasks", PASSWORDS])
def test_on_an_administrative_unit_a_role_is_high_at_most(action: str) -> None:
    """It touches no one outside, and no administrator."""
    given_power = power(role(action), "/administrativeUnits/5678")

    assert (given_power.privilege.level, given_power.becomes) == ("high", ())


def test_on_one_application_it_becomes_that_one() -> None:
    """And is worth what that is worth."""
    assert power(role(CREDENTIALS), "/1234") == Power(becomes=(OWN,))


def test_on_an_object_that_is_not_known_it_is_unknown() -> None:
    """It might be any application, and what that amounts to was not read."""
    given_power = power(role(CREDENTIALS), "/9999")

    assert (given_power.privilege.level, given_power.becomes) == ("unknown", ())


@pytest.mark.parametrize("scope", ["/1234", "/9999"])
def test_what_leads_to_no_application_is_nothing_on_one_object(scope: str) -> None:
    """Resetting passwords of an application means nothing."""
    assert power(role(PASSWORDS), scope) == Power()


@pytest.mark.parametrize(
    ("granted", "wanted", "included"),
    [
        ("microsoft.directory/users/allProperties/allTasks", PASSWORDS, True),
        ("microsoft.directory/users/allProperties/update", PASSWORDS, True),
        ("microsoft.directory/users/allProperties/update", "microsoft.directory/users/delete", False),
        ("microsoft.directory/users/allProperties/read", PASSWORDS, False),
        ("microsoft.directory/users/basic/update", PASSWORDS, False),
        ("microsoft.directory/allEntities/allTasks", PASSWORDS, True),
        ("microsoft.directory/usersAndMore/allProperties/allTasks", PASSWORDS, False),
        ("MICROSOFT.DIRECTORY/users/password/UPDATE", PASSWORDS, True),
        ("allTasks", PASSWORDS, False),
        ("", PASSWORDS, False),
    ],
)
def test_all_tasks_of_an_entity_include_each(granted: str, wanted: str, included: bool) -> None:
    """And those of another entity, or reading, do not."""
    assert takes_in(granted, wanted) is included


@given(st.lists(st.text(max_size=30), max_size=5), st.text(max_size=20))
def test_no_definition_makes_it_stumble(actions: list[str], scope: str) -> None:
    """Custom roles hold what their maker wrote."""
    assert power(role(*actions), f"/{scope}").privilege.level


def test_the_table_says_each_thing_once() -> None:
    """An action in two ways would be reported twice."""
    actions = [action for way in directory_table().way for action in way.actions]

    assert len(actions) == len(set(actions))
    assert all(action.startswith("microsoft.") and action.count("/") > 1 for action in actions)
