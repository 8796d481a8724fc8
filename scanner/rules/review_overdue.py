"""The registration of an identity was to be reviewed, and was not."""

from __future__ import annotations

from scanner.dates import review_due
from scanner.model import Assessment
from scanner.rules.base import Hit, IdentityRule, Yardstick, is_powerful


def check(assessment: Assessment, by: Yardstick) -> Hit | None:
    """Fires past the entry's own next review, or past the policy's time since the last; silent without any date."""
    found = by.entry_of(assessment)
    if found is None:
        return None
    entry, powerful = found.entry, is_powerful(assessment)
    due = review_due(entry, by.policy.review_privileged if powerful else by.policy.review, by.today)
    if due is None or due >= by.today:
        return None
    dates = {"last_reviewed": entry.last_reviewed, "approved_on": entry.approved_on, "due": due}
    return Hit(
        evidence={"entry": entry.id} | {name: day for name, day in dates.items() if day is not None},
        severity="medium" if powerful else None,
    )


RULE = IdentityRule(
    id="review_overdue",
    severity="low",
    severity_note="medium where the identity is an admin or can make itself one",
    title="Its registration is overdue for review",
    why="Owners move on and purposes end without anybody telling the registry. A review is when somebody finds out.",
    remediation="Ask the owner whether it is still needed, still theirs and still allowed too much; write the day into "
    "last_reviewed.",
    evidence=("entry", "last_reviewed", "approved_on", "due"),
    thresholds=("review", "review_privileged"),
    check=check,
)
