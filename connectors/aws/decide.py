"""Whether policies together allow one action: on one thing, or on anything at all (pure).

Explicit deny first; then the identity's own policies, and every limit besides. A limit is a set of documents that
together must allow it: a permissions boundary, or the service control policies of one level of the organisation.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

from connectors.aws.globs import has_variable, has_wildcard, may_meet, takes_in
from connectors.aws.policy import Answer, Statement, speaking_of
from connectors.aws.reach import Document
from connectors.aws.vocabulary import Vocabulary

Limit: TypeAlias = tuple[Document, ...]

ANSWERS: tuple[Answer, ...] = ("no", "maybe", "yes")
"""The worst first."""


def allows(
    documents: Sequence[Document],
    limits: Sequence[Limit],
    action: int,
    resource: str,
    words: Vocabulary,
    *,
    doubts: bool = True,
    met: bool = False,
) -> Answer:
    """Whether these policies, within these limits, allow an action (its bit) on an ARN.

    A deny under a condition makes it a "maybe"; without ``doubts`` it is passed over. An allowance under a condition
    is a "maybe", too, unless conditions are taken for ``met``.
    """
    answer: Answer = "yes"
    for group in (documents, *limits):
        answer = min(answer, _decide(group, action, resource, words, doubts=doubts, met=met), key=ANSWERS.index)
        if answer == "no":
            break
    return answer


def denied(documents: Iterable[Document], action: int, resource: str, words: Vocabulary) -> bool:
    """Whether a deny that has no condition covers an ARN."""
    return any(statement.covers(resource) == "yes" for statement in denials_of(documents, action, words))


def _decide(
    documents: Iterable[Document], action: int, resource: str, words: Vocabulary, *, doubts: bool, met: bool
) -> Answer:
    answer: Answer = "no"
    hindered = False
    for statement in _speaking(documents, action, words):
        covers = statement.covers(resource)
        if covers == "no":
            continue
        sure = covers == "yes" and (not statement.conditional or (met and statement.allow))
        if statement.allow:
            answer = "yes" if sure or answer == "yes" else "maybe"
        elif sure:
            return "no"
        else:
            hindered = doubts
    return "maybe" if hindered and answer == "yes" else answer


def allows_somewhere(
    documents: Sequence[Document], limits: Sequence[Limit], action: int, words: Vocabulary, *, certainly: bool
) -> bool:
    """Whether an action (its bit) is left on anything; ``certainly``: without a condition."""
    return any(True for _ in patterns_left(documents, limits, action, words, certainly=certainly))


def patterns_left(
    documents: Sequence[Document], limits: Sequence[Limit], action: int, words: Vocabulary, *, certainly: bool
) -> Iterator[str]:
    """The resource patterns on which an action (its bit) is allowed, but for those of which nothing is left."""
    denials = list(denials_of((*documents, *(each for limit in limits for each in limit)), action, words))
    narrow = [_allowances(limit, action, words, certainly) for limit in limits if not _everywhere(limit, action)]
    for allowance in _allowances(documents, action, words, certainly):
        for pattern in ("*",) if allowance.not_resources else allowance.resources:
            if (
                words.acting_on(pattern) & action
                and not any(_refuses(denial, pattern) for denial in denials)
                and all(any(_meets(statement, pattern) for statement in allowances) for allowances in narrow)
            ):
                yield pattern


def _everywhere(limit: Limit, action: int) -> bool:
    return any(document.certain.everything & action for document in limit)


def _allowances(documents: Iterable[Document], action: int, words: Vocabulary, certainly: bool) -> list[Statement]:
    return [
        statement
        for statement in _speaking(documents, action, words)
        if statement.allow and not (certainly and statement.conditional)
    ]


def denials_of(documents: Iterable[Document], action: int, words: Vocabulary) -> Iterator[Statement]:
    """The statements that refuse an action (its bit), whatever the circumstances."""
    for statement in _speaking(documents, action, words):
        if not statement.allow and not statement.conditional:
            yield statement


def _speaking(documents: Iterable[Document], action: int, words: Vocabulary) -> Iterator[Statement]:
    for document in documents:
        if (document.possible.somewhere | document.denied.somewhere | document.hindered) & action:
            yield from speaking_of(document.statements, action, words)


def _refuses(denial: Statement, pattern: str) -> bool:
    """Whether a deny covers all that an allowed pattern stands for."""
    if denial.not_resources:
        spared = denial.resources
        return not has_wildcard(pattern) and not any(map(has_variable, spared)) and denial.covers(pattern) == "yes"
    return any(takes_in(broad, pattern) for broad in denial.resources)


def _meets(statement: Statement, pattern: str) -> bool:
    """Whether an allowance of a limit leaves something of an allowed pattern."""
    if statement.not_resources:
        return not any(takes_in(spared, pattern) for spared in statement.resources)
    return any(may_meet(limit, pattern) for limit in statement.resources)
