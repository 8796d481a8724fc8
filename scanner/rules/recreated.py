"""Who was registered has been deleted, and another one made under its name."""

from __future__ import annotations

from datetime import date

from scanner.model import Assessment, Entry, Recreation
from scanner.rules.base import Hit, IdentityRule, Yardstick


def check(assessment: Assessment, by: Yardstick) -> Hit | None:
    """Fires on a registered identity that was made anew, until its entry was confirmed since."""
    identity = assessment.identity
    recreation, found = by.recreations.get(identity.key), by.entry_of(assessment)
    if recreation is None or found is None or recreation.unique_id != identity.unique_id:
        return None
    if _is_confirmed(found.entry, recreation, by.today):
        return None
    return Hit(
        evidence={
            "unique_id": recreation.unique_id,
            "before": recreation.before,
            "recreated_on": recreation.recreated_on,
            "entry": found.entry.id,
        }
    )


def _is_confirmed(entry: Entry, recreation: Recreation, today: date) -> bool:
    """By a date that is not yet to come, or by the unique id that it has now."""
    dates = (entry.approved_on, entry.last_reviewed)
    return recreation.unique_id in entry.identities or any(
        day is not None and recreation.recreated_on <= day <= today for day in dates
    )


RULE = IdentityRule(
    id="recreated",
    severity="high",
    title="It was deleted and made anew under its old name",
    why="What was approved no longer exists. Somebody made another identity that answers to the same name, and with it "
    "took over the registration: its owner, its permissions and whoever trusts that name.",
    remediation="Find out who made it anew and why. If it is what the entry stands for, confirm that: set "
    "last_reviewed or approved_on to a day since, or name its unique id in the entry. Otherwise delete it.",
    evidence=("unique_id", "before", "recreated_on", "entry"),
    silent_on=frozenset({"provider_managed"}),
    check=check,
)
