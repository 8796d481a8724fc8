"""Paths into the answers of AWS, which are hostile input: finding nothing is never an error (pure).

A path is an expression of JMESPath (https://jmespath.org), as in ``--query`` of the AWS command line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

_PLACE = re.compile(r"\{([^{}]+)\}")


def found(row: Any, path: str) -> Iterator[Any]:
    """All values at a path, with lists flattened and without None; the row itself if the path is empty."""
    yield from _flat(_search(row, path) if path else row)


def many(path: str) -> bool:
    """Whether a path can have several values, by its form."""
    return any(sign in path for sign in ("[", "*", "keys("))


def texts(row: Any, path: str) -> Iterator[str]:
    """The texts that the path leads to. Raises ValueError for a value of another type."""
    for each in found(row, path):
        match each:
            case "":
                continue
            case str():
                yield each
            case _:
                raise ValueError(f"{path} is not text")


def filled(template: str, row: Any, names: Mapping[str, str]) -> str:
    """A template filled from a row. Raises ValueError if a path has no value."""

    def fill(place: re.Match[str]) -> str:
        path = place[1]
        value = names.get(path) or next(texts(row, path), None)
        if value is None:
            raise ValueError(f"it has no {path}")
        return value

    return _PLACE.sub(fill, template)


def _search(row: Any, path: str) -> Any:
    from jmespath.exceptions import JMESPathTypeError

    try:
        return _compiled(path).search(row)
    except JMESPathTypeError:  # keys of what has none
        return None


@cache
def _compiled(path: str) -> Any:
    """The expression of a path; only declared paths exist."""
    import jmespath

    return jmespath.compile(path)


def _flat(thing: Any) -> Iterator[Any]:
    if isinstance(thing, list | tuple):
        for one in thing:
            yield from _flat(one)
    elif thing is not None:
        yield thing
