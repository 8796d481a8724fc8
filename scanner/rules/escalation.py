"""A non-human identity can make itself an admin."""

from __future__ import annotations

from scanner.model import Assessment
from scanner.rules.base import Hit, IdentityRule, Yardstick


def check(assessment: Assessment, _by: Yardstick) -> Hit | None:
    """Fires where a known method or a chain of assumed roles leads to administrative rights."""
    if assessment.privilege.level != "escalation":
        return None
    return Hit(evidence={"because": assessment.privilege.evidence})


RULE = IdentityRule(
    id="escalation",
    severity="high",
    title="A non-human identity can make itself an admin",
    why="Its permissions look limited, but a known method or a chain of roles it may assume leads to full "
    "administrative rights. It has to be guarded like an admin, and usually is not.",
    remediation="Break the first step of the path named in the evidence: narrow the permission to the resources it "
    "needs, or have whatever it leads to trust this identity no longer.",
    evidence=("because",),
    silent_on=frozenset({"disabled", "provider_managed", "human"}),
    needs=frozenset({"permissions"}),
    check=check,
)
