"""Paths into the answers of AWS, which are taken for hostile: nothing found is nothing, never an error (pure).

``a.b`` goes into members; lists on the way are gone through. ``*``: every member; ``~``: what each is called.
``a[]``: the same as ``a``, and says that there are several. ``a[type=x]``: only those in the list whose member
``type`` is ``x``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

_STEP = re.compile(r"(?P<name>[^.\[\]]+)(?:\[(?:(?P<member>\w+)=(?P<value>[^\]]*))?\])?")
_PLACE = re.compile(r"\{([^{}]+)\}")


def found(row: Any, path: str) -> Iterator[Any]:
    """Everything that the path leads to, None left out; the row itself where the path is empty."""
    reached = iter((row,))
    for name, member, value in _steps(path):
        reached = _after(reached, name, member, value)
    for each in reached:
        yield from (one for one in _flat(each) if one is not None)


def many(path: str) -> bool:
    """Whether a path leads to several things by its form."""
    return any(sign in path for sign in "[*~")


def texts(row: Any, path: str) -> Iterator[str]:
    """The texts that the path leads to. Raises ValueError where something else stands there."""
    for each in found(row, path):
        match each:
            case "":
                continue
            case str():
                yield each
            case _:
                raise ValueError(f"{path} is no text")


def filled(template: str, row: Any, names: Mapping[str, str]) -> str:
    """A template with what its paths lead to. Raises ValueError where one leads nowhere."""

    def fill(place: re.Match[str]) -> str:
        path = place[1]
        value = names.get(path) or next(texts(row, path), None)
        if value is None:
            raise ValueError(f"it has no {path}")
        return value

    return _PLACE.sub(fill, template)


@cache
def _steps(path: str) -> tuple[tuple[str, str | None, str | None], ...]:
    """The steps of a path, of which there are only those that are declared."""
    return tuple((step["name"], step["member"], step["value"]) for step in _STEP.finditer(path))


def _after(reached: Iterator[Any], name: str, member: str | None, value: str | None) -> Iterator[Any]:
    """One step further."""

    def keeps(one: Any) -> bool:
        return member is None or _of(one, member) == value

    for each in reached:
        for one in _flat(each):
            if name == "*":
                yield from one.values() if isinstance(one, Mapping) else ()
            elif name == "~":
                yield from one if isinstance(one, Mapping) else ()
            else:
                yield from filter(keeps, _flat(_of(one, name)))


def _of(thing: Any, name: str) -> Any:
    return thing.get(name) if isinstance(thing, Mapping) else None


def _flat(thing: Any) -> Iterator[Any]:
    if isinstance(thing, list | tuple):
        for one in thing:
            yield from _flat(one)
    elif thing is not None:
        yield thing
