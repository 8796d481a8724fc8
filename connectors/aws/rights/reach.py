"""The actions that a policy document allows and denies, as sets, and the statements that are the evidence (pure).

A document's sums answer most questions with a few bit operations; :mod:`connectors.aws.rights.privilege` answers
the rest.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Literal, TypeAlias

from msgspec import Struct

from connectors.aws.rights.patterns import arn_parts, compiled, has_variable, resource_matches
from connectors.aws.rights.policy import Statement
from connectors.aws.rights.vocabulary import Vocabulary
from scanner.text import few

Breadth: TypeAlias = Literal["everything", "type", "regional", "some"]

RESOURCES_NAMED = 3
"""Maximum number of resources that are named."""

_ALL_OF_A_TYPE = re.compile(r"[A-Za-z-]+[/:]\*+")
_ONLY_STARS = re.compile(r"\*+(?:[/:]\*+)*")


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

    def without(self, denied: Reach) -> Reach:
        """The rest: none of the actions denied everywhere; those denied nearly everywhere on some resources at most."""
        return Reach(
            everything=self.everything & ~denied.wide,
            wide=self.wide & ~denied.wide,
            somewhere=self.somewhere & ~denied.everything,
        )


class AwsReachDocument(Struct, frozen=True, kw_only=True, gc=False):
    """A parsed policy and its sums. ``number`` identifies equal documents of one reading; equal content, equal number.

    ``certain``: allowed without a condition. ``possible``: allowed if every condition is met.
    ``denied``: denied unconditionally; there, ``wide`` leaves out what is denied in some regions only.
    ``hindered``: refused on some resources, or under a condition.
    """

    number: int
    statements: tuple[Statement, ...]
    certain: Reach
    possible: Reach
    denied: Reach
    hindered: int

    @property
    def resource(self) -> str | None:
        """The resources that it allows, as short text."""
        allowed = [statement for statement in self.statements if statement.allow]
        names = sorted({name for statement in allowed for name in _resource_names(statement)})
        return "*" if "*" in names else few(names, RESOURCES_NAMED) or None


def _resource_names(statement: Statement) -> tuple[str, ...]:
    if statement.not_resources:
        return tuple(f"all but {name}" for name in statement.resources)
    return statement.resources


def sum_up(statements: tuple[Statement, ...], *, number: int, words: Vocabulary, account: str) -> AwsReachDocument:
    """The document of these statements, as it applies to one account."""
    certain = possible = denied = Reach()
    hindered = 0
    for statement in statements:
        reach = _reach(statement, words, account)
        if statement.allow:
            possible |= reach
            certain |= Reach() if statement.conditional else reach
        else:
            denied |= Reach() if statement.conditional else reach
            hindered |= reach.somewhere
    return AwsReachDocument(
        number=number,
        statements=statements,
        certain=certain,
        possible=possible,
        denied=denied,
        hindered=hindered & ~denied.everything,
    )


def _reach(statement: Statement, words: Vocabulary, account: str) -> Reach:
    actions = statement.action_bits(words)
    if statement.not_resources:
        return _reach_of_the_rest(statement.resources, actions, words)
    wide_enough = ("everything", "type", "regional") if statement.allow else ("everything", "type")
    everything = wide = somewhere = 0
    for pattern in statement.resources:
        possible = actions & words.acting_on(pattern)
        if is_foreign(pattern, account):
            possible &= ~words.iam & ~words.pass_role  # IAM ends at the account; a role beyond it may be assumed
        breadth = _breadth(pattern, account)
        somewhere |= possible
        wide |= possible if breadth in wide_enough else possible & words.enough_by_name if statement.allow else 0
        everything |= possible if breadth == "everything" else 0
    return Reach(everything=everything, wide=wide, somewhere=somewhere)


def _reach_of_the_rest(spared: tuple[str, ...], actions: int, words: Vocabulary) -> Reach:
    """Of a NotResource: all but a few things is wide, and everything for what acts on none of those."""
    if any(_ONLY_STARS.fullmatch(pattern) for pattern in spared):
        return Reach()
    everything = actions
    for pattern in spared:
        everything &= ~words.acting_on(pattern)
    return Reach(everything=everything, wide=actions, somewhere=actions)


def _breadth(pattern: str, account: str) -> Breadth:
    """The share of an action's resources that a pattern covers."""
    if _ONLY_STARS.fullmatch(pattern):
        return "everything"
    scheme, _, service, region, _, resource = arn_parts(pattern)
    if has_variable(resource) or is_foreign(pattern, account) or not compiled(scheme).match("arn"):
        return "some"
    all_regions = region.strip("*") == ""
    if _ONLY_STARS.fullmatch(resource):
        return "everything" if all_regions else "regional"
    # A bucket's name stands where other services have the type.
    if service == "s3" or not _ALL_OF_A_TYPE.fullmatch(resource):
        return "some"
    return "everything" if service == "iam" else "type" if all_regions else "regional"


def is_foreign(pattern: str, account: str) -> bool:
    """Whether it names another account than this one; AWS's own policies belong to an account called ``aws``."""
    owner = arn_parts(pattern)[4]
    return owner != "" and not resource_matches(owner, account)


# --- Evidence: the policies and statements that allow an action (pure) ---

STATEMENTS_NAMED = 3


class AppliedPolicy(Struct, frozen=True, kw_only=True, gc=False):
    """One policy that applies to a principal; ``document`` is None where it could not be read or understood.

    ``may_deny``: whether it may take rights away, if it could be read. ``published``: in words, which of AWS's
    published documents speaks for it, as the listing lacks its own; empty: none. ``arn``: of a managed policy.
    ``cut_down``: that document has only the actions that make a level.
    """

    name: str
    via: str
    document: AwsReachDocument | None
    may_deny: bool = True
    published: str = ""
    arn: str = ""
    cut_down: bool = False


def sources_in(held: Sequence[AppliedPolicy], words: Vocabulary) -> Callable[[int], str]:
    """A function from actions (bits) to the statements that allow them, the plainest ones first."""

    def sources(actions: int) -> str:
        named: list[str] = []
        left = actions
        for policy, statement in sorted(_allowing(held), key=lambda pair: _plainness(pair[1])):
            bits = statement.action_bits(words) & left
            if bits:
                left &= ~bits
                named.append(f"policy {policy.name} ({policy.via}) statement {statement.label}")
        return f"; by {few(named, STATEMENTS_NAMED)}" if named else ""

    return sources


def _allowing(held: Iterable[AppliedPolicy]) -> Iterable[tuple[AppliedPolicy, Statement]]:
    for policy in held:
        if policy.document is not None:
            for statement in policy.document.statements:
                if statement.allow:
                    yield policy, statement


def _plainness(statement: Statement) -> tuple[bool, bool]:
    return statement.conditional, "*" not in statement.resources
