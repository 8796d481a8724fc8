"""AgentCore's identities, its keys to outside services, and what agents use."""

from __future__ import annotations

from connectors.aws.workloads.declarations import Detail, Fields, Listing, ResourceType

_CORE = "bedrock-agentcore-control"
_KEYS_UNKNOWN = "agents' credentials for external services are unknown"

TYPES = (
    ResourceType(
        section="agentcore.workload_identities",
        title="AgentCore workload identities",
        service=_CORE,
        listing=Listing(operation="ListWorkloadIdentities", rows="workloadIdentities", size=20),
        details=(
            Detail(operation="GetWorkloadIdentity", by={"name": "{name}"}),
            Detail(operation="ListTagsForResource", by={"resourceArn": "{workloadIdentityArn}"}, gives="tags"),
        ),
        record=Fields(
            kind="agentcore_workload_identity",
            key="{workloadIdentityArn}",
            name="{name}",
            created_at="createdTime",
            tags="tags",
            facts={"return_urls": "allowedResourceOauth2ReturnUrls[]"},
            agent="an AgentCore workload identity",
        ),
        everywhere=False,
    ),
    *(
        ResourceType(
            section=f"agentcore.{section}",
            title=title,
            service=_CORE,
            listing=Listing(operation=f"List{operation}s", rows="credentialProviders", size=size),
            details=(Detail(operation=f"Get{operation}", by={"name": "{name}"}),),
            record=Fields(
                kind=kind,
                key="{credentialProviderArn}",
                name="{name}",
                secrets=(f"{secret}.secretArn",),
                created_at="createdTime",
                facts=facts,
            ),
            everywhere=False,
            without=_KEYS_UNKNOWN,
        )
        for section, title, operation, size, kind, secret, facts in (
            (
                "oauth2_providers",
                "AgentCore OAuth2 credential providers",
                "Oauth2CredentialProvider",
                20,
                "oauth2_credential_provider",
                "clientSecretArn",
                {
                    "vendor": "credentialProviderVendor",
                    "client_id": "oauth2ProviderConfigOutput.*.clientId",
                    "kept_by": "clientSecretSource",
                    "updated_at": "lastUpdatedTime",
                },
            ),
            (
                "api_key_providers",
                "AgentCore API key credential providers",
                "ApiKeyCredentialProvider",
                100,
                "api_key_credential_provider",
                "apiKeySecretArn",
                {"kept_by": "apiKeySecretSource", "updated_at": "lastUpdatedTime"},
            ),
        )
    ),
    ResourceType(
        section="agentcore.payment_providers",
        title="AgentCore payment credential providers",
        service=_CORE,
        listing=Listing(operation="ListPaymentCredentialProviders", rows="credentialProviders", size=20),
        record=Fields(
            kind="payment_credential_provider",
            key="{credentialProviderArn}",
            name="{name}",
            created_at="createdTime",
            facts={"vendor": "credentialProviderVendor"},
        ),
        everywhere=False,
        optional=True,
        without=_KEYS_UNKNOWN,
    ),
    ResourceType(
        section="agentcore.payment_managers",
        title="AgentCore payment managers",
        service=_CORE,
        listing=Listing(operation="ListPaymentManagers", rows="paymentManagers", size=100),
        record=Fields(
            kind="agentcore_payment_manager",
            key="{paymentManagerArn}",
            name="{name}",
            roles=("roleArn",),
            created_at="createdAt",
            facts={"status": "status", "sign_in": "authorizerType"},
        ),
        everywhere=False,
        optional=True,
    ),
    ResourceType(
        section="agentcore.policy_engines",
        title="AgentCore policy engines",
        service=_CORE,
        listing=Listing(operation="ListPolicyEngineSummaries", rows="policyEngines", size=100),
        record=Fields(
            kind="agentcore_policy_engine",
            key="{policyEngineArn}",
            name="{name}",
            created_at="createdAt",
            facts={"status": "status"},
        ),
        everywhere=False,
        optional=True,
        without="guardrails of gateways are unknown",
    ),
    *(
        ResourceType(
            section=f"agentcore.{section}",
            title=f"AgentCore {title}",
            service=_CORE,
            listing=Listing(operation=listing, rows=rows, size=100, parameters=parameters),
            details=(Detail(operation=detail, by={parameter: f"{{{parameter}}}"}),),
            record=Fields(
                kind=kind,
                key=f"{{{arn}}}",
                name="{name}",
                roles=("executionRoleArn",),
                created_at="createdAt",
                facts={"status": "status", "network": "networkConfiguration.networkMode"},
            ),
            everywhere=False,
        )
        for section, title, listing, rows, parameters, detail, parameter, kind, arn in (
            (
                "browsers",
                "browsers",
                "ListBrowsers",
                "browserSummaries",
                {"type": "CUSTOM"},
                "GetBrowser",
                "browserId",
                "agentcore_browser",
                "browserArn",
            ),
            (
                "code_interpreters",
                "code interpreters",
                "ListCodeInterpreters",
                "codeInterpreterSummaries",
                {"type": "CUSTOM"},
                "GetCodeInterpreter",
                "codeInterpreterId",
                "agentcore_code_interpreter",
                "codeInterpreterArn",
            ),
        )
    ),
    ResourceType(
        section="agentcore.memories",
        title="AgentCore memories",
        service=_CORE,
        listing=Listing(operation="ListMemories", rows="memories", size=100),
        details=(Detail(operation="GetMemory", by={"memoryId": "{id}"}, at="memory"),),
        record=Fields(
            kind="agentcore_memory",
            key="{arn}",
            name="{id}",
            roles=("memoryExecutionRoleArn",),
            created_at="createdAt",
            facts={"status": "status", "managed_by": "managedByResourceArn"},
        ),
        everywhere=False,
    ),
)
