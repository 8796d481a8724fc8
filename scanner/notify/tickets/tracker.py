"""The interface of ticket systems, which github.py, jira.py and servicenow.py implement."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Literal, Protocol, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from scanner.notify.tickets.content import Draft, Text

Sleep: TypeAlias = Callable[[float], None]


class Remote(Struct, frozen=True, kw_only=True):
    """A ticket in the system. ``reference``: for requests; ``shown``: for people."""

    reference: str
    shown: str
    is_open: bool = True
    closed_at: datetime | None = None


class TrackerChange(Struct, frozen=True, kw_only=True):
    """A change of a ticket. None: unchanged."""

    draft: Draft | None = None
    comment: Text | None = None
    state: Literal["open", "closed"] | None = None


class Check(Struct, frozen=True, kw_only=True):
    """The result of one check of a target."""

    ok: bool
    detail: str


class Tracker(Protocol):
    """A ticket system. Any method may raise Undelivered, SourceError for a missing secret, MissingExtra."""

    def listed(self) -> Mapping[str, Remote]:
        """All tickets that Muster opened there, by marker; of several with one marker the oldest."""

    def create(self, draft: Draft) -> Remote:
        """Open a ticket. Raises Unclear if it is unknown whether it was created."""

    def change(self, reference: str, change: TrackerChange) -> None:
        """Change a ticket. Raises Gone if there is none."""

    def checks(self) -> Iterator[Check]:
        """Check whether Muster can use the system. Leaves nothing behind."""


def moment(text: str | None) -> datetime | None:
    """A time in an answer, in UTC; None if missing or invalid. A time without a zone is UTC."""
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def fitting(text: Text, written: Callable[[Text], str], longest: int) -> Text:
    """The text with as many items as fit, written in a format."""

    def length(number: int) -> int:
        return len(written(_first(text, number)))

    return _first(text, max(0, bisect_right(range(len(text.points) + 1), longest, key=length) - 1))


def _first(text: Text, number: int) -> Text:
    return replace(text, points=text.points[:number], more=text.more + len(text.points) - number)
