"""Owners: people to be asked, and machines that can become what they own."""

from __future__ import annotations

import pytest

from scanner.demo.fakes.azure.faults import Fault
from scanner.demo.fakes.azure.relations import add_agent, add_blueprint, add_owner
from scanner.demo.fakes.azure.tenant import Row, guid
from scanner.demo.fakes.azure.wire import refusal
from tests.connectors.azure.estate import AzureEstate
from tests.connectors.azure.identities.conftest import TenantRead

EXPAND = r"/v1\.0/\w+\?.*expand=owners"


@pytest.fixture
def shop(azure: AzureEstate) -> Row:
    """An application that two people own, one of each face."""
    row = azure.tenant.add_application("shop")
    principal = azure.tenant.service_principals[guid("principal/shop")]
    add_owner(azure.tenant, row, azure.tenant.add_person("Ada", userPrincipalName="ada@example.com"))
    guest = azure.tenant.add_person(
        "Bob", userPrincipalName="bob_example.com#EXT#@contoso.example", mail="bob@example.com"
    )
    for owner in (guest, azure.tenant.people[guid("user/Ada")]):
        add_owner(azure.tenant, principal, owner)
    return row


@pytest.mark.parametrize("refused", [False, True])
def test_owners_of_both_faces_are_reported_together(
    azure: AzureEstate, tenant_read: TenantRead, shop: Row, *, refused: bool
) -> None:
    """Each once, whether they come with the lists or are asked for one by one."""
    if refused:
        azure.server.faults.add(Fault(service="graph", path=EXPAND, reply=refusal("graph", 400, "Request_BadRequest")))

    found = tenant_read()

    assert shop["displayName"] in found.identities
    owners = {one["name"]: (one["email"], one["kind"]) for one in found.identities["shop"].attributes["owners"]}
    assert owners == {"Ada": ("ada@example.com", "user"), "Bob": ("bob@example.com", "user")}
    assert found.gaps == {}


@pytest.mark.parametrize("many", [0, 19, 20, 21, 150])
def test_more_than_twenty_owners_are_asked_for(azure: AzureEstate, tenant_read: TenantRead, many: int) -> None:
    """``$expand`` gives twenty and says nothing of the others."""
    row = azure.tenant.add_application("shop", principal=False)
    for number in range(many):
        add_owner(azure.tenant, row, azure.tenant.add_person(f"p{number}"))

    found = tenant_read()

    assert len(found.identities["shop"].attributes["owners"]) == many
    assert found.coverage["graph.owners"].calls == (1 if many < 20 else 2 if many <= 100 else 3)


def test_a_service_principal_that_owns_an_application_can_become_it(
    azure: AzureEstate, tenant_read: TenantRead
) -> None:
    """That is a right; owning both faces is one, and people hold none."""
    deployer = azure.tenant.add_service_principal("deployer")
    row = azure.tenant.add_application("shop")
    for owned in (row, azure.tenant.service_principals[guid("principal/shop")]):
        add_owner(azure.tenant, owned, deployer)
        add_owner(azure.tenant, owned, azure.tenant.add_person("Ada"))

    found = tenant_read()

    (right,) = found.assignments
    key = found.identities["shop"].key
    assert (right.holder, right.grant.name, right.grant.resource) == (deployer["id"], "owner", "shop")
    assert (right.becomes, right.gone) == ((key,), False)


def test_owning_an_agent_gives_no_credential_of_it(azure: AzureEstate, tenant_read: TenantRead) -> None:
    """Those are its blueprint's: anyone who owns that becomes it."""
    deployer = azure.tenant.add_service_principal("deployer")
    blueprint = add_blueprint(azure.tenant, "helper")
    for owned in (blueprint, add_agent(azure.tenant, "helper-1", blueprint)):
        add_owner(azure.tenant, owned, deployer)

    found = tenant_read()

    rights = {one.grant.resource: one.becomes for one in found.assignments}
    assert rights == {"helper-1": (), "helper": (found.identities["helper"].key,)}


def test_owners_of_who_only_ids_are_reported_are_a_gap(azure: AzureEstate, tenant_read: TenantRead, shop: Row) -> None:
    """The right to read users is missing, and the ids are kept."""
    azure.tenant.shows_people = False

    found = tenant_read()

    assert found.gaps == {"graph.owners": "partial"}
    assert found.coverage["graph.owners"].permission == "User.Read.All"
    owners = found.identities[shop["displayName"]].attributes["owners"]
    assert {(one["id"], one["name"]) for one in owners} == {(guid("user/Ada"), None), (guid("user/Bob"), None)}


def test_where_owners_cannot_be_read_none_is_claimed(azure: AzureEstate, tenant_read: TenantRead, shop: Row) -> None:
    """Not even that there is no one."""
    azure.server.faults.deny("graph", EXPAND)

    found = tenant_read()

    assert found.gaps == {"graph.owners": "denied"}
    assert "owners" not in found.identities[shop["displayName"]].attributes


def test_where_registrations_cannot_be_read_it_is_not_said_that_no_one_owns_any(
    azure: AzureEstate, tenant_read: TenantRead, shop: Row
) -> None:
    """Its owners may be those of its registration; anyone who owns its principal is reported."""
    azure.tenant.add_application("nobody's")
    azure.server.faults.deny("graph", r"/v1\.0/applications\?")

    found = tenant_read().identities

    assert "owners" not in found["nobody's"].attributes
    assert {one["name"] for one in found[shop["displayName"]].attributes["owners"]} == {"Ada", "Bob"}


def test_when_nothing_but_denials_come_back_the_rest_is_left_alone(azure: AzureEstate, tenant_read: TenantRead) -> None:
    """A thousand applications are not asked about in vain."""
    for number in range(45):
        azure.tenant.add_application(f"app-{number}", principal=False)
    azure.server.faults.add(Fault(service="graph", path=EXPAND, reply=refusal("graph", 400, "Request_BadRequest")))
    azure.server.faults.deny("graph", r"/v1\.0/applications/.*/owners")

    found = tenant_read()

    assert found.gaps == {"graph.owners": "denied"}
    assert len([call for call in azure.server.log if call.inner]) == 20
    assert "20 of 45" in str(found.coverage["graph.owners"].detail)


def test_where_nothing_has_a_list_of_owners_it_is_a_gap(azure: AzureEstate, tenant_read: TenantRead, shop: Row) -> None:
    """One object may have gone since it was listed; that all have is not trusted."""
    azure.server.faults.add(Fault(service="graph", path=EXPAND, reply=refusal("graph", 400, "Request_BadRequest")))
    missing = refusal("graph", 404, "Request_ResourceNotFound")
    azure.server.faults.add(Fault(service="graph", path=".*/owners", reply=missing))

    found = tenant_read()

    assert found.gaps == {"graph.owners": "failed"}
    assert "owners" not in found.identities[shop["displayName"]].attributes
