"""An identity is alive under an entry that does not allow it for the time being."""

from __future__ import annotations

from scanner.model import Assessment
from scanner.rules.base import Hit, IdentityRule, Yardstick


def check(assessment: Assessment, by: Yardstick) -> Hit | None:
    """Fires where the only entry that matches is suspended."""
    entry = by.entry_of(assessment)
    if entry is None or entry.state != "suspended":
        return None
    return Hit(evidence={"entry": entry.entry.id, "status": entry.state})


RULE = IdentityRule(
    id="entry_not_active",
    severity="medium",
    title="It is alive, but its entry is suspended",
    why="A suspended identity should be off. This one can act all the same.",
    remediation="Disable the identity, or set its entry back to active with who approved that and when.",
    evidence=("entry", "status"),
    silent_on=frozenset({"disabled"}),
    check=check,
)
