// The custom roles that Muster reads managementGroups with, and their assignment to the service principal that it signs in as:
//   az deployment mg create --location westeurope --template-file main.bicep --management-group-id TENANT_ID --parameters principalId=OBJECT_ID
// Permissions of Microsoft Graph come besides: muster connectors azure --policy prints the commands.
targetScope = 'managementGroup'

@description('Object id of the service principal, as az ad sp show --id CLIENT_ID --query id prints it.')
param principalId string

resource reader 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(managementGroup().id, 'Muster reader')
  properties: {
    roleName: 'Muster reader'
    description: 'Lists what Muster reads; nothing is changed.'
    type: 'CustomRole'
    assignableScopes: [
      managementGroup().id
    ]
    permissions: [
      {
        actions: [
          'Microsoft.Authorization/denyAssignments/read'
          'Microsoft.Authorization/roleAssignments/read'
          'Microsoft.Authorization/roleDefinitions/read'
          'Microsoft.KeyVault/vaults/keys/read'
          'Microsoft.KeyVault/vaults/read'
          'Microsoft.KeyVault/vaults/secrets/read'
          'Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/read'
          'Microsoft.ManagedIdentity/userAssignedIdentities/read'
          'Microsoft.Management/getEntities/action'
          'Microsoft.Management/managementGroups/read'
          'Microsoft.Resources/subscriptions/read'
          'Microsoft.Resources/subscriptions/resources/read'
        ]
        notActions: []
        dataActions: []
        notDataActions: []
      }
    ]
  }
}

resource readerAssigned 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(managementGroup().id, principalId, 'Muster reader')
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: reader.id
  }
}

resource workloads 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(managementGroup().id, 'Muster reader of workloads')
  properties: {
    roleName: 'Muster reader of workloads'
    description: 'Shows every resource, as the built-in Reader does.'
    type: 'CustomRole'
    assignableScopes: [
      managementGroup().id
    ]
    permissions: [
      {
        actions: [
          '*/read'
        ]
        notActions: []
        dataActions: []
        notDataActions: []
      }
    ]
  }
}

resource workloadsAssigned 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(managementGroup().id, principalId, 'Muster reader of workloads')
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: workloads.id
  }
}
