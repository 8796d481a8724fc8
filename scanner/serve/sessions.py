"""Sessions of signed-in people: signed cookies, which end by time or by signing out, also after a restart."""

from __future__ import annotations

import hmac
import secrets
from collections import OrderedDict, deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from threading import Lock

from msgspec import Struct

from scanner.model.served import SignedOut
from scanner.serve.keys import Keys
from scanner.store.served import ServedRecords

_COOKIE = "session"
_EARLY = timedelta(minutes=2)
"""How much another process's clock may be ahead."""
_MOST_ONCE = 50_000


class Session(Struct, frozen=True):
    """A sign-in. ``claim``: the name of the person, looked up again at every request; None for the token.

    ``bound``: what a session by token depends on: it ends when the token of the config, or who acts with it, changes.
    """

    id: str
    claim: str | None
    at: datetime
    bound: str = ""


class Sessions:
    """Makes and reads sessions. What ended by signing out is in the store, which other processes read, too.

    :meth:`refresh` and :meth:`save` are called every few seconds.
    """

    def __init__(self, keys: Keys, hours: int, records: ServedRecords, clock: Callable[[], datetime]) -> None:
        self._keys, self._lasts, self._records, self._clock = keys, timedelta(hours=hours), records, clock
        self._elsewhere: frozenset[str] = frozenset()
        self._here: dict[str, datetime] = {}
        self._unsaved: deque[SignedOut] = deque()
        self._saving = Lock()

    def start(self, claim: str | None, bound: str = "") -> str:
        """The cookie of a new session."""
        return self._keys.sign(_COOKIE, Session(secrets.token_urlsafe(16), claim, self._clock(), bound))

    def get(self, cookie: str) -> Session | None:
        """The session of a cookie, unless it ended."""
        known = self._keys.read(_COOKIE, cookie, Session)
        if known is None or known.at.tzinfo is None or not -_EARLY <= self._clock() - known.at <= self._lasts:
            return None
        hashed = _hashed(known.id)
        return None if hashed in self._here or hashed in self._elsewhere else known

    def end(self, cookie: str, person: str | None) -> None:
        """End a session here at once; :meth:`save` tells the other processes."""
        if (known := self.get(cookie)) is not None:
            ended = SignedOut(session=_hashed(known.id), by=person or "token", at=self._clock())
            self._here[ended.session] = ended.at
            self._unsaved.append(ended)

    def save(self) -> None:
        """Store what ended here. Raises StoreError; then it is stored next time."""
        with self._saving:
            while self._unsaved:
                self._records.append(self._unsaved[0])
                self._unsaved.popleft()

    def refresh(self) -> None:
        """Read what ended elsewhere. Raises StoreError."""
        since = self._clock() - self._lasts
        self._elsewhere = self._records.signed_out(since)
        for session in [session for session, at in tuple(self._here.items()) if at < since]:
            del self._here[session]


class Once:
    """Texts that count once, within some seconds; of too many, the oldest are forgotten."""

    def __init__(self, seconds: float, most: int = _MOST_ONCE) -> None:
        self._lasts, self._most = timedelta(seconds=seconds), most
        self._used: OrderedDict[str, datetime] = OrderedDict()
        self._lock = Lock()

    def use(self, text: str) -> bool:
        """Whether it is the first time."""
        now = datetime.now(UTC)
        with self._lock:
            while self._used and (len(self._used) >= self._most or now - next(iter(self._used.values())) > self._lasts):
                self._used.popitem(last=False)
            is_first = text not in self._used
            self._used.setdefault(text, now)
        return is_first


class Seal:
    """Tokens against forged requests: each is derived from the sign-in, so no other visit can use it."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    def of(self, visit: str) -> str:
        """The token of a visit."""
        return self._keys.mac("request", visit)

    def fits(self, visit: str, token: str) -> bool:
        """Whether it is the token of that visit."""
        return self._keys.fits("request", visit, token)


def same(one: str, other: str) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(one.encode(), other.encode())


def _hashed(key: str) -> str:
    return sha256(key.encode()).hexdigest()
