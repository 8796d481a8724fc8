"""IAM Identity Center: what signs in through it, and who may authenticate it. It lives in one region of one account."""

from __future__ import annotations

from connectors.aws.workloads.declarations import Detail, Fields, Listing, ResourceType

_INSTANCES = "sso.instances"
_OF_INSTANCE = {"InstanceArn": "{InstanceArn}"}
_UNKNOWN = "applications and token issuers of Identity Center are unknown"

TYPES = (
    ResourceType(
        section=_INSTANCES,
        title="Instances of IAM Identity Center",
        service="sso-admin",
        listing=Listing(operation="ListInstances", rows="Instances", size=100),
        optional=True,
        without=_UNKNOWN,
    ),
    ResourceType(
        section="sso.applications",
        title="Applications of IAM Identity Center",
        service="sso-admin",
        listing=Listing(operation="ListApplications", rows="Applications", size=100, under=_INSTANCES, by=_OF_INSTANCE),
        record=Fields(
            kind="identity_center_application",
            key="{ApplicationArn}",
            name="{Name}",
            created_at="CreatedDate",
            facts={
                "status": "Status",
                "provider": "ApplicationProviderArn",
                "application_account": "ApplicationAccount",
                "made_in": "CreatedFrom",
            },
        ),
        optional=True,
        without=_UNKNOWN,
    ),
    ResourceType(
        section="sso.token_issuers",
        title="External token issuers trusted by IAM Identity Center",
        service="sso-admin",
        listing=Listing(
            operation="ListTrustedTokenIssuers",
            rows="TrustedTokenIssuers",
            size=100,
            under=_INSTANCES,
            by=_OF_INSTANCE,
        ),
        record=Fields(
            kind="trusted_token_issuer",
            key="{TrustedTokenIssuerArn}",
            name="{Name}",
            facts={"type": "TrustedTokenIssuerType"},
        ),
        optional=True,
        without=_UNKNOWN,
    ),
    ResourceType(
        section="sso.permission_sets",
        title="Permission sets of IAM Identity Center",
        service="sso-admin",
        listing=Listing(
            operation="ListPermissionSets", rows="PermissionSets", size=100, under=_INSTANCES, by=_OF_INSTANCE
        ),
        details=(
            Detail(
                operation="DescribePermissionSet",
                by={"InstanceArn": "{InstanceArn}", "PermissionSetArn": "{id}"},
                at="PermissionSet",
            ),
        ),
        record=Fields(
            kind="permission_set",
            key="{PermissionSetArn}",
            name="{Name}",
            created_at="CreatedDate",
            facts={"session": "SessionDuration"},
        ),
        optional=True,
        without="permission sets are unknown; the roles that they create in each account are read with IAM",
    ),
)
