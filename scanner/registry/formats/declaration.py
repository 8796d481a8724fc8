"""Input and output of all readers of foreign formats: documents in, rows with our columns out.

Documents come from outside, so a missing value, or one of another type, is None.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from msgspec import Struct

_MEANT = re.compile(r"([\\;*])")


class Document(Struct, frozen=True, kw_only=True):
    """One object of a file: a YAML document, an element of a JSON list. ``line``: where it begins, from 1."""

    file: str
    line: int
    data: Mapping[str, Any]


class Declaration(Struct, frozen=True, kw_only=True):
    """One entry or person, as a row.

    ``fields``: cells by column; other names are shown as unknown columns. ``stand_in``: the id of an entry without its
    own; it must not change when the file is reordered.
    """

    document: Document
    fields: Mapping[str, Any]
    stand_in: str | None = None


ListReader: TypeAlias = Callable[[Sequence[Document]], Iterable[Declaration]]
"""All documents of one list, because a group can have members in another file."""


def at(data: Any, *path: str | int) -> Any:
    """Return the value at this path of keys and positions; None if there is none."""
    for step in path:
        if isinstance(step, int):
            data = data[step] if isinstance(data, list) and step < len(data) else None
        else:
            data = data.get(step) if isinstance(data, dict) else None
    return data


def text(data: Any, *path: str | int) -> str | None:
    """Return the text or whole number at this path; None if it is empty or of another type."""
    value = at(data, *path)
    if isinstance(value, str):
        return value.strip() or None
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None


def texts(data: Any, *path: str | int) -> list[str]:
    """Return the texts of the list at this path."""
    value = at(data, *path)
    items = value if isinstance(value, list) else []
    return [found for item in items if (found := text(item))]


def mappings(data: Any, *path: str | int) -> list[Mapping[str, Any]]:
    """Return the objects of the list at this path."""
    value = at(data, *path)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def filled(*found: str | None) -> list[str]:
    """Return the non-empty values, each once, in order."""
    return list(dict.fromkeys(item for item in found if item))


def literal(exact: str) -> str:
    r"""Return an exact id as an item of ``identities``, with ``*`` escaped: ``a*b`` is ``a\*b``."""
    return _MEANT.sub(r"\\\1", exact)
