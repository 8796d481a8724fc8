"""How fast a connector asks: as fast as it can until the provider says no, then at a stated rate."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from connectors.budget import pause


class RateLimit:
    """A token bucket that is open until it is told to slow down. Safe to share between threads.

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

    @property
    def limited(self) -> bool:
        """Whether requests are held to the rate."""
        return self._limited

    def acquire(self) -> None:
        """Wait until one more request may go out."""
        with self._lock:
            wait = self._take() if self._limited else 0.0
        if wait > 0:
            self._sleep(wait)

    def slow_down(self) -> None:
        """The provider refused for load: hold to the rate from now on, beginning with an empty bucket."""
        with self._lock:
            if not self._limited:
                self._limited = True
                self._tokens = 0
                self._filled_at = self._clock()

    def _take(self) -> float:
        """Take a token, into debt if need be; the seconds until it is there."""
        now = self._clock()
        self._tokens = min(self._burst, self._tokens + (now - self._filled_at) * self._rate)
        self._filled_at = now
        self._tokens -= 1
        return max(0.0, -self._tokens / self._rate)
