"""What permissions on APIs amount to, by the API and by their name."""

from __future__ import annotations

from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.azure.rights.api_permissions import (
    Permission,
    api_table,
    application_power,
    delegated_power,
    graph_permissions,
)
from scanner.demo.fakes.azure.rights import GRAPH
from scanner.model import POTENTIAL
from tests.connectors.azure.published.unjudged import differences

TENANT = "aaaa"
EXCHANGE = "00000002-0000-0ff1-ce00-000000000000"
PUBLISHED = 918
"""So many permissions has the reference, and four more that applications hold: see the head of the file."""
APPLICATIONS, BLUEPRINTS = (f"azure://{TENANT}/{kind}/*" for kind in ("applications", "agentBlueprints"))


def permission(name: str, api: str = GRAPH) -> Permission:
    """A permission of Graph, unless said otherwise."""
    return Permission(name=name, api=api, api_name="Some API")


@pytest.mark.parametrize(
    ("name", "level", "becomes"),
    [
        ("RoleManagement.ReadWrite.Directory", "admin", ()),
        ("AppRoleAssignment.ReadWrite.All", "escalation", ()),
        ("Application.ReadWrite.All", "high", (APPLICATIONS,)),
        ("AgentIdentityBlueprint.AddRemoveCreds.All", "high", (BLUEPRINTS,)),
        ("RoleAssignmentSchedule.ReadWrite.Directory", "escalation", ()),
        ("RoleEligibilitySchedule.ReadWrite.Directory", "high", ()),
        ("PrivilegedAccess.ReadWrite.AzureADGroup", "high", ()),
        ("UserAuthenticationMethod.ReadWrite.All", "escalation", ()),
        ("Domain.ReadWrite.All", "escalation", ()),
        ("Directory.ReadWrite.All", "high", ()),
        ("GroupMember.ReadWrite.All", "high", ()),
        ("Application.ReadWrite.OwnedBy", "high", ()),
        ("User-PasswordProfile.ReadWrite.All", "high", ()),
        ("UserAuthMethod-Phone.ReadWrite.All", "escalation", ()),
        ("UserAuthMethod-Passkey.ReadWrite.All", "escalation", ()),
        ("DeviceManagementScripts.ReadWrite.All", "high", ()),
        ("Application.ReadUpdate.All", "high", (APPLICATIONS,)),
        ("PrivilegedAssignmentSchedule.ReadWrite.EntraAppRole", "escalation", ()),
        ("User.ReadUpdate.All", "high", ()),
        ("User.EnableDisableAccount.All", "high", ()),
        ("User.RevokeSessions.All", "high", ()),
        ("User.Export.All", "high", ()),
        ("MailboxItem.Export.All", "high", ()),
        ("MailboxItem.ImportExport.All", "high", ()),
        ("DeviceManagementManagedDevices.PrivilegedOperations.All", "high", ()),
        ("RoleAssignmentSchedule.Remove.Directory", "high", ()),
        ("Teamwork.Migrate.All", "high", ()),
        ("Files.ReadWrite.AppFolder", "normal", ()),
        ("Sites.Selected", "unknown", ()),
        ("Tomorrows.ReadWrite.All", "high", ()),
        ("Tomorrows.Read.All", "unknown", ()),
        ("Policy.ReadWrite.ConditionalAccess", "high", ()),
        ("Sites.FullControl.All", "high", ()),
        ("Mail.Send", "high", ()),
        ("Mail.ReadBasic.All", "high", ()),
        ("BitlockerKey.Read.All", "high", ()),
        ("Directory.Read.All", "normal", ()),
        ("User.Read.All", "normal", ()),
        ("RoleManagement.Read.Directory", "normal", ()),
        ("rolemanagement.readwrite.directory", "admin", ()),
        ("", "unknown", ()),
    ],
)
def test_levels_of_application_permissions_of_graph(name: str, level: str, becomes: tuple[str, ...]) -> None:
    """By their names, which Microsoft alone gives."""
    power = application_power(permission(name), TENANT)

    assert (power.privilege.level, power.becomes) == (level, becomes)


@pytest.mark.parametrize(
    ("name", "api", "level"),
    [
        ("full_access_as_app", EXCHANGE, "high"),
        ("Machine.LiveResponse", "fc780465-2017-40d4-a0c5-307022471b92", "high"),
        ("Machine.LiveResponse", GRAPH, "unknown"),
        ("Machine.Read.All", "fc780465-2017-40d4-a0c5-307022471b92", "normal"),
        ("Sites.Read.All", "00000003-0000-0ff1-ce00-000000000000", "high"),
        ("RoleManagement.ReadWrite.Directory", "11111111-0000-0000-0000-000000000000", "normal"),
        ("RoleManagement.Read.Directory", EXCHANGE, "unknown"),
        ("Everything.FullControl.All", "11111111-0000-0000-0000-000000000000", "normal"),
        ("Application.ReadWrite.All", "00000002-0000-0000-C000-000000000000", "high"),
    ],
)
def test_a_name_counts_only_on_the_api_whose_it_is(name: str, api: str, level: str) -> None:
    """Anyone can publish an API with permissions of any name."""
    assert application_power(permission(name, api), TENANT).privilege.level == level


@pytest.mark.parametrize(
    ("name", "for_everybody", "for_some"),
    [
        ("RoleManagement.ReadWrite.Directory", "high", "high"),
        ("Application.ReadWrite.All", "high", "high"),
        ("Mail.Read", "high", "normal"),
        ("Directory.AccessAsUser.All", "high", "normal"),
        ("User.Read", "normal", "normal"),
        ("Tomorrows.Read.All", "unknown", "unknown"),
    ],
)
def test_what_is_granted_in_names_of_users_is_high_at_most(name: str, for_everybody: str, for_some: str) -> None:
    """It takes a user who signs in and may do it; no one is become by it."""
    everyone = delegated_power(permission(name), for_everybody=True)
    some = delegated_power(permission(name), for_everybody=False)

    assert (everyone.privilege.level, some.privilege.level) == (for_everybody, for_some)
    assert everyone.becomes == some.becomes == ()


def test_evidence_says_that_it_leads_on_only_with_a_target() -> None:
    """Where the permission alone takes over nothing."""
    (evidence,) = application_power(permission("Group.ReadWrite.All"), TENANT).privilege.evidence

    assert evidence == f"{POTENTIAL}could change groups and what rights they hold: Group.ReadWrite.All of Some API"


@pytest.mark.parametrize(
    ("ruling", "level", "words"),
    [
        (("operators",), "escalation", "adding itself to the group operators, which holds the role of an admin: "),
        ((), "high", f"{POTENTIAL}could change groups that hold directory roles: "),
        (None, "high", f"{POTENTIAL}could change groups that hold directory roles: "),
    ],
)
def test_changing_groups_that_rule_takes_one_that_does(ruling: tuple[str, ...] | None, level: str, words: str) -> None:
    """Being made eligible is none: no application can activate a role."""
    group = permission("PrivilegedAssignmentSchedule.ReadWrite.AzureADGroup")
    privilege = application_power(group, TENANT, ruling).privilege
    eligible = application_power(permission("PrivilegedEligibilitySchedule.ReadWrite.AzureADGroup"), TENANT, ruling)

    assert privilege.level == level
    assert privilege.evidence[0].startswith(words)
    assert eligible.privilege.level == "high"


def test_in_names_of_users_nothing_is_potential() -> None:
    """Whether a user who may do it signs in decides, whatever could be reached."""
    (evidence,) = delegated_power(permission("Group.ReadWrite.All"), for_everybody=False).privilege.evidence

    assert evidence.startswith("could change groups")
    assert evidence.endswith("on behalf of some users")


@given(st.text(max_size=40))
def test_no_name_makes_it_stumble(name: str) -> None:
    """Names come from anyone who publishes the API."""
    assert application_power(permission(name), TENANT).privilege.level
    assert delegated_power(permission(name), for_everybody=True).privilege.level in ("high", "normal", "unknown")


def test_the_table_names_known_apis() -> None:
    """A slip of the pen would make a way count nowhere."""
    table = api_table()

    assert {api for way in table.way for api in way.apis} == set(table.apis)
    assert all(bool(way.apis) == bool(way.permissions) for way in table.way)


def test_every_permission_of_graph_is_judged_once() -> None:
    """By a way that there is; each of them is of some permission or pattern."""
    judged, ways = graph_permissions(), [way.key for way in api_table().way]
    text = files("connectors.azure.rights").joinpath("graph_permissions.csv").read_text("utf-8")

    assert len(judged) == sum("," in line and not line.startswith("#") for line in text.splitlines()) - 1 == PUBLISHED
    assert set(judged.values()) | {way.key for way in api_table().way if way.permissions} == set(ways)
    assert len(ways) == len(set(ways))


def test_what_graph_publishes_anew_is_named() -> None:
    """By the script that holds the list against what a tenant's Graph publishes."""
    graph = {
        "appRoles": [
            {"value": "Mail.Read", "description": "Read mail"},
            {"value": "Tomorrows.Read.All", "description": "Read tomorrows"},
        ],
        "oauth2PermissionScopes": [{"value": "Tomorrows.Read.All", "adminConsentDescription": "Read your tomorrow"}],
    }

    new, *gone = differences(graph)

    assert new == "new Tomorrows.Read.All,AD: Read tomorrows"
    assert "gone mail.send" in gone
    assert "gone mail.read" not in gone


def test_sending_and_reading_are_consequences() -> None:
    """In users' names only where a user signs in, so under a condition."""
    (sends,) = application_power(permission("Mail.Send"), TENANT).consequences
    (reads,) = application_power(permission("Files.Read.All"), TENANT).consequences
    (delegated,) = delegated_power(permission("Mail.Send"), for_everybody=True).consequences

    assert (sends.kind, sends.actions, sends.by, sends.conditional) == ("send", ("Mail.Send",), "Some API", False)
    assert (reads.kind, delegated.conditional) == ("read_data", True)
    assert application_power(permission("User.Read.All"), TENANT).consequences == ()
