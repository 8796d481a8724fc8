"""The whole answer for one identity, or one of its credentials. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from scanner.lifecycle.retirement.dependents import DependentCall, References
from scanner.lifecycle.retirement.plans import plan_of
from scanner.lifecycle.retirement.verdict import Evidence, judge
from scanner.model.retirement import RETIRE_VERDICTS, Dependent, Plan, RetirementAnswer
from scanner.model.terms import PRIVILEGES

_OF_CREDENTIAL = frozenset({"stored_copy"})
"""Dependents of an identity that depend on each of its credentials, too."""


Shown: TypeAlias = Callable[[Sequence[Dependent]], Sequence[Dependent]]
"""Those of the dependents that whoever asks may see, and something in place of the others."""


class RetirementAsked(Struct, frozen=True, kw_only=True):
    """The question. ``heard``: callers, clients and networks of the window; ``logs``: the names of their logs."""

    evidence: Evidence
    heard: tuple[DependentCall, ...] = ()
    logs: str = ""
    wait_days: int = 30
    shown: Shown = tuple


def answer(asked: RetirementAsked, references: References) -> tuple[RetirementAnswer, Plan]:
    """The answer, and its plan as ``--start`` records it."""
    given = asked.evidence
    identity = given.judged.identity
    dependents = references.of(given.judged, asked.heard, asked.logs)
    if given.credential is not None:
        dependents = tuple(one for one in dependents if one.kind in _OF_CREDENTIAL)
    dependents = tuple(asked.shown(dependents))
    judged = judge(replace(given, dependents=dependents))
    plan = plan_of(identity, given.credential, asked.wait_days)
    window_to = given.now.date()
    return (
        RetirementAnswer(
            identity=identity.key,
            credential=None if given.credential is None else given.credential.key,
            name=identity.shown_name,
            provider=identity.provider,
            kind=identity.kind if given.credential is None else given.credential.kind,
            verdict=judged.verdict,
            window_days=given.window_days,
            window_from=window_to - timedelta(days=given.window_days),
            window_to=window_to,
            because=judged.because,
            dependents=dependents,
            coverage=judged.coverage,
            unread=judged.unread,
            to_know=judged.to_know,
            owner=given.judged.contact,
            privilege=given.judged.privilege.level,
            plan=plan.stages,
            terraform=plan.terraform,
        ),
        plan,
    )


def safest_first(one: RetirementAnswer) -> tuple[int, int, int, str]:
    """What sorts answers by safety, then by the risk that ends with the identity."""
    return RETIRE_VERDICTS.index(one.verdict), PRIVILEGES.index(one.privilege), len(one.dependents), one.identity
