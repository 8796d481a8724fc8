"""A right whose holder has been deleted."""

from __future__ import annotations

from scanner.model import POWERFUL, Assignment
from scanner.model.attributes import RESTORABLE_UNTIL
from scanner.rules.base import AssignmentRule, Hit, Yardstick


def check(assignment: Assignment, _by: Yardstick) -> Hit | None:
    """Fires only where the provider says that the holder is gone."""
    if assignment.gone is not True:
        return None
    facts = {
        "holder": assignment.holder,
        "kind": assignment.holder_kind,
        "name": assignment.holder_name,
        "grant": assignment.grant.name,
        "resource": assignment.grant.resource,
        "privilege": assignment.privilege.level,
        "since": assignment.created_at,
        "restorable_until": assignment.attributes.get(RESTORABLE_UNTIL),
    }
    return Hit(
        evidence={name: fact for name, fact in facts.items() if fact is not None},
        severity="high" if assignment.privilege.level in POWERFUL else None,
    )


RULE = AssignmentRule(
    id="orphaned_grant",
    severity="medium",
    severity_note="high where the right makes its holder an admin, or lets it make itself one",
    title="A deleted identity still holds a right",
    why="Whoever brings the identity back, or makes one that the provider takes for it, has the right at once, and it "
    "hides among those that mean something.",
    remediation="Delete the assignment. Where the holder can still be restored, find out first who deleted it and why.",
    evidence=("holder", "kind", "name", "grant", "resource", "privilege", "since", "restorable_until"),
    check=check,
)
