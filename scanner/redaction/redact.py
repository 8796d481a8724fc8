"""References to secrets, which are resolved when needed, and the redaction of resolved secrets from all output."""

from __future__ import annotations

import base64
import html
import json
import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, quote_plus, unquote_plus

from msgspec import Struct

from scanner.errors import SourceError
from scanner.redaction.shapes import MASK, within_bounds, without_secrets

SHORTEST = 8
"""The shortest part of a secret, in characters, that is masked."""
SHORTEST_WHOLE = 4
"""The shortest whole secret, in characters, that is masked: a shorter one occurs in too many lines."""
SHORTEST_IN_RECORDS = 16
"""The shortest secret, in characters, that is masked in records: a shorter one may be part of an ordinary name."""
_MOST_ENCODED = 4
"""How often an address may be percent-encoded: each proxy may do so once more."""
_URL_SAFE = str.maketrans("+/", "-_")
_OF_ADDRESS = "/:@?&=,;~"


class _Known:
    """Resolved secrets in all spellings, longest first. ``in_records``: those that are masked in records."""

    everywhere: tuple[str, ...] = ()
    in_records: tuple[str, ...] = ()

    def __init__(self) -> None:
        self._adding = threading.Lock()

    def add(self, secret: str) -> None:
        spellings = {*_spellings(secret), *(_in_base64(secret) if len(secret) >= SHORTEST else ())}
        with self._adding:
            if spellings.issubset(self.everywhere):
                return
            self.everywhere = tuple(sorted(spellings.union(self.everywhere), key=len, reverse=True))
            self.in_records = tuple(one for one in self.everywhere if len(one) >= SHORTEST_IN_RECORDS)


_known = _Known()


class _Gate:
    """Decides which references may be resolved, in all threads of this process. ``allows``: None for all."""

    allows: Callable[[SecretRef], bool] | None = None


_gate = _Gate()


class SecretRef(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A reference to a secret: ``{ env = "NAME" }`` or ``{ file = "PATH" }``."""

    env: str | None = None
    file: str | None = None

    def __post_init__(self) -> None:
        if (self.env is None) == (self.file is None):
            raise ValueError('give either { env = "NAME" } or { file = "PATH" }')

    def resolve(self) -> str:
        """Return the secret; from now on it is masked in all output. Raises SourceError if it is missing or empty.

        It is not looked up while :func:`resolving_only` forbids it.
        """
        if _gate.allows is not None and not _gate.allows(self):
            name = f"--allow-env {self.env}" if self.env is not None else f"--allow-file {self.file}"
            raise SourceError(f"{self} is not allowed to be read here", hint=f"allow it: {name}")
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


@contextmanager
def resolving_only(allows: Callable[[SecretRef], bool]) -> Iterator[None]:
    """Resolve only references that are allowed, in all threads of this process."""
    before, _gate.allows = _gate.allows, allows
    try:
        yield
    finally:
        _gate.allows = before


def mask(secret: str) -> None:
    """Mask the secret in all output from now on, unless it is shorter than SHORTEST characters."""
    if len(secret) >= SHORTEST:
        _known.add(secret)


def _spellings(secret: str) -> Iterator[str]:
    """Yield the secret as a program may quote it: as it is, and escaped for JSON, HTML and addresses."""
    in_json = json.dumps(secret)[1:-1]
    yield from (secret, in_json, in_json.replace("/", r"\/"), json.dumps(secret, ensure_ascii=False)[1:-1])
    yield from (repr(secret)[1:-1], html.escape(secret), html.escape(secret, quote=False))
    yield from (quote(secret), quote(secret, safe=""), quote_plus(secret))


def _in_base64(secret: str) -> Iterator[str]:
    """Yield what base64 makes of the secret wherever it begins, without the digits that it shares with other text."""
    for before in range(3):
        coded = base64.b64encode(b"\0" * before + secret.encode()).rstrip(b"=").decode()
        whole = coded[-(-before * 4 // 3) : len(coded) - ((before + len(secret.encode())) % 3 != 0)]
        yield whole
        yield whole.translate(_URL_SAFE)


def quotes_resolved(text: str) -> bool:
    """Return whether the text of a record contains a resolved secret."""
    return any(secret in text for secret in _known.in_records)


def without_resolved(text: str) -> str:
    """Return the text of a record with resolved secrets masked."""
    for secret in _known.in_records:
        text = text.replace(secret, MASK)
    return text


def redact(text: str) -> str:
    """Return the text with resolved secrets masked, and everything that looks like a secret; a very long one is cut."""
    for secret in _known.everywhere:
        text = text.replace(secret, MASK)
    return within_bounds(text, without_secrets)


def redact_address(address: str) -> str:
    """Return path and query of a web address, redacted: percent signs hide a secret from :func:`redact`.

    Still percent-encoded, so that no part of it reads as text of the log.
    """
    plain = address
    for _ in range(_MOST_ENCODED):
        plain, before = unquote_plus(plain), plain
        if plain == before:
            break
    masked = redact(plain)
    return address if masked == plain else quote(masked, safe=_OF_ADDRESS).replace(quote(MASK), MASK)


class RedactingFilter(logging.Filter):
    """Masks secrets in log records, tracebacks included."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite the record's text; always returns True, which keeps the record."""
        record.msg = redact(record.getMessage())
        record.args = None
        if record.exc_info:
            record.exc_text = redact(logging.Formatter().formatException(record.exc_info))
            record.exc_info = None
        return True
