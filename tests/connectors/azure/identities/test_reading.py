"""Applications, principals and managed identities, read over the wire."""

from __future__ import annotations

import pytest

from scanner.demo.fakes.azure.faults import Fault
from scanner.demo.fakes.azure.relations import add_agent, add_blueprint, add_federation
from scanner.demo.fakes.azure.tenant import MICROSOFT, guid
from scanner.demo.fakes.azure.wire import refusal
from tests.connectors.azure.estate import AzureEstate
from tests.connectors.azure.identities.conftest import TenantRead

GITHUB = "https://token.actions.githubusercontent.com"
SITE = "/subscriptions/S-1/resourceGroups/rg/providers/Microsoft.Web/sites/Shop"
USER_ASSIGNED = "/subscriptions/S-1/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/Mine"
REFUSED = refusal("graph", 400, "Request_BadRequest", "Could not find a property named 'createdDateTime'.")


@pytest.mark.parametrize(("first_party", "names"), [(False, {"keyed"}), (True, {"keyed", "Office"})])
def test_microsoft_s_own_are_left_out_unless_asked_for(
    azure: AzureEstate, tenant_read: TenantRead, names: set[str], *, first_party: bool
) -> None:
    """And counted. One that has got a credential here is someone's."""
    azure.tenant.add_service_principal("Office", appOwnerOrganizationId=MICROSOFT)
    credential = [{"keyId": guid("planted")}]
    azure.tenant.add_service_principal("keyed", appOwnerOrganizationId=MICROSOFT, passwordCredentials=credential)

    found = tenant_read(first_party=first_party)

    assert found.identities.keys() == names
    assert found.identities["keyed"].managed_by is None
    detail = found.coverage["graph.service_principals"].detail
    assert detail is None if first_party else "1 of Microsoft's own" in str(detail)
    assert found.coverage["graph.service_principals"].identities == len(names)


@pytest.mark.parametrize(
    ("arm_id", "key", "name"),
    [
        (SITE, f"{SITE.lower()}/providers/microsoft.managedidentity/identities/default", "Shop"),
        (USER_ASSIGNED, USER_ASSIGNED.lower(), "Mine"),
        (USER_ASSIGNED.lower(), USER_ASSIGNED.lower(), "mine"),
    ],
)
def test_a_managed_identity_is_the_one_of_its_subscription(
    azure: AzureEstate, tenant_read: TenantRead, arm_id: str, key: str, name: str
) -> None:
    """It has the key and the ids that the subscription's unit gives it, and no owner is asked for."""
    row = azure.tenant.add_managed_identity(arm_id)

    found = tenant_read()

    identity = found.identities[name]
    assert (identity.key, identity.scope, identity.kind) == (key, "s-1", "managed_identity")
    assert identity.unread == ("credentials", "tags", "trusts"), "its subscription tells these"
    assert (identity.unique_id, set(identity.aliases)) == (row["id"], {row["appId"], arm_id})
    assert not [call for call in azure.server.log if "owners" in call.query.get("$expand", "")]


def test_a_managed_identity_whose_resource_is_not_reported_is_listed_all_the_same(
    azure: AzureEstate, tenant_read: TenantRead
) -> None:
    """Under its client id, in the tenant."""
    row = azure.tenant.add_managed_identity(SITE, alternativeNames=["isExplicit=False"], displayName="lost")

    identity = tenant_read().identities["lost"]

    assert (identity.kind, identity.scope) == ("managed_identity", azure.tenant.id)
    assert identity.key.endswith(f"/applications/{row['appId']}")


def test_where_the_service_does_not_say_when_a_principal_was_made_the_rest_is_read(
    azure: AzureEstate, tenant_read: TenantRead
) -> None:
    """Some tenants refuse the field, which is not among the published ones."""
    azure.tenant.add_service_principal("shop", createdDateTime="2026-01-01T00:00:00Z")
    path = r"/v1\.0/servicePrincipals\?.*createdDateTime"

    assert tenant_read().identities["shop"].created_at is not None
    azure.server.faults.add(Fault(service="graph", path=path, reply=REFUSED))
    found = tenant_read()

    assert found.identities["shop"].created_at is None
    assert found.gaps == {}
    assert found.coverage["graph.service_principals"].calls == 2


def test_where_a_field_is_not_known_the_rest_is_read(azure: AzureEstate, tenant_read: TenantRead) -> None:
    """Not every cloud has every field; the lists then come with what they give unasked."""
    azure.tenant.add_application("shop", passwordCredentials=[{"keyId": guid("secret")}])
    agent = add_agent(azure.tenant, "helper-1", add_blueprint(azure.tenant, "helper"))
    refused = refusal("graph", 400, "Request_BadRequest", "Could not find a property named 'isDisabled'.")
    azure.server.faults.add(Fault(service="graph", path=r"/v1\.0/.*\?.*isDisabled", reply=refused))

    found = tenant_read()

    assert found.gaps == {}
    assert [one.id for one in found.identities["shop"].credentials] == [guid("secret")]
    assert found.identities["helper-1"].attributes["blueprint"] == agent["agentIdentityBlueprintId"]


@pytest.mark.parametrize("refused", [False, True])
def test_who_a_registration_trusts_is_read(azure: AzureEstate, tenant_read: TenantRead, *, refused: bool) -> None:
    """In one pass, or for each on its own where that is not taken."""
    shop = azure.tenant.add_application("shop")
    alone = azure.tenant.add_application("alone", principal=False)
    for row in (shop, alone):
        for number in range(21):
            add_federation(azure.tenant, row, f"f{number}", "https://issuer.example", f"repo:acme/{number}")
    azure.tenant.add_application("none")
    if refused:
        path = r"/v1\.0/applications\?.*federatedIdentityCredentials"
        azure.server.faults.add(Fault(service="graph", path=path, reply=refusal("graph", 400, "Request_BadRequest")))

    found = tenant_read()

    assert found.gaps == {}
    trusted = {name: len(identity.trusts) for name, identity in found.identities.items()}
    assert trusted == {"shop": 21, "alone": 21, "none": 0}
    assert found.coverage["graph.federated_credentials"].identities == 42
    assert all(one.unread == () for one in found.identities.values())


EXPRESSION = "claims['sub'] matches 'repo:acme/*'"


@pytest.mark.parametrize("refused", [False, True])
def test_an_expression_is_asked_for_where_no_subject_is_reported(
    azure: AzureEstate, tenant_read: TenantRead, *, refused: bool
) -> None:
    """Only of such an application, since only the preview has it; unread, it may let in anyone."""
    for name in ("shop", "plain"):
        row = azure.tenant.add_application(name)
        add_federation(azure.tenant, row, "main", GITHUB, "repo:acme/app:ref:refs/heads/main")
    add_federation(azure.tenant, azure.tenant.applications[guid("application/shop")], "any", GITHUB, None, EXPRESSION)
    if refused:
        azure.server.faults.add(Fault(service="graph", path="/beta/applications/.*", reply=refusal("graph", 403, "x")))

    found = tenant_read()

    asked = [call.path for call in azure.server.log if "/beta/applications" in call.path]
    assert asked == [f"/beta/applications/{guid('application/shop')}/federatedIdentityCredentials"]
    trusts = {(one.restriction, one.subject) for one in found.identities["shop"].trusts}
    assert trusts == {("exact", "repo:acme/app:ref:refs/heads/main"), ("loose", None if refused else "repo:acme/*")}
    targets = {one.target for one in found.identities["shop"].links}
    assert targets == {"github:acme/app", f"oidc:{GITHUB[8:]}#*" if refused else "github:acme/*"}
    detail = found.coverage["graph.federated_credentials"].detail or ""
    assert found.gaps == {}
    assert ("by an expression is unknown" in detail) is refused


def test_a_blueprint_leads_to_its_agents_and_to_who_it_trusts(azure: AzureEstate, tenant_read: TenantRead) -> None:
    """Anyone who can show such a token is each of its agents."""
    blueprint = add_blueprint(azure.tenant, "helper")
    agent = add_agent(azure.tenant, "helper-1", blueprint)
    add_federation(azure.tenant, blueprint, "ci", GITHUB, "repo:acme/app:ref:refs/heads/main")

    found = tenant_read()

    links = [(one.relation, one.target.rpartition("/")[2]) for one in found.identities["helper"].links]
    assert links == [("can_assume", agent["id"]), ("federates", "app")]


def test_a_registration_in_the_bin_is_looked_for_only_where_one_is_missing(
    azure: AzureEstate, tenant_read: TenantRead
) -> None:
    """Its principal is left behind, and it can be had back."""
    shop = azure.tenant.add_application("shop")
    tenant_read()
    looked = [call for call in azure.server.log if "deletedItems" in call.path]
    del azure.tenant.applications[shop["id"]]
    bin_ = "/directory/deletedItems/microsoft.graph.application"
    deleted = {"id": shop["id"], "appId": shop["appId"], "deletedDateTime": "2026-11-20T00:00:00Z"}
    azure.tenant.collections[bin_] = [deleted]

    attributes = tenant_read().identities["shop"].attributes

    assert looked == []
    assert (attributes["registration"], attributes["restorable_until"]) == ("deleted", "2026-12-20T00:00:00+00:00")


def test_lists_that_are_null_are_empty(azure: AzureEstate, tenant_read: TenantRead) -> None:
    """And so is a null in one of them: an identity is not lost over what it has none of."""
    nothing: dict[str, object] = {"tags": None, "keyCredentials": None, "passwordCredentials": None}
    azure.tenant.add_application("shop", principal=False, **nothing)
    azure.tenant.add_service_principal("ci", alternativeNames=None, appRoles=None, servicePrincipalNames=["ci", None])
    azure.is_hostile = True

    found = tenant_read()

    assert found.identities.keys() == {"shop", "ci"}
    assert found.identities["ci"].aliases[-1] == "ci"
    assert found.gaps == {}
