"""An entry is about to expire."""

from __future__ import annotations

from scanner.model import EntryAssessment
from scanner.rules.base import EntryRule, Hit, Yardstick


def check(assessment: EntryAssessment, by: Yardstick) -> Hit | None:
    """Fires on active entries from the warning on up to the last day itself."""
    entry = assessment.entry
    days = by.policy.expiry_warning
    if entry.status != "active" or entry.expires is None or not 0 <= (entry.expires - by.today).days <= days:
        return None
    return Hit(evidence={"expires": entry.expires, "limit_days": days, "identities": assessment.identities})


RULE = EntryRule(
    id="entry_expiring",
    severity="low",
    title="A registry entry is about to expire",
    why="After that day its identities count as retired, and what still runs on them is a finding of high severity.",
    remediation="Have the owner review it: set a new date with the reason, or plan the shutdown of its identities.",
    evidence=("expires", "limit_days", "identities"),
    thresholds=("expiry_warning",),
    check=check,
)
