"""Cached methods end with their object."""

from __future__ import annotations

import gc
from weakref import ref

from scanner.caching import cached


class Doubler:
    """Counts what it computes."""

    def __init__(self) -> None:
        self.computed = 0
        self.double = cached(self._double, size=2)

    def _double(self, number: int) -> int:
        self.computed += 1
        return 2 * number


def test_the_latest_results_are_kept() -> None:
    """Others are computed again."""
    doubler = Doubler()

    assert [doubler.double(number) for number in (1, 2, 1, 2, 3, 1)] == [2, 4, 2, 4, 6, 2]
    assert doubler.computed == 4


def test_the_object_is_freed_without_garbage_collection() -> None:
    """What it refers to can be a million names."""
    gc.disable()
    try:
        doubler = Doubler()
        doubler.double(1)
        alive = ref(doubler)
        del doubler

        assert alive() is None
    finally:
        gc.enable()
