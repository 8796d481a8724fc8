"""The least privilege, from the table of requests: Graph's application permissions, and a custom role of Azure."""

from __future__ import annotations

import msgspec

from connectors.azure.requests import ALLOWED

ROLE = "Muster reader"


def printed() -> str:
    """Both as one JSON document. Data actions are those that vaults themselves are asked with."""
    data = {one.permission for one in ALLOWED if one.service == "vault"}
    control = {one.permission for one in ALLOWED if one.service == "arm"}
    policy = {
        "graphApplicationPermissions": sorted({one.permission for one in ALLOWED if one.service == "graph"}),
        "azureCustomRole": {
            "Name": ROLE,
            "IsCustom": True,
            "Description": "What Muster reads: no value of a secret, and nothing is changed.",
            "Actions": sorted(control),
            "DataActions": sorted(data),
            "AssignableScopes": ["/providers/Microsoft.Management/managementGroups/ROOT"],
        },
    }
    return msgspec.json.format(msgspec.json.encode(policy), indent=2).decode()
