"""Identities joined with their verdicts and findings, and the order of work lists."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice

from msgspec import Struct

from scanner.model import PRIVILEGES, SEVERITY_RANK, Assessment, Finding, Identity, ScanResult, Severity
from scanner.model.stored import StoredFindings, StoredIdentities, WorkList


class Judged(Struct, frozen=True, gc=False):
    """An identity with its verdicts and findings, highest severity first."""

    identity: Identity
    verdicts: Assessment
    findings: Sequence[Finding] = ()

    @property
    def severity(self) -> Severity | None:
        """The severity of its most severe finding; None without any."""
        return self.findings[0].severity if self.findings else None


_TOGETHER = 1_000
"""Identities whose findings are read from the store in one batch."""
_FINDINGS_TOGETHER = 100
"""Findings whose identities are: an identity takes more memory."""


def judged_identities(result: ScanResult) -> Iterator[Judged]:
    """All identities, in the result's order."""
    return _joined(result, result.identities)


def work_list(result: ScanResult, which: WorkList) -> Iterator[Judged]:
    """The identities of a work list, the most urgent first."""
    if isinstance(result.identities, StoredIdentities):
        return _joined(result, result.identities.most_urgent(which))
    return iter(most_urgent_first(_joined(result, filter(_ON_LIST[which], result.identities))))


def how_many(result: ScanResult, which: WorkList) -> int:
    """The length of a work list."""
    if which == "all":
        return len(result.identities)
    if not isinstance(result.identities, StoredIdentities):
        return sum(map(_ON_LIST[which], result.identities))
    states = result.identities.counts.states
    return states["ownership"]["orphaned"] if which == "orphans" else states["registry"]["unregistered"]


def is_orphan(assessment: Assessment) -> bool:
    """The identity is orphaned, also if provisional or disabled."""
    return assessment.ownership.state == "orphaned"


def is_unregistered(assessment: Assessment) -> bool:
    """The identity is unregistered, also if provisional or disabled."""
    return assessment.registry.state == "unregistered"


_ON_LIST: Mapping[WorkList, Callable[[Assessment], bool]] = {
    "all": lambda _: True,
    "orphans": is_orphan,
    "unregistered": is_unregistered,
}


def _joined(result: ScanResult, identities: Iterable[Assessment]) -> Iterator[Judged]:
    """With their findings. Of a stored scan, not all findings are read at once."""
    if not isinstance(result.findings, StoredFindings):
        findings = findings_by_fingerprint(result)
        return (joined_with_findings(verdicts, findings) for verdicts in identities)
    return _joined_in_batches(result.findings, iter(identities))


def _joined_in_batches(stored: StoredFindings, identities: Iterator[Assessment]) -> Iterator[Judged]:
    while batch := list(islice(identities, _TOGETHER)):
        findings = stored.named([fingerprint for verdicts in batch for fingerprint in verdicts.findings])
        yield from (joined_with_findings(verdicts, findings) for verdicts in batch)


def findings_by_fingerprint(result: ScanResult) -> dict[str, Finding]:
    """All findings by fingerprint."""
    return {finding.fingerprint: finding for finding in result.findings}


def joined_with_findings(verdicts: Assessment, findings: Mapping[str, Finding]) -> Judged:
    """One identity. Fingerprints without a finding are skipped."""
    return Judged(
        verdicts.identity, verdicts, [findings[finding] for finding in verdicts.findings if finding in findings]
    )


def with_identities(result: ScanResult, findings: Iterable[Finding]) -> Iterator[tuple[Finding, Assessment | None]]:
    """Findings of the result, each with its identity. Of a stored scan, not all identities are read at once."""
    if not isinstance(result.identities, StoredIdentities):
        known = {one.identity.key: one for one in result.identities}
        yield from ((finding, known.get(finding.identity or "")) for finding in findings)
        return
    remaining = iter(findings)
    while batch := list(islice(remaining, _FINDINGS_TOGETHER)):
        known = result.identities.named({finding.identity for finding in batch if finding.identity})
        yield from ((finding, known.get(finding.identity or "")) for finding in batch)


def most_urgent_first(identities: Iterable[Judged]) -> list[Judged]:
    """As a work list: by severity, then privilege, then unused identities, then key."""
    return sorted(identities, key=_urgency)


def _urgency(judged: Judged) -> tuple[int, int, bool, str]:
    verdicts, severity = judged.verdicts, judged.severity
    return (
        SEVERITY_RANK[severity] if severity else len(SEVERITY_RANK),
        PRIVILEGES.index(verdicts.privilege.level),
        not verdicts.abandoned,
        judged.identity.key,
    )
