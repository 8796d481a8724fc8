"""How far conditions narrow a trust policy, and which services a role may be passed to (pure).

Several values of one key are alternatives, so the widest counts; several keys must all hold, so the narrowest counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from connectors.aws.globs import action_matches, arn_parts, has_variable, has_wildcard
from connectors.aws.vocabulary import Vocabulary
from connectors.restrictions import Restriction, widest

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
        """How far it narrows by itself. Operators that hold when the key is absent, or are negated, narrow nothing."""
        strangers = self.key in _ARN_KEYS and any(_of_any_account(self._operator, value) for value in self.values)
        return "none" if strangers else self._by_pattern

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
                raise ValueError(f"the condition on {key} has a value that is none")
            found.append(Condition(operator=operator, key=key.lower(), values=tuple(map(_text, listed))))
    return tuple(sorted(found, key=lambda condition: (condition.key, condition.operator, condition.values)))


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def on_keys(conditions: Iterable[Condition], keys: Iterable[str]) -> list[Condition]:
    """The conditions on these keys; a key that ends in ``*`` stands for all that begin like it."""
    exact = {key for key in keys if not key.endswith("*")}
    prefixes = tuple(key[:-1] for key in keys if key.endswith("*"))
    return [c for c in conditions if c.key in exact or (prefixes and c.key.startswith(prefixes))]


_PASSED_TO = "iam:passedtoservice"
_DOCUMENT_CHECK = "ssm:sessiondocumentaccesscheck"


class PassedTo(Struct, frozen=True, kw_only=True, gc=False):
    """A condition on ``iam:PassedToService``: whoever passes a role chooses the service, so it narrows and no more.

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
