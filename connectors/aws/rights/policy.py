"""IAM policy documents as statements, and how far their conditions narrow them (pure).

Several values of one key are alternatives, so the widest counts; several keys must all hold, so the narrowest counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, TypeAlias

import msgspec
from msgspec import Struct

from connectors.aws.rights.patterns import action_matches, arn_parts, has_variable, has_wildcard, resource_matches
from connectors.aws.rights.vocabulary import Vocabulary
from connectors.federation import Restriction, widest

EXTERNAL_ID = "sts:externalid"

_EXACT = frozenset({"stringequals", "stringequalsignorecase"})
_PATTERNS = frozenset({"stringlike", "arnlike", "arnequals"})
_NETWORKS = frozenset({"ipaddress"})
_ANY_NETWORK = frozenset({"0.0.0.0/0", "::/0"})
_FLAGS = frozenset({"bool"})
_ARN_KEYS = frozenset({"aws:principalarn", "aws:sourcearn"})


class Condition(Struct, frozen=True, kw_only=True, gc=False):
    """One operator on one key, the key in lower case: they are compared without regard to it."""

    operator: str
    key: str
    values: tuple[str, ...]

    @property
    def restriction(self) -> Restriction:
        """Its restriction alone. Operators that hold when the key is absent, or are negated, restrict nothing."""
        any_account = self.key in _ARN_KEYS and any(_of_any_account(self._operator, value) for value in self.values)
        return "none" if any_account else self._by_pattern

    @property
    def is_binding(self) -> bool:
        """Whether it holds for its values alone, however many that may be."""
        return self._by_pattern != "none"

    @property
    def _by_pattern(self) -> Restriction:
        return widest(_of_value(self._operator, value) for value in self.values)

    def pattern(self, value: str) -> str | None:
        """One of its values as a pattern of what it lets through; None where that cannot be said by one."""
        is_literal = self._operator in _EXACT and has_wildcard(value)
        return None if is_literal or has_variable(value) else value

    def takes(self, value: str) -> bool:
        """Whether it names that value among those that it lets through, by a wildcard or outright."""
        return "not" not in self._operator and any(action_matches(pattern, value) for pattern in self.values)

    @property
    def _operator(self) -> str:
        return self.operator.lower().removeprefix("foranyvalue:")

    def __str__(self) -> str:
        """For evidence. The value of an external id is a shared secret of sorts and is not shown."""
        if self.key == EXTERNAL_ID:
            return f"{self.key} is {_HOW[self.restriction]}"
        return f"{self.key} {self.operator} {', '.join(self.values)}"


_HOW: Mapping[Restriction, str] = {"exact": "exact", "loose": "a wildcard", "none": "present, and does not bind"}


def _of_value(operator: str, value: str) -> Restriction:
    if operator in _EXACT:
        return "loose" if "${" in value else "exact"
    if operator in _PATTERNS:
        return "none" if not value.strip("*?") else "loose" if has_wildcard(value) else "exact"
    if operator in _NETWORKS:
        return "none" if value in _ANY_NETWORK else "loose"
    if operator in _FLAGS:
        return "loose" if value.lower() == "true" else "none"
    return "none"


def _of_any_account(operator: str, arn: str) -> bool:
    """Whether an ARN leaves open whose account it is of, or which bucket: only those have an ARN without an account."""
    if operator in _EXACT and not has_variable(arn):
        return False
    *_, account, resource = arn_parts(arn)
    return has_wildcard(account) or not (account or resource.strip("*?"))


def parse_conditions(block: Mapping[str, Mapping[str, object]]) -> tuple[Condition, ...]:
    """The conditions of a ``Condition`` block, sorted. Raises ValueError."""
    found = []
    for operator, keys in block.items():
        for key, values in keys.items():
            listed = values if isinstance(values, (list, tuple)) else [values]
            if not all(isinstance(value, (str, bool, int, float)) for value in listed):
                raise ValueError(f"the condition on {key} has an invalid value")
            found.append(Condition(operator=operator, key=key.lower(), values=tuple(map(_text, listed))))
    return tuple(sorted(found, key=lambda condition: (condition.key, condition.operator, condition.values)))


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def on_keys(conditions: Iterable[Condition], keys: Iterable[str]) -> list[Condition]:
    """The conditions on these keys; a key that ends in ``*`` matches all that begin like it."""
    exact = {key for key in keys if not key.endswith("*")}
    prefixes = tuple(key[:-1] for key in keys if key.endswith("*"))
    return [c for c in conditions if c.key in exact or (prefixes and c.key.startswith(prefixes))]


_PASSED_TO = "iam:passedtoservice"
_THROUGH_MCP = frozenset({"aws:viaawsmcpservice", "aws:calledviaawsmcp"})
_DOCUMENT_CHECK = "ssm:sessiondocumentaccesscheck"


class PassedTo(Struct, frozen=True, kw_only=True, gc=False):
    """A condition on ``iam:PassedToService``: the caller chooses the service, so it only narrows.

    ``negated``: to all but these. ``others``: it holds as well for actions that pass no role.
    """

    services: tuple[str, ...]
    negated: bool
    others: bool

    def narrow(self, actions: int, words: Vocabulary) -> int:
        """Of these actions, those that it lets through."""
        named = words.passed_to(self.services)
        passing = words.pass_role & ~words.pass_anywhere & ~named if self.negated else named
        return actions & (passing | (~words.pass_role if self.others else 0))


def passed_to(block: Mapping[str, Any]) -> tuple[PassedTo | None, bool]:
    """The condition on the service that a role is passed to, if we understand it; and whether there are others."""
    if not block:
        return None, False
    try:
        conditions = parse_conditions(block)
    except (AttributeError, ValueError):  # of a form that we do not know: a condition all the same
        return None, True
    understood = [found for each in conditions if (found := _passed_to(each)) is not None]
    return (understood[0] if understood else None), len(conditions) > min(len(understood), 1)


def _passed_to(condition: Condition) -> PassedTo | None:
    operator = condition.operator.lower().removeprefix("foranyvalue:")
    plain = operator.removesuffix("ifexists")
    negated = plain.startswith("stringnot")
    positive = plain.replace("stringnot", "string")
    if condition.key != _PASSED_TO or positive not in _EXACT | {"stringlike"}:
        return None
    literal = positive in _EXACT
    return PassedTo(
        services=tuple(value.lower() for value in condition.values if not (literal and has_wildcard(value))),
        negated=negated,
        others=negated or plain != operator,
    )


def checks_document(block: Mapping[str, Any]) -> bool:
    """Whether the only condition is that a session's document must be allowed, too."""
    try:
        conditions = parse_conditions(block)
    except (AttributeError, ValueError):  # of a form that we do not know
        return False
    return [each.key for each in conditions] == [_DOCUMENT_CHECK] and all(
        each.operator.lower().removesuffix("ifexists") == "bool" and each.values == ("true",) for each in conditions
    )


# --- IAM policy documents, parsed into statements (pure) ---

Answer: TypeAlias = Literal["yes", "maybe", "no"]
START_SESSION = "ssm:StartSession"
OPPOSITE: dict[Answer, Answer] = {"yes": "no", "maybe": "maybe", "no": "yes"}


class Statement(Struct, frozen=True, kw_only=True, gc=False):
    """One statement; ``not_actions`` and ``not_resources`` say that the patterns name what is left out.

    ``label``: its Sid, or its place in the document. ``conditional``: it has a condition other than ``passed_to``.
    ``checks_document``: it lets a session begin only with a document that a policy allows, and names some.
    ``through_mcp``: a condition asks whether the call comes through an MCP server of AWS.
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
    through_mcp: bool = False

    def covers(self, resource: str) -> Answer:
        """Whether it names that ARN; "maybe" if only a policy variable decides."""
        matching = [pattern for pattern in self.resources if resource_matches(pattern, resource)]
        named: Answer = "no" if not matching else "maybe" if all(map(has_variable, matching)) else "yes"
        return OPPOSITE[named] if self.not_resources else named

    @property
    def _documents(self) -> frozenset[str]:
        return frozenset(map(_document, self.resources)) - {""}

    def covers_action(self, action: str) -> bool:
        """Whether it names an action, also one that is not among the known ones."""
        return self.not_actions != any(action_matches(pattern, action) for pattern in self.actions)

    def action_bits(self, words: Vocabulary) -> int:
        """The known actions it names."""
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
        # If none is named, another statement may name some: a condition like any other.
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
        through_mcp=any(
            isinstance(keys, dict) and not _THROUGH_MCP.isdisjoint(key.lower() for key in keys)
            for keys in payload.condition.values()
        ),
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


def statements_on(statements: Iterable[Statement], action: int, words: Vocabulary) -> list[Statement]:
    """The statements about an action, given as its bit."""
    return [statement for statement in statements if statement.action_bits(words) & action]
