"""Failures that only this connector tells apart; to everybody else they are SourceErrors."""

from __future__ import annotations

from scanner.errors import SourceError


class InvalidToken(SourceError):
    """The server does not know the token: no permission would help."""
