"""Failures that connectors tell apart; to everybody else they are SourceErrors."""

from __future__ import annotations

from scanner.errors import SourceError


class Malformed(SourceError):
    """One answer or one row is not what it should be: a gap of its own size."""


class NotAsked(SourceError):
    """One of many that was left out, because those before it had failed."""
