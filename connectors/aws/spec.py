"""The sections of the AWS connector, and the least permission for each."""

from __future__ import annotations

from connectors.aws.settings import AwsSettings
from connectors.aws.workloads.catalog import DEPENDS_ON, IDENTITY_KINDS, TYPES
from connectors.aws.workloads.catalog import SECTIONS as REGIONAL
from connectors.core.contract import Section, Spec
from scanner.model import ANY_KIND, RUNGS
from scanner.model.providers import read_providers

ACCOUNT = "sts.account"
MEMBERS, GUARDRAILS, MEMBER_ROLE = "organizations.accounts", "organizations.policies", "sts.assume_role"
OF_ORGANIZATIONS = (MEMBERS, GUARDRAILS, MEMBER_ROLE)
"""Sections that only a source with ``organization_role`` has."""
USERS, ROLES, ROOT, GROUPS, POLICIES = "iam.users", "iam.roles", "iam.root", "iam.groups", "iam.policies"
REPORT, PASSWORDS, KEYS = "iam.credential_report", "iam.passwords", "iam.access_keys"
SERVICE_CREDENTIALS, CERTIFICATES, SSH_KEYS = "iam.service_credentials", "iam.signing_certificates", "iam.ssh_keys"
ROLE_DETAILS, OIDC_PROVIDERS, SAML_PROVIDERS = "iam.role_details", "iam.oidc_providers", "iam.saml_providers"
SERVER_CERTIFICATES, INSTANCE_PROFILES = "iam.server_certificates", "iam.instance_profiles"
OUTBOUND_FEDERATION, DELEGATIONS, MFA_DEVICES = "iam.outbound_federation", "iam.delegation_requests", "iam.mfa_devices"
LAST_ACCESSED, CREATORS = "iam.service_last_accessed", "cloudtrail.creators"
ANCHORS, PROFILES, SUBJECTS = "rolesanywhere.trust_anchors", "rolesanywhere.profiles", "rolesanywhere.subjects"
REGIONS = "ec2.regions"

_NO_IDENTITIES = (ANY_KIND, "secret")
_DETAILS = "iam:GetAccountAuthorizationDetails"

_SECTIONS = (
    Section(
        name=ACCOUNT,
        title="The account",
        permissions=("sts:GetCallerIdentity",),
        without="nothing of the account can be read",
        kinds=(ANY_KIND,),
        rungs=RUNGS,
    ),
    Section(
        name=MEMBERS,
        title="The organization's accounts",
        permissions=("organizations:ListAccounts",),
        without="other accounts are not found, and which are the organization's own is unknown",
        rungs=RUNGS,
    ),
    Section(
        name=GUARDRAILS,
        title="Service control policies",
        permissions=(
            "organizations:ListRoots",
            "organizations:ListPolicies",
            "organizations:DescribePolicy",
            "organizations:ListTargetsForPolicy",
            "organizations:ListAccountsForParent",
            "organizations:ListOrganizationalUnitsForParent",
        ),
        without="privilege ignores the limits that service control policies set",
    ),
    Section(
        name=MEMBER_ROLE,
        title="The role in a member account",
        permissions=("sts:AssumeRole",),
        without="nothing of that account can be read",
        kinds=(ANY_KIND,),
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
        without="last use takes one call for each key, and MFA is unknown",
    ),
    Section(
        name=PASSWORDS,
        title="Console passwords of users missing from the credential report",
        permissions=("iam:GetLoginProfile", "iam:ListUsers"),
        without="which users have a password, and when it was used, is unknown",
        about=("user",),
    ),
    Section(
        name=KEYS,
        title="Access keys",
        permissions=("iam:ListAccessKeys", "iam:GetAccessKeyLastUsed"),
        without="ids of access keys and the last use of some are unknown",
        rungs=("credential",),
        about=("user",),
    ),
    Section(
        name=ROOT,
        title="Root user",
        permissions=("iam:GetAccountSummary",),
        without="whether the root user has keys and MFA is unknown",
        kinds=("root",),
        rungs=("key", "name", "glob"),
    ),
    Section(
        name=SERVICE_CREDENTIALS,
        title="Long-term API keys and passwords for single services",
        permissions=("iam:ListServiceSpecificCredentials",),
        without="long-term API keys, those for Bedrock among them, are unknown; so is the use of their users",
        rungs=("credential",),
        about=("user",),
    ),
    Section(
        name=CERTIFICATES,
        title="Signing certificates",
        permissions=("iam:ListSigningCertificates",),
        without="ids of signing certificates are unknown",
        rungs=("credential",),
        about=("user",),
    ),
    Section(
        name=SSH_KEYS,
        title="SSH keys for CodeCommit",
        permissions=("iam:ListSSHPublicKeys",),
        without="SSH keys are unknown, and a user with nothing else counts as disabled",
        rungs=("credential",),
        optional=True,
        about=("user",),
    ),
    Section(
        name=MFA_DEVICES,
        title="Second factors",
        permissions=("iam:ListVirtualMFADevices", "iam:ListMFADevices"),
        without="the type of users' MFA devices is unknown; for users newer than the report, whether they have any",
        about=("user",),
    ),
    Section(
        name=ROLE_DETAILS,
        title="What roles are described as",
        permissions=("iam:ListRoles",),
        without="roles' descriptions, longest sessions and templates are unknown",
        about=("role",),
    ),
    Section(
        name=OIDC_PROVIDERS,
        title="OIDC providers",
        permissions=("iam:ListOpenIDConnectProviders", "iam:GetOpenIDConnectProvider"),
        without="which external issuers authenticate workloads is unknown",
        kinds=("oidc_provider",),
        rungs=("key", "tag", "name", "glob"),
    ),
    Section(
        name=SAML_PROVIDERS,
        title="SAML providers",
        permissions=("iam:ListSAMLProviders", "iam:GetSAMLProvider"),
        without="which SAML providers authenticate external users is unknown",
        kinds=("saml_provider",),
        rungs=("key", "unique_id", "tag", "name", "glob"),
    ),
    Section(
        name=SERVER_CERTIFICATES,
        title="Server certificates",
        permissions=("iam:ListServerCertificates",),
        without="server certificates in IAM and their expiry are unknown",
        kinds=("secret",),
    ),
    Section(
        name=INSTANCE_PROFILES,
        title="Instance profiles",
        permissions=("iam:ListInstanceProfiles",),
        without="instance profiles without a role are not reported",
    ),
    Section(
        name=OUTBOUND_FEDERATION,
        title="Outbound federation",
        permissions=("iam:GetOutboundWebIdentityFederationInfo",),
        without="whether the account issues tokens for external services is unknown",
    ),
    Section(
        name=DELEGATIONS,
        title="Access delegated to partners",
        permissions=("iam:ListDelegationRequests",),
        without="temporary delegated access of partners is unknown",
        kinds=("delegation_request",),
        rungs=("key", "unique_id", "name", "glob"),
    ),
    Section(
        name=LAST_ACCESSED,
        title="Services that the most powerful identities use",
        permissions=("iam:GenerateServiceLastAccessedDetails", "iam:GetServiceLastAccessedDetails"),
        without="which of their rights go unused is unknown",
        optional=True,
    ),
    Section(
        name=CREATORS,
        title="Who created identities and keys",
        permissions=("cloudtrail:LookupEvents",),
        without="who created what is unknown, unless an earlier scan recorded it",
        optional=True,
    ),
    Section(
        name=ANCHORS,
        title="Roles Anywhere trust anchors",
        permissions=("rolesanywhere:ListTrustAnchors",),
        without="trusted certificate authorities of external machines are unknown",
        kinds=("trust_anchor",),
        rungs=("key", "unique_id", "name", "glob"),
    ),
    Section(
        name=PROFILES,
        title="Roles Anywhere profiles",
        permissions=("rolesanywhere:ListProfiles",),
        without="which roles external machines can assume is unknown",
    ),
    Section(
        name=SUBJECTS,
        title="Roles Anywhere subjects",
        permissions=("rolesanywhere:ListSubjects",),
        without="external machines and their last sign-in are unknown",
        kinds=("rolesanywhere_subject",),
        rungs=("key", "unique_id", "name", "glob"),
    ),
    Section(
        name=REGIONS,
        title="Enabled regions",
        permissions=("ec2:DescribeRegions",),
        without="only the session's own region is read",
        kinds=("secret", *IDENTITY_KINDS),
    ),
    *REGIONAL,
)

SPEC = Spec(
    name="aws",
    providers=read_providers("connectors.aws", "aws"),
    title="Amazon Web Services",
    settings=AwsSettings,
    kinds=tuple(dict.fromkeys(kind for section in _SECTIONS for kind in section.kinds if kind not in _NO_IDENTITIES)),
    extra="aws",
    sections=_SECTIONS,
    entrances=(ACCOUNT, MEMBERS, MEMBER_ROLE, REGIONS),
    records={
        "workload": (
            INSTANCE_PROFILES,
            PROFILES,
            *(one.section for one in TYPES if one.record is not None and not one.record.agent),
        ),
        "assignment": tuple(one.section for one in TYPES if one.assigns is not None),
    },
    depends_on={
        **dict.fromkeys((ROLES, GROUPS, POLICIES, PASSWORDS, KEYS), (USERS,)),
        **dict.fromkeys((SERVICE_CREDENTIALS, CERTIFICATES, SSH_KEYS, MFA_DEVICES), (USERS,)),
        ROLE_DETAILS: (ROLES,),
        ROOT: (REPORT,),
        LAST_ACCESSED: (USERS, ROLES),
        **DEPENDS_ON,
    },
)
