"""Whom a cell of owners names, as people fill such cells in."""

from __future__ import annotations

import re
from collections.abc import Iterable

_NOBODY = frozenset({"-", "n/a", "na", "none", "nobody", "tbd", "?", "unknown", "unassigned"})
_EMAIL = re.compile(r"[^\s,/&@]+@[^\s,/&@]+")

SEPARATE = "separate them by ;"
"""What to do about several who are written as one."""


def named(items: Iterable[str]) -> tuple[str, ...]:
    """Those of the items that are somebody: ``tbd`` and the like say that nobody is."""
    return tuple(item for item in items if item.lower() not in _NOBODY)


def are_several(item: str) -> bool:
    """Whether one item holds several e-mails (``ada@x.org, bob@x.org``), and so is read as nobody's."""
    return item.count("@") > 1 and len(_EMAIL.findall(item)) > 1
