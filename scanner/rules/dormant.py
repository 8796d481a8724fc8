"""An identity is alive and nobody uses it."""

from __future__ import annotations

from scanner.model import Assessment
from scanner.rules.base import Hit, IdentityRule, Yardstick, is_powerful


def check(assessment: Assessment, _by: Yardstick) -> Hit | None:
    """Fires on dormant and never used identities; the abandoned among them, whom nobody answers for, are told apart."""
    usage = assessment.usage
    if usage.state not in ("dormant", "never_used"):
        return None
    dates = {"created_at": assessment.identity.created_at, "last_used_at": usage.last_used_at}
    return Hit(
        evidence={
            "usage": usage.state,
            "detail": usage.evidence,
            "limit_days": usage.window_days,
            "abandoned": assessment.abandoned,
            **{name: moment for name, moment in dates.items() if moment is not None},
        },
        severity="high" if assessment.abandoned or is_powerful(assessment) else None,
    )


RULE = IdentityRule(
    id="dormant",
    severity="medium",
    severity_note="high where nobody answers for it either (abandoned), or it is an admin or can make itself one",
    title="Nobody uses this identity, and it is still there",
    why="It does no work and can only be misused. Nobody watches it, so misuse stays unnoticed; where nobody answers "
    "for it either, it is the first to switch off.",
    remediation="Ask the owner whether it is still needed; otherwise disable it, and delete it when nothing has broken "
    "after a month. Without an owner, disable first and see who asks.",
    evidence=("usage", "detail", "created_at", "last_used_at", "limit_days", "abandoned"),
    thresholds=("dormant_identity",),
    silent_on=frozenset({"disabled", "exempt"}),
    needs=frozenset({"use"}),
    check=check,
)
