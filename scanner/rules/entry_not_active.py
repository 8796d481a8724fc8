"""An identity is alive under an entry that does not allow it yet, or for the time being."""

from __future__ import annotations

from scanner.model import Assessment
from scanner.rules.base import Hit, IdentityRule, Yardstick


def check(assessment: Assessment, by: Yardstick) -> Hit | None:
    """Fires where the only entry that matches is proposed or suspended."""
    entry = by.entry_of(assessment)
    if entry is None or entry.state not in ("proposed", "suspended"):
        return None
    return Hit(evidence={"entry": entry.entry.id, "status": entry.state})


RULE = IdentityRule(
    id="entry_not_active",
    severity="medium",
    title="It is alive, but its entry is proposed or suspended",
    why="A proposed identity was not approved yet and a suspended one should be off; both can act all the same.",
    remediation="Approve the entry (status active, with who and when), or disable the identity until that is done.",
    evidence=("entry", "status"),
    silent_on=frozenset({"disabled"}),
    check=check,
)
