"""Counts that a report's first page shows beside the summary. The store keeps them with each scan."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby, islice
from operator import attrgetter
from typing import get_args

from msgspec import Struct

from scanner.model.judged import Assessment, Finding
from scanner.model.terms import OwnershipState, RegistryState, Severity, UsageState

AXES: Mapping[str, tuple[str, ...]] = {
    "registry": get_args(RegistryState),
    "ownership": get_args(OwnershipState),
    "usage": get_args(UsageState),
}
"""The three axes with their states, in display order."""

EXAMPLES = 3
"""Subjects that a group of findings names."""
FIRST = 25
"""Findings that a list begins with."""


class IdentityCounts(Struct, frozen=True, kw_only=True):
    """Counts of identities. ``states``: by axis and state, including 0.

    ``provisional``: unregistered ones whose state is provisional; ``contested``: others whose state is.
    """

    states: Mapping[str, Mapping[str, int]]
    provisional: int
    contested: int
    not_rechecked: int


def by_state(assessments: Sequence[Assessment]) -> dict[str, dict[str, int]]:
    """Return the number of identities by axis and state, including 0."""
    counts = {axis: Counter(map(attrgetter(f"{axis}.state"), assessments)) for axis in AXES}
    return {axis: {state: counts[axis][state] for state in states} for axis, states in AXES.items()}


def count_identities(assessments: Sequence[Assessment]) -> IdentityCounts:
    """Count identities."""
    provisional = Counter(one.registry.state for one in assessments if one.registry.provisional)
    return IdentityCounts(
        states=by_state(assessments),
        provisional=provisional["unregistered"],
        contested=provisional.total() - provisional["unregistered"],
        not_rechecked=len(assessments) - sum(map(attrgetter("rechecked"), assessments)),
    )


class Subjects(Struct, frozen=True, kw_only=True):
    """Some findings: how many, about how many subjects, and the fingerprint of the first about each first subject."""

    findings: int = 0
    subjects: int = 0
    examples: tuple[str, ...] = ()


_NONE = Subjects()


class FindingGroup(Struct, frozen=True, kw_only=True):
    """Findings of one severity and rule. ``first``: the fingerprint of the first.

    ``new``, ``worse``, and ``standing``: those that are neither new, nor worse, nor acknowledged.
    """

    severity: Severity
    rule: str
    first: str
    findings: int
    new: Subjects
    standing: Subjects
    worse: Subjects = _NONE


class FindingCounts(Struct, frozen=True, kw_only=True):
    """Counts of findings: groups in the order of the list, and the fingerprints of the first ones.

    ``first_new``: new or worse; ``first_others``: neither.
    """

    groups: tuple[FindingGroup, ...]
    first_new: tuple[str, ...]
    first_others: tuple[str, ...]


def count_findings(findings: Sequence[Finding]) -> FindingCounts:
    """Count findings, which are sorted by severity and rule."""
    return FindingCounts(
        groups=tuple(
            _group(severity, rule, list(group))
            for (severity, rule), group in groupby(findings, attrgetter("severity", "rule"))
        ),
        first_new=_first(FIRST, (one.fingerprint for one in findings if _is_news(one))),
        first_others=_first(FIRST, (one.fingerprint for one in findings if not _is_news(one))),
    )


def _is_news(finding: Finding) -> bool:
    return finding.new or finding.was is not None  # the property costs three times as much


def _group(severity: Severity, rule: str, group: Sequence[Finding]) -> FindingGroup:
    return FindingGroup(
        severity=severity,
        rule=rule,
        first=group[0].fingerprint,
        findings=len(group),
        new=_subjects([one for one in group if one.new]),
        standing=_subjects([one for one in group if not _is_news(one) and one.acknowledged is None]),
        worse=_subjects([one for one in group if one.worsened]),
    )


def _subjects(findings: Sequence[Finding]) -> Subjects:
    if not findings:
        return _NONE
    subjects = [one.identity or one.subject for one in findings]  # nearly all: the property costs three times as much
    first: dict[str | None, str] = {}
    for subject, finding in zip(subjects, findings, strict=True):
        if len(first) == EXAMPLES:
            break
        first.setdefault(subject, finding.fingerprint)
    return Subjects(findings=len(findings), subjects=len(set(subjects)), examples=tuple(first.values()))


def _first(most: int, fingerprints: Iterable[str]) -> tuple[str, ...]:
    return tuple(islice(fingerprints, most))
