"""An identity is other than its entry declares."""

from __future__ import annotations

from scanner.model import Assessment, DriftAspect
from scanner.rules.base import Hit, IdentityRule, Yardstick, is_powerful

# Credentials are findings of their own, one each.
_ASPECTS: tuple[DriftAspect, ...] = ("owner", "environment", "systems", "permissions")


def check(assessment: Assessment, _by: Yardstick) -> Hit | None:
    """Fires on any aspect but credentials."""
    drifted: dict[str, str] = {}
    for one in assessment.drift:
        if one.aspect in _ASPECTS:
            said = f"declared {one.declared}, found {one.found}"
            drifted[one.aspect] = f"{drifted[one.aspect]}; {said}" if one.aspect in drifted else said
    if not drifted:
        return None
    entry = {"entry": assessment.registry.entry} if assessment.registry.entry else {}
    return Hit(evidence=entry | drifted, severity="medium" if is_powerful(assessment) else None)


RULE = IdentityRule(
    id="drifted",
    severity="low",
    severity_note="medium where the identity is an admin or can make itself one",
    title="It is not what its entry declares",
    why="Somebody approved the identity as it is declared. What has changed since, nobody approved, and reviews go by "
    "what the entry says.",
    remediation="Ask the owner which is right: take back what was added, or have the change approved and correct the "
    "entry or the tag.",
    evidence=("entry", *_ASPECTS),
    silent_on=frozenset({"disabled"}),
    needs=frozenset({"tags", "permissions"}),
    check=check,
)
