"""Maps headings to columns, however people write them, and reads rows by column."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from itertools import chain
from typing import Any, TypeVar

from msgspec import Struct

from scanner.languages import folded, words_of
from scanner.redaction.named import is_secret_name
from scanner.registry.tables import cells, dates
from scanner.registry.tables.cells import CellError
from scanner.registry.tables.rows import Row, is_filled

T = TypeVar("T")

_PLACEMENTS_KEPT = 1_000
_READINGS_KEPT = 10_000
_GIVEN, _KNOWN, _FALLBACK = range(3)
# Up to the next bracket, so that a text of opening ones is read once.
_BRACKETED = re.compile(r"[(\[][^()\[\]]*[)\]]")
_LONGEST_HEADING = 500
"""Characters; a longer cell is no heading."""
# What may follow the name of a secret, from its end on: ``Client secret value 2 *``.
_AFTER_SECRET = re.compile(r"(?i)(?:[\W\d_]|s?eulav)*")


@lru_cache(_READINGS_KEPT)
def normal(heading: str) -> str:
    """Return a heading without case, accents, blanks and punctuation: ``Owner E-mail *`` is ``owneremail``."""
    return "".join(filter(str.isalnum, folded(heading)))


_PLACE = "scope"
_PLACES = {_PLACE, "account"}
_OR = "|".join(map(re.escape, sorted(words_of(lambda language: language.alternatives))))
_EITHER = re.compile(rf" *[/|,] *| (?:{_OR})\.? ")
_SECRETS = frozenset(map(normal, words_of(lambda language: language.secrets)))


def readings(heading: str) -> tuple[str, str]:
    """Return a heading's normal form, also without a bracketed explanation: ``Service account (ARN or name)``."""
    return normal(heading), normal(_BRACKETED.sub("", heading))


def holds_secret(heading: str) -> bool:
    """Return whether a column with this heading would contain secrets: such columns are never read."""
    names = [_without_value(name) for name in (heading, _BRACKETED.sub("", heading), *readings(heading))]
    return not _SECRETS.isdisjoint(map(normal, names)) or any(
        is_secret_name(name) or is_secret_name(name.removesuffix("s")) for name in names
    )


def _without_value(name: str) -> str:
    """Return a name without numbers, signs and the word *value* at its end; read once, from there."""
    backwards = name[::-1]
    found = _AFTER_SECRET.match(backwards)
    return backwards[found.end() if found else 0 :][::-1]


class Placement(Struct, frozen=True, kw_only=True):
    """The positions of columns among the headings of a table."""

    columns: Mapping[str, tuple[int, ...]]
    unknown: tuple[int, ...]
    secret: tuple[int, ...]
    """The positions of columns that contain secrets, by their heading."""
    clashes: tuple[tuple[str, str, str], ...]
    """Columns with a single heading for which the table has two: the column and both headings."""


class Columns:
    """The columns of one kind of list, and the headings that mean them.

    ``fallbacks``: headings that count only if no better one is there. ``lists``: columns with several items.
    ``several``: columns that several headings can mean together. ``given``: the user's own headings; they take
    precedence, so they also resolve a conflict.
    """

    def __init__(
        self,
        synonyms: Mapping[str, Sequence[str]],
        *,
        lists: Collection[str] = (),
        several: Collection[str] = (),
        fallbacks: Mapping[str, Sequence[str]] | None = None,
        given: Mapping[str, str] | None = None,
    ) -> None:
        self.names = tuple(synonyms)
        self._synonyms = synonyms
        self._lists = lists
        self._several = several
        self._fallbacks = fallbacks or {}
        self._meanings = {
            **_meanings(self._fallbacks, _FALLBACK),
            **_meanings({column: (column, *words) for column, words in synonyms.items()}, _KNOWN),
            **{normal(heading): (column, _GIVEN) for heading, column in (given or {}).items()},
        }
        self._placements: dict[tuple[str, ...], Placement] = {}

    def explained(self, given: Mapping[str, str]) -> Columns:
        """Return these columns with the user's own headings."""
        return Columns(self._synonyms, lists=self._lists, several=self._several, fallbacks=self._fallbacks, given=given)

    def headings(self) -> list[str]:
        """Return every known heading, once for each column that it means."""
        words = (*self._synonyms.values(), *self._fallbacks.values())
        return [*self.names, *chain.from_iterable(words)]

    def means(self, heading: str) -> str | None:
        """Return the column that a heading means."""
        return self._meaning(heading)[0]

    def likeness(self, headings: Sequence[str], needed: Collection[str]) -> int:
        """Return how many columns these headings mean; 0 without one of the ``needed`` columns."""
        meant = {self.means(heading) for heading in headings if heading} - {None}
        return 0 if meant.isdisjoint(needed) else len(meant)

    def _meaning(self, heading: str) -> tuple[str | None, int]:
        """Return the column, and the rank of the match."""
        if len(heading) > _LONGEST_HEADING:
            return None, _KNOWN
        known = (self._meanings[reading] for reading in readings(heading) if reading in self._meanings)
        return next(known, None) or self._of_all(_EITHER.split(folded(heading)))

    def _of_all(self, parts: Sequence[str]) -> tuple[str | None, int]:
        """Return what every part of a heading means: ``Subscription / account``; with places, an account is one."""
        meant = [self._meanings.get(normal(part)) for part in parts] if len(parts) > 1 else [None]
        columns = {column for column, _ in filter(None, meant)}
        if None in meant or (len(columns) > 1 and columns != _PLACES):
            return None, _KNOWN
        column = columns.pop() if len(columns) == 1 else _PLACE
        return column, max(rank for _, rank in filter(None, meant))

    def place(self, headings: tuple[str, ...]) -> Placement:
        """Return the positions of the columns among these headings."""
        placement = self._placements.get(headings)
        if placement is None:
            if len(self._placements) >= _PLACEMENTS_KEPT:
                self._placements.clear()
            placement = self._placements[headings] = self._place(headings)
        return placement

    def _place(self, headings: tuple[str, ...]) -> Placement:
        found: dict[str, list[tuple[int, int]]] = {}
        for position, heading in enumerate(headings):
            column, rank = self._meaning(heading)
            if column is not None:
                found.setdefault(column, []).append((rank, position))
        best = {
            column: tuple(position for rank, position in places if rank == min(places)[0])
            for column, places in found.items()
        }
        taken = {position for positions in best.values() for position in positions}
        left = [position for position in range(len(headings)) if position not in taken]
        return Placement(
            columns=best,
            unknown=tuple(position for position in left if not holds_secret(headings[position])),
            secret=tuple(position for position in left if holds_secret(headings[position])),
            clashes=tuple(
                (column, headings[positions[0]], headings[positions[1]])
                for column, positions in best.items()
                if len(positions) > 1
                and column not in self._lists
                and not (column in self._several and len({normal(headings[at]) for at in positions}) == len(positions))
            ),
        )


def _meanings(words: Mapping[str, Sequence[str]], rank: int) -> dict[str, tuple[str, int]]:
    return {normal(word): (column, rank) for column, written in words.items() for word in written}


def kept(reader: Callable[[Any], T]) -> Callable[[Any], T]:
    """Reads each distinct cell once: a million rows contain few kinds, places and dates.

    This makes reading a list a third faster, and rows share the values.
    """
    known = lru_cache(_READINGS_KEPT, typed=True)(reader)
    return lambda cell: reader(cell) if isinstance(cell, (dict, list)) else known(cell)


_word = kept(cells.read_text)
_moment = kept(dates.read_moment)
_days = kept(cells.read_days)


class Fields:
    """One row by column. An unreadable cell has no value, and ``errors`` lists it with its heading."""

    def __init__(self, row: Row, columns: Columns) -> None:
        self._row = row
        self._placement = columns.place(row.headings)
        self._columns = self._placement.columns
        self.errors: list[CellError] = []

    @property
    def columns(self) -> Iterable[str]:
        """The columns of the row, filled or not, in the order of its headings."""
        return self._columns

    @property
    def clashes(self) -> tuple[tuple[str, str, str], ...]:
        """The conflicts of the placement."""
        return self._placement.clashes

    def text(self, column: str) -> str | None:
        return self.read(column, cells.read_text)

    def word(self, column: str) -> str | None:
        """Return a text from a column with few distinct values, such as a kind."""
        return self.read(column, _word)

    def exact(self, column: str) -> str | None:
        """Return the text with surrounding blanks and invisible characters, which can be part of a name."""
        return self.read(column, cells.read_exact)

    def day(self, column: str) -> date | None:
        return self.read(column, dates.read_date)

    def moment(self, column: str) -> datetime | None:
        return self.read(column, _moment)

    def days(self, column: str) -> int | None:
        return self.read(column, _days)

    def yes_no(self, column: str) -> bool | None:
        return self.read(column, cells.read_yes_no)

    def items(self, column: str, reader: Callable[[Any], tuple[str, ...] | None] = cells.read_list) -> tuple[str, ...]:
        """Return the items of all cells of a column, each once."""
        positions = self._columns.get(column)
        if not positions:
            return ()
        lists = [self._try(position, reader) or () for position in positions]
        return lists[0] if len(lists) == 1 else tuple(dict.fromkeys(chain.from_iterable(lists)))

    def cell(self, column: str) -> Any:
        """Return the cell as read; None without one."""
        positions = self._columns.get(column)
        return self._row.cells[positions[0]] if positions else None

    def cells(self, column: str) -> list[tuple[str, Any]]:
        """Return each heading of a column with its cell, if it has content."""
        found = ((self._row.headings[at], self._row.cells[at]) for at in self._columns.get(column, ()))
        return [(heading, cell) for heading, cell in found if is_filled(cell)]

    def heading(self, column: str) -> str | None:
        """Return the heading as the file has it; None without one."""
        positions = self._columns.get(column)
        return self._row.headings[positions[0]] if positions else None

    def hides(self, columns: Collection[str]) -> bool:
        """Return whether a cell of these columns could not be read, or it is unclear which of several counts."""
        hidden = {error.heading for error in self.errors}
        headings = {self._row.headings[at] for column in columns for at in self._columns.get(column, ())}
        return not hidden.isdisjoint(headings) or any(column in columns for column, _, _ in self.clashes)

    def unknown(self) -> list[tuple[str, Any]]:
        """Return the unknown headings with their cells, if these have content."""
        if not self._placement.unknown:
            return []
        found = ((self._row.headings[position], self._row.cells[position]) for position in self._placement.unknown)
        return [(heading, cell) for heading, cell in found if is_filled(cell)]

    def wrong(self, column: str, message: str, fix: str | None = None, *, heading: str | None = None) -> None:
        """Note an error in a cell of this column."""
        error = CellError(message, fix)
        error.heading = heading or self.heading(column)
        self.errors.append(error)

    def read(self, column: str, reader: Callable[[Any], T | None]) -> T | None:
        """Return the value of a cell, or None with the error noted."""
        positions = self._columns.get(column)
        return self._try(positions[0], reader) if positions else None

    def _try(self, position: int, reader: Callable[[Any], T | None]) -> T | None:
        cell = self._row.cells[position]
        if cell == "" or cell is None:
            return None
        try:
            return reader(cell)
        except CellError as error:
            error.heading = self._row.headings[position]
            self.errors.append(error)
            return None
