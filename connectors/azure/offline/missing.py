"""Missing files, and the commands that write them."""

from __future__ import annotations

from collections.abc import Mapping

from connectors.azure.offline import recognise as r
from connectors.azure.rights.deny_assignments import VERSION

IDENTITIES, VAULTS = "managed identities", "vaults with their access policies"
PROPERTIES = "the properties of resources"
DENY_ASSIGNMENTS = "/providers/Microsoft.Authorization/denyAssignments"
WRITES: Mapping[str, str] = {
    r.SERVICE_PRINCIPALS: "az ad sp list --all",
    r.APPLICATIONS: "az ad app list --all",
    r.GROUPS: "az ad group list",
    r.RESOURCES: "az resource list",
    r.ROLE_ASSIGNMENTS: "az role assignment list --all --include-inherited",
    r.ROLE_DEFINITIONS: "az role definition list",
    r.DENIALS: f"az rest --url '/subscriptions/…{DENY_ASSIGNMENTS}?api-version={VERSION}'",
    r.IDENTITY_FEDERATION: "az identity federated-credential list --identity-name … --resource-group …",
    IDENTITIES: "az identity list",
    VAULTS: "az keyvault list --resource-group …",
    PROPERTIES: "az graph query -q resources --first 1000",
}
ITEMS = "az keyvault {kind} list --vault-name …"
_REST = "az rest --url 'https://graph.microsoft.com/{version}{path}'"


def command(path: str) -> str:
    """The command that writes a list of Graph."""
    version = "beta" if path.startswith("/reports/") else "v1.0"
    return WRITES.get(path) or _REST.format(version=version, path=path)
