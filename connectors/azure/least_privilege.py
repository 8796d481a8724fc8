"""The least privilege, from the table of requests: Graph's application permissions, and custom roles of Azure.

It is printed as JSON with the commands that set it up, and as templates for Bicep and Terraform. There are three roles,
because a role with data actions cannot be assigned at a management group, and because workloads that run as a managed
identity can have any type. Source: https://learn.microsoft.com/azure/role-based-access-control/custom-roles
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import msgspec

from connectors.azure import sections as s
from connectors.azure.client.requests import ALLOWED, EVERYTHING, OF_LOGS, POWER_PLATFORM, Allowed
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


def needed(settings: AzureSettings | None, logs: Collection[str] = ()) -> Iterator[Allowed]:
    """The requests that a source may send; without settings, all requests. ``logs``: types of those it reads live."""
    yield from (one for one in OF_LOGS if one.section in logs)
    for one in ALLOWED:
        if settings is None or not _is_off(one, settings):
            yield one


def _is_off(one: Allowed, settings: AzureSettings) -> bool:
    by_arm = {"data": False, "arm": True, "off": None}[settings.key_vaults]
    return (
        (one.section in _REPORTS and settings.sign_ins == "off")
        or (one.section in _ITEMS and (one.service == "arm") is not by_arm)
        or (one.service != "graph" and settings.asks_no_resources)
    )


def printed(settings: AzureSettings | None = None, logs: Collection[str] = ()) -> str:
    """The permissions as one JSON document, with the commands that set them up; for a source, only what it needs.

    Unknown values are in capitals. Data actions are for requests to the vaults themselves.
    """
    roles = _roles(settings, logs)
    permissions = {one.permission for one in needed(settings, logs) if one.service == "graph"}
    policy = {
        "graphApplicationPermissions": {name: APP_ROLES[name] for name in sorted(permissions)},
        "azureCustomRoles": roles,
        "optionalDirectoryRoles": sorted({one.permission for one in needed(settings, logs)} & {POWER_PLATFORM}),
        "commands": list(_commands((settings and settings.client_id) or _CLIENT, roles, permissions)),
    }
    return msgspec.json.format(msgspec.json.encode(policy), indent=2).decode()


def _roles(settings: AzureSettings | None = None, logs: Collection[str] = ()) -> list[dict[str, Any]]:
    """The custom roles as `az role definition create` takes them; those with data actions are for subscriptions."""
    rows = list(needed(settings, logs))
    data = {one.permission for one in rows if one.service == "vault"}
    control = {one.permission for one in rows if one.service == "arm"} - {POWER_PLATFORM}
    root = f"/providers/Microsoft.Management/managementGroups/{(settings and settings.tenant) or 'TENANT'}"
    reported = {
        READER: ("Lists what Muster reads; nothing is changed.", root, control - {EVERYTHING}, ()),
        WORKLOADS: ("Shows every resource, as the built-in Reader does.", root, control & {EVERYTHING}, ()),
        VAULTS: ("Lists names and dates in key vaults; no value of a secret.", "/subscriptions/SUBSCRIPTION", (), data),
    }
    return [_role(name, *role) for name, role in reported.items() if role[2] or role[3]]


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
    """The commands for an administrator of the tenant, who has this document in a file."""
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


_BICEP_HEAD = """\
// The custom roles that Muster reads TARGETs with, and their assignment to the service principal that it signs in as:
//   az deployment SCOPE create --location westeurope --template-file FILE --parameters principalId=OBJECT_ID
// Permissions of Microsoft Graph come besides: muster connectors azure --policy prints the commands.
targetScope = 'TARGET'

@description('Object id of the service principal, as az ad sp show --id CLIENT_ID --query id prints it.')
param principalId string
"""
_BICEP_ROLE = """
resource LABEL 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(TARGET().id, 'ROLE')
  properties: {
    roleName: 'SHOWN'
    description: 'DESCRIPTION'
    type: 'CustomRole'
    assignableScopes: [
      TARGET().id
    ]
    permissions: [
      {
        actions: [ACTIONS]
        notActions: []
        dataActions: [DATA]
        notDataActions: []
      }
    ]
  }
}

resource LABELAssigned 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(TARGET().id, principalId, 'ROLE')
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: LABEL.id
  }
}
"""
_LABELS = {READER: "reader", WORKLOADS: "workloads", VAULTS: "vaults"}


def bicep() -> str:
    """The roles of a management group, such as the tenant root, as Bicep."""
    head = {"TARGET": "managementGroup", "SCOPE": "mg", "FILE": "main.bicep --management-group-id TENANT_ID"}
    return _filled(_BICEP_HEAD, head) + "".join(
        _bicep_role(role, "managementGroup", role["Name"]) for role in _roles() if not role["DataActions"]
    )


def bicep_of_vaults() -> str:
    """The role of a subscription with key vaults, as Bicep; its name holds the id, for it is unique in the tenant."""
    head = {"TARGET": "subscription", "SCOPE": "sub", "FILE": "vaults.bicep --subscription SUBSCRIPTION"}
    return _filled(_BICEP_HEAD, head) + "".join(
        _bicep_role(role, "subscription", f"{role['Name']} ${{subscription().subscriptionId}}")
        for role in _roles()
        if role["DataActions"]
    )


def _bicep_role(role: Mapping[str, Any], target: str, shown: str) -> str:
    def listed(actions: Collection[str]) -> str:
        lines = "".join(f"\n          '{action}'" for action in actions)
        return f"{lines}\n        " if lines else ""

    return _filled(
        _BICEP_ROLE,
        {
            "LABEL": _LABELS[role["Name"]],
            "TARGET": target,
            "ROLE": role["Name"],
            "SHOWN": shown,
            "DESCRIPTION": role["Description"],
            "ACTIONS": listed(role["Actions"]),
            "DATA": listed(role["DataActions"]),
        },
    )


_TERRAFORM_HEAD = f"""\
# What Muster's service principal is allowed: to read the directory, a management group, and key vaults.
terraform {{
  required_providers {{
    azuread = {{ source = "hashicorp/azuread", version = ">= 3.0" }}
    azurerm = {{ source = "hashicorp/azurerm", version = ">= 4.0" }}
  }}
}}

variable "principal_id" {{
  type        = string
  description = "Object id of the service principal."
}}

variable "management_group" {{
  type        = string
  description = "Id of the management group that is read: the tenant's id for all of it."
}}

variable "subscriptions" {{
  type        = set(string)
  description = "Ids of the subscriptions whose key vaults are read."
  default     = []
}}

data "azuread_service_principal" "graph" {{
  client_id = "{GRAPH}"
}}

resource "azuread_app_role_assignment" "graph" {{
  for_each            = local.graph_permissions
  app_role_id         = each.value
  principal_object_id = var.principal_id
  resource_object_id  = data.azuread_service_principal.graph.object_id
}}

locals {{
  management_group  = "/providers/Microsoft.Management/managementGroups/${{var.management_group}}"
  graph_permissions = PERMISSIONS
}}
"""
_TERRAFORM_ROLE = """
resource "azurerm_role_definition" "LABEL" {EACH
  name              = "SHOWN"
  description       = "DESCRIPTION"
  scope             = SCOPE
  assignable_scopes = [SCOPE]
  permissions {
    actions      = ACTIONS
    data_actions = DATA
  }
}

resource "azurerm_role_assignment" "LABEL" {EACH
  scope              = SCOPE
  role_definition_id = azurerm_role_definition.LABELKEY.role_definition_resource_id
  principal_id       = var.principal_id
  principal_type     = "ServicePrincipal"
}
"""
_OF_EACH = {
    "EACH": "\n  for_each = var.subscriptions\n",
    "KEY": "[each.key]",
    "SCOPE": '"/subscriptions/${each.key}"',
}
_OF_ONE = {"EACH": "", "KEY": "", "SCOPE": "local.management_group"}


def terraform() -> str:
    """Graph's permissions and all roles as a Terraform module."""
    permissions = {one.permission for one in needed(None) if one.service == "graph"}
    ids = _printed_json({name: APP_ROLES[name] for name in sorted(permissions)}, 2)
    return _filled(_TERRAFORM_HEAD, {"PERMISSIONS": ids}) + "".join(map(_terraform_role, _roles()))


def _terraform_role(role: Mapping[str, Any]) -> str:
    return _filled(
        _TERRAFORM_ROLE,
        {
            **(_OF_EACH if role["DataActions"] else _OF_ONE),
            "LABEL": _LABELS[role["Name"]],
            "SHOWN": f"{role['Name']} ${{each.key}}" if role["DataActions"] else role["Name"],
            "DESCRIPTION": role["Description"],
            "ACTIONS": _printed_json(role["Actions"], 4),
            "DATA": _printed_json(role["DataActions"], 4),
        },
    )


def _printed_json(value: Any, indent: int) -> str:
    """JSON as an expression of HCL, with its lines indented like the first."""
    text = msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
    return text.replace("\n", "\n" + " " * indent)


def _filled(template: str, texts: Mapping[str, str]) -> str:
    """The template with its words in capitals replaced in one pass: replacements are not replaced again."""
    return re.sub("|".join(texts), lambda found: texts[found[0]], template)
