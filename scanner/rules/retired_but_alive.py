"""An identity outlived its entry."""

from __future__ import annotations

from scanner.model import Assessment
from scanner.rules.base import Hit, IdentityRule, Yardstick


def check(assessment: Assessment, by: Yardstick) -> Hit | None:
    """Fires where the only entry that matches is retired or expired."""
    found = by.entry_of(assessment)
    if found is None or found.state != "retired_but_alive":
        return None
    entry = found.entry
    return Hit(
        evidence={"entry": entry.id, "status": entry.status} | ({"expires": entry.expires} if entry.expires else {})
    )


RULE = IdentityRule(
    id="retired_but_alive",
    severity="high",
    title="It was retired, and it is still alive",
    why="Everybody believes it is gone, so nobody watches it. Its credentials still work.",
    remediation="Disable it now and delete it with its credentials. If something still depends on it, set the entry "
    "back to active with an owner and a date.",
    evidence=("entry", "status", "expires"),
    silent_on=frozenset({"disabled"}),
    check=check,
)
