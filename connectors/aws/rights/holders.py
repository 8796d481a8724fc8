"""The users and roles of an account with their policies, and what of the account these policies reach (pure)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TypeAlias

from msgspec.structs import replace

from connectors.aws.rights.patterns import arn_parts, has_variable, has_wildcard, may_meet, resource_matches
from connectors.aws.rights.policy import Statement, statements_on
from connectors.aws.rights.privilege import Limit
from connectors.aws.rights.reach import AppliedPolicy, AwsReachDocument, Reach
from connectors.aws.rights.trusted_principals import AwsCaller
from connectors.aws.rights.vocabulary import Vocabulary
from scanner.model import PrivilegeLevel

Policies: TypeAlias = tuple[tuple[int, ...], ...]

_NAME = re.compile(r"\$\{aws:username\}", re.IGNORECASE)
_FEW = 20
"""Up to this many identities are named one by one."""


class AwsHolder(AwsCaller, frozen=True, kw_only=True, gc=False):
    """An identity, the policies that apply to it, and what they amount to.

    ``held``: its policies with their names; ``groups``: of a user, their ARNs. ``certain``: what is allowed without any
    condition; ``possible``: should every condition be met. ``may_be_less``: whether something that may take rights away
    could not be read.
    """

    held: tuple[AppliedPolicy, ...] = ()
    documents: tuple[AwsReachDocument, ...] = ()
    boundary: AwsReachDocument | None = None
    guardrails: tuple[Limit, ...] = ()
    groups: tuple[str, ...] = ()
    level: PrivilegeLevel = "normal"
    certain: Reach = Reach()
    possible: Reach = Reach()
    may_be_less: bool = False

    @property
    def limits(self) -> tuple[Limit, ...]:
        """Its boundary, and what the organisation allows."""
        return self.guardrails if self.boundary is None else (*self.guardrails, (self.boundary,))

    @property
    def has_conditions(self) -> bool:
        """Whether a condition decides on something that it is allowed."""
        return any(one.allow and one.conditional for each in self.documents for one in each.statements) or any(
            one.allow and one.conditional for limit in self.limits for each in limit for one in each.statements
        )

    @property
    def policies(self) -> Policies:
        """Equal for identities whose policies are equal."""
        return tuple(tuple(sorted({each.number for each in group})) for group in (self.documents, *self.limits))


class AwsCandidates:
    """The ARNs of an account of one kind that policies may name: each pattern is resolved once, each policy, too."""

    def __init__(self, arns: Iterable[str], besides: Sequence[str] = ()) -> None:
        """``besides``: ARNs that patterns of these may cover as well, and that are none."""
        self.all = frozenset(arns)
        self._besides = tuple(sorted(besides))
        self._covered: dict[str, frozenset[str]] = {}
        self._decided: dict[tuple[int, int, bool], tuple[frozenset[str], frozenset[str]]] = {}
        self._named: dict[tuple[frozenset[str], tuple[str, ...]], tuple[tuple[str, ...], tuple[str, ...]]] = {}

    def of(self, holder: AwsHolder, action: int, words: Vocabulary) -> frozenset[str]:
        """Those that the holder's allow statements for an action (its bit) name."""
        return self._joined(
            self.covered(pattern)
            for statement in _allowing(holder.documents, action, words)
            for pattern in (("*",) if statement.not_resources else statement.resources)
        )

    def allowed(self, holder: AwsHolder, action: int, words: Vocabulary, *, met: bool = False) -> frozenset[str]:
        """Those on which the holder's policies allow an action (its bit), within every limit.

        ``met``: conditions of an allowance count as met. A deny under a condition takes nothing away. Where only a
        policy variable decides, nothing is allowed.
        """
        left = self.all
        for group in (holder.documents, *holder.limits):
            decided = [self._by(document, action, words, met=met) for document in group]
            granted, refused = self._joined(each for each, _ in decided), self._joined(each for _, each in decided)
            granted = granted - refused if refused else granted
            left = granted if left is self.all else left if granted is self.all else left & granted
            if not left:
                break
        return left

    def patterns(self, holder: AwsHolder, action: int, words: Vocabulary) -> tuple[str, ...]:
        """The patterns of these ARNs alone that the holder's allowances for an action have; empty if others matter."""
        some = next(iter(self.all), None)
        if some is None:
            return ()
        *place, resource = arn_parts(some)
        kind = resource.partition("/")[0]
        found: set[str] = set()
        for statement in _allowing(holder.documents, action, words):
            for pattern in ("*",) if statement.not_resources else statement.resources:
                named = "*" if not pattern.strip("*:") else arn_parts(pattern)[5]
                if not named.strip("*"):
                    named = f"{kind}/*"
                if has_variable(pattern) or not named.startswith(f"{kind}/"):
                    return ()
                found.add(":".join((*place, named)))
        return tuple(sorted(found))

    def named(self, arns: frozenset[str], patterns: tuple[str, ...] = ()) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """These ARNs by pattern, and what the patterns name besides. Equal for equal sets, as far as possible.

        ``patterns``: those that a policy has.
        """
        key = arns, patterns
        if key not in self._named:
            self._named[key] = self._shortest(arns, patterns)
        return self._named[key]

    def _shortest(self, arns: frozenset[str], patterns: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        shortest: tuple[tuple[str, ...], tuple[str, ...]] = (tuple(sorted(arns)), ())
        if len(arns) <= _FEW:
            return shortest
        *place, resource = arn_parts(next(iter(arns)))
        everything = (":".join((*place, f"{resource.partition('/')[0]}/*")),)
        for tried in (everything, patterns):
            covered = self._joined(map(self.covered, tried))
            besides = [
                *(covered - arns),
                *(each for each in self._besides if any(may_meet(each, one) for one in tried)),
            ]
            if arns <= covered and len(tried) + len(besides) < sum(map(len, shortest)):
                shortest = (tried, tuple(sorted(besides)))
        return shortest

    def _by(
        self, document: AwsReachDocument, action: int, words: Vocabulary, *, met: bool
    ) -> tuple[frozenset[str], frozenset[str]]:
        key = document.number, action, met
        if key not in self._decided:
            sums = document.possible.somewhere | document.denied.somewhere | document.hindered
            about = statements_on(document.statements, action, words) if sums & action else []
            granted = self._joined(self._on(each) for each in about if each.allow and (met or not each.conditional))
            refused = self._joined(self._on(each) for each in about if not each.allow and not each.conditional)
            self._decided[key] = granted, refused
        return self._decided[key]

    def _on(self, statement: Statement) -> frozenset[str]:
        """What a statement is about for certain, whatever its variables are."""
        if statement.not_resources:
            return self.all - self._joined(map(self.covered, statement.resources))
        return self._joined(self.covered(pattern) for pattern in statement.resources if not has_variable(pattern))

    def covered(self, pattern: str) -> frozenset[str]:
        """Those that a pattern covers; a variable may be anything."""
        if not has_wildcard(pattern):
            return self.all & {pattern}
        if pattern not in self._covered:
            found = frozenset(arn for arn in self.all if resource_matches(pattern, arn))
            self._covered[pattern] = self.all if len(found) == len(self.all) else found
        return self._covered[pattern]

    def _joined(self, sets: Iterable[frozenset[str]]) -> frozenset[str]:
        """Their union, without a copy where one of them is all of it."""
        some: list[frozenset[str]] = []
        for each in sets:
            if each is self.all:
                return each
            if each:
                some.append(each)
        return some[0] if len(some) == 1 else frozenset().union(*some)


def _allowing(documents: Sequence[AwsReachDocument], action: int, words: Vocabulary) -> Iterable[Statement]:
    for document in documents:
        if document.possible.somewhere & action:
            yield from (each for each in statements_on(document.statements, action, words) if each.allow)


def as_user(document: AwsReachDocument, name: str) -> AwsReachDocument:
    """A document as it applies to the user of that name: the policy variable of the name is known then."""
    if not any(_NAME.search(pattern) for each in document.statements for pattern in each.resources):
        return document
    statements = tuple(
        replace(each, resources=tuple(_NAME.sub(lambda _: name, pattern) for pattern in each.resources))
        for each in document.statements
    )
    return replace(document, statements=statements)
