"""An entry is declared active, and nothing of it exists."""

from __future__ import annotations

from scanner.model import EntryAssessment
from scanner.rules.base import EntryRule, Hit, Yardstick


def check(assessment: EntryAssessment, _by: Yardstick) -> Hit | None:
    """Fires only where the place in which it would be was read completely."""
    if assessment.state != "not_found":
        return None
    entry = assessment.entry
    return Hit(
        evidence={"declared_at": str(entry.origin), "identities": entry.identities}
        | ({"detail": assessment.evidence} if assessment.evidence else {})
    )


RULE = EntryRule(
    id="entry_not_found",
    severity="medium",
    title="A declared identity does not exist",
    why="It was deleted without telling the registry, or its id is misspelt and the real one runs undeclared. An entry "
    "that stands for nothing also waits for whoever creates something of that name.",
    remediation="Compare it with the unregistered identities: correct the id if it is there, else set the entry to "
    "retired.",
    evidence=("declared_at", "identities", "detail"),
    check=check,
)
