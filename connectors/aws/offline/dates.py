"""Up to when an answer tells of its account: the newest date in it (pure)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from connectors.aws.credential_report import Report, parse_report

# Members that are about the future, or may be.
_AHEAD = re.compile(r"expir|until|next|delet|end", re.IGNORECASE)
# As deep as dates stand in rows, and not as deep as hostile documents go.
_DEPTH = 5


def newest(answer: Mapping[str, Any], until: datetime) -> datetime | None:
    """The newest date in an answer that is not after ``until``; None where there is none."""
    return max((date for date in _dates(answer, 0) if date <= until), default=None)


def _dates(thing: Any, depth: int) -> Iterator[datetime]:
    match thing:
        case datetime():
            yield thing
        case bytes():
            yield from _reported(thing)
        case list():
            for each in thing:
                yield from _dates(each, depth)
        case Mapping() if depth < _DEPTH:
            for name, each in thing.items():
                if not _AHEAD.search(name):
                    yield from _dates(each, depth + 1)


def _reported(content: bytes) -> Iterator[datetime]:
    """The dates of a credential report; none where it cannot be read, which is told when it is asked for."""
    try:
        report = parse_report(content)
    except ValueError:
        report = Report(rows={}, root=None)
    for row in (*report.rows.values(), *((report.root,) if report.root else ())):
        yield from filter(None, (row.created_at, row.password_changed_at, row.last_used_at))
