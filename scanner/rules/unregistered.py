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
    created_at, grace_days = assessment.identity.created_at, by.policy.new_identity_grace
    in_grace = created_at is not None and not by.past(created_at, grace_days)
    evidence: dict[str, Any] = {
        "created_at": created_at,
        "grace_days": grace_days if in_grace else None,
        "provisional": True if verdict.provisional else None,
        "nearest_entry": next((one.entry for one in verdict.candidates if one.is_likely), None),
    }
    return Hit(
        evidence={name: fact for name, fact in evidence.items() if fact is not None},
        severity=_severity(assessment, in_grace=in_grace),
    )


def _severity(assessment: Assessment, *, in_grace: bool) -> Severity | None:
    if in_grace:
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
    evidence=("created_at", "grace_days", "provisional", "nearest_entry"),
    thresholds=("new_identity_grace",),
    check=check,
)
