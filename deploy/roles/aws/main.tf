# The role that Muster assumes in one account; apply it to each. The identity that scans also needs
# the policy that `muster connectors aws --policy` prints.
terraform {
  required_providers {
    aws = { source = "hashicorp/aws", version = ">= 5.0" }
  }
}

variable "scanner" {
  type        = string
  description = "ARN of the role or user that Muster runs as."
}

variable "role_name" {
  type        = string
  description = "The source's organization_role."
  default     = "MusterAudit"
}

variable "external_id" {
  type        = string
  description = "The source's external_id, where it has one."
  default     = null
}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "AWS"
      identifiers = [var.scanner]
    }
    dynamic "condition" {
      for_each = var.external_id == null ? [] : [var.external_id]
      content {
        test     = "StringEquals"
        variable = "sts:ExternalId"
        values   = [condition.value]
      }
    }
  }
}

resource "aws_iam_role" "muster" {
  name               = var.role_name
  description        = "Lets Muster read identities and their permissions, and never a secret's value."
  assume_role_policy = data.aws_iam_policy_document.trust.json
}

resource "aws_iam_role_policy_attachment" "muster" {
  count      = length(aws_iam_policy.muster)
  role       = aws_iam_role.muster.name
  policy_arn = aws_iam_policy.muster[count.index].arn
}

resource "aws_iam_policy" "muster" {
  count       = length(local.policies)
  name        = "${var.role_name}-${count.index + 1}"
  description = "Lets Muster read identities and their permissions, and never a secret's value."
  policy      = local.policies[count.index]
}

output "role_arn" {
  value = aws_iam_role.muster.arn
}

locals {
  policies = [
jsonencode({"Version":"2012-10-17","Statement":[
{"Sid":"MusterReads","Effect":"Allow","Resource":"*","Action":[
"acm:ListCertificates",
"agent-registry:ListRegistries","agent-registry:ListRegistryRecords",
"aidevops:GetOperatorApp","aidevops:ListAgentSpaces","aidevops:ListAssociations",
"aiops:GetInvestigationGroup","aiops:ListInvestigationGroups",
"apprunner:DescribeService","apprunner:ListServices",
"autoscaling:DescribeLaunchConfigurations",
"batch:DescribeComputeEnvironments","batch:DescribeJobDefinitions",
"bedrock-agentcore:GetAgentRuntime","bedrock-agentcore:GetApiKeyCredentialProvider","bedrock-agentcore:GetBrowser","bedrock-agentcore:GetCodeInterpreter","bedrock-agentcore:GetGateway","bedrock-agentcore:GetGatewayTarget","bedrock-agentcore:GetHarness","bedrock-agentcore:GetMemory","bedrock-agentcore:GetOauth2CredentialProvider","bedrock-agentcore:GetWorkloadIdentity","bedrock-agentcore:ListAgentRuntimes","bedrock-agentcore:ListApiKeyCredentialProviders","bedrock-agentcore:ListBrowsers","bedrock-agentcore:ListCodeInterpreters","bedrock-agentcore:ListGatewayTargets","bedrock-agentcore:ListGateways","bedrock-agentcore:ListHarnesses","bedrock-agentcore:ListMemories","bedrock-agentcore:ListOauth2CredentialProviders","bedrock-agentcore:ListPaymentCredentialProviders","bedrock-agentcore:ListPaymentManagers","bedrock-agentcore:ListPolicyEngineSummaries","bedrock-agentcore:ListTagsForResource","bedrock-agentcore:ListWorkloadIdentities",
"bedrock:GetAgent","bedrock:GetAgentActionGroup","bedrock:GetFlow","bedrock:GetKnowledgeBase","bedrock:ListAgentActionGroups","bedrock:ListAgentAliases","bedrock:ListAgentCollaborators","bedrock:ListAgentKnowledgeBases","bedrock:ListAgents","bedrock:ListFlows","bedrock:ListKnowledgeBases","bedrock:ListTagsForResource",
"cloudformation:DescribeStacks",
"cloudtrail:LookupEvents",
"codebuild:BatchGetProjects","codebuild:ListProjects","codebuild:ListSourceCredentials",
"codeconnections:ListConnections",
"codepipeline:GetPipeline","codepipeline:ListPipelines",
"cognito-identity:GetIdentityPoolRoles","cognito-identity:ListIdentityPools",
"cognito-idp:ListUserPoolClients","cognito-idp:ListUserPools",
"ec2:DescribeInstances","ec2:DescribeKeyPairs","ec2:DescribeLaunchTemplateVersions","ec2:DescribeRegions",
"ecs:DescribeServices","ecs:DescribeTaskDefinition","ecs:DescribeTasks","ecs:ListClusters","ecs:ListServices","ecs:ListTaskDefinitionFamilies","ecs:ListTasks",
"eks:DescribeAccessEntry","eks:DescribeAddon","eks:DescribeCluster","eks:DescribeFargateProfile","eks:DescribeNodegroup","eks:DescribePodIdentityAssociation","eks:ListAccessEntries","eks:ListAddons","eks:ListAssociatedAccessPolicies","eks:ListClusters","eks:ListFargateProfiles","eks:ListNodegroups","eks:ListPodIdentityAssociations",
"elasticmapreduce:DescribeCluster","elasticmapreduce:ListClusters",
"events:ListConnections","events:ListRules","events:ListTargetsByRule",
"glue:GetCrawlers","glue:GetDevEndpoints","glue:GetJobs","glue:ListSessions",
"grafana:ListWorkspaceServiceAccountTokens","grafana:ListWorkspaceServiceAccounts","grafana:ListWorkspaces",
"iam:GenerateCredentialReport","iam:GenerateServiceLastAccessedDetails","iam:GetAccessKeyLastUsed","iam:GetAccountAuthorizationDetails","iam:GetAccountSummary","iam:GetCredentialReport","iam:GetLoginProfile","iam:GetOpenIDConnectProvider","iam:GetOutboundWebIdentityFederationInfo","iam:GetSAMLProvider","iam:GetServiceLastAccessedDetails","iam:ListAccessKeys","iam:ListDelegationRequests","iam:ListInstanceProfiles","iam:ListMFADevices","iam:ListOpenIDConnectProviders","iam:ListRoles","iam:ListSAMLProviders","iam:ListSSHPublicKeys","iam:ListServerCertificates","iam:ListServiceSpecificCredentials","iam:ListSigningCertificates","iam:ListUsers","iam:ListVirtualMFADevices",
"lambda:GetMicrovm","lambda:GetWebFunctionRevision","lambda:ListFunctions","lambda:ListMicrovms","lambda:ListWebFunctions",
"lex:DescribeBot","lex:ListBots",
"nova-act:ListWorkflowDefinitions",
"pipes:DescribePipe","pipes:ListPipes",
"qbusiness:GetApplication","qbusiness:GetPlugin","qbusiness:ListApplications","qbusiness:ListDataAccessors","qbusiness:ListPlugins",
"quicksight:DescribeActionConnector","quicksight:DescribeAgent","quicksight:ListActionConnectors","quicksight:ListAgents",
"rolesanywhere:ListProfiles","rolesanywhere:ListSubjects","rolesanywhere:ListTrustAnchors",
"sagemaker:DescribeDomain","sagemaker:DescribeModel","sagemaker:DescribeNotebookInstance","sagemaker:ListDomains","sagemaker:ListModels","sagemaker:ListNotebookInstances","sagemaker:ListPipelines",
"scheduler:GetSchedule","scheduler:ListSchedules",
"secretsmanager:GetResourcePolicy","secretsmanager:ListSecrets",
"securityagent:BatchGetAgentSpaces","securityagent:ListAgentSpaces",
"ssm:DescribeParameters",
"sso:DescribePermissionSet","sso:ListApplications","sso:ListInstances","sso:ListPermissionSets","sso:ListTrustedTokenIssuers",
"states:DescribeStateMachine","states:ListStateMachines",
"sts:GetCallerIdentity",
"tag:GetResources",
"transfer:ListServers","transfer:ListUsers",
"wisdom:ListAIAgents","wisdom:ListAssistants"
]},
{"Sid":"NeverSecretValues","Effect":"Deny","Resource":"*","Action":[
"secretsmanager:GetSecretValue","secretsmanager:BatchGetSecretValue",
"ssm:GetParameter*",
"lambda:GetFunction",
"bedrock-agentcore:GetResourceApiKey","bedrock-agentcore:GetResourceOauth2Token","bedrock-agentcore:GetWorkloadAccessToken*"
]},
{"Sid":"NeverObjects","Effect":"Deny","NotResource":"arn:*:s3:::*/AWSLogs/*","Action":["s3:GetObject*"]},
{"Sid":"NeverDecrypt","Effect":"Deny","Resource":"*","Action":["kms:Decrypt"],"Condition":{"StringNotLike":{"kms:ViaService":"s3.*.amazonaws.com*"}}}
]})
  ]
}
