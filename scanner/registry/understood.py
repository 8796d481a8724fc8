"""What was understood of a table: where it begins, what its headings and words mean, and what nothing is known of."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

_WORDS_KEPT = 200
"""The most words of one column that are remembered: a status has few."""


class Understood(Struct, frozen=True, kw_only=True):
    """A table as it was read. ``line``: of its headings, in a file the line and in a sheet the row; None without.

    ``columns``: by heading, the column that it means. ``values``: by column, what each written word was taken for, such
    as a status. ``unknown_values``: by column, the words of no known meaning. ``set_aside``: the number of rows that
    are no entries, such as totals.
    """

    file: str
    sheet: str | None = None
    line: int | None = None
    columns: Mapping[str, str] = {}
    values: Mapping[str, Mapping[str, str]] = {}
    unknown_headings: tuple[str, ...] = ()
    unknown_values: Mapping[str, tuple[str, ...]] = {}
    set_aside: int = 0


class Words:
    """The words of one table with what they were taken for, collected while its rows are read."""

    def __init__(self) -> None:
        self._seen: dict[str, dict[str, str | None]] = {}

    def note(self, column: str, written: str, meaning: str | None) -> None:
        """Remember a word of a column. ``meaning``: None if it has no known one."""
        seen = self._seen.setdefault(column, {})
        if written not in seen and len(seen) < _WORDS_KEPT:
            seen[written] = meaning

    @property
    def values(self) -> dict[str, dict[str, str]]:
        """Return by column the words of a known meaning."""
        known = {
            column: {written: meaning for written, meaning in seen.items() if meaning is not None}
            for column, seen in self._seen.items()
        }
        return {column: words for column, words in known.items() if words}

    @property
    def unknown(self) -> dict[str, tuple[str, ...]]:
        """Return by column the words of no known meaning."""
        found = {
            column: tuple(written for written, meaning in seen.items() if meaning is None)
            for column, seen in self._seen.items()
        }
        return {column: words for column, words in found.items() if words}
