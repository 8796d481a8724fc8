"""What each view selects from a result.

A view selects identities, and with them their findings and registry entries. Scan, summary, notices and coverage stay
complete in every view, because numbers depend on the gaps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from reports.base import View
from reports.exposed import leaking_identities
from reports.judged import is_orphan, is_unregistered
from scanner.access.assignments import held_by
from scanner.model import Assessment, Assignment, ScanResult

Keeps: TypeAlias = Callable[[Assessment], bool]


def is_agent(assessment: Assessment) -> bool:
    """Whether the identity is an AI agent. A single weak signal is not enough."""
    return assessment.agent.is_agent


class _Choice(Struct, frozen=True):
    """The selection of a view: its identities, and records that it always shows."""

    keeps: Keeps
    every_secret: bool = False
    every_workload: bool = False
    every_assignment: bool = False
    every_entry: bool = False
    every_finding: bool = False
    every_exposure: bool = False
    is_leaking: bool = False
    """Of the identities, only those with a leaked key."""


_CHOICES: Mapping[View, _Choice] = {
    "all": _Choice(
        lambda _: True,
        every_secret=True,
        every_workload=True,
        every_assignment=True,
        every_entry=True,
        every_finding=True,
        every_exposure=True,
    ),
    "orphans": _Choice(is_orphan),
    "unregistered": _Choice(is_unregistered),
    "agents": _Choice(is_agent),
    "findings": _Choice(lambda assessment: bool(assessment.findings), every_finding=True),
    "inventory": _Choice(
        lambda _: True, every_secret=True, every_workload=True, every_assignment=True, every_exposure=True
    ),
    "registry": _Choice(lambda assessment: assessment.registry.entry is not None, every_entry=True),
    "credentials": _Choice(lambda assessment: bool(assessment.identity.credentials), every_secret=True),
    "exposed": _Choice(lambda _: True, every_exposure=True, is_leaking=True),
    "coverage": _Choice(lambda _: False),
}


def identities_in(result: ScanResult, view: View) -> Iterator[Assessment]:
    """The identities of a view, in the result's order."""
    choice = _CHOICES[view]
    identities = filter(choice.keeps, result.identities)
    if not choice.is_leaking:
        return identities
    leaking = leaking_identities(result)
    return (one for one in identities if one.identity.key in leaking)


def select(result: ScanResult, view: View) -> ScanResult:
    """The result with its lists filtered to the view; order and everything else stay."""
    choice = _CHOICES[view]
    identities = tuple(identities_in(result, view))
    runs = {assessment.identity.key for assessment in identities}
    entries = {assessment.registry.entry for assessment in identities}
    findings = {fingerprint for assessment in identities for fingerprint in assessment.findings}
    if choice.every_finding:
        entries.update(finding.entry for finding in result.findings)
    if choice.every_entry:
        entries.update(judged.entry.id for judged in result.entries)
    entries.discard(None)
    return replace(
        result,
        identities=identities,
        secrets=result.secrets if choice.every_secret else (),
        workloads=tuple(
            workload for workload in result.workloads if choice.every_workload or not runs.isdisjoint(workload.runs_as)
        ),
        assignments=_assignments(result, identities, choice),
        exposures=tuple(one for one in result.exposures if choice.every_exposure or one.identity in runs),
        entries=tuple(judged for judged in result.entries if judged.entry.id in entries),
        findings=tuple(
            finding
            for finding in result.findings
            if choice.every_finding
            or finding.fingerprint in findings
            or (finding.is_on_entry and finding.entry in entries)
        ),
    )


def _assignments(result: ScanResult, identities: Sequence[Assessment], choice: _Choice) -> Sequence[Assignment]:
    """Assignments of shown identities and findings."""
    if choice.every_assignment or not result.assignments:
        return result.assignments
    held = held_by((assessment.identity for assessment in result.identities), result.assignments)
    shown = {right.key for assessment in identities for right in held.get(assessment.identity.key, ())}
    if choice.every_finding:
        shown.update(finding.assignment for finding in result.findings if finding.assignment is not None)
    return tuple(assignment for assignment in result.assignments if assignment.key in shown)
