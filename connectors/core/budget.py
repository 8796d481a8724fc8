"""Limits on time and bytes for each request, each section and the whole scope.

The engine opens a budget (:func:`spending`), a section takes a part of it, and every transport draws on the current
budget: before it sends, while it waits, and for each piece of an answer. An endless answer, one that arrives byte by
byte, one that unpacks to gigabytes and a listing without a last page therefore all end as a gap of their section, with
any SDK.
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
    """An answer, or all answers to a section or a scope together, exceeds the limit."""


class Limits(Struct, frozen=True, kw_only=True):
    """Maximum sizes in bytes after unpacking, and the seconds for one answer.

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
    """The time and bytes of one scope, or of one section. Safe to share between threads.

    ``ends``: on the monotonic clock. ``total``: maximum bytes; ``taken``: bytes so far.
    """

    def __init__(self, ends: float, total: int, limits: Limits, scope: Budget | None = None) -> None:
        self.limits = limits
        self.ends = ends
        self.total = total
        self.taken = 0
        self._scope = scope

    @property
    def whole(self) -> Budget:
        """The budget of a scope."""
        return self._scope or self

    def section(self) -> Budget:
        """The budget of one section."""
        scope, now = self.whole, time.monotonic()
        # Without an end there is no share of it.
        ends = scope.ends if math.isinf(scope.ends) else now + max(0.0, scope.ends - now) * self.limits.share
        return Budget(ends, self.limits.section_bytes, self.limits, scope)

    def left(self) -> float:
        """Seconds that are left; infinite without a deadline."""
        return self.ends - time.monotonic()

    def check(self) -> float:
        """Seconds that are left, above zero. Raises DeadlineExceeded once the time is over."""
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
        """The budget of one answer, from now on."""
        return Answer(self)

    def _late(self) -> DeadlineExceeded:
        late = self._scope is None or self._scope.left() <= 0
        of_what = "the scope" if late else f"one section ({self.limits.share:.0%} of what the scope had left)"
        return DeadlineExceeded(f"not done in the time for {of_what}", hint="raise [engine] scope_deadline")


class Answer:
    """The budget of one answer: its deadline and bytes."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._ends = time.monotonic() + budget.limits.answer_seconds
        self._size = 0

    def seconds(self) -> float:
        """Seconds to wait for more. Raises DeadlineExceeded if none are left."""
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
    """The budget outside a scope: each answer is limited, the total is not."""
    limits = Limits(section_bytes=2**62)
    return Budget(math.inf, 2**62, limits)


_current: ContextVar[Budget] = ContextVar("budget")


def current() -> Budget:
    """The current budget."""
    return _current.get(None) or _without_end()


def draw_on(budget: Budget) -> None:
    """Make this the current budget of the thread's context."""
    _current.set(budget)


@contextmanager
def spending(seconds: float, limits: Limits = LIMITS) -> Iterator[Budget]:
    """Within the context, every request of this thread draws on a budget of these seconds."""
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
