"""The resource types of Terraform and CloudFormation for identities and rights, and the names of their arguments."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, TypeAlias

from msgspec import Struct

from connectors.planned import UNKNOWN, Resource
from connectors.planned.shapes import mapping

What: TypeAlias = Literal[
    "role", "user", "group", "policy", "inline", "attachment", "attachments", "membership", "service_linked_role",
    "instance_profile", "oidc_provider", "saml_provider", "password", "access_key", "credential", "secret", "parameter",
    "document", "serverless",
]  # fmt: skip


class Form(Struct, frozen=True, kw_only=True):
    """A resource type: its kind, and the names of its arguments by our names."""

    what: What
    arguments: Mapping[str, str] = {}


class AwsDeclared(Struct, frozen=True, kw_only=True, gc=False):
    """A resource of a known type. ``values``: its arguments after the change, or before it."""

    resource: Resource
    form: Form
    values: Mapping[str, Any]

    @property
    def at(self) -> str:
        """Its address or logical id."""
        return self.resource.place.resource

    @property
    def is_data(self) -> bool:
        """Whether it is a data source: it describes what is declared elsewhere."""
        return self.resource.type.startswith("data.")

    def argument(self, name: str) -> str:
        """The name of an argument in the format; empty if there is none."""
        return self.form.arguments.get(name, "")

    def get(self, name: str) -> Any:
        """The value of an argument; None if it is not given, UNKNOWN if deploying determines it."""
        return self.values.get(self.argument(name))

    def text(self, name: str) -> str | None:
        """The value of an argument if it is a known text."""
        value = self.get(name)
        return value if isinstance(value, str) and value else None

    def refers(self, *path: str | int) -> tuple[str, ...]:
        """The resources that the argument, or the value within it, comes from."""
        name, *rest = path
        within = ".".join(map(str, (self.argument(str(name)), *rest)))
        return self.resource.refers.get(within, ())

    def is_given(self, name: str) -> bool:
        """Whether the file gives an argument. A plan has as unknown also what the provider will fill in by itself."""
        if self.resource.format != "terraform":
            return self.argument(name) in self.values
        return self.argument(name) in (self.resource.given or ())

    def is_unknown(self, name: str) -> bool:
        """Whether only deploying determines an argument."""
        return self.get(name) is UNKNOWN


def tags_in(declared: AwsDeclared) -> Iterator[tuple[str, str]]:
    """The known tags of a resource: a mapping, or CloudFormation's list of keys and values."""
    tags = declared.get("tags")
    if tags is UNKNOWN or tags is None:
        tags = declared.values.get("tags")
    pairs: Iterable[tuple[Any, Any]] = mapping(tags).items()
    if isinstance(tags, list):
        pairs = ((mapping(each).get("Key"), mapping(each).get("Value")) for each in tags)
    yield from ((key, value) for key, value in pairs if isinstance(key, str) and isinstance(value, str))


_ROLE = {
    "name": "name", "path": "path", "arn": "arn", "trust": "assume_role_policy", "inline": "inline_policy",
    "inline_name": "name", "inline_document": "policy", "attached": "managed_policy_arns",
    "boundary": "permissions_boundary", "tags": "tags_all", "description": "description", "id": "unique_id",
    "session": "max_session_duration",
}  # fmt: skip
_CFN_INLINE = {"inline": "Policies", "inline_name": "PolicyName", "inline_document": "PolicyDocument"}
_CFN_PRINCIPAL = {
    **_CFN_INLINE, "path": "Path", "attached": "ManagedPolicyArns", "boundary": "PermissionsBoundary", "tags": "Tags",
}  # fmt: skip
_SERVERLESS = {
    "name": "FunctionName", "role": "Role", "policies": "Policies", "trust": "AssumeRolePolicyDocument",
    "path": "RolePath", "boundary": "PermissionsBoundary", "tags": "Tags",
}  # fmt: skip
_SECRET = {"name": "name", "arn": "arn", "tags": "tags_all", "key": "kms_key_id"}


def _inline(holder: str) -> Form:
    return Form(what="inline", arguments={holder: holder, "name": "name", "document": "policy"})


def _attached(holder: str) -> Form:
    return Form(what="attachment", arguments={holder: holder, "policy": "policy_arn"})


def _exclusive(holder: str) -> Form:
    return Form(what="attachment", arguments={holder: f"{holder}_name", "policy": "policy_arns"})


FORMS: Mapping[str, Form] = {
    # --- Terraform ---
    "aws_iam_role": Form(what="role", arguments=_ROLE),
    "data.aws_iam_role": Form(what="role", arguments={**_ROLE, "tags": "tags"}),
    "aws_iam_service_linked_role": Form(
        what="service_linked_role",
        arguments={**_ROLE, "service": "aws_service_name", "suffix": "custom_suffix", "inline": "", "trust": ""},
    ),
    "aws_iam_user": Form(
        what="user",
        arguments={
            "name": "name", "path": "path", "arn": "arn", "boundary": "permissions_boundary", "tags": "tags_all",
            "id": "unique_id",
        },
    ),
    "data.aws_iam_user": Form(
        what="user", arguments={"name": "user_name", "path": "path", "arn": "arn", "tags": "tags", "id": "user_id"}
    ),
    "aws_iam_group": Form(what="group", arguments={"name": "name", "path": "path", "arn": "arn"}),
    "aws_iam_policy": Form(
        what="policy", arguments={"name": "name", "path": "path", "arn": "arn", "document": "policy"}
    ),
    "data.aws_iam_policy": Form(
        what="policy", arguments={"name": "name", "path": "path", "arn": "arn", "document": "policy"}
    ),
    "data.aws_iam_policy_document": Form(what="document", arguments={"json": "json", "statement": "statement"}),
    "aws_iam_role_policy": _inline("role"),
    "aws_iam_user_policy": _inline("user"),
    "aws_iam_group_policy": _inline("group"),
    "aws_iam_role_policy_attachment": _attached("role"),
    "aws_iam_user_policy_attachment": _attached("user"),
    "aws_iam_group_policy_attachment": _attached("group"),
    "aws_iam_role_policy_attachments_exclusive": _exclusive("role"),
    "aws_iam_user_policy_attachments_exclusive": _exclusive("user"),
    "aws_iam_group_policy_attachments_exclusive": _exclusive("group"),
    "aws_iam_policy_attachment": Form(
        what="attachment", arguments={"role": "roles", "user": "users", "group": "groups", "policy": "policy_arn"}
    ),
    "aws_iam_group_membership": Form(what="membership", arguments={"user": "users", "group": "group"}),
    "aws_iam_user_group_membership": Form(what="membership", arguments={"user": "user", "group": "groups"}),
    "aws_iam_instance_profile": Form(
        what="instance_profile", arguments={"name": "name", "path": "path", "arn": "arn", "role": "role"}
    ),
    "aws_iam_openid_connect_provider": Form(
        what="oidc_provider", arguments={"name": "url", "arn": "arn", "tags": "tags_all"}
    ),
    "aws_iam_saml_provider": Form(what="saml_provider", arguments={"name": "name", "arn": "arn", "tags": "tags_all"}),
    "aws_iam_user_login_profile": Form(what="password", arguments={"user": "user"}),
    "aws_iam_access_key": Form(what="access_key", arguments={"user": "user", "id": "id", "status": "status"}),
    "aws_iam_service_specific_credential": Form(
        what="credential",
        arguments={
            "user": "user", "id": "service_specific_credential_id", "status": "status", "days": "credential_age_days",
        },
    ),
    "aws_iam_user_ssh_key": Form(
        what="credential", arguments={"user": "username", "id": "ssh_public_key_id", "status": "status"}
    ),
    "aws_iam_signing_certificate": Form(
        what="credential", arguments={"user": "user_name", "id": "certificate_id", "status": "status"}
    ),
    "aws_secretsmanager_secret": Form(what="secret", arguments=_SECRET),
    "aws_ssm_parameter": Form(what="parameter", arguments={**_SECRET, "type": "type"}),
    # --- CloudFormation ---
    "AWS::IAM::Role": Form(
        what="role",
        arguments={
            **_CFN_PRINCIPAL, "name": "RoleName", "trust": "AssumeRolePolicyDocument", "description": "Description",
            "session": "MaxSessionDuration",
        },
    ),
    "AWS::IAM::ServiceLinkedRole": Form(
        what="service_linked_role", arguments={"service": "AWSServiceName", "suffix": "CustomSuffix"}
    ),
    "AWS::IAM::User": Form(
        what="user",
        arguments={**_CFN_PRINCIPAL, "name": "UserName", "group": "Groups", "password": "LoginProfile"},
    ),
    "AWS::IAM::Group": Form(what="group", arguments={**_CFN_PRINCIPAL, "name": "GroupName"}),
    "AWS::IAM::ManagedPolicy": Form(
        what="policy",
        arguments={
            "name": "ManagedPolicyName", "path": "Path", "document": "PolicyDocument", "role": "Roles", "user": "Users",
            "group": "Groups",
        },
    ),
    "AWS::IAM::Policy": Form(
        what="inline",
        arguments={
            "name": "PolicyName", "document": "PolicyDocument", "role": "Roles", "user": "Users", "group": "Groups",
        },
    ),
    "AWS::IAM::RolePolicy": Form(
        what="inline", arguments={"name": "PolicyName", "document": "PolicyDocument", "role": "RoleName"}
    ),
    "AWS::IAM::UserPolicy": Form(
        what="inline", arguments={"name": "PolicyName", "document": "PolicyDocument", "user": "UserName"}
    ),
    "AWS::IAM::GroupPolicy": Form(
        what="inline", arguments={"name": "PolicyName", "document": "PolicyDocument", "group": "GroupName"}
    ),
    "AWS::IAM::UserToGroupAddition": Form(what="membership", arguments={"user": "Users", "group": "GroupName"}),
    "AWS::IAM::InstanceProfile": Form(
        what="instance_profile", arguments={"name": "InstanceProfileName", "path": "Path", "role": "Roles"}
    ),
    "AWS::IAM::OIDCProvider": Form(what="oidc_provider", arguments={"name": "Url", "tags": "Tags"}),
    "AWS::IAM::SAMLProvider": Form(what="saml_provider", arguments={"name": "Name", "tags": "Tags"}),
    "AWS::IAM::AccessKey": Form(what="access_key", arguments={"user": "UserName", "status": "Status"}),
    "AWS::SecretsManager::Secret": Form(what="secret", arguments={"name": "Name", "tags": "Tags", "key": "KmsKeyId"}),
    "AWS::Serverless::Function": Form(what="serverless", arguments=_SERVERLESS),
    "AWS::Serverless::StateMachine": Form(what="serverless", arguments={**_SERVERLESS, "name": "Name"}),
}  # fmt: skip
"""By type. ``ssm_parameter``: only one of the type SecureString is a secret."""

CREDENTIAL_KINDS: Mapping[str, Literal["service_specific", "ssh_key", "certificate"]] = {
    "aws_iam_service_specific_credential": "service_specific",
    "aws_iam_user_ssh_key": "ssh_key",
    "aws_iam_signing_certificate": "certificate",
}
