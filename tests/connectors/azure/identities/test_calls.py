"""How many requests a tenant costs."""

from __future__ import annotations

import pytest

from connectors.azure import sections as s
from scanner.demo.fakes.azure.relations import add_agent, add_blueprint
from tests.connectors.azure.estate import AzureEstate
from tests.connectors.azure.identities.conftest import TenantRead

MANY = 1000
SITES = "/subscriptions/s-1/resourceGroups/rg/providers/Microsoft.Web/sites"


RIGHTS = {s.DIRECTORY_ROLES, s.APP_PERMISSIONS, s.DELEGATED_GRANTS, s.GROUP_MEMBERS}
"""Their requests are counted elsewhere."""


def _calls(tenant_read: TenantRead) -> dict[str, int]:
    coverage = tenant_read().coverage
    return {name: one.calls for name, one in coverage.items() if one.calls and name not in (*RIGHTS, "entra.tenant")}


def test_an_empty_tenant_costs_one_request_for_each_list(tenant_read: TenantRead) -> None:
    """No one is asked about then."""
    assert _calls(tenant_read) == {
        "graph.service_principals": 1,
        "graph.applications": 1,
        "graph.agent_identities": 1,
        "graph.agent_blueprints": 2,
        "graph.agent_users": 1,
        "graph.sign_ins": 1,
        "graph.credential_use": 1,
    }


def test_a_thousand_applications_cost_forty_requests(azure: AzureEstate, tenant_read: TenantRead) -> None:
    """Two pages of each list, ten of each with the owners, ten with whom they trust; six for agents and use."""
    for number in range(MANY):
        azure.tenant.add_application(f"app-{number}")

    calls = _calls(tenant_read)

    assert calls["graph.service_principals"] == calls["graph.applications"] == 2
    assert (calls["graph.owners"], calls["graph.federated_credentials"]) == (20, 10)
    assert sum(calls.values()) == 40


def test_a_thousand_managed_identities_cost_nine_requests(azure: AzureEstate, tenant_read: TenantRead) -> None:
    """They are in the list, and none has an owner who could become it."""
    for number in range(MANY):
        azure.tenant.add_managed_identity(f"{SITES}/site-{number}", user_assigned=False)

    assert sum(_calls(tenant_read).values()) == 9


@pytest.mark.parametrize(("many", "batches"), [(3, 1), (4, 0)])
def test_a_few_among_many_are_asked_about_on_their_own(
    azure: AzureEstate, tenant_read: TenantRead, many: int, batches: int
) -> None:
    """Here two pages of managed identities would be read for their sake."""
    for number in range(150 - many):
        azure.tenant.add_managed_identity(f"{SITES}/site-{number}", user_assigned=False)
    for number in range(many):
        azure.tenant.add_service_principal(f"svc-{number}")

    calls = _calls(tenant_read)

    assert calls["graph.owners"] == (batches or 2)
    assert len([call for call in azure.server.log if call.path.endswith("/owners")]) == batches * many


def test_a_thousand_agents_cost_thirty_two_requests(azure: AzureEstate, tenant_read: TenantRead) -> None:
    """Ten pages with their sponsors, twelve with owners, two of all principals, eight for the rest."""
    blueprint = add_blueprint(azure.tenant, "helper")
    for number in range(MANY):
        add_agent(azure.tenant, f"agent-{number}", blueprint)

    calls = _calls(tenant_read)

    assert (calls["graph.agent_identities"], calls["graph.service_principals"]) == (10, 2)
    assert sum(calls.values()) == 32
