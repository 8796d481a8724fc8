"""Dates as Microsoft's services write them, and as their documentation does."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

RESTORABLE = timedelta(days=30)
"""How long a deleted object can be had back. Source: https://learn.microsoft.com/graph/api/resources/directory"""
# The samples of Graph's reports have offsets of one digit: 2021-04-01T00:00:00-8:00.
_SHORT_OFFSET = re.compile(r"([+-])(\d:\d\d)\Z")


def moment(value: object) -> datetime | None:
    """A date in UTC; None for what is none, or has no offset."""
    try:
        told = (
            value if isinstance(value, datetime) else datetime.fromisoformat(_SHORT_OFFSET.sub(r"\g<1>0\2", str(value)))
        )
        return told.astimezone(UTC) if told.tzinfo else None
    except (ValueError, OverflowError):
        return None
