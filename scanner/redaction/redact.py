"""Secrets: held by reference, resolved at the last moment, and scrubbed from whatever is written."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from msgspec import Struct

from scanner.errors import SourceError
from scanner.redaction.shapes import MASK, without_secrets

SHORTEST = 8
"""Characters of a part of a secret that is masked on its own."""
SHORTEST_WHOLE = 4
"""Characters of a whole secret that is masked: a shorter one would be found in every other line."""
SHORTEST_IN_RECORDS = 16
"""Characters of a secret that is masked in records: a shorter one may be a part of any name."""
_known: set[str] = set()


class SecretRef(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a secret is to be found: ``{ env = "NAME" }`` or ``{ file = "PATH" }``; never the secret itself."""

    env: str | None = None
    file: str | None = None

    def __post_init__(self) -> None:
        if (self.env is None) == (self.file is None):
            raise ValueError('give either { env = "NAME" } or { file = "PATH" }')

    def resolve(self) -> str:
        """The secret; whatever is written masks it, if it is long enough. Raises SourceError without one."""
        value = os.environ.get(self.env, "").strip() if self.env is not None else self._read()
        if not value:
            raise SourceError(f"{self} is not set or empty", hint=f"set {self}")
        if len(value) >= SHORTEST_WHOLE:
            _known.add(value)
        return value

    def _read(self) -> str:
        try:
            return Path(self.file or "").expanduser().read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SourceError(f"{self} cannot be read: {type(error).__name__}") from error

    def __str__(self) -> str:
        return f"environment variable {self.env}" if self.env is not None else f"file {self.file}"


def mask(secret: str) -> None:
    """Mask it in whatever is written from now on; not what is so short that it would be found everywhere."""
    if len(secret) >= SHORTEST:
        _known.add(secret)


def quotes_resolved(text: str) -> bool:
    """Whether a secret that was resolved stands in the text of a record."""
    return any(secret in text and len(secret) >= SHORTEST_IN_RECORDS for secret in _known)


def without_resolved(text: str) -> str:
    """The text of a record without any secret that was resolved."""
    for secret in sorted(_known, key=len, reverse=True):
        if len(secret) >= SHORTEST_IN_RECORDS:
            text = text.replace(secret, MASK)
    return text


def redact(text: str) -> str:
    """The text without any secret that was resolved, nor anything that has the shape of one."""
    for secret in sorted(_known, key=len, reverse=True):
        text = text.replace(secret, MASK)
    return without_secrets(text)


class RedactingFilter(logging.Filter):
    """Masks secrets in log records, tracebacks included."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Always keeps the record; rewrites its text."""
        record.msg = redact(record.getMessage())
        record.args = None
        if record.exc_info:
            record.exc_text = redact(logging.Formatter().formatException(record.exc_info))
            record.exc_info = None
        return True
