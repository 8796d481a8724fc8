"""Whether policies together allow an action, and the privilege that they give a principal (pure).

Explicit deny first; then the identity's own policies, and every limit besides. A limit is a set of documents that
together must allow it: a permissions boundary, or the service control policies of one level of the organisation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from msgspec import Struct

from connectors.aws.rights.patterns import has_variable, has_wildcard, may_meet, takes_in
from connectors.aws.rights.policy import Answer, Statement, statements_on
from connectors.aws.rights.reach import AwsReachDocument, Reach
from connectors.aws.rights.vocabulary import CHANGING, Family, Method, Vocabulary
from scanner.model import POTENTIAL, Privilege, PrivilegeLevel
from scanner.text import few

Limit: TypeAlias = tuple[AwsReachDocument, ...]

ANSWERS: tuple[Answer, ...] = ("no", "maybe", "yes")
"""The worst first."""


def allows(
    documents: Sequence[AwsReachDocument],
    limits: Sequence[Limit],
    action: int,
    resource: str,
    words: Vocabulary,
    *,
    weak_denies: bool = True,
    met: bool = False,
) -> Answer:
    """Whether these policies, within these limits, allow an action (its bit) on an ARN.

    A conditional deny makes it a "maybe"; without ``weak_denies`` it is ignored. An allowance under a condition
    is a "maybe", too, unless conditions are taken for ``met``.
    """
    answer: Answer = "yes"
    for group in (documents, *limits):
        answer = min(
            answer,
            _decide(group, action, resource, words, weak_denies=weak_denies, met=met),
            key=ANSWERS.index,
        )
        if answer == "no":
            break
    return answer


def denied(documents: Iterable[AwsReachDocument], action: int, resource: str, words: Vocabulary) -> bool:
    """Whether a deny that has no condition covers an ARN."""
    return any(statement.covers(resource) == "yes" for statement in denials_of(documents, action, words))


def _decide(
    documents: Iterable[AwsReachDocument],
    action: int,
    resource: str,
    words: Vocabulary,
    *,
    weak_denies: bool,
    met: bool,
) -> Answer:
    answer: Answer = "no"
    hindered = False
    for statement in _statements_on(documents, action, words):
        covers = statement.covers(resource)
        if covers == "no":
            continue
        sure = covers == "yes" and (not statement.conditional or (met and statement.allow))
        if statement.allow:
            answer = "yes" if sure or answer == "yes" else "maybe"
        elif sure:
            return "no"
        else:
            hindered = weak_denies
    return "maybe" if hindered and answer == "yes" else answer


def allows_somewhere(
    documents: Sequence[AwsReachDocument], limits: Sequence[Limit], action: int, words: Vocabulary, *, certainly: bool
) -> bool:
    """Whether an action (its bit) is left on anything; ``certainly``: without a condition."""
    return any(True for _ in patterns_left(documents, limits, action, words, certainly=certainly))


def patterns_left(
    documents: Sequence[AwsReachDocument], limits: Sequence[Limit], action: int, words: Vocabulary, *, certainly: bool
) -> Iterator[str]:
    """The resource patterns on which an action (its bit) is allowed, but for those of which nothing is left."""
    denials = list(denials_of((*documents, *(each for limit in limits for each in limit)), action, words))
    narrow = [
        _allowances(limit, action, words, certainly)
        for limit in limits
        if not any(document.certain.everything & action for document in limit)
    ]
    for allowance in _allowances(documents, action, words, certainly):
        for pattern in ("*",) if allowance.not_resources else allowance.resources:
            if (
                words.acting_on(pattern) & action
                and not any(refuses(denial, pattern) for denial in denials)
                and all(any(leaves(statement, pattern) for statement in allowances) for allowances in narrow)
            ):
                yield pattern


def _allowances(
    documents: Iterable[AwsReachDocument], action: int, words: Vocabulary, certainly: bool
) -> list[Statement]:
    return [
        statement
        for statement in _statements_on(documents, action, words)
        if statement.allow and not (certainly and statement.conditional)
    ]


def denials_of(documents: Iterable[AwsReachDocument], action: int, words: Vocabulary) -> Iterator[Statement]:
    """The statements that deny an action (its bit) unconditionally."""
    for statement in _statements_on(documents, action, words):
        if not statement.allow and not statement.conditional:
            yield statement


def _statements_on(documents: Iterable[AwsReachDocument], action: int, words: Vocabulary) -> Iterator[Statement]:
    for document in documents:
        if (document.possible.somewhere | document.denied.somewhere | document.hindered) & action:
            yield from statements_on(document.statements, action, words)


def refuses(denial: Statement, pattern: str) -> bool:
    """Whether a deny covers everything that an allowed pattern matches."""
    if denial.not_resources:
        spared = denial.resources
        return not has_wildcard(pattern) and not any(map(has_variable, spared)) and denial.covers(pattern) == "yes"
    return any(takes_in(broad, pattern) for broad in denial.resources)


def leaves(statement: Statement, pattern: str) -> bool:
    """Whether an allowance of a limit leaves something of an allowed pattern."""
    if statement.not_resources:
        return not any(takes_in(spared, pattern) for spared in statement.resources)
    return any(may_meet(limit, pattern) for limit in statement.resources)


# --- Privilege of a principal, from its policies alone (pure) ---
#
# The union of its own, attached and groups' policies, cut down by its boundary and by the service control policies of
# each level above the account, explicit deny first. A condition makes an allow a "maybe", which is at most ``high``;
# but the caller that passes a role chooses the service, so a condition on that only narrows. Session policies and
# resource policies are not read.
#
# What it can do to users and roles that were read, itself included, takes all of the account:
# :mod:`connectors.aws.rights.methods` and :mod:`connectors.aws.rights.targets`.

METHODS_NAMED = 3
"""Evidence names this many methods or actions of a sort, and counts the rest."""
UNDER_A_CONDITION = "under a condition"
HINDERED = "some of it is denied on some resources or under a condition"
ALL_OF_IAM = "every action of IAM on everything"
_CHANGING_OTHERS = "change the rights of others"

Sources: TypeAlias = Callable[[int], str]
"""A function from actions (bits) to the policies and statements that allow them, as text."""


class Effective(Struct, frozen=True, kw_only=True, gc=False):
    """The actions that a set of policies allows: ``granted`` before any deny, ``certain`` and ``possible`` after.

    ``hindered``: denied on some resources or under a condition.
    """

    granted: Reach = Reach()
    granted_if: Reach = Reach()
    certain: Reach = Reach()
    possible: Reach = Reach()
    hindered: int = 0


class Reason(Struct, frozen=True, kw_only=True, gc=False):
    """One line of evidence. ``names``: actions or methods, ``needed``: the bits of those that are shown.

    ``family``: that of methods on everything of a kind, of which only targets that were read make more.
    """

    what: str
    names: tuple[str, ...] = ()
    needed: int = 0
    condition: bool = False
    family: Family | None = None

    def render(self, sources: Sources, unread: Mapping[str, str]) -> str:
        """In words; ``unread``: what is missing of possible targets, by their kind."""
        what = f"{self.what}: {few(self.names, METHODS_NAMED)}" if self.names else self.what
        condition = f", {UNDER_A_CONDITION}" if self.condition else ""
        potential, lacking = ("", "") if self.family is None else (POTENTIAL, unread.get(self.family.target or "", ""))
        return f"{potential}{what}{condition}{f' ({lacking})' if lacking else ''}{sources(self.needed)}"


class Verdict(Struct, frozen=True, kw_only=True, gc=False):
    """What policies alone amount to: ``admin``, ``high`` or ``normal``, with reasons."""

    level: PrivilegeLevel
    reasons: tuple[Reason, ...] = ()
    hindered: bool = False

    def render(self, sources: Sources = lambda _: "", unread: Mapping[str, str] | None = None) -> Privilege:
        """As the model has it."""
        evidence = tuple(reason.render(sources, unread or {}) for reason in self.reasons)
        return Privilege(level=self.level, evidence=(*evidence, HINDERED) if self.hindered else evidence)


def combine(documents: Sequence[AwsReachDocument], limits: Sequence[Limit], words: Vocabulary) -> Effective:
    """The union of the documents, within each limit."""
    granted, granted_if, denied, hindered = _union(documents)
    for limit in limits:
        certain, possible, refused, partly = _union(limit)
        granted &= certain
        granted_if &= possible
        denied |= refused
        hindered |= partly
    return Effective(
        granted=granted,
        granted_if=granted_if,
        certain=_left(granted.without(denied), documents, limits, words, hindered, certainly=True),
        possible=_left(granted_if.without(denied), documents, limits, words, hindered, certainly=False),
        hindered=hindered,
    )


def _union(documents: Sequence[AwsReachDocument]) -> tuple[Reach, Reach, Reach, int]:
    certain = possible = denied = Reach()
    hindered = 0
    for document in documents:
        certain |= document.certain
        possible |= document.possible
        denied |= document.denied
        hindered |= document.hindered
    return certain, possible, denied, hindered


def _left(
    reach: Reach,
    documents: Sequence[AwsReachDocument],
    limits: Sequence[Limit],
    words: Vocabulary,
    hindered: int,
    *,
    certainly: bool,
) -> Reach:
    """The reach without actions of which nothing is left, where sums of bits alone cannot decide."""
    narrowed = hindered
    for limit in limits:
        narrowed |= ~_union(limit)[0].everything
    in_question = reach.somewhere & ~reach.everything & narrowed
    gone = 0
    while in_question:
        bit = in_question & -in_question
        in_question ^= bit
        if not allows_somewhere(documents, limits, bit, words, certainly=certainly):
            gone |= bit
    everywhere = Reach(everything=gone, wide=gone, somewhere=gone)
    return reach.without(everywhere) if gone else reach


def judge(
    documents: Sequence[AwsReachDocument], words: Vocabulary, limits: Sequence[Limit] = ()
) -> tuple[Verdict, Effective]:
    """The verdict on a principal with these policies, and what they amount to."""
    effective = combine(documents, limits, words)
    return _verdict(effective, words), effective


def _verdict(effective: Effective, words: Vocabulary) -> Verdict:
    certain, possible = effective.certain, effective.possible
    hindered = bool(effective.hindered & certain.somewhere)
    if is_admin(effective.granted, certain, words):
        reason = Reason(what=ALL_OF_IAM, needed=words.iam)
        return Verdict(level="admin", reasons=(reason,), hindered=hindered)
    if is_admin(effective.granted_if, possible, words):
        return Verdict(level="high", reasons=(Reason(what=ALL_OF_IAM, needed=words.iam, condition=True),))
    sure = {family.name: way for family, methods in words.methods if (way := _way(family, methods, certain))}
    maybe = {
        family.name: way
        for family, methods in words.methods
        if family.name not in sure and (way := _way(family, methods, possible, condition=True))
    }
    reasons = (
        *sure.values(),
        *maybe.values(),
        *_high(certain.wide, words, condition=False, besides=CHANGING.name in sure),
        *_high(possible.wide & ~certain.wide, words, condition=True, besides=CHANGING.name in maybe),
    )
    return (
        Verdict(level="high", reasons=reasons, hindered=hindered and bool(sure)) if reasons else Verdict(level="normal")
    )


def is_admin(granted: Reach, left: Reach, words: Vocabulary, most: Reach | None = None) -> bool:
    """All of IAM on everything. Denying it a read or two changes nothing; denying what is dangerous in IAM does.

    ``most``: what the organisation leaves to anyone; then all of that.
    """
    iam, dangerous = words.iam, words.dangerous_iam
    if most is not None:
        iam, dangerous = iam & most.everything, dangerous & most.everything
    return granted.everything & iam == iam and left.everything & dangerous == dangerous


def _way(family: Family, methods: Sequence[Method], reach: Reach, *, condition: bool = False) -> Reason | None:
    found = [method for method in methods if _is_possible(method, family, reach)]
    if not found:
        return None
    needed = 0
    for method in found[:METHODS_NAMED]:
        needed |= method.needed
    names = tuple(method.text for method in found)
    return Reason(what=f"can {family.name}", names=names, needed=needed, condition=condition, family=family)


def _is_possible(method: Method, family: Family, reach: Reach) -> bool:
    """Whether a method is allowed on everything of a kind."""
    if family.reach == "all":
        return method.needed & reach.wide == method.needed
    return method.needed & reach.somewhere == method.needed and bool(method.first & reach.wide)


def _high(actions: int, words: Vocabulary, *, condition: bool, besides: bool) -> list[Reason]:
    """``besides``: the evidence says already that it can change the rights of others."""
    return [
        Reason(
            what=f"can {consequence}",
            names=(names := words.names(allowed)),
            needed=words.bits(names[:METHODS_NAMED]),
            condition=condition,
        )
        for consequence, bits in words.high.items()
        if (allowed := bits & actions) and not (besides and consequence == _CHANGING_OTHERS)
    ]
