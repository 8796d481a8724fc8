"""A declared identity has nobody who answers for it."""

from __future__ import annotations

from collections.abc import Mapping

from scanner.model import Assessment, OrphanReason, Severity
from scanner.rules.base import Hit, IdentityRule, Yardstick

# No line for `unregistered`: the rule of that name says it already.
_SEVERITY: Mapping[OrphanReason, Severity] = {
    "departed": "high",
    "group_empty": "high",
    "never_assigned": "medium",
    "unresolvable": "medium",
    "owner_is_machine": "medium",
    "ambiguous": "medium",
}


def check(assessment: Assessment, _by: Yardstick) -> Hit | None:
    """Fires on orphans by their reason."""
    verdict = assessment.ownership
    if verdict.state != "orphaned" or verdict.reason is None or verdict.reason not in _SEVERITY:
        return None
    facts = {"entry": assessment.registry.entry, "named_owner": verdict.owner, "detail": verdict.evidence}
    return Hit(
        evidence={"reason": verdict.reason} | {name: fact for name, fact in facts.items() if fact is not None},
        severity=_SEVERITY[verdict.reason],
    )


RULE = IdentityRule(
    id="orphaned",
    severity="medium",
    severity_note="high where the owner has left or the owning group is empty: somebody did answer for it, and may "
    "still know its secrets",
    title="Nobody answers for this identity",
    why="Without an active owner nobody rotates its credentials, notices misuse, or says when it may go. A leaver may "
    "keep working credentials.",
    remediation="Ask the best owner candidate to take it over and write them into the entry; rotate its credentials if "
    "the last owner has left. If nobody claims it, disable it.",
    evidence=("reason", "entry", "named_owner", "detail"),
    check=check,
)
