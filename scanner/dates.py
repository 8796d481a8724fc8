"""Reckoning with the days that lists hold, 9999-12-31 among them."""

from __future__ import annotations

from datetime import date

from scanner.model import Entry


def later(day: date, days: int) -> date:
    """So many days later, or the last day there is."""
    return date.fromordinal(min(day.toordinal() + days, date.max.toordinal()))


def review_due(entry: Entry, days: int) -> date | None:
    """By when an entry is to be reviewed: its own next review, or so many days after the last; None without any date.

    Its approval counts as a review: somebody looked at it that day.
    """
    seen = max((day for day in (entry.last_reviewed, entry.approved_on) if day is not None), default=None)
    by_policy = None if seen is None else later(seen, days)
    return min((day for day in (entry.next_review, by_policy) if day is not None), default=None)
