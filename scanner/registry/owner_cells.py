"""Owners in cells, as people write them: several in one, and placeholders for a missing owner."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from scanner.registry.roster.words import WORDS, plain
from scanner.registry.tables.cells import read_list

_PLACEHOLDERS = frozenset(map(plain, WORDS.placeholders))
_EMAIL = re.compile(r"(?<![^\s,/&@])[^\s,/&@]++@[^\s,/&@]+")
# SharePoint's lookup fields: 12;#Jane Doe;#13;#John Smith, each with the number of its row.
_LOOKED_UP = re.compile(r"\d{1,9};#")
_NEXT_LOOKED_UP = re.compile(r";#(?:\d{1,9};#)?")

SEPARATE = "separate them by ;"
"""The fix if several owners are written as one."""


def read_owners(cell: Any) -> tuple[str, ...]:
    """Return the owners in a cell, see :func:`read_list`; SharePoint's lookup fields without their numbers."""
    if isinstance(cell, str) and _LOOKED_UP.match(cell):
        cell = _NEXT_LOOKED_UP.sub(";", _LOOKED_UP.sub("", cell, count=1))
    return read_list(cell)


def named(items: Iterable[str]) -> tuple[str, ...]:
    """Return the items without placeholders for a missing owner, such as ``TBD``."""
    return tuple(item for item in items if not is_placeholder(item))


def is_placeholder(item: str) -> bool:
    """Return whether a text is a placeholder for a missing owner, such as ``TBD``."""
    return " ".join(plain(item).split()).strip(" .!()[]<>*") in _PLACEHOLDERS


def are_several(item: str) -> bool:
    """Return whether one item contains several e-mail addresses (``ada@x.org, bob@x.org``), so that it is no owner."""
    return item.count("@") > 1 and len(_EMAIL.findall(item)) > 1
