"""What was understood of a table: where it begins, what its headings and words mean, and what nothing is known of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from msgspec import Struct

from scanner.redaction.redact import redact
from scanner.registry.tables.cells import shown

_WORDS_KEPT = 200
"""The most words of one column that are remembered: a status has few."""


class Understood(Struct, frozen=True, kw_only=True):
    """A table as it was read. ``line``: of its headings, in a file the line and in a sheet the row; None without.

    ``columns``: by heading, the column that it means. ``values``: by column, what each written word was taken for, such
    as a status. ``unknown_values``: by column, the words of no known meaning, and how often each was read. Words are
    short, and what looks like a secret is masked. ``set_aside``: the number of rows that are no entries, such as
    totals.
    """

    file: str
    sheet: str | None = None
    line: int | None = None
    columns: Mapping[str, str] = {}
    values: Mapping[str, Mapping[str, str]] = {}
    unknown_headings: tuple[str, ...] = ()
    unknown_values: Mapping[str, Mapping[str, int]] = {}
    set_aside: int = 0


class Words:
    """The words of one table with what they were taken for, collected while its rows are read."""

    def __init__(self) -> None:
        self._meant: dict[str, dict[str, str]] = {}
        self._unknown: dict[str, Counter[str]] = {}

    def note(self, column: str, written: str, meaning: str | None) -> None:
        """Remember a word of a column. ``meaning``: None if it has no known one."""
        if meaning is None:
            unknown = self._unknown.setdefault(column, Counter())
            if written in unknown or len(unknown) < _WORDS_KEPT:
                unknown[written] += 1
            return
        meant = self._meant.setdefault(column, {})
        if written not in meant and len(meant) < _WORDS_KEPT:
            meant[written] = meaning

    @property
    def values(self) -> dict[str, dict[str, str]]:
        """Return by column the words of a known meaning."""
        return {
            column: {_safe(word): _safe(meaning) for word, meaning in words.items()}
            for column, words in self._meant.items()
        }

    @property
    def unknown(self) -> dict[str, dict[str, int]]:
        """Return by column the words of no known meaning, the most frequent ones first."""
        return {
            column: {_safe(word): count for word, count in words.most_common()}
            for column, words in self._unknown.items()
        }


def _safe(word: str) -> str:
    return shown(redact(word))
