"""Reckoning with the days that lists hold, 9999-12-31 among them."""

from __future__ import annotations

from datetime import date

from scanner.model import Entry


def later(day: date, days: int) -> date:
    """So many days later, or the last day there is."""
    return date.fromordinal(min(day.toordinal() + days, date.max.toordinal()))


def review_due(entry: Entry, days: int, today: date) -> date | None:
    """By when an entry is to be reviewed: its own next review, or so many days after the last; None without any date.

    Its approval counts as a review: somebody looked at it that day. A review that is yet to come is none, and whatever
    was put off for longer than the policy allows is due by the policy.
    """
    seen = max(
        (day for day in (entry.last_reviewed, entry.approved_on) if day is not None and day <= today), default=None
    )
    if seen is not None:
        by_policy = later(seen, days)
        return min(entry.next_review or by_policy, by_policy)
    put_off = entry.next_review is not None and entry.next_review > later(today, days)
    return None if put_off else entry.next_review
