"""The pace at which a provider is asked."""

from __future__ import annotations

from contextlib import suppress

import pytest

from connectors.core.rates import RateLimit, Retries, Tried
from scanner.errors import Denied, SourceError, Throttled, Unreachable


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


@pytest.mark.parametrize(("attempt", "least", "most"), [(1, 1, 3), (3, 4, 12), (30, 60, 60)])
def test_pauses_between_tries_double(attempt: int, least: float, most: float) -> None:
    """With jitter, up to a minute."""
    assert least <= Retries("host", attempts=4, backoff=2).pause_after(attempt) <= most


def test_a_refusal_that_may_not_pass_is_not_tried_again() -> None:
    """Neither now nor less often later: it was an answer."""
    retries, tries = Retries("host", attempts=4, backoff=0), []

    def once() -> Tried[str]:
        tries.append(1)
        return Tried(Denied("no"))

    for _ in range(2):
        with pytest.raises(Denied):
            retries.answer("/one", once, RateLimit(1))
    assert len(tries) == 2


@pytest.mark.parametrize(
    ("last", "tries"),
    [
        (Tried(Unreachable("down"), is_transient=True), [4, 1, 1, 1]),
        (Tried(Unreachable("gone"), is_transient=True, has_no_answer=True), [4, 1, 1, 0]),
        (Tried(Throttled("busy"), is_transient=True, is_throttled=True), [4, 4, 4, 4]),
        (Tried(Throttled("busy"), is_transient=True, is_throttled=True, seconds=121), [1, 1, 1, 1]),
    ],
)
def test_an_outage_is_waited_for_once(last: Tried[str], tries: list[int]) -> None:
    """Whatever is asked for; who refuses for load has answered."""
    retries, rate = Retries("host", attempts=4, backoff=0), RateLimit(1e6)
    made: list[int] = []

    def once() -> Tried[str]:
        made[-1] += 1
        return last

    for number in range(4):
        made.append(0)
        with pytest.raises(SourceError):
            retries.answer(f"/{number}", once, rate)
    assert made == tries


def test_silences_are_counted_from_the_last_answer() -> None:
    """A host that answered once is called no more often after it stopped than one that never did."""
    retries = Retries("host", attempts=1, backoff=0)
    gone: Tried[str] = Tried(Unreachable("gone"), has_no_answer=True)
    replies = [gone, gone, Tried("fine"), gone, gone, gone, gone]

    for _ in range(len(replies)):
        with suppress(Unreachable):
            retries.answer("/a", lambda: replies.pop(0))
    assert replies == [gone]


def test_an_answer_ends_an_outage() -> None:
    """Of the host; a path that alone fails is tried once until it is answered itself."""
    retries = Retries("host", attempts=3, backoff=0)
    fine = Tried("fine")
    down: Tried[str] = Tried(Unreachable("down"), is_transient=True)

    def tries_of(path: str, *replies: Tried[str]) -> int:
        left = list(replies)
        with suppress(Unreachable):
            retries.answer(path, lambda: left.pop(0), RateLimit(1))
        return len(replies) - len(left)

    asked = [tries_of("/a", down, down, down), tries_of("/b", fine), tries_of("/a", down, down),
             tries_of("/b", fine), tries_of("/b", down, fine), tries_of("/a", fine),
             tries_of("/a", down, fine)]  # fmt: skip

    assert asked == [3, 1, 1, 1, 2, 1, 2]


@pytest.mark.parametrize(
    ("last", "tries"),
    [
        (Tried(Unreachable("down"), is_transient=True), 2),
        (Tried(Unreachable("down"), is_transient=True, seconds=0.001), 6),
        (Tried(Throttled("busy"), is_transient=True, is_throttled=True), 6),
    ],
)
def test_a_failing_server_may_be_given_up_sooner_than_a_busy_one(last: Tried[str], tries: int) -> None:
    """Unless it says when to come back."""
    made = []

    def once() -> Tried[str]:
        made.append(1)
        return last

    with pytest.raises(SourceError):
        Retries("host", attempts=6, backoff=0, failures=2).answer("/a", once)
    assert len(made) == tries


def test_nothing_goes_out_while_the_provider_gives_nothing() -> None:
    """For as long as it says, whether or not there is a rate."""
    clock = Clock()
    limit = RateLimit(2, clock=clock, sleep=clock.sleep)
    limit.hold(7)
    limit.acquire()
    limit.acquire()

    assert clock.now == 7
