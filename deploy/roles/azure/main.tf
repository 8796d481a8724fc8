# What Muster's service principal is allowed: to read the directory, a management group, and key vaults.
terraform {
  required_providers {
    azuread = { source = "hashicorp/azuread", version = ">= 3.0" }
    azurerm = { source = "hashicorp/azurerm", version = ">= 4.0" }
  }
}

variable "principal_id" {
  type        = string
  description = "Object id of the service principal."
}

variable "management_group" {
  type        = string
  description = "Id of the management group that is read: the tenant's id for all of it."
}

variable "subscriptions" {
  type        = set(string)
  description = "Ids of the subscriptions whose key vaults are read."
  default     = []
}

data "azuread_service_principal" "graph" {
  client_id = "00000003-0000-0000-c000-000000000000"
}

resource "azuread_app_role_assignment" "graph" {
  for_each            = local.graph_permissions
  app_role_id         = each.value
  principal_object_id = var.principal_id
  resource_object_id  = data.azuread_service_principal.graph.object_id
}

locals {
  management_group  = "/providers/Microsoft.Management/managementGroups/${var.management_group}"
  graph_permissions = {
    "AgentIdentity.Read.All": "b2b8f011-2898-4234-9092-5059f6c1ebfa",
    "AgentIdentityBlueprint.Read.All": "7547a7d1-36fa-4479-9c31-559a600eaa4f",
    "AgentIdentityBlueprintPrincipal.Read.All": "9361dea9-4524-493d-941d-f1b65aaf6c7c",
    "Application.Read.All": "9a5d68dd-52b0-4cc2-bd40-abcf44ac3a30",
    "AuditLog.Read.All": "b0afded3-3588-46d8-8b3d-9842eff778da",
    "Directory.Read.All": "7ab1d382-f21e-4acd-a863-ba3e13f7da61",
    "GroupMember.Read.All": "98830695-27a2-44f7-8c18-0c3ebc9698f6",
    "RoleManagement.Read.Directory": "483bed4a-2ad3-4361-a73b-c83ccdbdc53c",
    "User.Read.All": "df021288-bdef-4463-88db-98f22de89214"
  }
}

resource "azurerm_role_definition" "reader" {
  name              = "Muster reader"
  description       = "Lists what Muster reads; nothing is changed."
  scope             = local.management_group
  assignable_scopes = [local.management_group]
  permissions {
    actions      = [
      "Microsoft.Authorization/denyAssignments/read",
      "Microsoft.Authorization/roleAssignments/read",
      "Microsoft.Authorization/roleDefinitions/read",
      "Microsoft.KeyVault/vaults/keys/read",
      "Microsoft.KeyVault/vaults/read",
      "Microsoft.KeyVault/vaults/secrets/read",
      "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/read",
      "Microsoft.ManagedIdentity/userAssignedIdentities/read",
      "Microsoft.Management/getEntities/action",
      "Microsoft.Management/managementGroups/read",
      "Microsoft.Resources/subscriptions/read",
      "Microsoft.Resources/subscriptions/resources/read"
    ]
    data_actions = []
  }
}

resource "azurerm_role_assignment" "reader" {
  scope              = local.management_group
  role_definition_id = azurerm_role_definition.reader.role_definition_resource_id
  principal_id       = var.principal_id
  principal_type     = "ServicePrincipal"
}

resource "azurerm_role_definition" "workloads" {
  name              = "Muster reader of workloads"
  description       = "Shows every resource, as the built-in Reader does."
  scope             = local.management_group
  assignable_scopes = [local.management_group]
  permissions {
    actions      = [
      "*/read"
    ]
    data_actions = []
  }
}

resource "azurerm_role_assignment" "workloads" {
  scope              = local.management_group
  role_definition_id = azurerm_role_definition.workloads.role_definition_resource_id
  principal_id       = var.principal_id
  principal_type     = "ServicePrincipal"
}

resource "azurerm_role_definition" "vaults" {
  for_each = var.subscriptions

  name              = "Muster reader of vaults ${each.key}"
  description       = "Lists names and dates in key vaults; no value of a secret."
  scope             = "/subscriptions/${each.key}"
  assignable_scopes = ["/subscriptions/${each.key}"]
  permissions {
    actions      = []
    data_actions = [
      "Microsoft.KeyVault/vaults/certificates/read",
      "Microsoft.KeyVault/vaults/keys/read",
      "Microsoft.KeyVault/vaults/secrets/readMetadata/action"
    ]
  }
}

resource "azurerm_role_assignment" "vaults" {
  for_each = var.subscriptions

  scope              = "/subscriptions/${each.key}"
  role_definition_id = azurerm_role_definition.vaults[each.key].role_definition_resource_id
  principal_id       = var.principal_id
  principal_type     = "ServicePrincipal"
}
