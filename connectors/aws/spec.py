"""What the AWS connector reads, and the least permission for each part."""

from __future__ import annotations

import json

from connectors.aws.settings import AwsSettings
from connectors.base import Section, Spec
from scanner.model import RUNGS

ACCOUNT = "sts.account"
USERS, ROLES, ROOT, GROUPS, POLICIES = "iam.users", "iam.roles", "iam.root", "iam.groups", "iam.policies"
REPORT, PASSWORDS, KEYS = "iam.credential_report", "iam.passwords", "iam.access_keys"
REGIONS = "ec2.regions"
SECRETS = "secretsmanager.secrets"

_DETAILS = "iam:GetAccountAuthorizationDetails"

SPEC = Spec(
    name="aws",
    title="Amazon Web Services",
    settings=AwsSettings,
    kinds=("user", "role", "root"),
    extra="aws",
    sections=(
        Section(
            name=ACCOUNT,
            title="The account",
            permissions=("sts:GetCallerIdentity",),
            without="nothing of the account can be read",
            kinds=("user", "role", "root", "secret"),
            rungs=RUNGS,
        ),
        Section(
            name=USERS,
            title="IAM users",
            permissions=(_DETAILS, "iam:ListUsers"),
            without="users are not found, or found without tags, groups and policies",
            kinds=("user",),
            rungs=("key", "unique_id", "tag", "name", "glob"),
        ),
        Section(
            name=ROLES,
            title="IAM roles",
            permissions=(_DETAILS, "iam:ListRoles"),
            without="roles are not found, or found without tags, policies and last use",
            kinds=("role",),
            rungs=("key", "unique_id", "tag", "name", "glob"),
        ),
        Section(
            name=GROUPS,
            title="IAM groups",
            permissions=(_DETAILS,),
            without="what users may do through groups is unknown",
        ),
        Section(
            name=POLICIES,
            title="Policies",
            permissions=(_DETAILS,),
            without="what users and roles may do is unknown",
        ),
        Section(
            name=REPORT,
            title="Credential report",
            permissions=("iam:GenerateCredentialReport", "iam:GetCredentialReport"),
            without="last use takes a call for each key, and second factors are unknown",
        ),
        Section(
            name=PASSWORDS,
            title="Console passwords of users whom the credential report does not know",
            permissions=("iam:GetLoginProfile", "iam:ListUsers"),
            without="which users have a password, and when it was used, is unknown",
        ),
        Section(
            name=KEYS,
            title="Access keys",
            permissions=("iam:ListAccessKeys", "iam:GetAccessKeyLastUsed"),
            without="keys cannot be named, and some keys' last use is unknown",
            rungs=("credential",),
        ),
        Section(
            name=ROOT,
            title="Root user",
            permissions=("iam:GetAccountSummary",),
            without="whether the root user has keys and a second factor is unknown",
            kinds=("root",),
            rungs=("key", "name", "glob"),
        ),
        Section(
            name=REGIONS,
            title="Enabled regions",
            permissions=("ec2:DescribeRegions",),
            without="only the session's own region is read",
            kinds=("secret",),
        ),
        Section(
            name=SECRETS,
            title="Secrets Manager",
            permissions=("secretsmanager:ListSecrets",),
            without="stored secrets and their rotation are unknown",
            kinds=("secret",),
        ),
    ),
)

# Calls that hand out a secret. Refused by name, so that a broader policy on the same principal cannot allow them.
_NEVER = (
    "secretsmanager:GetSecretValue",
    "secretsmanager:BatchGetSecretValue",
    "ssm:GetParameter*",
    "kms:Decrypt",
    "s3:GetObject*",
    "lambda:GetFunction",
    "bedrock-agentcore:GetResourceApiKey",
    "bedrock-agentcore:GetResourceOauth2Token",
    "bedrock-agentcore:GetWorkloadAccessToken*",
)


def least_policy() -> str:
    """The IAM policy that allows what the sections need, and refuses everything that reads a secret's value."""
    allowed = sorted({permission for section in SPEC.sections for permission in section.permissions})
    statements = [
        {"Sid": "MusterReads", "Effect": "Allow", "Action": allowed, "Resource": "*"},
        {"Sid": "NeverSecretValues", "Effect": "Deny", "Action": list(_NEVER), "Resource": "*"},
    ]
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, indent=2) + "\n"
