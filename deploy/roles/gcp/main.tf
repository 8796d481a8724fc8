# The custom role that Muster reads an organization with, and what its service account needs besides.
terraform {
  required_providers {
    google = { source = "hashicorp/google", version = ">= 6.0" }
  }
}

variable "organization" {
  type        = string
  description = "The organization's number."
}

variable "scanner" {
  type        = string
  description = "E-mail of the service account that Muster runs as."
}

variable "quota_project" {
  type        = string
  description = "The project that requests are charged to."
}

resource "google_organization_iam_custom_role" "muster" {
  role_id     = "musterAudit"
  org_id      = var.organization
  title       = "Muster audit"
  description = "Reads identities and their permissions."
  permissions = [
    "agentidentity.accessSummaries.list",
    "agentidentity.authProviders.list",
    "agentidentity.authProviders.queryWorkloads",
    "agentidentity.authorizations.list",
    "agentregistry.agents.list",
    "agentregistry.mcpServers.list",
    "aiplatform.reasoningEngines.list",
    "apikeys.keys.list",
    "cloudasset.assets.listResource",
    "cloudasset.assets.searchAllIamPolicies",
    "cloudasset.assets.searchAllResources",
    "cloudfunctions.functions.list",
    "compute.instances.list",
    "container.clusters.list",
    "iam.denypolicies.get",
    "iam.denypolicies.list",
    "iam.googleapis.com/workloadIdentityPoolProviders.list",
    "iam.googleapis.com/workloadIdentityPools.list",
    "iam.oauthClients.list",
    "iam.roles.get",
    "iam.roles.list",
    "iam.serviceAccountKeys.list",
    "iam.serviceAccounts.get",
    "iam.serviceAccounts.getIamPolicy",
    "iam.serviceAccounts.list",
    "iam.workloadIdentityPoolManagedIdentities.list",
    "iam.workloadIdentityPoolNamespaces.list",
    "policyanalyzer.serviceAccountKeyLastAuthenticationActivities.query",
    "policyanalyzer.serviceAccountLastAuthenticationActivities.query",
    "privilegedaccessmanager.entitlements.list",
    "recommender.iamPolicyInsights.list",
    "recommender.iamServiceAccountInsights.list",
    "resourcemanager.folders.get",
    "resourcemanager.folders.getIamPolicy",
    "resourcemanager.organizations.get",
    "resourcemanager.organizations.getIamPolicy",
    "resourcemanager.projects.get",
    "resourcemanager.projects.getIamPolicy",
    "run.jobs.list",
    "run.services.list",
    "secretmanager.secrets.getIamPolicy",
    "secretmanager.secrets.list",
    "secretmanager.versions.list",
    "storage.hmacKeys.list"
  ]
}

resource "google_organization_iam_member" "muster" {
  org_id = var.organization
  role   = google_organization_iam_custom_role.muster.name
  member = "serviceAccount:${var.scanner}"
}

resource "google_project_iam_member" "quota" {
  project = var.quota_project
  role    = "roles/serviceusage.serviceUsageConsumer"
  member  = "serviceAccount:${var.scanner}"
}

resource "google_project_service" "asked" {
  for_each           = toset([
    "agentidentity.googleapis.com",
    "agentregistry.googleapis.com",
    "aiplatform.googleapis.com",
    "apikeys.googleapis.com",
    "cloudasset.googleapis.com",
    "cloudfunctions.googleapis.com",
    "cloudresourcemanager.googleapis.com",
    "compute.googleapis.com",
    "container.googleapis.com",
    "iam.googleapis.com",
    "policyanalyzer.googleapis.com",
    "privilegedaccessmanager.googleapis.com",
    "recommender.googleapis.com",
    "run.googleapis.com",
    "secretmanager.googleapis.com",
    "storage.googleapis.com"
  ])
  project            = var.quota_project
  service            = each.key
  disable_on_destroy = false
}
