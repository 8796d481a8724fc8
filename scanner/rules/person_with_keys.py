"""One account serves a person and a machine."""

from __future__ import annotations

from scanner.model import Assessment
from scanner.rules.base import Hit, IdentityRule, Yardstick


def check(assessment: Assessment, _by: Yardstick) -> Hit | None:
    """Fires where signals of a human and of a machine stand side by side."""
    verdict = assessment.nature
    if verdict.verdict != "mixed":
        return None
    return Hit(evidence={"signals": sorted(f"{signal.says}: {signal.evidence}" for signal in verdict.signals)})


RULE = IdentityRule(
    id="person_with_keys",
    severity="medium",
    title="One account serves a person and a machine",
    why="What the machine does cannot be told from what the person does, the keys carry all of the person's rights, "
    "and when the person leaves, something breaks or the account stays.",
    remediation="Give the machine an identity of its own with the few rights it needs, move the keys' consumers to it, "
    "then delete the person's keys (or the service account's interactive login).",
    evidence=("signals",),
    silent_on=frozenset({"disabled", "provider_managed"}),
    needs=frozenset({"credentials", "use"}),
    check=check,
)
