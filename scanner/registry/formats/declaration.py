"""What every reader of a foreign format takes and gives: documents in, rows under the columns of our own lists out.

Documents come from anywhere, so everything is looked up with care: what is absent or of another type is None.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from msgspec import Struct

_MEANT = re.compile(r"([\\;*])")


class Document(Struct, frozen=True, kw_only=True):
    """One object of a file: a YAML document, an element of a JSON list. ``line`` is where it begins, 1-based."""

    file: str
    line: int
    data: Mapping[str, Any]


class Declaration(Struct, frozen=True, kw_only=True):
    """One entry or person, as a row.

    ``fields``: a cell for each column of our lists; other names are kept and shown as columns that nobody knows.
    ``stand_in``: the id of an entry that has none of its own; it must hold when the file is reordered.
    """

    document: Document
    fields: Mapping[str, Any]
    stand_in: str | None = None


Reader: TypeAlias = Callable[[Sequence[Document]], Iterable[Declaration]]
"""All documents of one list, because a group in one file has members in another."""


def at(data: Any, *path: str | int) -> Any:
    """What stands under these keys and positions; None where nothing does."""
    for step in path:
        if isinstance(step, int):
            data = data[step] if isinstance(data, list) and step < len(data) else None
        else:
            data = data.get(step) if isinstance(data, dict) else None
    return data


def text(data: Any, *path: str | int) -> str | None:
    """The text or whole number there; None for an empty one and for anything else."""
    value = at(data, *path)
    if isinstance(value, str):
        return value.strip() or None
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None


def texts(data: Any, *path: str | int) -> list[str]:
    """The texts of the list there."""
    value = at(data, *path)
    items = value if isinstance(value, list) else []
    return [found for item in items if (found := text(item))]


def mappings(data: Any, *path: str | int) -> list[Mapping[str, Any]]:
    """The objects of the list there."""
    value = at(data, *path)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def filled(*found: str | None) -> list[str]:
    """Those that are there, each once, in their order."""
    return list(dict.fromkeys(item for item in found if item))


def literal(exact: str) -> str:
    r"""An exact id as an item of ``identities``, where a bare ``*`` would be a pattern: ``a*b`` is ``a\*b``."""
    return _MEANT.sub(r"\\\1", exact)
