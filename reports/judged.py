"""Identities joined with their verdicts and findings, and the order of work lists."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from scanner.model import PRIVILEGES, SEVERITY_RANK, Assessment, Finding, Identity, ScanResult, Severity


class Judged(Struct, frozen=True, gc=False):
    """An identity, what was judged of it, and its findings, highest severity first."""

    identity: Identity
    verdicts: Assessment
    findings: Sequence[Finding] = ()

    @property
    def severity(self) -> Severity | None:
        """That of its most severe finding; None without any."""
        return self.findings[0].severity if self.findings else None


def judged_identities(result: ScanResult) -> Iterator[Judged]:
    """All identities, in the result's order."""
    findings = findings_by_fingerprint(result)
    return (joined_with_findings(verdicts, findings) for verdicts in result.identities)


def findings_by_fingerprint(result: ScanResult) -> dict[str, Finding]:
    """All findings by fingerprint."""
    return {finding.fingerprint: finding for finding in result.findings}


def joined_with_findings(verdicts: Assessment, findings: Mapping[str, Finding]) -> Judged:
    """One identity. Fingerprints without a finding are skipped."""
    return Judged(
        verdicts.identity, verdicts, [findings[finding] for finding in verdicts.findings if finding in findings]
    )


def most_urgent_first(identities: Iterable[Judged]) -> list[Judged]:
    """As a work list: by severity, then privilege, then unused identities, then key."""
    return sorted(identities, key=_urgency)


def _urgency(judged: Judged) -> tuple[int, int, bool, str]:
    severity = len(SEVERITY_RANK) if judged.severity is None else SEVERITY_RANK[judged.severity]
    verdicts = judged.verdicts
    return severity, PRIVILEGES.index(verdicts.privilege.level), not verdicts.abandoned, judged.identity.key
