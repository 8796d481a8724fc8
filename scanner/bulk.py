"""Phases in which a whole estate is made and held: Python's garbage collector shall look less often."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

SELDOM = 200_000
"""New containers between two looks of the collector; Python's usual 700 is made for small heaps."""


@contextmanager
def seldom_collected() -> Iterator[None]:
    """While it lasts, the collector looks seldom: up to a fifth of a large scan's time went into finding no garbage.

    It is not switched off, for what talks to providers over hours leaves cycles behind.
    """
    usual = gc.get_threshold()
    gc.set_threshold(SELDOM, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)
