"""Stored secrets: their existence and age. Values are never requested."""

from __future__ import annotations

from connectors.aws.workloads.declarations import Listing, ResourceType
from connectors.aws.workloads.stored import parse_parameter, parse_policy, parse_secret

TYPES = (
    ResourceType(
        section="secretsmanager.secrets",
        title="Secrets Manager",
        service="secretsmanager",
        listing=Listing(
            operation="ListSecrets", rows="SecretList", size=100, parameters={"IncludePlannedDeletion": True}
        ),
        record=parse_secret,
        without="stored secrets and their rotation are unknown",
    ),
    ResourceType(
        section="secret.policies",
        title="Resource policies of secrets",
        service="secretsmanager",
        listing=Listing(
            operation="GetResourcePolicy", rows="", under="secretsmanager.secrets", by={"SecretId": "{ARN}"}
        ),
        record=parse_policy,
        optional=True,
        without="which other principals can read a secret is unknown",
    ),
    ResourceType(
        section="ssm.parameters",
        title="SSM parameters that hold a secret",
        service="ssm",
        listing=Listing(
            operation="DescribeParameters",
            rows="Parameters",
            size=50,
            parameters={"ParameterFilters": [{"Key": "Type", "Option": "Equals", "Values": ["SecureString"]}]},
        ),
        record=parse_parameter,
        tagged_as="ssm:parameter",
        without="secrets that are kept as parameters are unknown",
    ),
)
