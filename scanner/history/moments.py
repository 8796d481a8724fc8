"""Moments as the store keeps them, ISO 8601 in UTC, which sorts as text."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache


@lru_cache(maxsize=1_000)  # a moment stands in as many findings as its scan first had
def text_of(moment: datetime) -> str:
    """The moment, to be kept."""
    return moment.isoformat()


@lru_cache(maxsize=10_000)
def moment_of(text: str) -> datetime:
    """A kept moment; the same record for the same text."""
    return datetime.fromisoformat(text)
