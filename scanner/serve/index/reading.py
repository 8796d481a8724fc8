"""Answer questions from an index file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

from scanner.errors import MusterError
from scanner.serve.index.lists import LISTS, ListSpec
from scanner.serve.index.questions import ListName, Page, Question, Value


class UnusableIndex(MusterError):
    """The file is missing, damaged, of another program or of another version: it is to be built again."""


class Index:
    """An open index file. Safe for any number of threads; the file never changes while it is open.

    Every method raises UsageError for a facet, column or cursor that does not exist, and UnusableIndex if the file
    turns out to be damaged.
    """

    scan: str
    """The id of its scan."""
    started_at: datetime
    """The start of its scan."""
    built_at: datetime

    def page(self, question: Question, *, limit: int, offset: int = 0, after: str | None = None) -> Page:
        """At most ``limit`` rows from ``offset`` on, or those ``after`` the cursor of an earlier page."""
        raise NotImplementedError

    def counts(self, question: Question, *, most: int | None = None) -> Mapping[str, list[tuple[Value, int]]]:
        """For each facet its values with the number of rows that each would leave, most frequent first.

        A facet's own choice does not narrow its own counts. States are in the order of their axis. Values without rows
        are left out, unless they are chosen. ``most``: at most so many values that are not chosen.
        """
        raise NotImplementedError

    def keys(self, question: Question) -> Iterator[str]:
        """The keys of all rows of the answer, in its order: see :class:`Page`."""
        raise NotImplementedError

    def rows(self, question: Question) -> Iterator[Mapping[str, object]]:
        """The cells of all rows of the answer, in its order, for exports."""
        raise NotImplementedError

    def spec(self, of: ListName) -> ListSpec:
        """The columns, facets and orders of a list."""
        return LISTS[of]

    def close(self) -> None:
        """Close the file. Requests of other threads fail from then on."""


def open_index(path: Path) -> Index:
    """The index in this file. Raises UnusableIndex, or MissingExtra without the extra ``serve``."""
    raise NotImplementedError
