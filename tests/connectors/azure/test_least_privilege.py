"""The printed policy: what requests take, no more, for what a source's settings want; and a scan keeps to it."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from connectors.azure.client.requests import BATCH, VERSIONS, allowed
from connectors.azure.connector import AzureConnector
from connectors.azure.least_privilege import APP_ROLES
from connectors.azure.settings import AzureSettings
from tests.connectors.azure.estate import AzureEstate
from tests.connectors.azure.offline.reading import furnish

TENANT, CLIENT = "11111111-2222-3333-4444-555555555555", "66666666-7777-8888-9999-000000000000"


def policy(**facts: Any) -> dict[str, Any]:
    """A source's."""
    settings = AzureSettings(**{"tenant_id": TENANT, "client_id": CLIENT, **facts})
    reported: dict[str, Any] = json.loads(AzureConnector("prod", settings).policy())
    return reported


def permissions(reported: dict[str, Any]) -> set[str]:
    """Everything that it gives."""
    roles = [(*role["Actions"], *role["DataActions"]) for role in reported["azureCustomRoles"]]
    return {*reported["graphApplicationPermissions"], *(action for role in roles for action in role)}


def test_logs_that_are_asked_for_live_take_more() -> None:
    """Each type its own, whatever else the settings leave out."""
    settings = AzureSettings(tenant_id=TENANT, client_id=CLIENT, sign_ins="off")
    source = AzureConnector("prod", settings)
    without = permissions(json.loads(source.policy()))
    entra = permissions(json.loads(source.policy_with_logs(["entra"])))
    both = permissions(json.loads(source.policy_with_logs(["entra", "azure_activity"])))

    assert entra - without == {"AuditLog.Read.All"}
    assert both - entra == {"Microsoft.Insights/eventtypes/values/read"}


def test_a_whole_scan_and_doctor_ask_for_nothing_that_the_policy_does_not_give(azure: AzureEstate) -> None:
    """The server's log is held against what is printed, not against our table of requests alone."""
    furnish(azure.tenant)
    given = permissions(json.loads(AzureConnector.base_policy()))

    azure.read()
    list(azure.connector().check())
    azure.read(key_vaults="arm")

    asked = set()
    for call in azure.server.log:
        if call.service == "graph":
            version, _, rest = call.path.lstrip("/").partition("/")
            asked |= (
                {allowed("graph", call.method, f"/{rest}", beta=VERSIONS[version])} if f"/{rest}" != BATCH else set()
            )
        elif call.service != "login":
            path = call.path if call.service == "arm" else "/" + call.path.split("/", 2)[2]
            asked.add(allowed(call.service, call.method, path))
    assert len(asked) > 25
    assert {one.permission for one in asked} <= given
    assert {call.method for call in azure.server.log} == {"GET", "POST"}


def test_every_permission_of_graph_has_the_id_that_grants_it() -> None:
    """And the command names each."""
    reported = policy()
    (command,) = [one for one in reported["commands"] if "permission add" in one]

    assert reported["graphApplicationPermissions"] == APP_ROLES
    assert set(re.findall(r"([\w-]+)=Role", command)) == set(APP_ROLES.values())


@pytest.mark.parametrize(
    ("facts", "gone"),
    [
        ({"sign_ins": "off"}, {"AuditLog.Read.All"}),
        (
            {"key_vaults": "off"},
            {
                "Microsoft.KeyVault/vaults/secrets/readMetadata/action",
                "Microsoft.KeyVault/vaults/certificates/read",
                "Microsoft.KeyVault/vaults/keys/read",
                "Microsoft.KeyVault/vaults/secrets/read",
            },
        ),
        (
            {"key_vaults": "arm"},
            {"Microsoft.KeyVault/vaults/secrets/readMetadata/action", "Microsoft.KeyVault/vaults/certificates/read"},
        ),
    ],
)
def test_what_the_settings_leave_out_is_not_asked_for(facts: dict[str, Any], gone: set[str]) -> None:
    """Anyone who wants less gives less."""
    whole = permissions(json.loads(AzureConnector.base_policy()))

    assert whole - permissions(policy(**facts)) - {"Microsoft.KeyVault/vaults/secrets/read"} == gone - {
        "Microsoft.KeyVault/vaults/secrets/read"
    }


def test_a_source_without_subscriptions_needs_no_role() -> None:
    """Entra alone."""
    reported = policy(subscriptions=(), management_groups=())

    assert reported["azureCustomRoles"] == []
    assert not [one for one in reported["commands"] if " role " in one]


def test_the_commands_name_the_source_as_far_as_it_is_known() -> None:
    """Else there is a word in capitals to put it in for, and the command that makes the application."""
    known, unknown = policy(), json.loads(AzureConnector.base_policy())

    assert all(CLIENT in one for one in known["commands"] if one.startswith(("az ad", "az role assignment")))
    assert any(one.startswith("az ad app create") for one in unknown["commands"])
    assert not any(one.startswith("az ad app create") for one in known["commands"])
    assert any(TENANT in one for one in known["commands"])
    assert known["azureCustomRoles"][0]["AssignableScopes"] == [
        f"/providers/Microsoft.Management/managementGroups/{TENANT}"
    ]
