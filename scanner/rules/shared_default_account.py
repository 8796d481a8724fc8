"""What names no account of its own runs as one that all share."""

from __future__ import annotations

from scanner.model import Assessment
from scanner.model.attributes import DEFAULT_ACCOUNT
from scanner.rules.base import Hit, IdentityRule, Yardstick, is_powerful

_MORE_THAN_NORMAL = frozenset({"admin", "escalation", "high"})
_NAMED = 10
"""So many of what runs as it are named."""


def check(assessment: Assessment, _by: Yardstick) -> Hit | None:
    """Fires on default accounts that something runs as, or that hold more than ordinary rights."""
    is_strong = assessment.privilege.level in _MORE_THAN_NORMAL
    if assessment.identity.attributes.get(DEFAULT_ACCOUNT) is not True or not (is_strong or assessment.consumers):
        return None
    facts = {
        "privilege": assessment.privilege.level,
        "because": assessment.privilege.evidence if is_strong else None,
        "run_as": len(assessment.consumers),
        "consumers": list(assessment.consumers[:_NAMED]),
    }
    return Hit(
        evidence={name: fact for name, fact in facts.items() if fact},
        severity="high" if is_powerful(assessment) else None,
    )


RULE = IdentityRule(
    id="shared_default_account",
    severity="medium",
    severity_note="high where it is an admin or can make itself one",
    title="A default account is in use",
    why="The provider made it for whatever names no account of its own, often with rights on the whole project. All "
    "that run as it share its rights, so that who breaks into one has what any of them needs, and the trail does not "
    "tell them apart.",
    remediation="Give each workload an account of its own with the few rights it needs; then take the default "
    "account's roles away and disable it.",
    evidence=("privilege", "because", "run_as", "consumers"),
    silent_on=frozenset({"disabled"}),
    needs=frozenset({"permissions"}),
    check=check,
)
