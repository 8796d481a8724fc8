"""Only a backup owner is left."""

from __future__ import annotations

from scanner.model import Assessment
from scanner.rules.base import Hit, IdentityRule, Yardstick


def check(assessment: Assessment, _by: Yardstick) -> Hit | None:
    """Fires where an active backup owner alone keeps the identity owned."""
    verdict = assessment.ownership
    if verdict.state != "owned" or not verdict.backup_only:
        return None
    return Hit(evidence={"backup_owner": verdict.owner} | ({"detail": verdict.evidence} if verdict.evidence else {}))


RULE = IdentityRule(
    id="backup_owner_only",
    severity="low",
    title="Only the backup owner is left",
    why="The accountable owner is gone or was never named. When the backup leaves as well, nobody answers for it.",
    remediation="Ask the backup owner to take it over, or to name who does, and write the new owner into the entry.",
    evidence=("backup_owner", "detail"),
    check=check,
)
