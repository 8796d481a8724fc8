"""One request for each of many names, several at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from connectors.budget import Pool
from scanner.errors import SourceError

T = TypeVar("T")


def several(ask: Callable[[str], T], names: Sequence[str], workers: int) -> Iterator[tuple[str, T | SourceError]]:
    """What is answered to each, in the order of the names; a failure is an answer."""

    def caught(name: str) -> T | SourceError:
        try:
            return ask(name)
        except SourceError as error:
            return error

    if names:
        with Pool(min(len(names), workers)) as pool:
            yield from zip(names, pool.map(caught, names), strict=True)
