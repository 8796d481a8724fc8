"""Stored secrets: those of Secrets Manager and SSM with their policies, and credentials in services (pure)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Literal, TypeAlias

import msgspec
from msgspec import Struct

from connectors.aws.client.payloads import SecretListEntry, iso, known, newest, read, tags_of, utc
from connectors.aws.rights.patterns import action_matches
from connectors.aws.workloads.declarations import Kept, Where
from connectors.aws.workloads.paths import filled
from connectors.aws.workloads.rows import fact, moment, parameter_arn, tags_in
from scanner.model import StoredSecret


def stored_secret(row: Any, of: Kept | str, where: Where) -> StoredSecret:
    """The secret or credential of a row, by its fields or the function so named. Raises ValueError, saying why."""
    if isinstance(of, str):
        return _PARSERS[of](row, where)
    facts = {name: fact(row, path) for name, path in of.facts.items()}
    return StoredSecret(
        key=filled(of.key, row, where.names),
        provider="aws",
        source=where.source,
        scope=where.account,
        name=filled(of.name, row, where.names),
        created_at=moment(row, of.created_at),
        expires_at=moment(row, of.expires_at),
        last_used_at=moment(row, of.last_used_at),
        tags=tags_in(row, of.tags) if of.tags else {},
        attributes=known(region=where.region, type=of.type, **facts),
    )


# --- Secrets of Secrets Manager and SecureString parameters of SSM, as stored secrets (pure) ---

# Common tags for the identity whose credential a secret is.
_IDENTITY_TAGS = ("muster:identity", "identity", "iam-user", "iam_user", "service-account", "service_account")
# Names of the secrets that AgentCore keeps for a credential provider: prefix!directory/sort/provider.
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
    that old. AWS returns the day of last use in each region.
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

    SSM returns neither when a parameter was created nor when it was last read; its tags come from the tagging API.
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
    """The identity whose credential it is, by tags or name; any name of an identity is possible."""
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


# --- Resource policies of stored secrets (pure) ---

_READ = "secretsmanager:GetSecretValue"
_ANYONE = "*"
_Texts: TypeAlias = str | tuple[str, ...]


class _Answer(Struct, frozen=True, kw_only=True, rename="pascal"):
    arn: str = msgspec.field(name="ARN")
    name: str
    resource_policy: str | None = None


class _Statement(Struct, frozen=True, kw_only=True, rename="pascal"):
    effect: Literal["Allow", "Deny"]
    principal: Literal["*"] | dict[str, _Texts] | None = None
    not_principal: Any = None
    action: _Texts = ()
    not_action: _Texts | None = None
    condition: dict[str, Any] = {}


class _Policy(Struct, frozen=True, kw_only=True, rename="pascal"):
    statement: _Statement | tuple[_Statement, ...] = ()


def parse_policy(payload: Any, where: Where) -> StoredSecret:
    """The answer of ``GetResourcePolicy``: the secret, with ``readable_by`` where others may read it.

    Denials are ignored: they only remove access. Raises ValueError.
    """
    answer = read(payload, _Answer)
    readers = sorted(set(_readers(answer.resource_policy))) if answer.resource_policy else []
    return StoredSecret(
        key=answer.arn,
        provider="aws",
        source=where.source,
        scope=where.account,
        name=answer.name,
        attributes={"readable_by": readers} if readers else {},
    )


def _readers(policy: str) -> Iterator[str]:
    try:
        written = msgspec.json.decode(policy, type=_Policy).statement
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(f"its resource policy cannot be read: {error}") from error
    for statement in written if isinstance(written, tuple) else (written,):
        if statement.effect == "Allow" and _reads(statement):
            condition = ", under a condition" if statement.condition else ""
            yield from (f"{principal}{condition}" for principal in _principals(statement))


def _reads(statement: _Statement) -> bool:
    patterns = statement.action if statement.not_action is None else statement.not_action
    named = any(action_matches(pattern, _READ) for pattern in _listed(patterns))
    return named == (statement.not_action is None)


def _principals(statement: _Statement) -> Iterator[str]:
    if statement.not_principal is not None or isinstance(statement.principal, str):
        yield _ANYONE
    for values in statement.principal.values() if isinstance(statement.principal, dict) else ():
        yield from _listed(values)


def _listed(values: _Texts) -> tuple[str, ...]:
    return (values,) if isinstance(values, str) else values


_PARSERS: Mapping[str, Callable[[Any, Where], StoredSecret]] = {
    each.__name__: each for each in (parse_secret, parse_parameter, parse_policy)
}
