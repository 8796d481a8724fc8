"""A non-human identity can do everything."""

from __future__ import annotations

from scanner.model import Assessment
from scanner.rules.base import Hit, IdentityRule, Yardstick, is_unanswered


def check(assessment: Assessment, _by: Yardstick) -> Hit | None:
    """Fires on admins; an account's root cannot be anything else and is left to ``root_access_key``."""
    if assessment.privilege.level != "admin" or assessment.identity.kind == "root":
        return None
    return Hit(
        evidence={"because": assessment.privilege.evidence},
        severity="critical" if is_unanswered(assessment) else None,
    )


RULE = IdentityRule(
    id="admin",
    severity="high",
    severity_note="critical where nobody declared it or nobody answers for it",
    title="A non-human identity has full administrative rights",
    why="Whoever gets hold of one of its credentials owns everything in its scope. Machines seldom need more than a "
    "handful of actions, so nearly all of this power is there for an attacker only.",
    remediation="List the actions it used in the last 90 days, grant those on the resources they touched, and take "
    "the administrative grant away. Where it must stay, use short-lived credentials and have its use alerted on.",
    evidence=("because",),
    silent_on=frozenset({"disabled", "provider_managed", "human"}),
    needs=frozenset({"permissions"}),
    check=check,
)
