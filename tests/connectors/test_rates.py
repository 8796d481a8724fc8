"""The pace at which a provider is asked."""

from __future__ import annotations

from connectors.rates import RateLimit


class Clock:
    """A clock that moves when one sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        """Pass the time."""
        self.now += seconds


def test_nothing_waits_before_the_provider_says_so() -> None:
    """Without a refusal there is no limit."""
    clock = Clock()
    limit = RateLimit(2, clock=clock, sleep=clock.sleep)
    for _ in range(1000):
        limit.acquire()

    assert (clock.now, limit.limited) == (0.0, False)


def test_a_refusal_brings_it_down_to_the_stated_rate() -> None:
    """From the first refusal on, so many a second and no burst; more refusals change nothing."""
    clock = Clock()
    limit = RateLimit(2, burst=10, clock=clock, sleep=clock.sleep)
    limit.slow_down()
    limit.slow_down()
    for _ in range(10):
        limit.acquire()

    assert clock.now == 5.0


def test_a_limit_from_the_start_allows_its_burst() -> None:
    """Saved-up requests go at once, then the rate holds; idle time saves up no more than the burst."""
    clock = Clock()
    limit = RateLimit(10, burst=5, limited=True, clock=clock, sleep=clock.sleep)
    clock.now = 100.0
    for _ in range(25):
        limit.acquire()

    assert clock.now == 102.0
