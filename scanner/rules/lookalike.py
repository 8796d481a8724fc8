"""An identity whose name only looks like a declared one."""

from __future__ import annotations

from scanner.model import Assessment
from scanner.rules.base import Hit, IdentityRule, Yardstick


def check(assessment: Assessment, _by: Yardstick) -> Hit | None:
    """Fires on identities that nothing exact registers and whose name a reader takes for a declared one."""
    found = assessment.registry.look_alike
    if found is None:
        return None
    return Hit(evidence={"entry": found.entry, "name": found.name, "detail": found.evidence})


RULE = IdentityRule(
    id="lookalike",
    severity="high",
    title="Its name looks like that of a declared identity",
    why="Letters of another alphabet, invisible characters, emoji, or a space at the end make another name that people "
    "take for the declared one. That is how an intruder hides in a list, and gets approved by mistake.",
    remediation="Compare the two identities by their ids, not by their names, and find out who made this one. Treat it "
    "as an incident unless its maker explains it; then rename it. Never approve it in a hurry.",
    evidence=("entry", "name", "detail"),
    silent_on=frozenset({"exempt"}),
    check=check,
)
