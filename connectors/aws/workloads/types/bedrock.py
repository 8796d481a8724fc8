"""Bedrock: agents, what they act through, flows and knowledge bases."""

from __future__ import annotations

from connectors.aws.workloads.declarations import Detail, Fields, Listing, ResourceType

_OF_AGENT = {"agentId": "{agentId}", "agentVersion": "{agentVersion}"}

TYPES = (
    ResourceType(
        section="bedrock.agents",
        title="Bedrock agents",
        service="bedrock-agent",
        listing=Listing(operation="ListAgents", rows="agentSummaries", size=1000),
        details=(
            Detail(operation="GetAgent", by={"agentId": "{agentId}"}, at="agent"),
            Detail(
                operation="ListTagsForResource",
                by={"resourceArn": "arn:{partition}:bedrock:{region}:{account}:agent/{agentId}"},
                gives="tags",
            ),
        ),
        record=Fields(
            kind="bedrock_agent",
            key="arn:{partition}:bedrock:{region}:{account}:agent/{agentId}",
            name="{agentName}",
            unique_id="agentId",
            description="description",
            roles=("agentResourceRoleArn",),
            created_at="createdAt",
            tags="tags",
            facts={
                "status": "agentStatus",
                "model": "foundationModel",
                "collaboration": "agentCollaboration",
                "memory": "memoryConfiguration.enabledMemoryTypes[]",
            },
            agent="a Bedrock agent",
        ),
        everywhere=False,
    ),
    ResourceType(
        section="bedrock.agent_aliases",
        title="Aliases of Bedrock agents",
        service="bedrock-agent",
        listing=Listing(
            operation="ListAgentAliases",
            rows="agentAliasSummaries",
            size=1000,
            under="bedrock.agents",
            by={"agentId": "{agentId}"},
        ),
        record=Fields(
            kind="bedrock_agent_alias",
            key="arn:{partition}:bedrock:{region}:{account}:agent-alias/{agentId}/{agentAliasId}",
            name="{agentAliasName}",
            created_at="createdAt",
            facts={
                "agent": "agentId",
                "status": "agentAliasStatus",
                "versions": "routingConfiguration[].agentVersion",
            },
        ),
        everywhere=False,
        optional=True,
        without="aliases of agents are unknown",
    ),
    ResourceType(
        section="bedrock.action_groups",
        title="Action groups of Bedrock agents",
        service="bedrock-agent",
        listing=Listing(
            operation="ListAgentActionGroups",
            rows="actionGroupSummaries",
            size=1000,
            under="bedrock.agents",
            by=_OF_AGENT,
        ),
        details=(
            Detail(
                operation="GetAgentActionGroup",
                by={**_OF_AGENT, "actionGroupId": "{actionGroupId}"},
                at="agentActionGroup",
            ),
        ),
        record=Fields(
            kind="bedrock_action_group",
            key="arn:{partition}:bedrock:{region}:{account}:agent/{agentId}/action-group/{actionGroupId}",
            name="{actionGroupName}",
            created_at="createdAt",
            facts={
                "agent": "agentId",
                "state": "actionGroupState",
                "function": "actionGroupExecutor.lambda",
                "control": "actionGroupExecutor.customControl",
                "signature": "parentActionSignature",
            },
        ),
        everywhere=False,
        without="which functions agents call as their tools is unknown",
    ),
    ResourceType(
        section="bedrock.collaborators",
        title="Bedrock agents that other agents call",
        service="bedrock-agent",
        listing=Listing(
            operation="ListAgentCollaborators",
            rows="agentCollaboratorSummaries",
            size=1000,
            under="bedrock.agents",
            by=_OF_AGENT,
        ),
        record=Fields(
            kind="bedrock_collaborator",
            key="arn:{partition}:bedrock:{region}:{account}:agent/{agentId}/collaborator/{collaboratorId}",
            name="{collaboratorName}",
            created_at="createdAt",
            facts={"agent": "agentId", "calls": "agentDescriptor.aliasArn"},
        ),
        everywhere=False,
        without="which agents call which others is unknown",
    ),
    ResourceType(
        section="bedrock.flows",
        title="Bedrock flows",
        service="bedrock-agent",
        listing=Listing(operation="ListFlows", rows="flowSummaries", size=1000),
        details=(
            Detail(
                operation="GetFlow",
                by={"flowIdentifier": "{id}"},
                parameters={"includedData": "METADATA_ONLY"},
            ),
        ),
        record=Fields(
            kind="bedrock_flow",
            key="{arn}",
            name="{name}",
            roles=("executionRoleArn",),
            created_at="createdAt",
            facts={"status": "status"},
        ),
        everywhere=False,
    ),
    ResourceType(
        section="bedrock.knowledge_bases",
        title="Bedrock knowledge bases",
        service="bedrock-agent",
        listing=Listing(operation="ListKnowledgeBases", rows="knowledgeBaseSummaries", size=1000),
        details=(
            Detail(operation="GetKnowledgeBase", by={"knowledgeBaseId": "{knowledgeBaseId}"}, at="knowledgeBase"),
        ),
        record=Fields(
            kind="bedrock_knowledge_base",
            key="{knowledgeBaseArn}",
            name="{name}",
            roles=("roleArn",),
            secrets=("storageConfiguration.*.credentialsSecretArn",),
            created_at="createdAt",
            facts={"status": "status", "storage": "storageConfiguration.type"},
        ),
        everywhere=False,
    ),
)
