"""Counts over the results of a scan."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import date

from scanner.model import SEVERITIES, Assessment, Entry, Finding, Policy, ScanResult, Summary, Upkeep
from scanner.model.counts import by_state
from scanner.model.declared import review_due


def summarise(result: ScanResult, known: Collection[str] | None = None) -> Summary:
    """Return the counts that reports show on their first page, but for the upkeep of entries.

    ``known``: the fingerprints of the previous scan's findings, to count those that are resolved.
    """
    assessments, findings = result.identities, result.findings
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
        abandoned=sum(assessment.abandoned for assessment in assessments),
        admins=sum(
            assessment.privilege.level == "admin" and assessment.identity.enabled is not False
            for assessment in assessments
        ),
        drifted=sum(bool(assessment.drift) for assessment in assessments),
        agents=sum(assessment.agent.is_agent for assessment in assessments),
        credentials=sum(len(assessment.identity.credentials) for assessment in assessments),
        secrets=len(result.secrets),
        workloads=len(result.workloads),
        assignments=len(result.assignments),
        findings={severity: severities[severity] for severity in SEVERITIES},
        new_findings=sum(finding.new for finding in findings),
        worsened=sum(finding.worsened for finding in findings),
        acknowledged=sum(finding.acknowledged is not None for finding in findings),
        reopened_findings=sum(finding.reopened for finding in findings),
        unexplained_findings=unexplained(assessments, findings),
        resolved_findings=0
        if known is None
        else len(known) - sum(finding.fingerprint in known for finding in findings),
        registry_entries=len(result.entries),
        not_found=sum(entry.state == "not_found" for entry in result.entries),
        gaps=sum(section.is_gap for section in result.coverage),
        not_rechecked=sum(not assessment.rechecked for assessment in assessments),
    )


def upkeep(entries: Iterable[Entry], policy: Policy, today: date) -> Upkeep:
    """Return the upkeep of entries that are not retired."""
    counted = [entry for entry in entries if entry.status != "retired"]
    due = (review_due(entry, policy.review, today) for entry in counted)
    return Upkeep(
        entries=len(counted),
        owner=sum(bool(entry.owner) for entry in counted),
        purpose=sum(entry.purpose is not None for entry in counted),
        review=sum(day is not None and day >= today for day in due),
        blast_radius=sum(entry.blast_radius is not None for entry in counted),
    )


def unexplained(assessments: Sequence[Assessment], findings: Sequence[Finding]) -> int | None:
    """The number of findings about a day's behaviour that no known change explains.

    None if there is no log of any identity. Acknowledged findings are not counted.
    """
    if all(assessment.activity is None for assessment in assessments):
        return None
    return sum(finding.evidence.get("explained") is False and finding.acknowledged is None for finding in findings)
