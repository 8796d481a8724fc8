"""IAM policy documents: parsed, and summed up as sets of actions.

Pure. A document becomes a :class:`Document`, whose two :class:`Reach` sums (as it stands, and with every condition
taken as met) answer most questions with a few bit operations.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Literal, TypeAlias

import msgspec
from msgspec import Struct

from connectors.aws.globs import arn_parts, has_wildcard, resource_matches
from connectors.aws.vocabulary import Vocabulary

Answer: TypeAlias = Literal["yes", "maybe", "no"]
Breadth: TypeAlias = Literal["everything", "wide", "some"]

RESOURCES_NAMED = 3
"""As many as a cell can show."""

_ALL_OF_A_TYPE = re.compile(r"[A-Za-z-]+[/:]\*+")
_ONLY_STARS = re.compile(r"\*+(?:/\*+)*")
_ANSWERS: tuple[Answer, ...] = ("no", "maybe", "yes")


class Statement(Struct, frozen=True, kw_only=True, gc=False):
    """One statement; ``not_actions`` and ``not_resources`` say that the patterns name what is left out."""

    allow: bool
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    not_actions: bool = False
    not_resources: bool = False
    conditional: bool = False

    def covers(self, resource: str) -> bool:
        """Whether it speaks of that ARN."""
        return any(resource_matches(pattern, resource) for pattern in self.resources) != self.not_resources

    def action_bits(self, words: Vocabulary) -> int:
        """The known actions it speaks of."""
        named = 0
        for pattern in self.actions:
            named |= words.mask(pattern)
        return words.universe & ~named if self.not_actions else named


class Reach(Struct, frozen=True, kw_only=True, gc=False):
    """Actions by how far they reach, each set within the next.

    ``everything``: on ``*``. ``wide``: on all resources of a type, or all but a few. ``somewhere``: on any at all.
    """

    everything: int = 0
    wide: int = 0
    somewhere: int = 0

    def __or__(self, other: Reach) -> Reach:
        return Reach(
            everything=self.everything | other.everything,
            wide=self.wide | other.wide,
            somewhere=self.somewhere | other.somewhere,
        )

    def __and__(self, other: Reach) -> Reach:
        return Reach(
            everything=self.everything & other.everything,
            wide=self.wide & other.wide,
            somewhere=self.somewhere & other.somewhere,
        )

    def without(self, denied: int) -> Reach:
        """What is left when these actions are denied."""
        return Reach(everything=self.everything & ~denied, wide=self.wide & ~denied, somewhere=self.somewhere & ~denied)


class Document(Struct, frozen=True, kw_only=True, gc=False):
    """A parsed policy and its sums. ``number`` tells equal documents of one reading; equal content, equal number.

    ``certain``: allowed without a condition. ``possible``: allowed if every condition is met.
    ``denied``: refused everywhere, whatever the condition. ``hindered``: refused on some resources, or under a
    condition: that lowers certainty and removes nothing.
    """

    number: int
    statements: tuple[Statement, ...]
    certain: Reach
    possible: Reach
    denied: int
    hindered: int

    @property
    def resource(self) -> str | None:
        """What its allowances are about, in a few words."""
        allowed = [statement for statement in self.statements if statement.allow]
        names = sorted({name for statement in allowed for name in _resource_names(statement)})
        if "*" in names:
            return "*"
        unnamed = len(names) - RESOURCES_NAMED
        return ", ".join(names[:RESOURCES_NAMED]) + (f" and {unnamed} more" if unnamed > 0 else "") or None


def _resource_names(statement: Statement) -> tuple[str, ...]:
    if statement.not_resources:
        return tuple(f"all but {name}" for name in statement.resources)
    return statement.resources


class _StatementPayload(Struct, frozen=True, kw_only=True, rename="pascal"):
    """A statement as it is written. Keys that do not bear on our questions (Sid) are ignored."""

    effect: Literal["Allow", "Deny"]
    action: str | tuple[str, ...] | None = None
    not_action: str | tuple[str, ...] | None = None
    resource: str | tuple[str, ...] | None = None
    not_resource: str | tuple[str, ...] | None = None
    condition: dict[str, Any] = {}


class _DocumentPayload(Struct, frozen=True, kw_only=True, rename="pascal"):
    statement: _StatementPayload | tuple[_StatementPayload, ...] = ()


def parse_statements(document: Any) -> tuple[Statement, ...]:
    """The statements of an identity policy, as the API gives it (a decoded JSON object). Raises ValueError."""
    try:
        payload = msgspec.convert(document, _DocumentPayload)
    except msgspec.ValidationError as error:
        raise ValueError(f"not a policy document: {error}") from error
    statements = payload.statement if isinstance(payload.statement, tuple) else (payload.statement,)
    return tuple(_statement(statement) for statement in statements)


def _statement(payload: _StatementPayload) -> Statement:
    if (payload.action is None) == (payload.not_action is None):
        raise ValueError("a statement needs one of Action and NotAction")
    if (payload.resource is None) == (payload.not_resource is None):
        raise ValueError("a statement needs one of Resource and NotResource")
    return Statement(
        allow=payload.effect == "Allow",
        actions=_patterns(payload.action, payload.not_action),
        resources=_patterns(payload.resource, payload.not_resource),
        not_actions=payload.action is None,
        not_resources=payload.resource is None,
        conditional=bool(payload.condition),
    )


def _patterns(*alternatives: str | tuple[str, ...] | None) -> tuple[str, ...]:
    given = next(value for value in alternatives if value is not None)
    return (given,) if isinstance(given, str) else given


def sum_up(statements: tuple[Statement, ...], *, number: int, words: Vocabulary, account: str) -> Document:
    """The document of these statements, as it bears on one account."""
    certain = possible = Reach()
    denied = hindered = 0
    for statement in statements:
        reach = _reach(statement, words, account)
        if statement.allow:
            possible |= reach
            certain |= Reach() if statement.conditional else reach
        else:
            denied |= 0 if statement.conditional else reach.everything
            hindered |= reach.somewhere
    return Document(
        number=number,
        statements=statements,
        certain=certain,
        possible=possible,
        denied=denied,
        hindered=hindered & ~denied,
    )


def _reach(statement: Statement, words: Vocabulary, account: str) -> Reach:
    actions = statement.action_bits(words)
    if statement.not_resources:
        return _reach_of_the_rest(statement.resources, actions)
    everything = wide = somewhere = 0
    for pattern in statement.resources:
        possible = actions & words.acting_on(pattern)
        if _is_foreign(pattern, account):
            possible &= ~words.iam  # no policy reaches into another account's IAM; a role there may be assumed
        breadth = _breadth(pattern, account)
        somewhere |= possible
        wide |= possible if breadth != "some" else 0
        everything |= possible if breadth == "everything" else 0
    return Reach(everything=everything, wide=wide, somewhere=somewhere)


def _reach_of_the_rest(spared: tuple[str, ...], actions: int) -> Reach:
    """Of a NotResource: all but a few things is wide; where nothing of IAM is spared, it is all that counts."""
    if any(_ONLY_STARS.fullmatch(pattern) for pattern in spared):
        return Reach()
    spares_iam = any(_service(pattern) in ("iam", None) for pattern in spared)
    return Reach(everything=0 if spares_iam else actions, wide=actions, somewhere=actions)


def _breadth(pattern: str, account: str) -> Breadth:
    """How much of what it can speak of a resource pattern covers."""
    if _ONLY_STARS.fullmatch(pattern):
        return "everything"
    _, _, service, region, _, resource = arn_parts(pattern)
    if _is_foreign(pattern, account):
        return "some"
    all_regions = region.strip("*") == ""
    if _ONLY_STARS.fullmatch(resource):
        return "everything" if all_regions else "wide"
    # A bucket's name stands where other services have the type.
    if service == "s3" or not _ALL_OF_A_TYPE.fullmatch(resource):
        return "some"
    return "everything" if service == "iam" else "wide"


def _is_foreign(pattern: str, account: str) -> bool:
    owner = arn_parts(pattern)[4]
    return owner.isdigit() and owner != account


def _service(pattern: str) -> str | None:
    """The service an ARN pattern is about; None where a wildcard may stand for any."""
    service = arn_parts(pattern)[2]
    return None if has_wildcard(service) else service


def allows(
    documents: Iterable[Document], boundary: Document | None, action: str, resource: str, words: Vocabulary
) -> Answer:
    """Whether these policies together, within the boundary, allow a known action on an ARN; explicit deny first."""
    bit = words.bits((action,))
    granted = _decide(documents, bit, resource, words)
    if boundary is None or granted == "no":
        return granted
    return min(granted, _decide((boundary,), bit, resource, words), key=_ANSWERS.index)


def _decide(documents: Iterable[Document], action: int, resource: str, words: Vocabulary) -> Answer:
    answer: Answer = "no"
    hindered = False
    for statement in _speaking_of(documents, action, resource, words):
        if statement.allow:
            answer = "yes" if answer == "yes" or not statement.conditional else "maybe"
        elif statement.conditional:
            hindered = True
        else:
            return "no"
    return "maybe" if hindered and answer == "yes" else answer


def _speaking_of(documents: Iterable[Document], action: int, resource: str, words: Vocabulary) -> Iterable[Statement]:
    for document in documents:
        if (document.possible.somewhere | document.denied | document.hindered) & action:
            for statement in document.statements:
                if statement.action_bits(words) & action and statement.covers(resource):
                    yield statement
