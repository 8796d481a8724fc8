"""A whole `muster scan` of an Entra tenant and its subscriptions: calls, against the fewest that list the same.

The floor is counted, not run: from what each service gives on a page, and from what has no list over many things (the
federated credentials of a managed identity, the contents of a vault). The naive pattern is counted, too: lists at their
usual size, and each application, service principal and identity asked on its own for what is related to it.
"""

from __future__ import annotations

import json
import sys
import tempfile
from math import ceil
from pathlib import Path

from benchmarks.measure import run
from scanner.demo.fakes.azure import estate, relations
from scanner.demo.fakes.azure.server import AzureServer
from scanner.demo.fakes.azure.tenant import MICROSOFT, Tenant, guid

APPLICATIONS, FIRST_PARTY, AGENTS, IDENTITIES, RESOURCES = 600, 300, 100, 150, 150
SUBSCRIPTIONS, VAULTS, SECRETS = 3, 3, 40
GRAPH = "00000003-0000-0000-c000-000000000000"
VARIABLE = "MUSTER_BENCHMARK_SECRET"
_CONFIG = """\
[[source]]
name = "azure"
type = "azure"
tenant_id = "{tenant.id}"
client_id = "{tenant.client_id}"
client_secret = {{ env = "{variable}" }}
endpoint_url = "{server.url}"
ca_file = "{server.ca_file}"
"""


def main() -> None:
    """Make a tenant, scan it, and print the ratios."""
    tenant = _tenant()
    muster = str(Path(sys.executable).with_name("muster"))
    with AzureServer(tenant) as server, tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "config.toml"
        config.write_text(_CONFIG.format(tenant=tenant, server=server, variable=VARIABLE), encoding="utf-8")
        command = [muster, "scan", "--config", str(config), "--quiet", "-o", f"json:{folder}/r.json"]
        cost = run(command, environment={VARIABLE: tenant.client_secret}, cwd=folder)
        calls = sum(not call.inner for call in server.log)
        summary = json.loads((Path(folder) / "r.json").read_text(encoding="utf-8"))["summary"]
    count = APPLICATIONS + AGENTS + 1 + IDENTITIES + RESOURCES
    if (summary["identities"], summary["gaps"]) != (count, 0):
        raise RuntimeError(f"{summary['identities']} of {count} identities were found, with {summary['gaps']} gaps")
    fewest, usual = floor(), naive()
    print(
        f"{count} identities, {FIRST_PARTY} applications of Microsoft, {SUBSCRIPTIONS} subscriptions, {VAULTS} vaults"
    )
    print(
        f"{calls} calls, {calls / count * 1000:.0f} for 1,000 identities: {calls / fewest:.2f} × the floor of {fewest}"
    )
    print(f"the naive pattern takes {usual}: {usual / calls:.1f} × ours")
    print(f"wall {cost.wall:.1f} s, CPU {cost.cpu:.1f} s, peak {cost.peak:.0f} MiB, the server on the same machine")


def floor() -> int:
    """The fewest requests that list all of it."""
    principals = APPLICATIONS + FIRST_PARTY + AGENTS + 1 + IDENTITIES + RESOURCES + 1
    registered = APPLICATIONS + 1
    tenant = ceil(principals / 999) + ceil(registered / 999)
    related = ceil(principals / 100) + 2 * ceil(registered / 100)
    agents = ceil(AGENTS / 100) + 3
    rights_and_use = 2 + 1 + 1 + 2
    units = 1
    subscriptions = SUBSCRIPTIONS * (1 + 1 + 1 + 1 + 1) + 1 + IDENTITIES
    vaults = VAULTS * (ceil(SECRETS / 25) + 1 + 1)
    return tenant + related + agents + rights_and_use + units + subscriptions + vaults


def naive() -> int:
    """One object after the other: what scripts mostly do."""
    principals = APPLICATIONS + FIRST_PARTY + AGENTS + 1 + IDENTITIES + RESOURCES + 1
    lists = 2 * ceil(principals / 100)
    each = principals * 2 + (APPLICATIONS + 1) * 2 + IDENTITIES
    return lists + each + SUBSCRIPTIONS * 5 + VAULTS * (ceil(SECRETS / 25) + 2)


def _tenant() -> Tenant:
    tenant = Tenant("benchmark")
    owner = tenant.add_person("owner", userPrincipalName="owner@example.com")
    permission = {"id": guid("permission"), "value": "User.Read.All", "allowedMemberTypes": ["Application"]}
    tenant.add_service_principal("Graph", appId=GRAPH, appOwnerOrganizationId=MICROSOFT, appRoles=[permission])
    for number in range(FIRST_PARTY):
        tenant.add_service_principal(f"microsoft-{number}", appOwnerOrganizationId=MICROSOFT)
    for number in range(APPLICATIONS):
        name = f"app-{number:04}"
        secret = {"keyId": guid(f"key/{name}"), "startDateTime": "2026-01-01T00:00:00Z"}
        row = tenant.add_application(name, passwordCredentials=[secret])
        relations.add_owner(tenant, row, owner)
    blueprint = relations.add_blueprint(tenant, "blueprint")
    for number in range(AGENTS):
        relations.add_agent(tenant, f"agent-{number:04}", blueprint)
    reader = tenant.define_role("Reader", ["*/read"])["name"]
    for number in range(SUBSCRIPTIONS):
        _subscription(tenant, tenant.add_subscription(f"subscription-{number}")["subscriptionId"], number, reader)
    return tenant


def _subscription(tenant: Tenant, subscription: str, number: int, role: str) -> None:
    for one in range(number, IDENTITIES, SUBSCRIPTIONS):
        row = estate.add_user_assigned(tenant, subscription, f"id-{one:04}")
        tenant.assign_role(f"/subscriptions/{subscription}", row["properties"]["principalId"], role)
    for one in range(number, RESOURCES, SUBSCRIPTIONS):
        estate.run(tenant, subscription, "Microsoft.Web/sites", f"site-{one:04}")
    for one in range(number, VAULTS, SUBSCRIPTIONS):
        tenant.add_vault(subscription, f"vault-{one}")
        for secret in range(SECRETS):
            estate.put(tenant, f"vault-{one}", "secrets", f"secret-{secret}")


if __name__ == "__main__":
    main()
