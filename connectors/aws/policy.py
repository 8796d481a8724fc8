"""IAM policy documents, parsed into statements (pure)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, TypeAlias

import msgspec
from msgspec import Struct

from connectors.aws.conditions import PassedTo, checks_document, passed_to
from connectors.aws.globs import action_matches, arn_parts, has_variable, has_wildcard, resource_matches
from connectors.aws.vocabulary import Vocabulary

Answer: TypeAlias = Literal["yes", "maybe", "no"]
START_SESSION = "ssm:StartSession"
OPPOSITE: dict[Answer, Answer] = {"yes": "no", "maybe": "maybe", "no": "yes"}


class Statement(Struct, frozen=True, kw_only=True, gc=False):
    """One statement; ``not_actions`` and ``not_resources`` say that the patterns name what is left out.

    ``label``: its Sid, or its place in the document. ``conditional``: it has a condition other than ``passed_to``.
    ``checks_document``: it lets a session begin only with a document that a policy allows, and names some.
    """

    label: str
    allow: bool
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    not_actions: bool = False
    not_resources: bool = False
    conditional: bool = False
    passed_to: PassedTo | None = None
    checks_document: bool = False

    def covers(self, resource: str) -> Answer:
        """Whether it speaks of that ARN; where only a policy variable decides it, maybe."""
        matching = [pattern for pattern in self.resources if resource_matches(pattern, resource)]
        named: Answer = "no" if not matching else "maybe" if all(map(has_variable, matching)) else "yes"
        return OPPOSITE[named] if self.not_resources else named

    @property
    def _documents(self) -> frozenset[str]:
        return frozenset(map(_document, self.resources)) - {""}

    def speaks_of(self, action: str) -> bool:
        """Whether it speaks of an action, one that is not among the known ones included."""
        return self.not_actions != any(action_matches(pattern, action) for pattern in self.actions)

    def action_bits(self, words: Vocabulary) -> int:
        """The known actions it speaks of."""
        named = 0
        for pattern in self.actions:
            named |= words.mask(pattern)
        bits = words.universe & ~named if self.not_actions else named
        if self.checks_document and self._documents.issubset(words.tables.harmless_sessions):
            bits &= ~words.bits((START_SESSION,))
        return bits if self.passed_to is None else self.passed_to.narrow(bits, words)


class _StatementPayload(Struct, frozen=True, kw_only=True, rename="pascal"):
    """A statement as it is written."""

    effect: Literal["Allow", "Deny"]
    sid: Any = None
    action: str | tuple[str, ...] | None = None
    not_action: str | tuple[str, ...] | None = None
    resource: str | tuple[str, ...] | None = None
    not_resource: str | tuple[str, ...] | None = None
    condition: dict[str, Any] = {}


class _DocumentPayload(Struct, frozen=True, kw_only=True, rename="pascal"):
    statement: _StatementPayload | tuple[_StatementPayload, ...] = ()


def parse_statements(document: Any) -> tuple[Statement, ...]:
    """The statements of an identity or service control policy, a decoded JSON object. Raises ValueError."""
    try:
        payload = msgspec.convert(document, _DocumentPayload)
    except msgspec.ValidationError as error:
        raise ValueError(f"not a policy document: {error}") from error
    statements = payload.statement if isinstance(payload.statement, tuple) else (payload.statement,)
    return tuple(_statement(statement, place) for place, statement in enumerate(statements, start=1))


def _statement(payload: _StatementPayload, place: int) -> Statement:
    if (payload.action is None) == (payload.not_action is None):
        raise ValueError("a statement needs one of Action and NotAction")
    if (payload.resource is None) == (payload.not_resource is None):
        raise ValueError("a statement needs one of Resource and NotResource")
    resources = _patterns(payload.resource, payload.not_resource)
    checks = (
        payload.effect == "Allow"
        and payload.not_resource is None
        and checks_document(payload.condition)
        # Where none is named, another statement may name some: a condition like any other.
        and any(map(_document, resources))
    )
    passing, others = passed_to({} if checks else payload.condition)
    return Statement(
        label=payload.sid if isinstance(payload.sid, str) and payload.sid else str(place),
        allow=payload.effect == "Allow",
        actions=_patterns(payload.action, payload.not_action),
        resources=resources,
        not_actions=payload.action is None,
        not_resources=payload.resource is None,
        conditional=others,
        passed_to=passing,
        checks_document=checks,
    )


def _document(resource: str) -> str:
    """The name of the SSM document that a resource pattern means, or a pattern of some; empty where it means none."""
    service, name = arn_parts(resource)[2], arn_parts(resource)[5]
    if resource == "*" or has_wildcard(service):
        return "*"
    return name.removeprefix("document/") if service == "ssm" and name.startswith("document/") else ""


def _patterns(*alternatives: str | tuple[str, ...] | None) -> tuple[str, ...]:
    given = next(value for value in alternatives if value is not None)
    return (given,) if isinstance(given, str) else given


def speaking_of(statements: Iterable[Statement], action: int, words: Vocabulary) -> list[Statement]:
    """The statements that speak of an action, given as its bit."""
    return [statement for statement in statements if statement.action_bits(words) & action]
