"""The least privilege, from the table of requests: Graph's application permissions, and custom roles of Azure.

There are three roles, since one with data actions cannot be assigned at a management group, and since what runs as a
managed identity can be a resource of any type. Source: https://learn.microsoft.com/azure/role-based-access-control/custom-roles
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import msgspec

from connectors.azure import sections as s
from connectors.azure.requests import ALLOWED, EVERYTHING, Allowed
from connectors.azure.settings import AzureSettings

GRAPH = "00000003-0000-0000-c000-000000000000"
"""The client id of Microsoft Graph in every tenant."""
APP_ROLES: Mapping[str, str] = {
    "AgentIdentity.Read.All": "b2b8f011-2898-4234-9092-5059f6c1ebfa",
    "AgentIdentityBlueprint.Read.All": "7547a7d1-36fa-4479-9c31-559a600eaa4f",
    "AgentIdentityBlueprintPrincipal.Read.All": "9361dea9-4524-493d-941d-f1b65aaf6c7c",
    "Application.Read.All": "9a5d68dd-52b0-4cc2-bd40-abcf44ac3a30",
    "AuditLog.Read.All": "b0afded3-3588-46d8-8b3d-9842eff778da",
    "Directory.Read.All": "7ab1d382-f21e-4acd-a863-ba3e13f7da61",
    "GroupMember.Read.All": "98830695-27a2-44f7-8c18-0c3ebc9698f6",
    "RoleManagement.Read.Directory": "483bed4a-2ad3-4361-a73b-c83ccdbdc53c",
    "User.Read.All": "df021288-bdef-4463-88db-98f22de89214",
}
"""The ids of application permissions. Source: https://learn.microsoft.com/graph/permissions-reference"""

READER, WORKLOADS, VAULTS = "Muster reader", "Muster reader of workloads", "Muster reader of vaults"
_ITEMS = frozenset({s.SECRETS, s.KEYS, s.CERTIFICATES})
_REPORTS = frozenset({s.SIGN_INS, s.CREDENTIAL_USE})
_CLIENT = "CLIENT_ID"
_FILE = "muster-policy.json"


def needed(settings: AzureSettings | None) -> Iterator[Allowed]:
    """The requests that a source may make; of no source in particular, all."""
    for one in ALLOWED:
        if settings is None or not _is_off(one, settings):
            yield one


def _is_off(one: Allowed, settings: AzureSettings) -> bool:
    no_subscriptions = settings.named_subscriptions == () and settings.named_management_groups == ()
    by_arm = {"data": False, "arm": True, "off": None}[settings.key_vaults]
    return (
        (one.section in _REPORTS and settings.sign_ins == "off")
        or (one.section in _ITEMS and (one.service == "arm") is not by_arm)
        or (one.service != "graph" and no_subscriptions)
    )


def printed(settings: AzureSettings | None = None) -> str:
    """All of it as one JSON document, with the commands that set it up; for a source, as far as that needs it.

    What is not known of it is in capitals. Data actions are those that vaults themselves are asked with.
    """
    rows = list(needed(settings))
    data = {one.permission for one in rows if one.service == "vault"}
    control = {one.permission for one in rows if one.service == "arm"}
    root = f"/providers/Microsoft.Management/managementGroups/{(settings and settings.tenant) or 'TENANT'}"
    told = {
        READER: ("Lists what Muster reads; nothing is changed.", root, control - {EVERYTHING}, ()),
        WORKLOADS: ("Shows every resource, as the built-in Reader does.", root, control & {EVERYTHING}, ()),
        VAULTS: ("Lists names and dates in key vaults; no value of a secret.", "/subscriptions/SUBSCRIPTION", (), data),
    }
    roles = [_role(name, *role) for name, role in told.items() if role[2] or role[3]]
    permissions = {one.permission for one in rows if one.service == "graph"}
    policy = {
        "graphApplicationPermissions": {name: APP_ROLES[name] for name in sorted(permissions)},
        "azureCustomRoles": roles,
        "commands": list(_commands((settings and settings.client_id) or _CLIENT, roles, permissions)),
    }
    return msgspec.json.format(msgspec.json.encode(policy), indent=2).decode()


def _role(name: str, description: str, place: str, actions: Collection[str], data: Collection[str]) -> dict[str, Any]:
    return {
        "Name": name,
        "IsCustom": True,
        "Description": description,
        "Actions": sorted(actions),
        "DataActions": sorted(data),
        "AssignableScopes": [place],
    }


def _commands(client: str, roles: Collection[dict[str, Any]], permissions: Collection[str]) -> Iterator[str]:
    """What whoever administers the tenant runs, this document being in a file."""
    if client == _CLIENT:
        yield "az ad app create --display-name muster --query appId --output tsv"
        yield f"az ad sp create --id {client}"
    some = " ".join(f"{APP_ROLES[name]}=Role" for name in sorted(permissions))
    yield f"az ad app permission add --id {client} --api {GRAPH} --api-permissions {some}"
    yield f"az ad app permission admin-consent --id {client}"
    for number, role in enumerate(roles):
        name, place = role["Name"], role["AssignableScopes"][0]
        yield f"jq '.azureCustomRoles[{number}]' {_FILE} > role.json"
        yield "az role definition create --role-definition @role.json"
        yield f"az role assignment create --assignee {client} --role '{name}' --scope {place}"
