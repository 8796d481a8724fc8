#!/bin/sh
# Makes the custom role musterAudit in an organization, or brings it up to date, and grants it to the service account that
# Muster runs as: sh role.sh ORGANIZATION SCANNER QUOTA_PROJECT
# (the organization's number, the account's e-mail, the project that requests are charged to)
set -eu
organization=${1:?the number of the organization}
scanner=${2:?the e-mail of the service account}
project=${3:?the project that requests are charged to}

role=$(mktemp)
trap 'rm -f "$role"' EXIT
cat >"$role" <<'END'
title: Muster audit
description: Reads identities and their permissions.
stage: GA
includedPermissions:
- agentidentity.accessSummaries.list
- agentidentity.authProviders.list
- agentidentity.authProviders.queryWorkloads
- agentidentity.authorizations.list
- agentregistry.agents.list
- agentregistry.mcpServers.list
- aiplatform.reasoningEngines.list
- apikeys.keys.list
- cloudasset.assets.listResource
- cloudasset.assets.searchAllIamPolicies
- cloudasset.assets.searchAllResources
- cloudfunctions.functions.list
- compute.instances.list
- container.clusters.list
- iam.denypolicies.get
- iam.denypolicies.list
- iam.googleapis.com/workloadIdentityPoolProviders.list
- iam.googleapis.com/workloadIdentityPools.list
- iam.oauthClients.list
- iam.roles.get
- iam.roles.list
- iam.serviceAccountKeys.list
- iam.serviceAccounts.get
- iam.serviceAccounts.getIamPolicy
- iam.serviceAccounts.list
- iam.workloadIdentityPoolManagedIdentities.list
- iam.workloadIdentityPoolNamespaces.list
- policyanalyzer.serviceAccountKeyLastAuthenticationActivities.query
- policyanalyzer.serviceAccountLastAuthenticationActivities.query
- privilegedaccessmanager.entitlements.list
- recommender.iamPolicyInsights.list
- recommender.iamServiceAccountInsights.list
- resourcemanager.folders.get
- resourcemanager.folders.getIamPolicy
- resourcemanager.organizations.get
- resourcemanager.organizations.getIamPolicy
- resourcemanager.projects.get
- resourcemanager.projects.getIamPolicy
- run.jobs.list
- run.services.list
- secretmanager.secrets.getIamPolicy
- secretmanager.secrets.list
- secretmanager.versions.list
- storage.hmacKeys.list
END

if gcloud iam roles describe musterAudit --organization="$organization" >/dev/null 2>&1; then
  gcloud iam roles update musterAudit --organization="$organization" --file="$role" --quiet
else
  gcloud iam roles create musterAudit --organization="$organization" --file="$role" --quiet
fi
gcloud organizations add-iam-policy-binding "$organization" --condition=None \
  --member="serviceAccount:$scanner" --role="organizations/$organization/roles/musterAudit"
gcloud projects add-iam-policy-binding "$project" --condition=None \
  --member="serviceAccount:$scanner" --role=roles/serviceusage.serviceUsageConsumer
gcloud services enable --project="$project" \
  agentidentity.googleapis.com agentregistry.googleapis.com aiplatform.googleapis.com apikeys.googleapis.com cloudasset.googleapis.com cloudfunctions.googleapis.com cloudresourcemanager.googleapis.com compute.googleapis.com container.googleapis.com iam.googleapis.com policyanalyzer.googleapis.com privilegedaccessmanager.googleapis.com recommender.googleapis.com run.googleapis.com secretmanager.googleapis.com storage.googleapis.com
