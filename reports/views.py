"""What each view selects from a result.

A view picks the identities it is about, and keeps beside them what they refer to: their findings, the entries they are
matched to. Scan, summary, notices and coverage stay whole in every view, since no number can be trusted without the
gaps it was counted under.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from reports.base import View
from scanner.access.assignments import held_by
from scanner.model import Assessment, Assignment, ScanResult

Keeps: TypeAlias = Callable[[Assessment], bool]


def is_orphan(assessment: Assessment) -> bool:
    """The identity is orphaned, also if provisional or disabled."""
    return assessment.ownership.state == "orphaned"


def is_unregistered(assessment: Assessment) -> bool:
    """The identity is unregistered, also if provisional or disabled."""
    return assessment.registry.state == "unregistered"


class _Choice(Struct, frozen=True):
    """Which identities a view is about, and what it shows whether or not one of them refers to it."""

    keeps: Keeps
    every_secret: bool = False
    every_workload: bool = False
    every_assignment: bool = False
    every_entry: bool = False
    every_finding: bool = False


_CHOICES: Mapping[View, _Choice] = {
    "all": _Choice(
        lambda _: True,
        every_secret=True,
        every_workload=True,
        every_assignment=True,
        every_entry=True,
        every_finding=True,
    ),
    "orphans": _Choice(is_orphan),
    "unregistered": _Choice(is_unregistered),
    "findings": _Choice(lambda assessment: bool(assessment.findings), every_finding=True),
    "inventory": _Choice(lambda _: True, every_secret=True, every_workload=True, every_assignment=True),
    "registry": _Choice(lambda assessment: assessment.registry.entry is not None, every_entry=True),
    "credentials": _Choice(lambda assessment: bool(assessment.identity.credentials), every_secret=True),
    "coverage": _Choice(lambda _: False),
}


def select(result: ScanResult, view: View) -> ScanResult:
    """The result with its lists filtered to the view; order and everything else stay."""
    choice = _CHOICES[view]
    identities = tuple(filter(choice.keeps, result.identities))
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
        workloads=tuple(one for one in result.workloads if choice.every_workload or not runs.isdisjoint(one.runs_as)),
        assignments=_assignments(result, identities, choice),
        entries=tuple(judged for judged in result.entries if judged.entry.id in entries),
        findings=tuple(
            finding
            for finding in result.findings
            if choice.every_finding
            or finding.fingerprint in findings
            or (finding.is_on_entry and finding.entry in entries)
        ),
    )


def _assignments(result: ScanResult, identities: Sequence[Assessment], choice: _Choice) -> tuple[Assignment, ...]:
    """Those that a shown identity holds, as the scan joined them, or that a shown finding is about."""
    if choice.every_assignment or not result.assignments:
        return result.assignments
    held = held_by((one.identity for one in result.identities), result.assignments)
    shown = {right.key for one in identities for right in held.get(one.identity.key, ())}
    if choice.every_finding:
        shown.update(finding.assignment for finding in result.findings if finding.assignment is not None)
    return tuple(one for one in result.assignments if one.key in shown)
