"""What a request is: an entry of the table in requests.py, and its path with names filled in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from string import Formatter
from typing import Literal
from urllib.parse import quote

from msgspec import Struct

Pairs = tuple[tuple[str, str], ...]

_NESTED = frozenset({"parent", "name"})
"""Places that hold a whole resource name; a slash in any other would lead to another path."""
_SEGMENT = re.compile(r"[^/?#%\\\s\x00-\x1f\x7f]+")


class Request(Struct, frozen=True):
    """A request. ``path`` has places such as ``{project}`` or, for whole resource names, ``{parent}`` and ``{name}``.

    ``items``: the field of the answer that has the rows. ``size``: rows asked for on a page, by the parameter
    ``sized_by``; None: the listing knows no pages, or its size is not ours to choose. ``query``: parameters always
    sent; ``takes``: those that a caller may add. ``regional``: the host of a location, where the API has such.
    """

    api: str
    path: str
    permission: str
    items: str | None = None
    size: int | None = None
    method: Literal["GET", "POST"] = "GET"
    sized_by: Literal["pageSize", "maxResults"] = "pageSize"
    query: Pairs = ()
    takes: tuple[str, ...] = ()
    regional: str | None = None

    @property
    def places(self) -> tuple[str, ...]:
        """The names of what has to be filled in."""
        return tuple(name for _, name, _, _ in Formatter().parse(self.path) if name)

    def route(self, places: Mapping[str, str]) -> str:
        """The path with names filled in. Raises ValueError for one that would lead elsewhere."""
        return self.path.format(**{place: _quoted(place, places[place]) for place in self.places})


def _quoted(place: str, name: str) -> str:
    segments = name.split("/") if place in _NESTED else [name]
    if not all(_SEGMENT.fullmatch(segment) and segment not in (".", "..") for segment in segments):
        raise ValueError(f"{name!r} is no {place}")
    return "/".join(quote(segment, safe="@:-._~") for segment in segments)
