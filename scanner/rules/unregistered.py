"""An identity that nobody declared."""

from __future__ import annotations

from typing import Any

from scanner.model import Assessment, Severity
from scanner.rules.base import Hit, IdentityRule, Yardstick


def check(assessment: Assessment, by: Yardstick) -> Hit | None:
    """Fires on unregistered identities; ``provisional`` ones say so in their evidence: a gap may hide their match."""
    verdict = assessment.registry
    if verdict.state != "unregistered":
        return None
    evidence: dict[str, Any] = {"provisional": verdict.provisional, "grace_days": by.policy.new_identity_grace}
    if assessment.identity.created_at is not None:
        evidence["created_at"] = assessment.identity.created_at
    if verdict.candidates:
        evidence["nearest_entry"] = verdict.candidates[0].entry
    return Hit(evidence=evidence, severity=_severity(assessment, by))


def _severity(assessment: Assessment, by: Yardstick) -> Severity | None:
    created_at = assessment.identity.created_at
    if created_at is not None and not by.past(created_at, by.policy.new_identity_grace):
        return "low"
    return "critical" if assessment.privilege.level == "admin" else None


RULE = IdentityRule(
    id="unregistered",
    severity="high",
    severity_note="critical for an admin; low within the grace that new identities have to be declared",
    title="Nobody has declared this identity",
    why="What is not in the registry has no owner, no purpose and no limits that anybody agreed to. It may be a "
    "forgotten experiment, a shadow integration, or an intruder's way back in.",
    remediation="Ask the best owner candidate what it is for. Declare it with an owner and a purpose, or disable it; "
    "if nobody knows it, treat it as an incident.",
    evidence=("provisional", "grace_days", "created_at", "nearest_entry"),
    controls=("owasp-nhi-2025:NHI1", "cis-controls-8.1:5.5", "nist-800-53r5:AC-2", "nist-800-53r5:CM-8"),
    thresholds=("new_identity_grace",),
    check=check,
)
