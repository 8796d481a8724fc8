"""The keys of the server: what it hands out is signed, so that it is good after a restart and in other processes."""

from __future__ import annotations

import base64
import binascii
import errno
import hmac
import os
import secrets
import stat
from collections.abc import Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct

from scanner.errors import StoreError, UsageError
from scanner.redaction.redact import SecretRef, mask

T = TypeVar("T", bound=Struct)

KEY_FILE = "session.key"
"""Name of the key file in the folder of the index."""
SHORTEST_KEY = 32
"""Minimum characters of a key."""
_LONGEST_SIGNED = 8192


class Keys:
    """Signs with the first key, and accepts what any of them signed."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = [key.encode() for key in keys]

    def mac(self, purpose: str, text: str) -> str:
        """The signature of a text, by the first key; for another purpose it is another."""
        return _mac(self._keys[0], purpose, text.encode())

    def fits(self, purpose: str, text: str, signature: str) -> bool:
        """Whether it is the signature of that text, by any key."""
        return self._has(purpose, text.encode(), signature)

    def sign(self, purpose: str, record: Struct) -> str:
        """The record with its signature, for a cookie or an address. Anybody can read it, nobody else can make it."""
        body = msgspec.json.encode(record)
        return f"{base64.urlsafe_b64encode(body).decode().rstrip('=')}.{_mac(self._keys[0], purpose, body)}"

    def read(self, purpose: str, text: str, kind: type[T]) -> T | None:
        """The record of a signed text; None if this server did not sign it for that purpose."""
        written, dot, signature = text.rpartition(".")
        if not dot or len(text) > _LONGEST_SIGNED:
            return None
        try:
            body = base64.urlsafe_b64decode(written.encode() + b"=" * (-len(written) % 4))
            return msgspec.json.decode(body, type=kind) if self._has(purpose, body, signature) else None
        except (ValueError, binascii.Error, msgspec.DecodeError):  # one of another version, too
            return None

    def _has(self, purpose: str, body: bytes, signature: str) -> bool:
        given = signature.encode("utf-8", "surrogatepass")
        return any(hmac.compare_digest(_mac(key, purpose, body).encode(), given) for key in self._keys)


def _mac(key: bytes, purpose: str, body: bytes) -> str:
    return hmac.new(key, purpose.encode() + b"\0" + body, sha256).hexdigest()


def load_keys(given: SecretRef | None, folder: Path) -> Keys:
    """The keys of the config, a line each, or those of the key file in the folder, which is made if it is missing.

    Raises UsageError for a key that is too short, and StoreError for a file that cannot be made, that others can read,
    or that holds no keys.
    """
    lines = (given.resolve() if given is not None else _kept(folder / KEY_FILE)).split()
    if not lines or min(map(len, lines)) < SHORTEST_KEY:
        if given is None:
            raise StoreError(f"{folder / KEY_FILE} holds no keys", hint="delete it: all people sign in again")
        raise UsageError(
            f"[serve] session_key has a key with less than {SHORTEST_KEY} characters", hint="openssl rand -base64 32"
        )
    for line in lines:
        mask(line)
    return Keys(lines)


def _kept(path: Path) -> str:
    """The content of the key file, which is made with a new key if it is missing."""
    try:
        with suppress(FileNotFoundError):
            return _read(path)
        # Linked in place when it is whole: several processes that start at the same time all read the first one's.
        beside = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        try:
            with os.fdopen(handle, "w") as file:
                file.write(f"{secrets.token_urlsafe(48)}\n")
                file.flush()
                os.fsync(file.fileno())
            with suppress(FileExistsError):
                os.link(beside, path)
        finally:
            beside.unlink()
        return _read(path)
    except (OSError, UnicodeDecodeError) as error:
        raise StoreError(
            f"the key of sessions {path} cannot be read or made ({error})",
            hint="name another folder, [serve] index, or give [serve] session_key",
        ) from error


def _read(path: Path) -> str:
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)) as file:
        about = os.fstat(file.fileno())
        if not stat.S_ISREG(about.st_mode):
            raise OSError(errno.EINVAL, "it is no file")
        if about.st_mode & 0o077 or about.st_uid != os.geteuid():
            raise StoreError(
                f"{path} can be read or changed by other users, who could sign in as anybody",
                hint=f"delete it: all people sign in again; or chmod 600 {path}",
            )
        return file.read(1 << 16)
