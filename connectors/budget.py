"""What reading a scope may cost: wall-clock time and bytes, for each request, each section and the whole scope.

The engine opens a budget (:func:`spending`), a section takes a part of it, and every transport draws on whichever is
current: before it sends, while it waits, and with each piece of an answer that it takes in. So an answer that never
ends, one that comes a byte at a time, one that unpacks into gigabytes and a listing without a last page all end in the
same way, as a gap of their section, through any SDK.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from functools import partial
from typing import ParamSpec, TypeVar

from msgspec import Struct

from scanner.errors import DeadlineExceeded, SourceError

P = ParamSpec("P")
T = TypeVar("T")

MEBIBYTE = 1024 * 1024


class AnswerTooLarge(SourceError):
    """An answer, or all answers to a section or a scope together, is larger than what is taken in."""


class Limits(Struct, frozen=True, kw_only=True):
    """The sizes that are taken in, in bytes and unpacked, and the seconds that one answer may take.

    ``share``: the part of the scope's remaining time that one section may use, so that a listing that never ends
    leaves time for the others.
    """

    answer_bytes: int = 256 * MEBIBYTE
    section_bytes: int = 4096 * MEBIBYTE
    scope_bytes: int = 16384 * MEBIBYTE
    answer_seconds: float = 300.0
    share: float = 0.75


LIMITS = Limits()


class Budget:
    """The time and the bytes of one scope, or of one section of it. Safe to share between threads.

    ``ends``: on the monotonic clock. ``total``: bytes, of which so many are ``taken``.
    """

    def __init__(self, ends: float, total: int, limits: Limits, scope: Budget | None = None) -> None:
        self.limits = limits
        self.ends = ends
        self.total = total
        self.taken = 0
        self._scope = scope

    @property
    def whole(self) -> Budget:
        """The scope's."""
        return self._scope or self

    def section(self) -> Budget:
        """A part for one section."""
        scope, now = self.whole, time.monotonic()
        # Without an end there is no share of it.
        ends = scope.ends if math.isinf(scope.ends) else now + max(0.0, scope.ends - now) * self.limits.share
        return Budget(ends, self.limits.section_bytes, self.limits, scope)

    def left(self) -> float:
        """Seconds that are left; infinite without a deadline."""
        return self.ends - time.monotonic()

    def check(self) -> float:
        """Seconds that are left, more than none. Raises DeadlineExceeded once the time is over."""
        left = self.left()
        if left <= 0:
            raise self._late()
        return left

    def pause(self, seconds: float) -> None:
        """Sleep for some seconds. Raises DeadlineExceeded at once if less time is left."""
        if seconds >= self.left():
            raise self._late()
        time.sleep(max(0.0, seconds))

    def take(self, size: int) -> None:
        """Count the bytes of an answer. Raises AnswerTooLarge if all answers together are too large."""
        for one, of_what in ((self, "section"), (self._scope, "scope")):
            if one is None:
                continue
            one.taken += size  # a count that a race leaves a little short is as good
            if one.taken > one.total:
                raise AnswerTooLarge(f"the responses to one {of_what} are larger than {_size(one.total)} together")

    def answer(self) -> Answer:
        """What one answer may cost, from now on."""
        return Answer(self)

    def _late(self) -> DeadlineExceeded:
        late = self._scope is None or self._scope.left() <= 0
        of_what = "the scope" if late else f"one section ({self.limits.share:.0%} of what the scope had left)"
        return DeadlineExceeded(f"not done in the time for {of_what}", hint="raise [engine] scope_deadline")


class Answer:
    """The reading of one answer: until when, and how much of it."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._ends = time.monotonic() + budget.limits.answer_seconds
        self._size = 0

    def seconds(self) -> float:
        """How long to wait for more. Raises DeadlineExceeded where that is no time at all."""
        of_budget = self._budget.check()  # once: it may be over at the next look
        left = self._ends - time.monotonic()
        if left <= 0:
            raise DeadlineExceeded(f"a response was incomplete after {self._budget.limits.answer_seconds:g} seconds")
        return min(left, of_budget)

    def take(self, size: int) -> None:
        """Count the bytes of a piece. Raises AnswerTooLarge."""
        self._size += size
        if self._size > self._budget.limits.answer_bytes:
            raise AnswerTooLarge(f"a response is larger than {_size(self._budget.limits.answer_bytes)}")


def _size(of: int) -> str:
    return f"{of // MEBIBYTE} MiB" if of >= MEBIBYTE else f"{of} bytes"


def _without_end() -> Budget:
    """Where no scope is read: each answer has its limits, all together have none."""
    limits = Limits(section_bytes=2**62)
    return Budget(math.inf, 2**62, limits)


_current: ContextVar[Budget] = ContextVar("budget")


def current() -> Budget:
    """The current budget."""
    return _current.get(None) or _without_end()


def draw_on(budget: Budget) -> None:
    """Make this budget the current one of this thread's context."""
    _current.set(budget)


@contextmanager
def spending(seconds: float, limits: Limits = LIMITS) -> Iterator[Budget]:
    """Inside, every request of this thread to a provider draws on a budget of these seconds."""
    before = current()
    budget = Budget(time.monotonic() + seconds, limits.scope_bytes, limits)
    draw_on(budget)
    try:
        yield budget
    finally:
        draw_on(before)


def pause(seconds: float) -> None:
    """Sleep for some seconds of the current budget; see ``Budget.pause``."""
    current().pause(seconds)


class Pool(ThreadPoolExecutor):
    """Threads whose tasks draw on the budget of the thread that submits them."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """See ``Executor.submit``."""
        return super().submit(partial(copy_context().run, fn), *args, **kwargs)
