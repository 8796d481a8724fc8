"""Resources of IAM in other formats, as the CloudFormation types that they make.

Terraform's provider ``awscc`` and the AWS controllers for Kubernetes are made from the same API: only names differ.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from msgspec.structs import replace

from connectors.planned import UNKNOWN, Resource
from connectors.planned.shapes import listed, mapping, text

TYPES: Final = ("awscc_iam_*", "iam.services.k8s.aws/*")
_IAM = "AWS::IAM::"
_AWSCC: Mapping[str, str] = {
    "awscc_iam_role": "Role",
    "awscc_iam_user": "User",
    "awscc_iam_group": "Group",
    "awscc_iam_managed_policy": "ManagedPolicy",
    "awscc_iam_role_policy": "RolePolicy",
    "awscc_iam_user_policy": "UserPolicy",
    "awscc_iam_group_policy": "GroupPolicy",
    "awscc_iam_instance_profile": "InstanceProfile",
    "awscc_iam_oidc_provider": "OIDCProvider",
    "awscc_iam_saml_provider": "SAMLProvider",
    "awscc_iam_service_linked_role": "ServiceLinkedRole",
    "awscc_iam_server_certificate": "ServerCertificate",
    "awscc_iam_virtual_mfa_device": "VirtualMFADevice",
}
_PASCAL: Mapping[str, str] = {"aws_service_name": "AWSServiceName"}
_OWNER = "services.k8s.aws/owner-account-id"
"""The annotation of a namespace or object with the account in which the controller makes it."""
_ACCOUNT = re.compile(r"\d{12}", re.ASCII)


def as_cloudformation(resource: Resource) -> Resource:
    """Return the resource as the CloudFormation type that it makes; any other as it is."""
    if resource.type in _AWSCC:
        return _of_awscc(resource)
    made = _ACK.get(resource.type)
    if made is None:
        return resource
    kind, convert = made
    values, refers = convert(resource)
    owner = text(mapping(mapping(resource.values.get("metadata")).get("annotations")).get(_OWNER))
    return replace(
        resource,
        type=f"{_IAM}{kind}",
        values={name: value for name, value in values.items() if value is not None},
        refers=refers,
        account=owner if _ACCOUNT.fullmatch(owner) else resource.account,
    )


# --- Terraform's provider awscc: CloudFormation's names in lower case ---


def _of_awscc(resource: Resource) -> Resource:
    return replace(
        resource,
        type=f"{_IAM}{_AWSCC[resource.type]}",
        values=mapping(_pascal(dict(resource.values))),
        before=None if resource.before is None else mapping(_pascal(dict(resource.before))),
        refers={".".join(map(_name, path.split("."))): found for path, found in resource.refers.items()},
        given=None if resource.given is None else frozenset(map(_name, resource.given)),
    )


def _pascal(value: Any) -> Any:
    match value:
        case dict():
            return {_name(name): _pascal(member) for name, member in value.items()}
        case list():
            return [_pascal(item) for item in value]
        case _:
            return value


def _name(name: str) -> str:
    return _PASCAL.get(name) or "".join(part[:1].upper() + part[1:] for part in name.split("_"))


# --- The AWS controllers for Kubernetes ---

_Converted = tuple[dict[str, Any], dict[str, tuple[str, ...]]]
"""The properties, and by their paths the objects of the file that they come from."""


def _holder(name: str) -> Callable[[Resource], _Converted]:
    """Convert a role, user or group, whose name is the property ``name``."""

    def convert(resource: Resource) -> _Converted:
        spec = mapping(resource.values.get("spec"))
        arns, refers = _by_reference(resource, spec, "policies", "policyRefs", "ManagedPolicyArns")
        boundary, at_boundary = _by_reference(
            resource, spec, "permissionsBoundary", "permissionsBoundaryRef", "PermissionsBoundary"
        )
        limits = {"PermissionsBoundary": next(iter(at_boundary.values()))} if at_boundary else {}
        return {
            name: spec.get("name"),
            "Path": spec.get("path"),
            "Description": spec.get("description"),
            "AssumeRolePolicyDocument": spec.get("assumeRolePolicyDocument"),
            "MaxSessionDuration": spec.get("maxSessionDuration"),
            "ManagedPolicyArns": arns,
            "PermissionsBoundary": boundary[0] if boundary else None,
            "Policies": [
                {"PolicyName": each, "PolicyDocument": document}
                for each, document in mapping(spec.get("inlinePolicies")).items()
            ],
            "Tags": _tags(spec),
        }, refers | limits

    return convert


def _policy(resource: Resource) -> _Converted:
    spec = mapping(resource.values.get("spec"))
    return {
        "ManagedPolicyName": spec.get("name"),
        "Path": spec.get("path"),
        "PolicyDocument": spec.get("policyDocument"),
    }, {}


def _profile(resource: Resource) -> _Converted:
    spec = mapping(resource.values.get("spec"))
    roles, refers = _by_reference(resource, spec, "role", "roleRef", "Roles")
    return {"InstanceProfileName": spec.get("name"), "Path": spec.get("path"), "Roles": roles}, refers


def _provider(resource: Resource) -> _Converted:
    spec = mapping(resource.values.get("spec"))
    return {"Url": spec.get("url"), "Tags": _tags(spec)}, {}


def _linked(resource: Resource) -> _Converted:
    spec = mapping(resource.values.get("spec"))
    return {"AWSServiceName": spec.get("awsServiceName"), "CustomSuffix": spec.get("customSuffix")}, {}


def _by_reference(
    resource: Resource, spec: Mapping[str, Any], member: str, refs: str, into: str
) -> tuple[list[Any], dict[str, tuple[str, ...]]]:
    """What is named, then what is referred to: its value is unknown, and comes from an object."""
    named = spec.get(member)
    values = list(named) if isinstance(named, list) else [named] if named is not None else []
    referred = spec.get(refs)
    refers: dict[str, tuple[str, ...]] = {}
    for ref in referred if isinstance(referred, list) else [referred] if referred is not None else []:
        refers[f"{into}.{len(values)}"] = tuple(_object(resource, mapping(mapping(ref).get("from")), refs))
        values.append(UNKNOWN)
    return values, refers


def _object(resource: Resource, ref: Mapping[str, Any], refs: str) -> Iterator[str]:
    """The place of the object that a reference names, in the same namespace if it names none."""
    kind = "Role" if refs.startswith("role") else "Policy"
    namespace = text(ref.get("namespace")) or text(mapping(resource.values.get("metadata")).get("namespace"))
    yield "/".join(filter(None, (kind, namespace, text(ref.get("name")))))


def _tags(spec: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"Key": mapping(tag).get("key"), "Value": mapping(tag).get("value")} for tag in listed(spec.get("tags"))]


_ACK: Mapping[str, tuple[str, Callable[[Resource], _Converted]]] = {
    "iam.services.k8s.aws/Role": ("Role", _holder("RoleName")),
    "iam.services.k8s.aws/User": ("User", _holder("UserName")),
    "iam.services.k8s.aws/Group": ("Group", _holder("GroupName")),
    "iam.services.k8s.aws/Policy": ("ManagedPolicy", _policy),
    "iam.services.k8s.aws/InstanceProfile": ("InstanceProfile", _profile),
    "iam.services.k8s.aws/OpenIDConnectProvider": ("OIDCProvider", _provider),
    "iam.services.k8s.aws/ServiceLinkedRole": ("ServiceLinkedRole", _linked),
}

READ: Final = _AWSCC.keys() | _ACK.keys()
"""The types that are read."""
