"""Secrets: held by reference, resolved at the last moment, and scrubbed from whatever is written."""

from __future__ import annotations

import logging
import os
import re
from pathlib import Path

from msgspec import Struct

from scanner.errors import SourceError

MASK = "•••"
SHORTEST = 8
"""Characters of a part of a secret that is masked on its own."""
SHORTEST_WHOLE = 4
"""Characters of a whole secret that is masked: a shorter one would be found in every other line."""
_known: set[str] = set()

# What a secret goes by, whatever stands before it: DB_PASSWORD, AWS_SECRET_ACCESS_KEY.
_NAME = (
    r"passw(?:or)?d|passphrase|secret[ _-]?(?:access[ _-]?)?key|client[ _-]?secret|private[ _-]?key|api[ _-]?key"
    r"|(?:vault|access|refresh|session|auth)[ _-]?token"
)


def _named(name: str, bare: str) -> re.Pattern[str]:
    """A name and its value: in quotes (JSON, a repr, JSON inside JSON) up to the closing one, else what ``bare`` says.

    What a server sends may be made to cost time: no repeat here is followed by another of the same characters.
    """
    quoted = r"""(")(?:\\.|[^"\\])*|(')(?:\\.|[^'\\])*|(\\+["'])[^"'\\]*"""
    return re.compile(rf"""(?is)((?:{name})[\\"']*\s*[:=]+>?\s*(?:b(?=["']))?)(?:{quoted}|{bare})""")


_SHAPES = (
    # Userinfo in a URL, up to the last @ before the path.
    (re.compile(r"(?<=://)[^/\s:@]*:[^/\s]+(?=@)"), MASK),
    # Tokens of Vault and OpenBao.
    (re.compile(r"\b(?:hv[sbr]|s|b|r)\.[A-Za-z0-9_-]{20,}"), MASK),
    (_named("authorization", r"(?:[a-z][\w-]*[ \t]+)?\S+"), rf"\1\2\3\4{MASK}"),
    (_named(_NAME, r"\S+"), rf"\1\2\3\4{MASK}"),
    # The value of an Authorization on its own: what follows the scheme looks encoded, not like a word.
    (re.compile(r"\b((?i:basic|bearer)\s+)(?=[\w+/.~-]*(?:[a-z][A-Z]|\d|=))[\w+/.~-]{8,}=*"), rf"\1{MASK}"),
)


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


def redact(text: str) -> str:
    """The text without any secret that was resolved, nor anything that has the shape of one."""
    for secret in sorted(_known, key=len, reverse=True):
        text = text.replace(secret, MASK)
    for shape, mask in _SHAPES:
        text = shape.sub(mask, text)
    return text


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
