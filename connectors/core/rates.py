"""Rate limits and retries of a connector: unlimited until the provider throttles, then at a given rate."""

from __future__ import annotations

import math
import random
import threading
import time
from collections.abc import Callable
from itertools import count
from typing import Generic, TypeVar

from msgspec import Struct

from connectors.core.budget import pause
from scanner.errors import SourceError, Throttled, Unreachable

T = TypeVar("T")

PATIENCE = 120.0
"""Maximum seconds of a ``Retry-After``; a longer one ends the section, and no request is sent before it."""
LONGEST_BACKOFF = 60.0
"""Maximum seconds between two attempts without ``Retry-After``."""
LAST_TRY_AFTER = 120.0
"""Seconds after which a request is tried for the last time, unless there is a ``Retry-After``."""
SILENCES = 3
"""Consecutive requests without an answer after which the host counts as unreachable, and gets no more requests."""


class RateLimit:
    """A token bucket without a limit until :meth:`slow_down`. Safe to share between threads.

    ``rate``: requests per second once limited; ``burst``: requests at once. ``limited``: from the start. ``clock`` and
    ``sleep`` are in seconds.
    """

    def __init__(
        self,
        rate: float,
        *,
        burst: float = 1,
        limited: bool = False,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = pause,
    ) -> None:
        self._rate = rate
        self._burst = burst
        self._limited = limited
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._tokens = burst
        self._filled_at = clock()
        self._held_until = -math.inf

    @property
    def limited(self) -> bool:
        """Whether the rate limit applies."""
        return self._limited

    def acquire(self) -> None:
        """Wait until one more request may be sent."""
        with self._lock:
            wait = max(self._take() if self._limited else 0.0, self._held_until - self._clock())
        if wait > 0:
            self._sleep(wait)

    def slow_down(self) -> None:
        """Apply the rate limit from now on, with an empty bucket, because the provider has throttled."""
        with self._lock:
            if not self._limited:
                self._limited = True
                self._tokens = 0
                self._filled_at = self._clock()

    def hold(self, seconds: float) -> None:
        """Send no request for some seconds, as the provider requires."""
        self._held_until = self._clock() + seconds

    def _take(self) -> float:
        """Take a token, possibly into debt; returns the seconds until it is available."""
        now = self._clock()
        self._tokens = min(self._burst, self._tokens + (now - self._filled_at) * self._rate)
        self._filled_at = now
        self._tokens -= 1
        return max(0.0, -self._tokens / self._rate)


class Tried(Struct, Generic[T], frozen=True):
    """The result of one attempt. ``outcome``: returned, or raised, if it was the last attempt.

    ``is_transient``: whether a later attempt may succeed. ``is_throttled``: whether the provider throttled.
    ``has_no_answer``: the host did not respond. ``seconds``: to wait, if the provider requires it.
    """

    outcome: T | SourceError
    is_transient: bool = False
    is_throttled: bool = False
    has_no_answer: bool = False
    seconds: float | None = None


class Retries:
    """Retries requests to one host. Safe to share between threads, and shared by all clients of the host.

    ``attempts``: for one request, including the first. ``backoff``: seconds before the second attempt, plus or minus
    half; doubled each time. ``failures``: fewer attempts if the provider fails, or does not answer, without
    ``Retry-After``. After all attempts of a request failed, each request is tried once until one is answered: otherwise
    every request would wait through an outage again.
    """

    def __init__(self, host: str, *, attempts: int, backoff: float, failures: int | None = None) -> None:
        self._attempts = attempts
        self._failures = attempts if failures is None else min(attempts, failures)
        self._host = host
        self._backoff = backoff
        self._random = random.SystemRandom()
        self._lock = threading.Lock()
        self._silences = 0
        self._in_vain: set[str] = set()

    def answer(self, name: str, once: Callable[[], Tried[T]], rate: RateLimit | None = None) -> T:
        """The final outcome of ``once``. ``name``: of the request. Raises SourceError."""
        begun = time.monotonic()
        is_outage = not self._in_vain.isdisjoint(("", name))
        for attempt in count(1):
            if self._silences >= SILENCES:
                raise Unreachable(f"{self._host} was not called: it stopped responding")
            if rate is not None:
                rate.acquire()
            tried = once()
            if tried.is_throttled and rate is not None:
                rate.slow_down()
            asks_too_much = tried.is_transient and tried.seconds is not None and tried.seconds > PATIENCE
            attempts = self._attempts if tried.is_throttled or tried.seconds else self._failures
            is_late = not tried.seconds and time.monotonic() - begun > LAST_TRY_AFTER
            is_last = is_outage or attempt >= attempts or is_late
            if tried.is_transient and not is_last and not asks_too_much:
                pause(tried.seconds or self.pause_after(attempt))
                continue
            self._remember(name, tried)
            if asks_too_much:
                text = f"the API asks to wait for {tried.seconds:.0f} seconds"
                raise Throttled(text, hint="scan again later")
            if isinstance(tried.outcome, SourceError):
                raise tried.outcome
            return tried.outcome
        raise AssertionError("the last try returns or raises")

    def pause_after(self, attempt: int) -> float:
        """Seconds between an attempt (from 1) and the next, without ``Retry-After``."""
        return min(LONGEST_BACKOFF, self._backoff * 2.0 ** (attempt - 1) * self._random.uniform(0.5, 1.5))

    def _remember(self, name: str, last: Tried[T]) -> None:
        """Record whether the host answers, and whether all attempts failed."""
        in_vain = last.has_no_answer or (last.is_transient and not last.is_throttled)
        with self._lock:
            self._silences = self._silences + 1 if last.has_no_answer else 0
            self._in_vain = self._in_vain | {"", name} if in_vain else self._in_vain - {"", name}
