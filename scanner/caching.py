"""A cache of a method's results that ends with its object."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from types import MethodType
from typing import Any, TypeVar, cast
from weakref import proxy

Method = TypeVar("Method", bound=Callable[..., Any])


def cached(method: Method, *, size: int | None) -> Method:
    """Cache the latest results of a bound method, without a reference to its object. ``size``: None for all results.

    With ``lru_cache`` alone, the object and its cache refer to each other, and stay in memory until garbage is
    collected: 260 MB of owners for a million identities.
    """
    assert isinstance(method, MethodType)
    return cast("Method", lru_cache(maxsize=size)(partial(method.__func__, proxy(method.__self__))))
