"""Pace and retries of a connector: at full speed until the provider refuses for load, then at a stated rate."""

from __future__ import annotations

import math
import random
import threading
import time
from collections.abc import Callable
from itertools import count
from typing import Generic, TypeVar

from msgspec import Struct

from connectors.budget import pause
from scanner.errors import SourceError, Throttled, Unreachable

T = TypeVar("T")

PATIENCE = 120.0
"""Seconds that a ``Retry-After`` is obeyed; who asks for more ends the section, and is not asked again too early."""
LONGEST_BACKOFF = 60.0
"""Seconds between two tries at most, where the provider does not say."""
LAST_TRY_AFTER = 120.0
"""Seconds after which a request is tried for the last time, unless the provider says when to come back."""
SILENCES = 3
"""Requests in a row without an answer after which the host counts as gone, and is not called again."""


class RateLimit:
    """A token bucket without a limit until :meth:`slow_down`. Safe to share between threads.

    ``rate``: requests a second once it is closed; ``burst``: how many may go at once then. ``limited``: closed from
    the start. ``clock`` and ``sleep`` are in seconds.
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
        """Whether requests are held to the rate."""
        return self._limited

    def acquire(self) -> None:
        """Wait until one more request may go out."""
        with self._lock:
            wait = max(self._take() if self._limited else 0.0, self._held_until - self._clock())
        if wait > 0:
            self._sleep(wait)

    def slow_down(self) -> None:
        """Hold to the rate from now on, with an empty bucket: the provider refused for load."""
        with self._lock:
            if not self._limited:
                self._limited = True
                self._tokens = 0
                self._filled_at = self._clock()

    def hold(self, seconds: float) -> None:
        """Let nothing out for some seconds, as the provider demands."""
        self._held_until = self._clock() + seconds

    def _take(self) -> float:
        """Take a token, into debt if need be; the seconds until it is there."""
        now = self._clock()
        self._tokens = min(self._burst, self._tokens + (now - self._filled_at) * self._rate)
        self._filled_at = now
        self._tokens -= 1
        return max(0.0, -self._tokens / self._rate)


class Tried(Struct, Generic[T], frozen=True):
    """What one try brought. ``outcome``: what is given, or raised, if it was the last one.

    ``may_pass``: whether the same request may end otherwise later. ``for_load``: whether the provider asks for fewer
    requests. ``is_silence``: nothing answered at all. ``seconds``: how long the provider asks to wait, if it does.
    """

    outcome: T | SourceError
    may_pass: bool = False
    for_load: bool = False
    is_silence: bool = False
    seconds: float | None = None


class Retries:
    """Asks one host again while that may help. Safe to share between threads, and shared by all who ask the host.

    ``attempts``: tries for one request, the first included. ``backoff``: seconds before the second one, give or take
    half; doubled each time. ``failures``: tries, if fewer, where the provider fails, or is silent, without a word on
    when to come back. Once all tries of a request were in vain, each request is tried once until one is answered:
    else every request of an outage would wait for it anew.
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
        """What ``once`` brings in the end. ``name``: what is asked for. Raises SourceError."""
        begun = time.monotonic()
        is_outage = not self._in_vain.isdisjoint(("", name))
        for attempt in count(1):
            if self._silences >= SILENCES:
                raise Unreachable(f"{self._host} was not called: it stopped responding")
            if rate is not None:
                rate.acquire()
            tried = once()
            if tried.for_load and rate is not None:
                rate.slow_down()
            asks_too_much = tried.may_pass and tried.seconds is not None and tried.seconds > PATIENCE
            attempts = self._attempts if tried.for_load or tried.seconds else self._failures
            is_late = not tried.seconds and time.monotonic() - begun > LAST_TRY_AFTER
            is_last = is_outage or attempt >= attempts or is_late
            if tried.may_pass and not is_last and not asks_too_much:
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
        """Seconds between a try (from 1) and the next one, where the provider does not say."""
        return min(LONGEST_BACKOFF, self._backoff * 2.0 ** (attempt - 1) * self._random.uniform(0.5, 1.5))

    def _remember(self, name: str, last: Tried[T]) -> None:
        """Note whether the host answers, and whether all tries failed."""
        in_vain = last.is_silence or (last.may_pass and not last.for_load)
        with self._lock:
            self._silences = self._silences + 1 if last.is_silence else 0
            self._in_vain = self._in_vain | {"", name} if in_vain else self._in_vain - {"", name}
