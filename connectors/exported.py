"""What sources that are folders of exported files have in common."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from msgspec import structs

from connectors.base import DiscoveredRecord
from scanner.errors import SourceError
from scanner.model import Identity
from scanner.text import printable

FILES_NAMED = 5
"""So many files that nobody needs are named, the rest are counted."""


@contextmanager
def looking_into(folder: Path) -> Iterator[None]:
    """Raises SourceError for an OSError, with the name of what cannot be looked into."""
    try:
        yield
    except OSError as error:
        raise SourceError(f"{error.filename or folder} cannot be looked into: {error.strerror}") from error


def name_in(root: Path, path: Path) -> str:
    """What a file is called to a person: its path in the folder, or its own name where it is all there is."""
    return printable(str(path.relative_to(root)) if path != root else path.name)


def dated(records: Iterable[DiscoveredRecord], at: datetime | None) -> Iterator[DiscoveredRecord]:
    """The records; identities say when they were looked at."""
    for record in records:
        yield structs.replace(record, observed_at=at) if isinstance(record, Identity) else record


def not_recognised(files: Sequence[str]) -> str:
    """A note on files in which nothing is of use."""
    more = len(files) - FILES_NAMED
    return f"nothing is recognised in {', '.join(files[:FILES_NAMED])}{f' and {more} more' if more > 0 else ''}"
