"""A scan in numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

from scanner.model import SEVERITIES, Assessment, Coverage, EntryAssessment, Finding, StoredSecret, Summary, Workload


def summarise(
    assessments: Sequence[Assessment],
    secrets: Sequence[StoredSecret],
    workloads: Sequence[Workload],
    entries: Sequence[EntryAssessment],
    findings: Sequence[Finding],
    coverage: Sequence[Coverage],
    known: Collection[str] | None = None,
) -> Summary:
    """Counts of everything that a report counts on its first page.

    ``known``: fingerprints of the last scan's findings, to tell how many are resolved.
    """
    registry = Counter(one.registry.state for one in assessments)
    ownership = Counter(one.ownership.state for one in assessments)
    usage = Counter(one.usage.state for one in assessments)
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
