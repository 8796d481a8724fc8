"""Failures that only this connector tells apart; to everybody else they are SourceErrors."""

from __future__ import annotations

from scanner.errors import SourceError


class Malformed(SourceError):
    """One answer or one row is not what it should be: a gap of its own size."""


class Gone(SourceError):
    """What was listed a moment ago has expired or been deleted since: no gap."""
