"""Managed identities and applications of Terraform plans: their roles, permissions, credentials and trusts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from hypothesis import given

from connectors.azure.planned.planner import AzurePlanner
from connectors.planned import Planned
from connectors.planned.documents import PlannedDocument
from connectors.planned.terraform import read_plan
from tests.connectors.aws.planned.reading import Store, by_place
from tests.connectors.planned.plans import block, change, is_planned_or_refused, refers, terraform
from tests.examples import examples
from tests.hostile_json import mutated

SUBSCRIPTION, TENANT = "11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222"
CLIENT, OBJECT = "33333333-3333-3333-3333-333333333333", "44444444-4444-4444-4444-444444444444"
ON = f"/subscriptions/{SUBSCRIPTION}"
ROLES = f"{ON}/providers/Microsoft.Authorization/roleDefinitions"
PROVIDERS = {
    "azurerm": {"name": "azurerm", "expressions": {"subscription_id": {"constant_value": SUBSCRIPTION}}},
    "azuread": {"name": "azuread", "expressions": {"tenant_id": {"constant_value": TENANT}}},
}
BOTH = "SystemAssigned, UserAssigned"
UAI, APP, SP = "azurerm_user_assigned_identity.shop", "azuread_application.shop", "azuread_service_principal.shop"
IDENTITY = change(
    UAI,
    {"name": "shop", "resource_group_name": "rg", "tags": {"team": "a"}},
    unknown={"id": True, "principal_id": True},
)
APPLICATION = change(APP, {"display_name": "Shop"}, unknown={"client_id": True, "id": True, "object_id": True})
PRINCIPAL = change(SP, {}, unknown={"client_id": True, "object_id": True, "display_name": True})
OF_APPLICATION = refers("azuread_application.shop.client_id", "azuread_application.shop")
OF_PRINCIPAL = refers("azuread_service_principal.shop.object_id", "azuread_service_principal.shop")
GRAPH_ID = "55555555-5555-5555-5555-555555555555"
GRAPH = {
    "address": "data.azuread_service_principal.graph",
    "mode": "data",
    "type": "azuread_service_principal",
    "name": "graph",
    "values": {
        "client_id": "00000003-0000-0000-c000-000000000000",
        "object_id": GRAPH_ID,
        "display_name": "Microsoft Graph",
        "app_role_ids": {"RoleManagement.ReadWrite.Directory": "9e3f62cf", "User.Read.All": "df021288"},
    },
}


def understood(*changes: Mapping[str, Any], **parts: Any) -> Planned:
    """What the planner makes of a plan for a subscription and a tenant."""
    plan = msgspec.json.decode(json.dumps(terraform(*changes, **{"providers": PROVIDERS, **parts})))
    resources, _ = read_plan("plan.json", [PlannedDocument(data=plan, line=1, source="")])
    return AzurePlanner().planned(resources, Store())


@pytest.mark.parametrize(
    ("after", "unknown", "references", "level"),
    [
        ({"role_definition_name": "Owner", "scope": ON}, {}, {}, "admin"),
        ({"role_definition_name": "User Access Administrator", "scope": ON}, {}, {}, "admin"),
        ({"role_definition_name": "Reader", "scope": ON}, {}, {}, "normal"),
        ({"role_definition_id": f"{ROLES}/8e3af657-a8ff-443c-a75c-2fe8c4bcb635", "scope": ON}, {}, {}, "admin"),
        ({"role_definition_name": "Owner"}, {"scope": True}, {"scope": refers("azurerm_resource_group.rg.id")}, "high"),
        ({"role_definition_name": "No Such Role", "scope": ON}, {}, {}, "unknown"),
        ({"role_definition_name": "Owner"}, {"scope": True}, {}, "unknown"),
        ({"scope": ON}, {"role_definition_id": True},
         {"role_definition_id": refers("azurerm_role_definition.own.role_definition_resource_id")}, "admin"),
    ],
)  # fmt: skip
def test_roles_of_a_managed_identity(after: Any, unknown: Any, references: Any, level: str) -> None:
    """By name, by id and of the plan's own making; on a scope that exists or that the plan makes."""
    found = understood(
        IDENTITY,
        change("azurerm_resource_group.rg", {"name": "rg"}, unknown={"id": True}),
        change("azurerm_role_definition.own", {"name": "own", "permissions": [{"actions": ["*"]}]}),
        change("azurerm_role_assignment.a", after, unknown={"principal_id": True, **unknown}),
        blocks=[block("azurerm_role_assignment.a", principal_id=refers(f"{UAI}.principal_id", UAI), **references)],
    )
    shop = by_place(found)[UAI]

    assert (
        shop.identity.key == f"{ON}/resourcegroups/rg/providers/microsoft.managedidentity/userassignedidentities/shop"
    )
    assert (shop.effect, shop.identity.scope, shop.account_known) == ("created", SUBSCRIPTION, True)
    assert (shop.identity.privilege.level, len(shop.identity.grants)) == (level, 1)
    assert [place.resource for place in shop.places] == [UAI, "azurerm_role_assignment.a"]


def test_an_application_and_its_principal_are_one_identity() -> None:
    """With the credentials of both, and anyone who a federated credential lets in."""
    federation = {
        "display_name": "gh",
        "issuer": "https://token.actions.githubusercontent.com",
        "subject": "repo:o/r:ref:refs/heads/main",
    }
    found = understood(
        APPLICATION,
        PRINCIPAL,
        change("azuread_application_password.p", {"end_date": "2027-01-01T00:00:00Z"},
               unknown={"application_id": True, "key_id": True, "value": True}),
        change("azuread_application_federated_identity_credential.f", federation, unknown={"application_id": True}),
        change("azuread_service_principal_password.lost", {}, unknown={"service_principal_id": True}),
        blocks=[
            block(SP, client_id=OF_APPLICATION),
            block("azuread_application_password.p", application_id=OF_APPLICATION),
            block("azuread_application_federated_identity_credential.f", application_id=OF_APPLICATION),
        ],
    )  # fmt: skip
    (shop,) = found.identities

    assert (shop.identity.key, shop.identity.name, shop.identity.kind) == (
        f"planned:{APP}",
        "Shop",
        "service_principal",
    )
    assert [place.resource for place in shop.places][:2] == [APP, SP]
    assert {each.kind: each.expires_at is not None for each in shop.identity.credentials} == {
        "client_secret": True,
        "federation": False,
    }
    assert shop.computed == {"credentials"}
    assert [(one.kind, one.subject) for one in shop.identity.trusts] == [("federated", "repo:o/r:ref:refs/heads/main")]
    assert [each.place.resource for each in found.unread] == ["azuread_service_principal_password.lost"]


@pytest.mark.parametrize(
    ("resource", "after", "level"),
    [
        ("azuread_directory_role_assignment.r", {"role_id": "62e90394-69f5-4237-9190-012177145e10"}, "admin"),
        ("azuread_directory_role_assignment.r", {"role_id": "88d8e3e3-8f55-4a1e-953a-9b9898b8876b"}, "normal"),
        ("azuread_app_role_assignment.r", {"app_role_id": "9e3f62cf", "resource_object_id": GRAPH_ID}, "admin"),
        ("azuread_app_role_assignment.r", {"app_role_id": "other", "resource_object_id": "other"}, "unknown"),
        ("azuread_service_principal_delegated_permission_grant.r",
         {"claim_values": ["RoleManagement.ReadWrite.Directory"],
          "resource_service_principal_object_id": GRAPH_ID}, "high"),
    ],
)  # fmt: skip
def test_directory_roles_and_permissions_of_an_application(resource: str, after: Any, level: str) -> None:
    """By the tables of the connector; what no data source names is unknown."""
    holder = "service_principal_object_id" if "delegated" in resource else "principal_object_id"
    found = understood(
        APPLICATION,
        PRINCIPAL,
        change(resource, after, unknown={holder: True}),
        blocks=[block(SP, client_id=OF_APPLICATION), block(resource, None, **{holder: OF_PRINCIPAL})],
        prior=[GRAPH],
    )

    assert by_place(found)[APP].identity.privilege.level == level


def test_existing_identities_people_and_identities_of_resources() -> None:
    """A known key and an unchanged principal that gains a role; a person is no identity; a machine has its own."""
    there = {"client_id": CLIENT, "object_id": OBJECT, "display_name": "old", "account_enabled": True}
    role = {"role_definition_name": "Owner", "scope": ON}
    found = understood(
        change("azuread_service_principal.old", there, before=there, actions=["no-op"]),
        change("azurerm_role_assignment.a", {**role, "principal_id": OBJECT.upper()}),
        change("azurerm_role_assignment.b", {**role, "principal_id": CLIENT[::-1], "principal_type": "User"}),
        change("azurerm_role_assignment.c", {**role, "principal_id": CLIENT[::-1]}),
        change("azurerm_linux_virtual_machine.vm", {"name": "vm", "identity": [{"type": BOTH}]},
               unknown={"id": True, "identity": [{"identity_ids": True, "principal_id": True}]}),
        change("azurerm_key_vault_secret.s", {"name": "db"}, sensitive={"value": True}),
        change("azapi_resource.x", {"type": "Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31"}),
        change("azapi_resource.y", {"type": "Microsoft.Web/sites@2023-01-01"}),
        IDENTITY,
        blocks=[block("azurerm_linux_virtual_machine.vm", identity=[{"identity_ids": refers(UAI)}])],
    )  # fmt: skip
    at = by_place(found)

    old, machine = at["azuread_service_principal.old"], at["azurerm_linux_virtual_machine.vm"]
    assert old.before is not None
    assert (old.identity.key, old.effect) == (f"azure://{TENANT}/applications/{CLIENT}", "changed")
    assert (old.before.privilege.level, old.identity.privilege.level) == ("normal", "admin")
    assert (machine.identity.kind, machine.identity.name) == ("managed_identity", "vm")
    assert [each.runs_as for each in found.workloads] == [(at[UAI].identity.key, machine.identity.key)]
    assert [each.name for each in found.secrets] == ["db"]
    assert [each.place.resource for each in found.unread] == ["azurerm_role_assignment.c", "azapi_resource.x"]


REGISTERED = {"display_name": "a", "client_id": CLIENT}
SECRET = {"application_id": f"/applications/{CLIENT}", "end_date": "2027-01-01T00:00:00Z"}
WHOLE = terraform(
    IDENTITY,
    change("azuread_application.a", REGISTERED, before={"display_name": "b"}, actions=["update"]),
    change("azuread_service_principal.s", {"client_id": CLIENT, "object_id": OBJECT}),
    change("azuread_application_password.p", SECRET),
    change("azurerm_role_assignment.a", {"role_definition_name": "Owner", "scope": ON, "principal_id": OBJECT}),
    change("azuread_app_role_assignment.r", {"app_role_id": "9e3f62cf", "principal_object_id": OBJECT}),
    change("azurerm_role_definition.own", {"name": "own", "permissions": [{"actions": ["*"]}]}),
    change("azurerm_linux_web_app.w", {"name": "w", "identity": [{"type": BOTH, "identity_ids": [ON]}]}),
    providers=PROVIDERS,
    prior=[GRAPH],
)


@given(mutated(WHOLE))
@examples(60, smoke=60)
def test_hostile_plans_never_fail(plan: Any) -> None:
    """Whatever an id, a scope or a list turns into."""
    assert is_planned_or_refused(plan, AzurePlanner(), Store())
