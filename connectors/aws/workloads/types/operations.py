"""AI agents that work on what runs in AWS, and AWS's own registries of agents."""

from __future__ import annotations

from connectors.aws.workloads.declarations import Detail, Fields, Listing, ResourceType

TYPES = (
    ResourceType(
        section="agent_registry.registries",
        title="Agent registries of AWS",
        service="agent-registry-control",
        listing=Listing(operation="ListRegistries", rows="registries", size=100),
        everywhere=False,
        without="agents and tools in AWS's own registries are unknown",
    ),
    ResourceType(
        section="agent_registry.records",
        title="Records of AWS's agent registries",
        service="agent-registry-control",
        listing=Listing(
            operation="ListRegistryRecords",
            rows="registryRecords",
            size=100,
            under="agent_registry.registries",
            by={"registryId": "{registryId}"},
        ),
        record=Fields(
            kind="agent_registry_record",
            key="{recordArn}",
            name="{name}",
            created_at="createdAt",
            created_by="createdBy",
            facts={
                "type": "recordType",
                "status": "status",
                "made_by_detection": "createdByAutoDetection",
                "sources": "provenanceSummaryList[].sourceId",
            },
        ),
        everywhere=False,
        without="agents and tools in AWS's own registries are unknown",
    ),
    ResourceType(
        section="devops_agent.spaces",
        title="DevOps agents",
        service="devops-agent",
        listing=Listing(operation="ListAgentSpaces", rows="agentSpaces", size=100),
        details=(Detail(operation="GetOperatorApp", by={"agentSpaceId": "{agentSpaceId}"}),),
        record=Fields(
            kind="devops_agent",
            key="arn:{partition}:aidevops:{region}:{account}:agentspace/{agentSpaceId}",
            name="{name}",
            unique_id="agentSpaceId",
            description="description",
            roles=("iam.operatorAppRoleArn", "idc.operatorAppRoleArn", "idp.operatorAppRoleArn"),
            created_at="createdAt",
            agent="an AWS DevOps agent",
        ),
        everywhere=False,
    ),
    ResourceType(
        section="devops_agent.associations",
        title="Connections of DevOps agents",
        service="devops-agent",
        listing=Listing(
            operation="ListAssociations",
            rows="associations",
            size=100,
            under="devops_agent.spaces",
            by={"agentSpaceId": "{agentSpaceId}"},
        ),
        record=Fields(
            kind="devops_agent_association",
            key="arn:{partition}:aidevops:{region}:{account}:agentspace/{agentSpaceId}/association/{associationId}",
            name="{serviceId}",
            roles=(
                "configuration.*.assumableRoleArn",
                "configuration.*.agentElevatedRoleArn",
                "configuration.*.serviceManagementRoleArn",
                "configuration.*.runtimeRoleArn",
                "configuration.*.bidirectional.roleArn",
            ),
            created_at="createdAt",
            facts={
                "agent": "agentSpaceId",
                "status": "status",
                "repository": "configuration.github.repoName",
                "project": "configuration.gitlab.projectPath",
                "endpoint": "configuration.*.endpoint",
            },
        ),
        everywhere=False,
    ),
    ResourceType(
        section="security_agent.spaces",
        title="Security agents",
        service="securityagent",
        listing=Listing(operation="ListAgentSpaces", rows="agentSpaceSummaries", size=100),
        details=(
            Detail(
                operation="BatchGetAgentSpaces", at="agentSpaces", batch=100, ids="agentSpaceIds", id="{agentSpaceId}"
            ),
        ),
        record=Fields(
            kind="security_agent",
            key="arn:{partition}:securityagent:{region}:{account}:agent-space/{agentSpaceId}",
            name="{name}",
            unique_id="agentSpaceId",
            description="description",
            roles=("awsResources.iamRoles[]",),
            secrets=("awsResources.secretArns[]",),
            created_at="createdAt",
            facts={"functions": "awsResources.lambdaFunctionArns[]"},
            agent="an AWS Security agent",
        ),
        everywhere=False,
    ),
    ResourceType(
        section="nova_act.workflows",
        title="Nova Act workflows",
        service="nova-act",
        listing=Listing(operation="ListWorkflowDefinitions", rows="workflowDefinitionSummaries", size=100),
        record=Fields(
            kind="nova_act_workflow",
            key="{workflowDefinitionArn}",
            name="{workflowDefinitionName}",
            created_at="createdAt",
            facts={"status": "status"},
            agent="an agent that works in a browser for Nova Act",
        ),
        everywhere=False,
    ),
    ResourceType(
        section="aiops.investigation_groups",
        title="CloudWatch investigation groups",
        service="aiops",
        listing=Listing(operation="ListInvestigationGroups", rows="investigationGroups", size=50),
        details=(Detail(operation="GetInvestigationGroup", by={"identifier": "{arn}"}),),
        record=Fields(
            kind="investigation_group",
            key="{arn}",
            name="{name}",
            roles=("roleArn", "crossAccountConfigurations[].sourceRoleArn"),
            created_by="createdBy",
            agent="an AI assistant of CloudWatch investigations",
        ),
        everywhere=False,
    ),
)
