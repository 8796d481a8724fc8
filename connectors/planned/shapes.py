"""Parts of a document as the shape that they should have; another shape counts as empty."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from connectors.planned import UNKNOWN


def mapping(value: Any) -> dict[str, Any]:
    """The value if it is a mapping, else an empty one."""
    return value if isinstance(value, dict) else {}


def listed(value: Any) -> list[Any]:
    """The value if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def text(value: Any) -> str:
    """The value if it is a text, else an empty one."""
    return value if isinstance(value, str) else ""


def walk(value: Any, path: str, within: tuple[str, ...] = ()) -> Iterator[tuple[Any, tuple[str, ...]]]:
    """The values at a path, each with the path that leads to it. ``*`` goes through the items of a list."""
    if not path:
        if within:
            yield value, within
        return
    step, _, rest = path.partition(".")
    if value is UNKNOWN:
        yield UNKNOWN, within
    elif step == "*" and isinstance(value, list):
        for number, each in enumerate(value):
            yield from walk(each, rest, (*within, str(number)))
    elif isinstance(value, dict) and step in value:
        yield from walk(value[step], rest, (*within, step))
