"""The next step: one sentence about a finding, true of the state of its identity. Every surface reads it here. Pure.

The sentences are in ``next_steps.toml``; whom to ask and where to look is in ``scanner.rules.whereabouts``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from msgspec import Struct

from scanner.catalog import read_table
from scanner.model import SEVERITY_RANK, Assessment, Finding, OrphanReason
from scanner.model.attributes import DEFAULT_ACCOUNT
from scanner.rules.whereabouts import ask, said, take_over
from scanner.rules.wording import day_facts, explained, facts_of, plain
from scanner.text import either, few, printable


class _State(Struct, frozen=True, forbid_unknown_fields=True):
    state: str
    sentence: str
    when_disabled: str | None = None
    rules: frozenset[str] = frozenset()
    but: frozenset[str] = frozenset()

    def concerns(self, rule: str) -> bool:
        """Return whether its sentence is for this rule."""
        return rule in self.rules if self.rules else rule not in self.but

    def said_of(self, assessment: Assessment) -> str:
        """Return the sentence."""
        is_disabled = assessment.identity.enabled is False
        return self.when_disabled if is_disabled and self.when_disabled is not None else self.sentence


class _NextStepTable(Struct, frozen=True, forbid_unknown_fields=True):
    first: tuple[str, ...]
    steps: Mapping[str, str]
    to_owner: Mapping[str, str]
    why: Mapping[OrphanReason, str]
    states: tuple[_State, ...]


_HOLDS: Mapping[str, Callable[[Assessment], bool]] = {
    "disabled": lambda one: one.identity.enabled is False,
    "retired": lambda one: one.registry.retired,
    "break_glass_unowned": lambda one: one.registry.break_glass and one.ownership.state == "orphaned",
    "break_glass": lambda one: one.registry.break_glass,
    "own_account_of_leaver": lambda one: one.is_own_account and one.nature.has_left,
    "own_account": lambda one: one.is_own_account,
    "default_account": lambda one: one.identity.attributes.get(DEFAULT_ACCOUNT) is True,
    "provisional": lambda one: one.registry.provisional,
    "abandoned": lambda one: one.abandoned,
    "likely_declared": lambda one: bool(one.registry.candidates) and one.registry.candidates[0].is_likely,
}
_TABLE = read_table("scanner.rules", "next_steps.toml", _NextStepTable)
STEPS = _TABLE.steps
"""The sentence of each rule, with the names of facts in braces."""
_TO_OWNER = {"ask": "Check", "asking": "check", "take_over": "Name who takes it over"}
"""Nobody is told to ask themselves."""
_RANK = {rule: rank for rank, rule in enumerate(_TABLE.first)}
_ONLY_WITH_IDENTITY = ("ask", "asking", "take_over", "end")
"""Without these, which need an identity, there is no sentence."""
_SENTENCE = re.compile(r".+?[.;](?=\s|$)", re.DOTALL)
_EXPLAINED = {
    "explained": "a known change explains it",
    "unexplained": "no known change explains it",
    "unknown": "whether a change explains it is unknown",
}
_LISTED = 2
LONGEST_EVIDENCE = 240
"""The most characters of a piece of evidence."""


def next_step(assessment: Assessment, findings: Sequence[Finding]) -> str:
    """Return the next step for an identity; empty if nothing is open. ``findings``: of this identity.

    It is about the finding of highest severity that is not acknowledged; among those of one severity, about what
    cannot wait.
    """
    standing = [finding for finding in findings if finding.acknowledged is None]
    if not standing:
        return ""
    return step_of(min(standing, key=_most_urgent_first), assessment, standing)


def _most_urgent_first(finding: Finding) -> tuple[int, int, str]:
    return SEVERITY_RANK[finding.severity], _RANK.get(finding.rule, len(_RANK)), finding.rule


def step_of_group(first: Finding, number: int, assessment: Assessment | None) -> str:
    """Return the next step about findings of one rule: that of the first, with its name if there are several.

    ``assessment``: of the first one's identity; None for a finding about none.
    """
    step = step_of(first, assessment)
    if number == 1 or assessment is None:
        return step
    return f"{said(assessment.identity.shown_name)}: {step[:1].lower()}{step[1:]}"


def step_of(
    finding: Finding, assessment: Assessment | None = None, findings: Sequence[Finding] = (), *, to_owner: bool = False
) -> str:
    """Return the next step about one finding. ``assessment``: of its identity; None for a finding about none.

    ``findings``: the others of the identity: an open trust is closed before anybody is asked. ``to_owner``: the owner
    reads it.
    """
    sentence = _sentence(finding, assessment)
    if to_owner and sentence == STEPS.get(finding.rule):
        sentence = _TABLE.to_owner.get(finding.rule, sentence)
    if sentence is None:
        return first_sentence(finding.remediation)
    facts = _NextStepFacts(finding, assessment, to_owner=to_owner)
    if assessment is None and any(name not in facts for name in _ONLY_WITH_IDENTITY if f"{{{name}}}" in sentence):
        return first_sentence(finding.remediation)
    step = _one_sentence(sentence.format_map(facts))
    trust = next((one for one in findings if one.rule == "open_trust" and one is not finding), None)
    if trust is None or not ("{ask" in sentence or "{take_over" in sentence):
        return step
    return f"Close its trust in {_trusts(trust)}, then {step[:1].lower()}{step[1:]}"


def _one_sentence(text: str) -> str:
    """Return the text as one printable sentence, whatever the facts hold."""
    return f"{printable(' '.join(text.split())).rstrip('.').replace('. ', '; ')}."


def instead(rule: str, assessment: Assessment) -> str | None:
    """Return what the state of an identity asks for in place of the step of a rule; None if that step is right."""
    state = _state(rule, assessment)
    if state is None:
        return None
    return _one_sentence(state.said_of(assessment).format_map(_NextStepFacts(None, assessment)))


def first_sentence(text: str) -> str:
    """Return the first step of a remediation."""
    found = _SENTENCE.match(text)
    return f"{found[0][:-1]}." if found else text


@cache
def _states_about(rule: str) -> tuple[tuple[_State, Callable[[Assessment], bool]], ...]:
    return tuple((one, _HOLDS[one.state]) for one in _TABLE.states if one.concerns(rule))


def _state(rule: str, assessment: Assessment) -> _State | None:
    """Return the first state that holds and has a sentence for this rule."""
    for state, holds in _states_about(rule):
        if holds(assessment):
            return state
    return None


def _sentence(finding: Finding, assessment: Assessment | None) -> str | None:
    """Return the sentence for this state; None for a rule without one."""
    own = STEPS.get(finding.rule)
    if assessment is None or own is None:
        return own
    state = _state(finding.rule, assessment)
    return own if state is None else state.said_of(assessment)


class _NextStepFacts(dict[str, str]):
    """The facts that a sentence names, each worked out when it is named: most sentences name two of thirty."""

    def __init__(self, finding: Finding | None, assessment: Assessment | None, to_owner: bool = False) -> None:
        super().__init__(_TO_OWNER if to_owner else {})
        self._finding, self._assessment = finding, assessment

    def __missing__(self, name: str) -> str:
        finding, assessment = self._finding, self._assessment
        fact = ""
        if finding is not None and name in _OF_FINDING:
            fact = _OF_FINDING[name](finding)
        if not fact and assessment is not None and name in _OF_IDENTITY:
            fact = _OF_IDENTITY[name](assessment)
        if not fact and finding is not None:
            fact = _evidence(finding, name)
        return fact or ("" if name == "consumers" else "(unknown)")


def _evidence(finding: Finding, name: str) -> str:
    """Return a piece of evidence as text; empty if there is none."""
    of_day = day_facts(finding).get(name) if "day" in finding.evidence else None
    return said(of_day) if of_day is not None else _listed(facts_of(finding).get(name))


def _why(assessment: Assessment) -> str:
    ownership = assessment.ownership
    if ownership.reason == "departed" and ownership.last_day is not None:
        return f"the declared owner leaves on {ownership.last_day}"
    return _TABLE.why.get(ownership.reason or "never_assigned", "it has none")


def _entry(assessment: Assessment) -> str:
    """Return the entry that declares it, else the likeliest."""
    registry = assessment.registry
    if registry.entry is not None:
        return said(registry.entry)
    return said(registry.candidates[0].entry) if registry.candidates else ""


def _likeness(assessment: Assessment) -> str:
    """Return why an entry is likely to declare it."""
    registry = assessment.registry
    is_candidate = registry.entry is None and bool(registry.candidates)
    return said(registry.candidates[0].evidence, LONGEST_EVIDENCE) if is_candidate else ""


def _because_of(assessment: Assessment) -> str:
    evidence = assessment.privilege.evidence
    return said(evidence[0], LONGEST_EVIDENCE) if evidence else "see its grants"


def _asking(assessment: Assessment) -> str:
    asking = ask(assessment)
    return f"{asking[:1].lower()}{asking[1:]}"


_OF_IDENTITY: Mapping[str, Callable[[Assessment], str]] = {
    "ask": ask,
    "asking": _asking,
    "take_over": take_over,
    "why": _why,
    "end": lambda one: "delete" if one.identity.enabled is False else "disable",
    "use": lambda one: said(one.usage.evidence),
    "gap": lambda one: said(one.registry.evidence or "the coverage names it"),
    "because": _because_of,
    "entry": _entry,
    "evidence": _likeness,
}


def _listed(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return few([said(plain(one)) for one in value], _LISTED)
    return said(plain(value))


def _joined(value: Any, between: str) -> str:
    return between.join(said(plain(one)) for one in value) if isinstance(value, (list, tuple)) else _listed(value)


def _because(evidence: Mapping[str, Any]) -> str:
    reasons = evidence.get("because")
    return said(plain(reasons[0]), LONGEST_EVIDENCE) if isinstance(reasons, (list, tuple)) and reasons else ""


def _credential(finding: Finding) -> str:
    kind, name = plain(finding.evidence.get("kind")), plain(finding.evidence.get("id"))
    if kind and name:
        return said(f"{kind.replace('_', ' ')} {name}")
    return said((finding.credential or "").rpartition("#")[2]) or "its credential"


def _trusts(finding: Finding) -> str:
    """Return whom an open trust lets in, without the evidence for it."""
    trusts = finding.evidence.get("trusts")
    if not isinstance(trusts, (list, tuple)) or not trusts:
        return "its principals"
    more = f" and {len(trusts) - 1:,} {either(len(trusts) - 1, 'other', 'others')}" if len(trusts) > 1 else ""
    return said(plain(trusts[0]).partition(" (restriction")[0]) + more


def _consumers(evidence: Mapping[str, Any]) -> str:
    named = _listed(evidence.get("consumers") or ())
    return f" ({named})" if named else ""


_OF_FINDING: Mapping[str, Callable[[Finding], str]] = {
    "actions": lambda one: _evidence(one, "actions") or ("its use" if "day" in one.evidence else ""),
    "because": lambda one: _because(one.evidence),
    "consumers": lambda one: _consumers(one.evidence),
    "created_at": lambda one: (_evidence(one, "created_at") or "an unknown day")[:10],
    "credential": _credential,
    "entries": lambda one: _joined(one.evidence.get("entries"), " or "),
    "entry": lambda one: said(plain(one.evidence.get("entry")) or one.entry or ""),
    "explained": lambda one: _EXPLAINED[explained(one) or "unknown"] if "day" in one.evidence else "",
    "last_used_at": lambda one: (_evidence(one, "last_used_at") or "an unknown day")[:10],
    "new": lambda one: _listed(one.evidence.get("new_owner")) or "the new owner",
    "reasons": lambda one: _evidence(one, "reasons") or ("what was new" if "day" in one.evidence else ""),
    "trusts": _trusts,
}
