"""``muster doctor`` on Azure: what will be read is tried with few calls, and what is missing is named."""

from __future__ import annotations

import pytest

from connectors.azure import sections as s
from connectors.azure.least_privilege import GRAPH
from connectors.core.contract import Check
from scanner.demo.fakes.azure.faults import Fault
from scanner.demo.fakes.azure.tenant import MICROSOFT, guid
from scanner.demo.fakes.azure.wire import Reply, Service
from tests.connectors.azure.estate import AzureEstate

CALLS = 31  # one or two for each section of a tenant with one subscription
OWNER = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"


@pytest.fixture
def estate(azure: AzureEstate) -> AzureEstate:
    """A tenant with our own application in it, a subscription, and Graph with two permissions."""
    tenant = azure.tenant
    tenant.add_service_principal("muster", appId=tenant.client_id)
    roles = [
        {"id": guid("role/write"), "value": "Application.ReadWrite.All"},
        {"id": guid("role/read"), "value": "Application.Read.All"},
        {"id": guid("role/else"), "value": "Bookings.Read.All"},
    ]
    tenant.add_service_principal("Graph", appId=GRAPH, appOwnerOrganizationId=MICROSOFT, appRoles=roles)
    tenant.add_subscription("prod")
    return azure


def checks(estate: AzureEstate, **facts: object) -> dict[str, Check]:
    return {one.name: one for one in estate.connector(**facts).check()}


def test_everything_that_may_be_read_is_said_to_be(estate: AzureEstate) -> None:
    """Each section has its line, but for those that finding the units has read."""
    found = checks(estate)

    assert [name for name, one in found.items() if not one.ok] == []
    assert {one for name, one in vars(s).items() if name.isupper()} <= found.keys()


def test_it_takes_few_calls(estate: AzureEstate) -> None:
    """However many objects there are: no list is followed to its end."""
    for number in range(300):
        estate.tenant.add_service_principal(f"app-{number}")
    estate.server.log.clear()
    checks(estate)

    assert len(estate.server.log) == CALLS


@pytest.mark.parametrize(
    ("service", "path", "section", "permission"),
    [
        ("graph", r"/v1\.0/.*/microsoft\.graph\.agentIdentity\?", s.AGENT_IDENTITIES, "AgentIdentity.Read.All"),
        ("graph", r"/v1\.0/roleManagement", s.DIRECTORY_ROLES, "RoleManagement.Read.Directory"),
        ("graph", r"/v1\.0/groups/", s.GROUP_MEMBERS, "GroupMember.Read.All"),
        ("graph", r"/v1\.0/directoryObjects", s.PRINCIPALS, "Directory.Read.All"),
        ("graph", r"/beta/reports/servicePrincipal", s.SIGN_INS, "AuditLog.Read.All"),
        ("arm", ".*/roleAssignments", s.ROLE_ASSIGNMENTS, "Microsoft.Authorization/roleAssignments/read"),
        ("arm", "/subscriptions/.*/vaults", s.VAULTS, "Microsoft.KeyVault/vaults/read"),
    ],
)
def test_what_is_denied_is_named_with_the_permission(
    service: Service, path: str, section: str, permission: str, estate: AzureEstate
) -> None:
    """And nothing else is."""
    estate.server.faults.deny(service, path)

    wrong = {name: one.fix for name, one in checks(estate).items() if not one.ok}

    assert wrong == {section: permission}


def test_a_tenant_without_the_licence_is_reported_what_stays_unknown(estate: AzureEstate) -> None:
    """It is nothing that a permission would help."""
    body = {"error": {"code": "Authentication_RequestFromNonPremiumTenantOrB2CTenant", "message": "no"}}
    estate.server.faults.add(
        Fault(service="graph", path="/beta/reports/servicePrincipal", reply=Reply(status=403, body=body), times=9)
    )

    check = checks(estate)[s.SIGN_INS]

    assert check.ok
    assert "stays unknown" in check.detail


def test_what_the_settings_leave_out_is_not_asked_for(estate: AzureEstate) -> None:
    """And is said to be left out."""
    estate.server.log.clear()
    found = checks(estate, sign_ins="off", key_vaults="off")

    assert not [call for call in estate.server.asked("graph") if "/reports/" in call]
    assert {found[name].detail for name in (s.SIGN_INS, s.CREDENTIAL_USE, s.SECRETS)} == {"left out by the settings"}


def _hold(estate: AzureEstate, role: str) -> None:
    own = guid("principal/muster")
    held = {"id": "h", "principalId": own, "principalType": "ServicePrincipal", "appRoleId": guid(role)}
    place = f"/servicePrincipals/{own}/appRoleAssignments"
    estate.tenant.collections[place] = [held | {"resourceId": guid("principal/Graph")}]


@pytest.mark.parametrize(("role", "ok"), [("role/write", False), ("role/read", True), ("role/else", True)])
def test_a_permission_of_our_own_that_writes_is_warned_of(role: str, ok: bool, estate: AzureEstate) -> None:
    """Reading more than is needed is no reason to stop."""
    _hold(estate, role)

    check = checks(estate)["own rights"]

    assert check.ok is ok
    assert ("Application.ReadWrite.All" in check.detail) is not ok


def test_owning_a_subscription_is_warned_of(estate: AzureEstate) -> None:
    """By the role's id: names can be given to any role."""
    (subscription,) = estate.tenant.subscriptions
    estate.tenant.assign_role(f"/subscriptions/{subscription}", guid("principal/muster"), OWNER)
    estate.tenant.assign_role(f"/subscriptions/{subscription}", guid("principal/other"), OWNER)

    check = checks(estate)["own rights"]

    assert not check.ok
    assert check.detail.endswith(f"Owner in subscription {subscription}")


def test_without_signing_in_nothing_more_is_tried(estate: AzureEstate) -> None:
    """One line gives it."""
    estate.tenant.client_secret = "another one"  # so that ours is wrong

    found = checks(estate)

    assert list(found) == [s.TENANT]
    assert not found[s.TENANT].ok
