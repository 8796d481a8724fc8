"""One request for each of many items, several at a time; when nothing succeeds any more, the rest is left alone."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from itertools import islice
from typing import TypeVar

from connectors.base import Gone
from connectors.budget import Pool
from connectors.errors import Malformed, NotAsked
from scanner.errors import SourceError

T = TypeVar("T")
R = TypeVar("R")

GIVE_UP_AFTER = 8
"""So many failures in a row, and no more is asked: each would cost retries, or a line in an audit log."""


def read_each(
    read: Callable[[T], R], items: Sequence[T], workers: int, *, alone: tuple[type[SourceError], ...] = ()
) -> Iterator[tuple[T, R | SourceError]]:
    """``read`` of every item, in the order of the items; failures are results, NotAsked for those left out.

    What has gone since, or is not understood, was answered nevertheless and is no failure in a row; nor are those of
    ``alone``, which say nothing of the other items.
    """
    failures = 0
    ahead = iter(items)
    waiting: deque[Future[R | SourceError]] = deque()
    with Pool(workers) as pool:
        for item in items:
            if failures < GIVE_UP_AFTER:
                waiting.extend(pool.submit(_caught, read, one) for one in islice(ahead, workers - len(waiting)))
            if not waiting:
                yield item, NotAsked(f"not asked, after {failures} failures in a row")
                continue
            result = waiting.popleft().result()
            failed = isinstance(result, SourceError) and not isinstance(result, (Gone, Malformed, *alone))
            failures = failures + 1 if failed else 0
            yield item, result


def _caught(read: Callable[[T], R], item: T) -> R | SourceError:
    try:
        return read(item)
    except SourceError as error:
        return error
