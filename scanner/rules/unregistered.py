"""An identity that nobody declared."""

from __future__ import annotations

from scanner.model import Assessment
from scanner.rules.base import Hit, IdentityRule, Yardstick, undeclared


def check(assessment: Assessment, by: Yardstick) -> Hit | None:
    """Fires on unregistered identities that no entry proposes, either.

    ``provisional`` ones say so in their evidence: a gap may hide their match.
    """
    verdict = assessment.registry
    if verdict.state != "unregistered" or verdict.proposed is not None:
        return None
    imitates = verdict.look_alike is not None  # what it looks like is the last thing to take it for
    nearest = None if imitates else next((one.entry for one in verdict.candidates if one.is_likely), None)
    return undeclared(assessment, by, nearest_entry=nearest)


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
