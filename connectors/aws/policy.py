"""IAM policy documents, parsed into statements (pure)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, TypeAlias

import msgspec
from msgspec import Struct

from connectors.aws.conditions import PassedTo, passed_to
from connectors.aws.globs import has_variable, resource_matches
from connectors.aws.vocabulary import Vocabulary

Answer: TypeAlias = Literal["yes", "maybe", "no"]
OPPOSITE: dict[Answer, Answer] = {"yes": "no", "maybe": "maybe", "no": "yes"}


class Statement(Struct, frozen=True, kw_only=True, gc=False):
    """One statement; ``not_actions`` and ``not_resources`` say that the patterns name what is left out.

    ``label``: its Sid, or its place in the document. ``conditional``: it has a condition other than ``passed_to``.
    """

    label: str
    allow: bool
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    not_actions: bool = False
    not_resources: bool = False
    conditional: bool = False
    passed_to: PassedTo | None = None

    def covers(self, resource: str) -> Answer:
        """Whether it speaks of that ARN; where only a policy variable decides it, maybe."""
        matching = [pattern for pattern in self.resources if resource_matches(pattern, resource)]
        named: Answer = "no" if not matching else "maybe" if all(map(has_variable, matching)) else "yes"
        return OPPOSITE[named] if self.not_resources else named

    def action_bits(self, words: Vocabulary) -> int:
        """The known actions it speaks of."""
        named = 0
        for pattern in self.actions:
            named |= words.mask(pattern)
        bits = words.universe & ~named if self.not_actions else named
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
    passing, others = passed_to(payload.condition)
    return Statement(
        label=payload.sid if isinstance(payload.sid, str) and payload.sid else str(place),
        allow=payload.effect == "Allow",
        actions=_patterns(payload.action, payload.not_action),
        resources=_patterns(payload.resource, payload.not_resource),
        not_actions=payload.action is None,
        not_resources=payload.resource is None,
        conditional=others,
        passed_to=passing,
    )


def _patterns(*alternatives: str | tuple[str, ...] | None) -> tuple[str, ...]:
    given = next(value for value in alternatives if value is not None)
    return (given,) if isinstance(given, str) else given


def speaking_of(statements: Iterable[Statement], action: int, words: Vocabulary) -> list[Statement]:
    """The statements that speak of an action, given as its bit."""
    return [statement for statement in statements if statement.action_bits(words) & action]
