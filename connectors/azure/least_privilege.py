"""The least privilege, from the table of requests: Graph's application permissions, and custom roles of Azure.

There are three roles, since one with data actions cannot be assigned at a management group, and since what runs as a
managed identity can be a resource of any type. Source: https://learn.microsoft.com/azure/role-based-access-control/custom-roles
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec

from connectors.azure.requests import ALLOWED, EVERYTHING

_ROOT = "/providers/Microsoft.Management/managementGroups/ROOT"
_SUBSCRIPTION = "/subscriptions/SUBSCRIPTION"


def printed() -> str:
    """All of it as one JSON document. Data actions are those that vaults themselves are asked with."""
    data = {one.permission for one in ALLOWED if one.service == "vault"}
    control = {one.permission for one in ALLOWED if one.service == "arm"} - {EVERYTHING}
    policy = {
        "graphApplicationPermissions": sorted({one.permission for one in ALLOWED if one.service == "graph"}),
        "azureCustomRoles": [
            _role("Muster reader", "Lists what Muster reads; nothing is changed.", _ROOT, actions=control),
            _role(
                "Muster reader of workloads",
                "Shows every resource, so that it is told what runs as managed identities. As the built-in Reader.",
                _ROOT,
                actions={EVERYTHING},
            ),
            _role(
                "Muster reader of vaults",
                "Lists names and dates in key vaults that go by roles; no value of a secret.",
                _SUBSCRIPTION,
                data=data,
            ),
        ],
    }
    return msgspec.json.format(msgspec.json.encode(policy), indent=2).decode()


def _role(
    name: str, description: str, place: str, *, actions: Collection[str] = (), data: Collection[str] = ()
) -> dict[str, Any]:
    return {
        "Name": name,
        "IsCustom": True,
        "Description": description,
        "Actions": sorted(actions),
        "DataActions": sorted(data),
        "AssignableScopes": [place],
    }
