"""An identity is alive under an entry that nobody has approved."""

from __future__ import annotations

from scanner.model import Assessment
from scanner.rules.base import Hit, IdentityRule, Yardstick, undeclared


def check(assessment: Assessment, by: Yardstick) -> Hit | None:
    """Fires on unregistered identities that a proposed entry matches."""
    verdict = assessment.registry
    if verdict.state != "unregistered" or verdict.proposed is None:
        return None
    return undeclared(assessment, by, entry=verdict.proposed, detail=verdict.evidence)


RULE = IdentityRule(
    id="runs_before_approval",
    severity="high",
    severity_note="critical for an admin; low within the grace that new identities have to be declared",
    title="It runs before its entry is approved",
    why="A proposed entry is a request. Until somebody approves it nobody is accountable, and whoever made the "
    "identity may have written the proposal, too.",
    remediation="Have the entry's owner confirm it, then approve it (status active, with who and when). Disable the "
    "identity until that is done.",
    evidence=("created_at", "grace_days", "provisional", "entry", "detail"),
    thresholds=("new_identity_grace",),
    silent_on=frozenset({"disabled"}),
    check=check,
)
