"""Who else may read a stored secret, by its own resource policy (pure)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, TypeAlias

import msgspec
from msgspec import Struct

from connectors.aws.globs import action_matches
from connectors.aws.payloads import read
from connectors.aws.regional.declarations import Where
from scanner.model import StoredSecret

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

    Denials are not counted: they can but take away. Raises ValueError.
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
