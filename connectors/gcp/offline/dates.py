"""Up to when rows tell of a project: the newest date in them (pure)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

# Members that are about the future, or may be.
_AHEAD = re.compile(r"expir|until|next|delet|destr|purge|before|end", re.IGNORECASE)
_DEPTH = 8


def newest(rows: Any, until: datetime) -> datetime | None:
    """The newest date that is not after ``until``; None where there is none."""
    return max((date for date in _dates(rows, 0) if date <= until), default=None)


def _dates(thing: Any, depth: int) -> Iterator[datetime]:
    match thing:
        case datetime():
            yield thing if thing.tzinfo else thing.replace(tzinfo=UTC)
        case str() if len(thing) > len("2026-01-01T00:00") and thing[4:5] == "-" and thing[10:11] == "T":
            yield from _parsed(thing)
        case list() | tuple():
            for each in thing:
                yield from _dates(each, depth)
        case Mapping() if depth < _DEPTH:
            for name, each in thing.items():
                if not _AHEAD.search(str(name)):
                    yield from _dates(each, depth + 1)


def _parsed(text: str) -> Iterator[datetime]:
    try:
        date = datetime.fromisoformat(text)
    except ValueError:
        return
    yield date if date.tzinfo else date.replace(tzinfo=UTC)
