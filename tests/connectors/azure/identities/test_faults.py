"""Each section of the tenant with each way to fail: one gap, of the right kind, and the rest is read."""

from __future__ import annotations

import pytest

from scanner.demo.fakes.azure.faults import Fault
from scanner.demo.fakes.azure.relations import (
    add_agent,
    add_agent_user,
    add_blueprint,
    add_credential_use,
    add_federation,
    add_owner,
    add_sign_in,
)
from scanner.demo.fakes.azure.tenant import guid
from scanner.demo.fakes.azure.wire import Reply, refusal
from tests.connectors.azure.estate import AzureEstate
from tests.connectors.azure.identities.conftest import TenantRead

V1, BETA = r"/v1\.0", "/beta"
CAST = r"microsoft\.graph\."
SECTIONS = {
    "graph.service_principals": rf"{V1}/servicePrincipals\?.*appRoles",
    "graph.applications": rf"{V1}/applications\?.*publisherDomain",
    "graph.agent_identities": rf"{V1}/servicePrincipals/{CAST}agentIdentity\?",
    "graph.agent_blueprints": rf"{V1}/(applications|servicePrincipals)/{CAST}agentIdentityBlueprint",
    "graph.agent_users": rf"{V1}/users/{CAST}agentUser",
    "graph.inheritable_permissions": rf"{V1}/applications/[\w-]+/{CAST}agentIdentityBlueprint/inheritable",
    "graph.owners": rf"{V1}/(applications|servicePrincipals)\?.*owners",
    "graph.federated_credentials": rf"{V1}/applications\?.*federated",
    "graph.deleted": rf"{V1}/directory/deletedItems",
    "graph.sign_ins": rf"{BETA}/reports/servicePrincipal",
    "graph.credential_use": rf"{BETA}/reports/appCredential",
}
UNREAD = {
    "graph.service_principals": dict.fromkeys(("shop", "alone"), ("credentials", "permissions", "tags", "use")),
    "graph.applications": dict.fromkeys(("shop", "lost"), ("credentials", "tags", "trusts")),
    "graph.agent_identities": dict.fromkeys(("helper", "helper-1"), ("permissions",)),
    "graph.inheritable_permissions": {"helper-1": ("permissions",)},
    "graph.agent_users": {"helper-1": ("permissions",)},
    "graph.federated_credentials": dict.fromkeys(("shop", "alone", "helper"), ("credentials", "trusts")),
    "graph.sign_ins": dict.fromkeys(("shop", "alone", "helper", "helper-1", "lost"), ("use",)),
    "graph.credential_use": {"shop": ("use",)},
}
"""Whose facts are uncertain then, of what is listed all the same."""
HANGS_ON_IT = {"graph.service_principals": {"graph.app_permissions": "skipped"}}
"""Permissions are published by service principals."""
MADE_UP_FOR = {("graph.federated_credentials", "a bad row")}
"""Anyone who a list did not report on is asked for on its own."""
REPLIES: dict[str, tuple[Reply | None, str]] = {
    "forbidden": (refusal("graph", 403, "Authorization_RequestDenied"), "denied"),
    "load": (refusal("graph", 429, "TooManyRequests"), "failed"),
    "gateway": (Reply(status=502, body=b"<html>"), "failed"),
    "server": (refusal("graph", 500, "InternalServerError"), "failed"),
    "token": (refusal("graph", 401, "InvalidAuthenticationToken", "Access token has expired."), "failed"),
    "hung up": (None, "failed"),
    "no JSON": (Reply(body=b"<html>"), "failed"),
    "another shape": (Reply(body={"value": {"id": "x"}}), "failed"),
    "a bad row": (Reply(body={"value": [{"id": 7, "appId": [], "issuer": {}, "keyId": {}}]}), "partial"),
}


@pytest.fixture
def estate(azure: AzureEstate) -> AzureEstate:
    """Something for every section to find."""
    tenant = azure.tenant
    shop = tenant.add_application("shop", passwordCredentials=[{"keyId": guid("secret")}])
    tenant.add_application("alone", principal=False)
    tenant.add_service_principal("lost")
    add_owner(tenant, shop, tenant.add_person("Ada"))
    add_federation(tenant, shop, "gh", "https://issuer.example", "repo:acme/shop")
    blueprint = add_blueprint(tenant, "helper")
    add_agent_user(tenant, "helper1", add_agent(tenant, "helper-1", blueprint))
    add_sign_in(tenant, shop["appId"], "2026-06-01T00:00:00Z")
    add_credential_use(tenant, shop, guid("secret"), "2026-06-02T00:00:00Z")
    return azure


@pytest.mark.parametrize("failure", REPLIES)
@pytest.mark.parametrize("section", SECTIONS)
def test_a_section_that_fails_is_one_gap(
    estate: AzureEstate, tenant_read: TenantRead, section: str, failure: str
) -> None:
    """Whose status says how; what it would have reported is uncertain, and nothing else."""
    reply, status = REPLIES[failure]
    estate.server.faults.add(Fault(service="graph", path=SECTIONS[section], reply=reply))

    found = tenant_read()

    assert found.gaps == {section: status} | HANGS_ON_IT.get(section, {})
    assert found.coverage[section].calls > 0
    detail = str(found.coverage[section].detail)
    assert detail
    assert detail.isprintable()
    in_doubt = UNREAD.get(section, {}) if (section, failure) not in MADE_UP_FOR else {}
    unread = {name: one.unread for name, one in found.identities.items() if one.unread}
    assert unread == in_doubt


def test_without_faults_nothing_is_uncertain(estate: AzureEstate, tenant_read: TenantRead) -> None:
    """So that the uncertainties above are the faults' own."""
    found = tenant_read()

    assert "shop" in {row["displayName"] for row in estate.tenant.applications.values()}
    assert found.gaps == {}
    assert {one.unread for one in found.identities.values()} == {()}
    assert found.coverage.keys() >= SECTIONS.keys()


@pytest.mark.parametrize("failure", ["load", "server", "hung up"])
@pytest.mark.parametrize("section", SECTIONS)
def test_what_passes_is_no_gap(estate: AzureEstate, tenant_read: TenantRead, section: str, failure: str) -> None:
    """It is asked again."""
    reply, _ = REPLIES[failure]
    estate.server.faults.add(Fault(service="graph", path=SECTIONS[section], reply=reply, times=1))

    assert tenant_read().gaps == {}


def test_a_list_that_breaks_off_keeps_what_was_read(azure: AzureEstate, tenant_read: TenantRead) -> None:
    """Owners of the first page are reported, and of the others nothing is claimed."""
    for number in range(3):
        azure.tenant.add_application(f"app-{number}", principal=False)
    azure.server.pages.largest = 1
    path = SECTIONS["graph.owners"]
    azure.server.faults.add(Fault(service="graph", path=path, reply=Reply(status=500, body={}), after=1))

    found = tenant_read()

    assert found.gaps == {"graph.owners": "failed"}
    assert [one.attributes.get("owners") for one in found.identities.values()] == [[], None, None]
