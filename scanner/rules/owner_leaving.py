"""Whoever answers for it is about to leave."""

from __future__ import annotations

from scanner.model import Assessment
from scanner.rules.base import Hit, IdentityRule, Yardstick, is_powerful


def check(assessment: Assessment, by: Yardstick) -> Hit | None:
    """Fires on owned identities of which no owner stays."""
    verdict = assessment.ownership
    if verdict.state != "owned" or not verdict.leaving:
        return None
    facts = {
        "owner": verdict.owner,
        "leaving": verdict.leaving,
        "last_day": verdict.last_day,
        "backup_owner": _declared_backups(assessment, by),
    }
    return Hit(
        evidence={name: fact for name, fact in facts.items() if fact},
        severity="high" if is_powerful(assessment) else None,
    )


def _declared_backups(assessment: Assessment, by: Yardstick) -> tuple[str, ...]:
    """As the entries that declare it name them, whether or not they are here."""
    declaring = (assessment.registry.entry or "", *assessment.registry.agreeing)
    entries = [by.entries[entry].entry for entry in declaring if entry in by.entries]
    return tuple(dict.fromkeys(backup for entry in entries for backup in entry.backup_owner))


RULE = IdentityRule(
    id="owner_leaving",
    severity="medium",
    severity_note="high where it is an admin or can make itself one",
    title="Whoever answers for this identity is about to leave",
    why="After their last day nobody answers for it, and what only they know about it is gone. Now they can still hand "
    "it over.",
    remediation="Have them hand it over before their last day to the backup owner or to the likeliest candidate: what "
    "it does, who uses it, where its credentials are. Write the new owner into the entry and rotate what the leaver "
    "could read.",
    evidence=("owner", "leaving", "last_day", "backup_owner"),
    check=check,
)
