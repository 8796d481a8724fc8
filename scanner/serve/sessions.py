"""Sessions of signed-in people, kept in memory: a restart ends them."""

from __future__ import annotations

import hmac
import secrets
import time
from collections import OrderedDict
from hashlib import sha256
from threading import Lock
from typing import Generic, TypeVar

from msgspec import Struct

T = TypeVar("T")

MOST_SESSIONS = 10_000


class Expiring(Generic[T]):
    """Values under random keys, until they expire; if there are too many, the oldest are dropped."""

    def __init__(self, seconds: float, most: int = MOST_SESSIONS) -> None:
        self._seconds = seconds
        self._most = most
        self._kept: OrderedDict[str, tuple[float, T]] = OrderedDict()
        self._lock = Lock()

    def add(self, value: T) -> str:
        """Keep a value; returns its key."""
        key = secrets.token_urlsafe(32)
        with self._lock:
            while self._kept and (len(self._kept) >= self._most or self._over(next(iter(self._kept.values()))[0])):
                self._kept.popitem(last=False)
            # Under a hash, so that the time of a look-up reveals nothing about a key.
            self._kept[_hashed(key)] = (time.monotonic(), value)
        return key

    def get(self, key: str) -> T | None:
        """The value, unless it expired."""
        found = self._kept.get(_hashed(key))
        return None if found is None or self._over(found[0]) else found[1]

    def pop(self, key: str) -> T | None:
        """Remove and return the value."""
        found = self._kept.pop(_hashed(key), None)
        return None if found is None or self._over(found[0]) else found[1]

    def _over(self, since: float) -> bool:
        return time.monotonic() - since > self._seconds


class Session(Struct, frozen=True):
    """A sign-in. ``claim``: the name of the person, looked up again at every request; None for the token."""

    claim: str | None


class Seal:
    """Tokens against forged requests: each is derived from the sign-in, so no other visit can use it."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def of(self, visit: str) -> str:
        """The token of a visit."""
        return hmac.new(self._key, visit.encode(), sha256).hexdigest()

    def fits(self, visit: str, token: str) -> bool:
        """Whether it is the token of that visit."""
        return same(self.of(visit), token)


def same(one: str, other: str) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(one.encode(), other.encode())


def _hashed(key: str) -> str:
    return sha256(key.encode()).hexdigest()
