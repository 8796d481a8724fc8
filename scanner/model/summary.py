"""A scan in numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import get_args

from scanner.model import (
    SEVERITIES,
    Assessment,
    Assignment,
    Coverage,
    EntryAssessment,
    Finding,
    OwnershipState,
    RegistryState,
    StoredSecret,
    Summary,
    UsageState,
    Workload,
)

_AXES: Mapping[str, tuple[str, ...]] = {
    "registry": get_args(RegistryState),
    "ownership": get_args(OwnershipState),
    "usage": get_args(UsageState),
}
"""The three axes with their states, in the order in which they are shown."""


def by_state(assessments: Sequence[Assessment]) -> dict[str, dict[str, int]]:
    """Identities by axis and state; states that nobody is in count 0."""
    counts = {axis: Counter(getattr(one, axis).state for one in assessments) for axis in _AXES}
    return {axis: {state: counts[axis][state] for state in states} for axis, states in _AXES.items()}


def summarise(
    assessments: Sequence[Assessment],
    secrets: Sequence[StoredSecret],
    workloads: Sequence[Workload],
    assignments: Sequence[Assignment],
    entries: Sequence[EntryAssessment],
    findings: Sequence[Finding],
    coverage: Sequence[Coverage],
    known: Collection[str] | None = None,
) -> Summary:
    """Counts of everything that a report counts on its first page.

    ``known``: fingerprints of the last scan's findings, to tell how many are resolved.
    """
    states = by_state(assessments)
    registry, ownership, usage = states["registry"], states["ownership"], states["usage"]
    severities = Counter(finding.severity for finding in findings)
    return Summary(
        identities=len(assessments),
        registered=registry["registered"],
        unregistered=registry["unregistered"],
        ambiguous=registry["ambiguous"],
        exempt=registry["exempt"],
        owned=ownership["owned"],
        orphaned=ownership["orphaned"],
        dormant=usage["dormant"],
        never_used=usage["never_used"],
        disabled=usage["disabled"],
        abandoned=sum(one.abandoned for one in assessments),
        admins=sum(one.privilege.level == "admin" and one.identity.enabled is not False for one in assessments),
        drifted=sum(bool(one.drift) for one in assessments),
        agents=sum(one.agent.is_agent for one in assessments),
        credentials=sum(len(one.identity.credentials) for one in assessments),
        secrets=len(secrets),
        workloads=len(workloads),
        assignments=len(assignments),
        findings={severity: severities[severity] for severity in SEVERITIES},
        new_findings=sum(finding.new for finding in findings),
        acknowledged=sum(finding.acknowledged is not None for finding in findings),
        reopened_findings=sum(finding.reopened for finding in findings),
        resolved_findings=0 if known is None else len(known) - sum(one.fingerprint in known for one in findings),
        registry_entries=len(entries),
        not_found=sum(one.state == "not_found" for one in entries),
        gaps=sum(one.is_gap for one in coverage),
        not_rechecked=sum(not one.rechecked for one in assessments),
    )
