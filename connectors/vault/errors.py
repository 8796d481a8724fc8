"""A failure that only this connector tells apart; to everybody else it is a SourceError."""

from __future__ import annotations

from scanner.errors import SourceError


class Malformed(SourceError):
    """One answer or one row is not what it should be: a gap of its own size."""
