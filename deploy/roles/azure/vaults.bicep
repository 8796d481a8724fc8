// The custom roles that Muster reads subscriptions with, and their assignment to the service principal that it signs in as:
//   az deployment sub create --location westeurope --template-file vaults.bicep --subscription SUBSCRIPTION --parameters principalId=OBJECT_ID
// Permissions of Microsoft Graph come besides: muster connectors azure --policy prints the commands.
targetScope = 'subscription'

@description('Object id of the service principal, as az ad sp show --id CLIENT_ID --query id prints it.')
param principalId string

resource vaults 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(subscription().id, 'Muster reader of vaults')
  properties: {
    roleName: 'Muster reader of vaults ${subscription().subscriptionId}'
    description: 'Lists names and dates in key vaults; no value of a secret.'
    type: 'CustomRole'
    assignableScopes: [
      subscription().id
    ]
    permissions: [
      {
        actions: []
        notActions: []
        dataActions: [
          'Microsoft.KeyVault/vaults/certificates/read'
          'Microsoft.KeyVault/vaults/keys/read'
          'Microsoft.KeyVault/vaults/secrets/readMetadata/action'
        ]
        notDataActions: []
      }
    ]
  }
}

resource vaultsAssigned 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(subscription().id, principalId, 'Muster reader of vaults')
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: vaults.id
  }
}
