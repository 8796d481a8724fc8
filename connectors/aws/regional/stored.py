"""Secrets of Secrets Manager and SecureString parameters of SSM, as stored secrets (pure)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from connectors.aws.identities import iso, known, newest
from connectors.aws.payloads import SecretListEntry, read, tags_of, utc
from connectors.aws.regional.declarations import Where
from connectors.aws.regional.references import parameter_arn
from scanner.model import StoredSecret

# Tags by which people say whose credential a secret is.
_IDENTITY_TAGS = ("muster:identity", "identity", "iam-user", "iam_user", "service-account", "service_account")
# How AgentCore names the secrets that it keeps for a credential provider: prefix!directory/sort/provider.
_OF_AGENTCORE = "bedrock-agentcore-identity!"
_UNTIL = "Expiration"
# The id of a long-term access key, as a word of a secret's name.
_ACCESS_KEY = re.compile(r"(?<![A-Za-z0-9])AKIA[A-Z0-9]{16}(?![A-Za-z0-9])")


class ParameterPolicy(Struct, frozen=True, kw_only=True, rename="pascal"):
    """SSM ``ParameterInlinePolicy``."""

    policy_type: str | None = None
    policy_text: str = ""


class Parameter(Struct, frozen=True, kw_only=True, rename="pascal"):
    """SSM ``ParameterMetadata`` without its free-text description."""

    name: str
    arn: str | None = msgspec.field(name="ARN", default=None)
    key_id: str | None = None
    last_modified_date: datetime | None = None
    last_modified_user: str | None = None
    version: int | None = None
    tier: str | None = None
    policies: tuple[ParameterPolicy, ...] = ()


class _Until(Struct, frozen=True, rename="pascal"):
    timestamp: datetime


class _Expiration(Struct, frozen=True, rename="pascal"):
    attributes: _Until


def parse_secret(payload: Any, where: Where) -> StoredSecret:
    """A ``SecretListEntry`` as a stored secret. Raises ValueError.

    ``rotated_at`` is the last rotation or the last change of any kind, whichever is newer: the value is at least
    that old. AWS tells the day of last use, kept for each region by itself.
    """
    entry = read(payload, SecretListEntry)
    tags = tags_of(entry.tags)
    return StoredSecret(
        key=entry.arn,
        provider="aws",
        source=where.source,
        scope=where.account,
        name=entry.name,
        created_at=utc(entry.created_date),
        rotated_at=newest(utc(entry.last_rotated_date), utc(entry.last_changed_date)),
        last_used_at=utc(entry.last_accessed_date),
        rotation_enabled=entry.rotation_enabled,
        tags=tags,
        attributes=known(
            region=where.region,
            identity=_identity(entry.name, tags),
            kms_key=entry.kms_key_id,
            rotation_lambda=entry.rotation_lambda_arn,
            owning_service=entry.owning_service,
            primary_region=entry.primary_region,
            external_type=entry.type,
            deletion_planned_at=iso(utc(entry.deleted_date)),
        ),
    )


def parse_parameter(payload: Any, where: Where) -> StoredSecret:
    """A ``ParameterMetadata`` as a stored secret. Raises ValueError.

    SSM tells neither when a parameter was made nor when it was last read; its tags come from the tagging API.
    """
    entry = read(payload, Parameter)
    return StoredSecret(
        key=entry.arn or parameter_arn(entry.name, where),
        provider="aws",
        source=where.source,
        scope=where.account,
        name=entry.name,
        rotated_at=utc(entry.last_modified_date),
        expires_at=newest(*(_until(policy) for policy in entry.policies)),
        attributes=known(
            region=where.region,
            type="parameter",
            kms_key=entry.key_id,
            last_modified_by=entry.last_modified_user,
            version=entry.version,
            tier=entry.tier,
        ),
    )


def with_tags(secret: StoredSecret, tags: Mapping[str, str]) -> StoredSecret:
    """The secret with tags that came from elsewhere."""
    attributes = {**secret.attributes, **known(identity=_identity(secret.name, tags))}
    return msgspec.structs.replace(secret, tags=tags, attributes=attributes)


def _identity(name: str, tags: Mapping[str, str]) -> str | None:
    """Whose credential it is, as its tags or its name say; an identity by any of its names."""
    if name.startswith(_OF_AGENTCORE):
        return name.rpartition("/")[2]
    named = _ACCESS_KEY.search(name)
    return next((tags[key] for key in _IDENTITY_TAGS if tags.get(key)), named[0] if named else None)


def _until(policy: ParameterPolicy) -> datetime | None:
    if policy.policy_type != _UNTIL:
        return None
    try:
        return utc(msgspec.json.decode(policy.policy_text, type=_Expiration).attributes.timestamp)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(f"its expiration cannot be read: {error}") from error
