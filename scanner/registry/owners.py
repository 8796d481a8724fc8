"""Whom a cell of owners names, as people fill such cells in."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from scanner.tables.cells import read_list

_NOBODY = frozenset(
    {
        "", "-", "--", "?", "??", "???", "n/a", "na", "none", "nobody", "nil", "null", "tba", "tbc", "tbd",
        "to be assigned", "to be confirmed", "to be decided", "to be determined", "to do", "todo", "open",
        "unknown", "unassigned", "not assigned", "not known", "no owner", "vacant", "pending",
    }
)  # fmt: skip
_EMAIL = re.compile(r"[^\s,/&@]+@[^\s,/&@]+")
# SharePoint's look-ups: 12;#Jane Doe;#13;#John Smith, each with the number of its row.
_LOOKED_UP = re.compile(r"\d{1,9};#")
_NEXT_LOOKED_UP = re.compile(r";#(?:\d{1,9};#)?")

SEPARATE = "separate them by ;"
"""What to do about several who are written as one."""


def read_owners(cell: Any) -> tuple[str, ...]:
    """The owners of a cell, as :func:`read_list` reads one; SharePoint's look-ups without their numbers."""
    if isinstance(cell, str) and _LOOKED_UP.match(cell):
        cell = _NEXT_LOOKED_UP.sub(";", _LOOKED_UP.sub("", cell, count=1))
    return read_list(cell)


def named(items: Iterable[str]) -> tuple[str, ...]:
    """Those of the items that are somebody: ``TBD`` and the like say that nobody is."""
    return tuple(item for item in items if not says_nobody(item))


def says_nobody(item: str) -> bool:
    """Whether it says that nobody is named yet, in so many words."""
    return " ".join(item.lower().split()).strip(" .!()[]<>*") in _NOBODY


def are_several(item: str) -> bool:
    """Whether one item holds several e-mails (``ada@x.org, bob@x.org``), and so is read as nobody's."""
    return item.count("@") > 1 and len(_EMAIL.findall(item)) > 1
