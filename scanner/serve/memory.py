"""The memory of a server with many threads: what they freed goes back to the system."""

from __future__ import annotations

import ctypes

_ARENAS, _MOST = -8, 2
"""``M_ARENA_MAX`` of glibc's malloc.h. By default there are eight for each core, and each keeps what it once needed."""


def few_arenas() -> None:
    """Let threads share their memory, from now on. Does nothing where the C library is another than glibc."""
    _call("mallopt", _ARENAS, _MOST)


def give_back() -> None:
    """Give free pages back to the system, which takes some milliseconds."""
    _call("malloc_trim", 0)


def _call(name: str, *arguments: int) -> None:
    try:
        function = getattr(ctypes.CDLL(None), name)
    except (AttributeError, OSError):
        return
    function(*arguments)
