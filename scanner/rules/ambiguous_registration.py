"""Several registry entries claim the same identity."""

from __future__ import annotations

from scanner.model import Assessment
from scanner.rules.base import Hit, IdentityRule, Yardstick


def check(assessment: Assessment, _by: Yardstick) -> Hit | None:
    """Fires where the strongest rung hits several live entries that do not contradict each other over registries."""
    verdict = assessment.registry
    if verdict.state != "ambiguous" or verdict.contradictions:
        return None
    entries = sorted(candidate.entry for candidate in verdict.candidates)
    return Hit(evidence={"entries": entries} | ({"rung": verdict.rung} if verdict.rung else {}))


RULE = IdentityRule(
    id="ambiguous_registration",
    severity="medium",
    title="Several registry entries claim this identity",
    why="Two entries that match equally well mean that nobody can say which owner, purpose and limits hold. Each "
    "owner may believe that the other one looks after it.",
    remediation="Decide which of the entries stands for it and write its full id into that entry; narrow the pattern, "
    "provider or scope of the others.",
    evidence=("entries", "rung"),
    check=check,
)
