"""AI agents that AgentCore runs, and the gateways to their tools."""

from __future__ import annotations

from connectors.aws.workloads.declarations import Detail, Fields, Listing, ResourceType

_CORE = "bedrock-agentcore-control"
_CORE_ARN = "arn:{partition}:bedrock-agentcore:{region}:{account}:"
_WORKS_AS = "workloadIdentityDetails.workloadIdentityArn"


def _tags(arn: str) -> Detail:
    return Detail(operation="ListTagsForResource", by={"resourceArn": arn}, gives="tags")


TYPES = (
    ResourceType(
        section="agentcore.runtimes",
        title="AgentCore runtimes",
        service=_CORE,
        listing=Listing(operation="ListAgentRuntimes", rows="agentRuntimes", size=100),
        details=(
            Detail(operation="GetAgentRuntime", by={"agentRuntimeId": "{agentRuntimeId}"}),
            _tags("{agentRuntimeArn}"),
        ),
        record=Fields(
            kind="agentcore_runtime",
            key="{agentRuntimeArn}",
            name="{agentRuntimeName}",
            unique_id="agentRuntimeId",
            description="description",
            roles=("roleArn",),
            texts=("environmentVariables.*",),
            created_at="createdAt",
            tags="tags",
            facts={
                "status": "status",
                "protocol": "protocolConfiguration.serverProtocol",
                "network": "networkConfiguration.networkMode",
                "token_issuer": "authorizerConfiguration.customJWTAuthorizer.discoveryUrl",
                "allowed_clients": "authorizerConfiguration.customJWTAuthorizer.allowedClients[]",
            },
            agent="an agent that AgentCore runs",
            acts_as=(_WORKS_AS,),
        ),
        everywhere=False,
    ),
    ResourceType(
        section="agentcore.harnesses",
        title="AgentCore harnesses",
        service=_CORE,
        listing=Listing(operation="ListHarnesses", rows="harnesses", size=100),
        details=(
            Detail(operation="GetHarness", by={"harnessId": "{harnessId}"}, at="harness"),
            _tags("{arn}"),
        ),
        record=Fields(
            kind="agentcore_harness",
            key="{arn}",
            name="{harnessName}",
            unique_id="harnessId",
            roles=("executionRoleArn",),
            secrets=("model.*.apiKeyArn",),
            texts=("environmentVariables.*",),
            created_at="createdAt",
            tags="tags",
            facts={
                "status": "status",
                "model": "model.*.modelId",
                "tools": "tools[].name",
                "allowed_tools": "allowedTools[]",
                "runtime": "environment.agentCoreRuntimeEnvironment.agentRuntimeArn",
            },
            agent="an agent that an AgentCore harness makes of a model",
        ),
        everywhere=False,
    ),
    ResourceType(
        section="agentcore.gateways",
        title="AgentCore gateways",
        service=_CORE,
        listing=Listing(operation="ListGateways", rows="items", size=1000),
        details=(Detail(operation="GetGateway", by={"gatewayIdentifier": "{gatewayId}"}),),
        record=Fields(
            kind="agentcore_gateway",
            key=f"{_CORE_ARN}gateway/{{gatewayId}}",
            name="{name}",
            roles=("roleArn",),
            created_at="createdAt",
            facts={
                "status": "status",
                "protocol": "protocolType",
                "sign_in": "authorizerType",
                "token_issuer": "authorizerConfiguration.customJWTAuthorizer.discoveryUrl",
                "allowed_clients": "authorizerConfiguration.customJWTAuthorizer.allowedClients[]",
                "policy_engine": "policyEngineConfiguration.arn",
                "workload_identity": _WORKS_AS,
            },
            acts_as=(_WORKS_AS,),
        ),
        everywhere=False,
    ),
    ResourceType(
        section="agentcore.gateway_targets",
        title="Targets of AgentCore gateways",
        service=_CORE,
        listing=Listing(
            operation="ListGatewayTargets",
            rows="items",
            size=1000,
            under="agentcore.gateways",
            by={"gatewayIdentifier": "{gatewayId}"},
        ),
        details=(
            Detail(
                operation="GetGatewayTarget",
                by={"gatewayIdentifier": "{gatewayIdentifier}", "targetId": "{targetId}"},
            ),
        ),
        record=Fields(
            kind="agentcore_gateway_target",
            key=f"{_CORE_ARN}gateway/{{gatewayIdentifier}}/target/{{targetId}}",
            name="{name}",
            created_at="createdAt",
            facts={
                "gateway": "gatewayArn",
                "status": "status",
                "function": "targetConfiguration.mcp.lambda.lambdaArn",
                "endpoint": "targetConfiguration.mcp.mcpServer.endpoint",
                "runtime": "targetConfiguration.http.agentcoreRuntime.arn",
                "credentials": "credentialProviderConfigurations[].credentialProviderType",
                "credential_providers": "credentialProviderConfigurations[].credentialProvider.*.providerArn",
            },
        ),
        everywhere=False,
        without="the tools of gateways and their credentials are unknown",
    ),
)
