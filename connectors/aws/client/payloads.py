"""AWS's answers as records: the fields that are read, decoded strictly; and facts made of them (pure).

Each mirrors a shape of the service's API reference by name. :func:`read` turns what does not fit into a ValueError
that says what is wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import unquote

import msgspec
from msgspec import Struct
from msgspec.structs import force_setattr

T = TypeVar("T", bound=Struct)


class _WithPolicy(Struct, frozen=True, kw_only=True, rename="pascal"):
    """A row with a policy document. The API gives that as URL-encoded JSON, the SDK and the command line decoded."""

    def __post_init__(self) -> None:
        for name in _DOCUMENTS.intersection(self.__struct_fields__):
            force_setattr(self, name, _decoded(getattr(self, name)))


_DOCUMENTS = frozenset({"policy_document", "assume_role_policy_document", "document"})


def _decoded(document: Any) -> Any:
    """The document, decoded where it is text; other text stays, and the policy parser rejects it."""
    if not isinstance(document, str):
        return document
    try:
        return msgspec.json.decode(document if document.lstrip().startswith("{") else unquote(document))
    except (msgspec.DecodeError, RecursionError):
        return document


class Tag(Struct, frozen=True, kw_only=True, rename="pascal"):
    key: str
    value: str


class InlinePolicy(_WithPolicy, frozen=True, kw_only=True, rename="pascal"):
    policy_name: str
    policy_document: Any = None


class AttachedPolicy(Struct, frozen=True, kw_only=True, rename="pascal"):
    policy_name: str
    policy_arn: str


class Boundary(Struct, frozen=True, kw_only=True, rename="pascal"):
    permissions_boundary_arn: str


class RoleLastUsed(Struct, frozen=True, kw_only=True, rename="pascal"):
    last_used_date: datetime | None = None
    region: str | None = None


class InstanceProfile(Struct, frozen=True, kw_only=True, rename="pascal"):
    instance_profile_name: str


class UserDetail(Struct, frozen=True, kw_only=True, rename="pascal"):
    """IAM ``UserDetail``; and ``User`` of ListUsers, which has only the first half."""

    arn: str
    user_name: str
    user_id: str | None = None
    path: str = "/"
    create_date: datetime | None = None
    password_last_used: datetime | None = None
    permissions_boundary: Boundary | None = None
    tags: tuple[Tag, ...] = ()
    group_list: tuple[str, ...] = ()
    user_policy_list: tuple[InlinePolicy, ...] = ()
    attached_managed_policies: tuple[AttachedPolicy, ...] = ()


class SourceRoleTemplate(Struct, frozen=True, kw_only=True, rename="pascal"):
    template_arn: str


class RoleDetail(_WithPolicy, frozen=True, kw_only=True, rename="pascal"):
    """IAM ``RoleDetail``, which has only the last part, and ``Role`` of ListRoles, which has no lists.

    ``role_last_used``: None if the listing does not include it; empty if the role was not used in 400 days.
    """

    arn: str
    role_name: str
    role_id: str | None = None
    path: str = "/"
    create_date: datetime | None = None
    assume_role_policy_document: Any = None
    description: str | None = None
    max_session_duration: int | None = None
    source_role_template: SourceRoleTemplate | None = None
    permissions_boundary: Boundary | None = None
    tags: tuple[Tag, ...] = ()
    role_last_used: RoleLastUsed | None = None
    role_policy_list: tuple[InlinePolicy, ...] = ()
    attached_managed_policies: tuple[AttachedPolicy, ...] = ()
    instance_profile_list: tuple[InstanceProfile, ...] = ()


class GroupDetail(Struct, frozen=True, kw_only=True, rename="pascal"):
    arn: str
    group_name: str
    group_policy_list: tuple[InlinePolicy, ...] = ()
    attached_managed_policies: tuple[AttachedPolicy, ...] = ()


class PolicyVersion(_WithPolicy, frozen=True, kw_only=True, rename="pascal"):
    version_id: str | None = None
    is_default_version: bool | None = None
    document: Any = None


class PolicyDetail(Struct, frozen=True, kw_only=True, rename="pascal"):
    """IAM ``ManagedPolicyDetail``."""

    arn: str
    default_version_id: str | None = None
    policy_version_list: tuple[PolicyVersion, ...] = ()
    cut_down: bool = False
    """Of a published policy: its document has only the actions that make a level."""

    @property
    def document(self) -> Any:
        """The default version: as the version itself, or otherwise the policy, states."""
        return next((version.document for version in self.policy_version_list if self._is_in_force(version)), None)

    @property
    def others(self) -> tuple[Any, ...]:
        """The documents of the versions that are not in force, as far as they are there."""
        rest = (version for version in self.policy_version_list if not self._is_in_force(version))
        return tuple(version.document for version in rest if version.document is not None)

    def _is_in_force(self, version: PolicyVersion) -> bool:
        if version.is_default_version is not None:
            return version.is_default_version
        return version.version_id is not None and version.version_id == self.default_version_id


class AccessKey(Struct, frozen=True, kw_only=True, rename="pascal"):
    """IAM ``AccessKeyMetadata``."""

    access_key_id: str
    status: str
    create_date: datetime | None = None


class AccessKeyLastUsed(Struct, frozen=True, kw_only=True, rename="pascal"):
    last_used_date: datetime | None = None
    service_name: str | None = None
    region: str | None = None


class AwsRegion(Struct, frozen=True, kw_only=True, rename="pascal"):
    """EC2 ``Region``."""

    region_name: str
    opt_in_status: str | None = None


class SecretListEntry(Struct, frozen=True, kw_only=True, rename="pascal"):
    """Secrets Manager ``SecretListEntry``: metadata only. Its free-text description is left out."""

    arn: str = msgspec.field(name="ARN")
    name: str
    created_date: datetime | None = None
    last_changed_date: datetime | None = None
    last_rotated_date: datetime | None = None
    last_accessed_date: datetime | None = None
    next_rotation_date: datetime | None = None
    deleted_date: datetime | None = None
    rotation_enabled: bool = False
    kms_key_id: str | None = None
    rotation_lambda_arn: str | None = msgspec.field(name="RotationLambdaARN", default=None)
    owning_service: str | None = None
    primary_region: str | None = None
    type: str | None = None
    tags: tuple[Tag, ...] = ()


def read(payload: Any, shape: type[T]) -> T:
    """Convert a payload to a shape. Raises ValueError with what does not fit."""
    try:
        return msgspec.convert(payload, shape)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from error


def utc(moment: datetime | None) -> datetime | None:
    """The time in UTC. A time without a zone is UTC, as AWS uses. None if UTC cannot represent it."""
    if moment is None:
        return None
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:
        return None


def to_second(moment: datetime | None) -> datetime | None:
    """The time in whole seconds, as in the credential report."""
    return None if moment is None else moment.replace(microsecond=0)


def tags_of(tags: Sequence[Tag]) -> dict[str, str]:
    """Tags as a mapping, sorted by key."""
    return {tag.key: tag.value for tag in sorted(tags, key=lambda tag: tag.key)}


# --- Shared parts of an account's identities (pure) ---

USER_USE_TRACKED_DAYS = 3650
"""Passwords have been tracked since 2014-10-20 and keys since 2015-04-22: longer than this, and ever longer."""


class AwsAccount(Struct, frozen=True, kw_only=True, gc=False):
    """The place of identities. ``partition``: as in every ARN: ``aws``, ``aws-cn``, ``aws-us-gov`` and others."""

    source: str
    account: str
    partition: str = "aws"


def boundary_of(boundary: Boundary | None) -> str | None:
    """The ARN of a permissions boundary."""
    return None if boundary is None else boundary.permissions_boundary_arn


def newest(*moments: datetime | None) -> datetime | None:
    """The latest of them; None where none is known."""
    return max((moment for moment in moments if moment is not None), default=None)


def iso(moment: datetime | None) -> str | None:
    """The ISO form of a time, as attributes hold it."""
    return None if moment is None else moment.isoformat()


def known(**facts: Any) -> dict[str, Any]:
    """The facts that are known; an empty list is none."""
    return {name: fact for name, fact in facts.items() if fact is not None and fact != []}
