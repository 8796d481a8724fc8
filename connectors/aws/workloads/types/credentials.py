"""Credentials that belong to no IAM user: their ids and dates.

Left out on purpose, because the permission to list them also returns their values: keys of API Gateway and AppSync, and
connections of Glue.
"""

from __future__ import annotations

from connectors.aws.workloads.declarations import Fields, Listing, ResourceType
from connectors.aws.workloads.stored import Kept

# By default, AWS lists only certificates with the two smallest types of keys.
_EVERY_KEY = ["RSA_1024", "RSA_2048", "RSA_3072", "RSA_4096", "EC_prime256v1", "EC_secp384r1", "EC_secp521r1"]
_POOLS = "cognito.user_pools"
_WORKSPACES = "grafana.workspaces"
_ACCOUNTS = "grafana.service_accounts"
_GRAFANA = "arn:{partition}:grafana:{region}:{account}:/workspaces/{workspaceId}/serviceaccounts/"

TYPES = (
    ResourceType(
        section="ec2.key_pairs",
        title="EC2 key pairs",
        service="ec2",
        listing=Listing(operation="DescribeKeyPairs", rows="KeyPairs"),
        record=Kept(
            type="key pair",
            key="arn:{partition}:ec2:{region}:{account}:key-pair/{KeyPairId}",
            name="{KeyName}",
            created_at="CreateTime",
            tags="Tags[]",
            facts={"id": "KeyPairId", "algorithm": "KeyType", "fingerprint": "KeyFingerprint"},
        ),
        without="key pairs for instances are unknown",
    ),
    ResourceType(
        section="acm.certificates",
        title="Certificates of Certificate Manager",
        service="acm",
        listing=Listing(
            operation="ListCertificates",
            rows="CertificateSummaryList",
            size=1000,
            parameters={"Includes": {"keyTypes": _EVERY_KEY}},
        ),
        record=Kept(
            type="certificate",
            key="{CertificateArn}",
            name="{DomainName}",
            expires_at="NotAfter",
            facts={
                "status": "Status",
                "issued_by": "Type",
                "in_use": "InUse",
                "exported": "Exported",
                "renewal": "RenewalEligibility",
                "algorithm": "KeyAlgorithm",
                "valid_from": "NotBefore",
            },
        ),
        tagged_as="acm:certificate",
        without="certificates and their expiry are unknown",
    ),
    ResourceType(
        section="codeconnections.connections",
        title="Connections to source hosts",
        service="codeconnections",
        listing=Listing(operation="ListConnections", rows="Connections", size=100),
        record=Fields(
            kind="code_connection",
            key="{ConnectionArn}",
            name="{ConnectionName}",
            facts={"host": "ProviderType", "status": "ConnectionStatus", "endpoint": "ProviderEndpoint"},
        ),
        everywhere=False,
        without="connections of pipelines to source hosts are unknown",
    ),
    ResourceType(
        section=_POOLS,
        title="Cognito user pools",
        service="cognito-idp",
        listing=Listing(operation="ListUserPools", rows="UserPools", size=60),
        optional=True,
        without="app clients of Cognito are unknown",
    ),
    ResourceType(
        section="cognito.app_clients",
        title="App clients of Cognito user pools",
        service="cognito-idp",
        listing=Listing(
            operation="ListUserPoolClients", rows="UserPoolClients", size=60, under=_POOLS, by={"UserPoolId": "{Id}"}
        ),
        record=Fields(
            kind="cognito_app_client",
            key="arn:{partition}:cognito-idp:{region}:{account}:userpool/{UserPoolId}/client/{ClientId}",
            name="{ClientName}",
            facts={"client_id": "ClientId", "user_pool": "UserPoolId"},
        ),
        optional=True,
        without="app clients of Cognito are unknown",
    ),
    ResourceType(
        section=_WORKSPACES,
        title="Grafana workspaces",
        service="grafana",
        listing=Listing(operation="ListWorkspaces", rows="workspaces", size=100),
        everywhere=False,
        optional=True,
        without="service accounts of Grafana are unknown",
    ),
    ResourceType(
        section=_ACCOUNTS,
        title="Service accounts of Grafana workspaces",
        service="grafana",
        listing=Listing(
            operation="ListWorkspaceServiceAccounts",
            rows="serviceAccounts",
            size=100,
            under=_WORKSPACES,
            by={"workspaceId": "{id}"},
        ),
        record=Fields(
            kind="grafana_service_account",
            key=f"{_GRAFANA}{{id}}",
            name="{name}",
            facts={"workspace": "workspaceId", "disabled": "isDisabled", "grafana_role": "grafanaRole"},
        ),
        everywhere=False,
        optional=True,
        without="service accounts of Grafana are unknown",
    ),
    ResourceType(
        section="grafana.tokens",
        title="Tokens of Grafana's service accounts",
        service="grafana",
        listing=Listing(
            operation="ListWorkspaceServiceAccountTokens",
            rows="serviceAccountTokens",
            size=100,
            under=_ACCOUNTS,
            by={"workspaceId": "{workspaceId}", "serviceAccountId": "{id}"},
        ),
        record=Kept(
            type="token",
            key=f"{_GRAFANA}{{serviceAccountId}}/tokens/{{id}}",
            name="{name}",
            created_at="createdAt",
            expires_at="expiresAt",
            last_used_at="lastUsedAt",
            facts={"workspace": "workspaceId", "service_account": "serviceAccountId"},
        ),
        everywhere=False,
        optional=True,
        without="tokens of Grafana's service accounts are unknown",
    ),
)
