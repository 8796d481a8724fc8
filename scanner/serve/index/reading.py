"""Answer questions from an index file."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial, reduce
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from reports.states import STATES
from scanner.errors import UsageError, did_you_mean
from scanner.serve.index.files import Cache, IndexFile, UnusableIndex
from scanner.serve.index.lists import IDENTITY, LISTS, OWNERS, SUGGESTED, ListSpec
from scanner.serve.index.matching import Matcher
from scanner.serve.index.numeric import ABSENT, NO_ROW, Array, Mask, cell_of, np
from scanner.serve.index.questions import LIST_NAMES, IndexQuestion, ListName, Marks, Only, Page, Value, facet_key
from scanner.serve.index.writing import KEY, read_texts

__all__ = ("ScanIndex", "UnusableIndex")

LONGEST_TEXT = 1_000
"""Characters that a question's text may have."""
_ORDERS_KEPT = 12
_LIMITS_KEPT = 64
_MARKS_KEPT = 2
_STREAMED = 1_000
"""Rows that are read at once."""


class _Cursor(Struct, frozen=True, array_like=True):
    """The continuation of an answer: scan, question, and number of rows before."""

    scan: str
    question: str
    offset: int


class ScanIndex:
    """An open index file. Safe for any number of threads; the file never changes while it is open.

    Opening raises UnusableIndex, or MissingExtra without the extra ``serve``. Methods raise UsageError for a facet,
    column or cursor that does not exist and for a text of more than 1,000 characters, and UnusableIndex if the file
    turns out to be damaged.
    """

    def __init__(self, path: Path) -> None:
        self._file = IndexFile(path)
        self._matcher = Matcher(self._file)
        self._is_warm = False
        self._own_orders = Cache[ListName, Array](len(LIST_NAMES))
        self._orders = Cache[tuple[ListName, str], Array](_ORDERS_KEPT)
        self._only = Cache[tuple[ListName, str], Mask](_LIMITS_KEPT)
        self._marked = Cache[str, tuple[Array, Sequence[Any]]](_MARKS_KEPT)

    @property
    def scan(self) -> str:
        """The id of its scan."""
        return self._file.about.scan

    @property
    def started_at(self) -> datetime:
        """The start of its scan."""
        return self._file.about.started_at

    @property
    def built_at(self) -> datetime:
        """When the file was built."""
        return self._file.about.built_at

    @property
    def is_usable(self) -> bool:
        """Whether no damage was found so far."""
        return self._file.is_usable

    def warm(self) -> None:
        """Read every list's columns and default order once, so that the first answer is not slower."""
        if self._is_warm:
            return
        for name in LIST_NAMES:
            self.page(IndexQuestion(list=name), limit=1)
            self.counts(IndexQuestion(list=name))
        self._is_warm = True

    def page(self, question: IndexQuestion, *, limit: int, offset: int = 0, after: str | None = None) -> Page:
        """Up to ``limit`` rows from ``offset`` on, or ``after`` the cursor of an earlier page."""
        start = max(offset, 0) if after is None else self._place(question, after)
        rows = self._rows(question)
        end = start + max(limit, 0)
        shown = rows[start:end]
        cells = self._cells(question, shown)
        return Page(
            keys=tuple(row.pop(KEY) for row in cells),
            rows=tuple(cells),
            total=len(rows),
            next=self._cursor(question, end) if start < end < len(rows) else None,
        )

    def counts(
        self, question: IndexQuestion, *, most: int | None = None, facets: Collection[str] | None = None
    ) -> Mapping[str, list[tuple[Value, int]]]:
        """The values of each facet with the number of rows for each, most frequent first.

        The choice in a facet does not affect its own counts. States are in the order of their axis. Values without rows
        are left out, unless they are chosen. ``most``: at most so many values that are not chosen. ``facets``: those to
        count; None for all.
        """
        spec, base, choices = self._understood(question)
        every = np.flatnonzero(base & _all_of(choices.values())) if choices else np.flatnonzero(base)
        found: dict[str, list[tuple[Value, int]]] = {}
        for name in spec.facets if facets is None else facets:
            _refuse_unknown("facet", name, spec.facets)
            codes, values = self._column(question, name)
            if name in choices:
                others = [mask for other, mask in choices.items() if other != name]
                rows = np.flatnonzero(base & _all_of(others)) if others else np.flatnonzero(base)
            else:
                rows = every
            tally = np.bincount(codes if len(rows) == len(codes) else codes[rows], minlength=len(values)).tolist()
            chosen = question.chosen.get(name, frozenset())
            if chosen and question.is_limited:  # a value of other rows only is as unknown as one that does not exist
                within = np.bincount(codes[self._limit(question)], minlength=len(values))
                chosen &= {facet_key(value) for value, count in zip(values, within, strict=True) if count}
            found[name] = _listed(zip(values, tally, strict=True), chosen, most, by_state=name in spec.axes)
        return found

    def keys(self, question: IndexQuestion) -> Iterator[str]:
        """The keys of all rows of the answer, in its order: see :class:`Page`."""
        return (row[KEY] for row in self._stream(question))

    def rows(self, question: IndexQuestion) -> Iterator[Mapping[str, Any]]:
        """The cells of all rows of the answer, in its order, for exports."""
        for row in self._stream(question):
            del row[KEY]
            yield row

    def spec(self, of: ListName) -> ListSpec:
        """The columns, facets and orders of a list."""
        return LISTS[of]

    def close(self) -> None:
        """Close the file. Running requests of other threads continue."""
        self._file.close()

    # --- selection of rows -------------------------------------------------------------

    def _rows(self, question: IndexQuestion) -> Array:
        """The rows of the answer in its order."""
        _, base, choices = self._understood(question)
        order = self._order(question.list, question.sort, question.descending)
        mask = base & _all_of(choices.values()) if choices else base
        return order if mask.all() else order[mask[order]]

    def _understood(self, question: IndexQuestion) -> tuple[ListSpec, Mask, Mapping[str, Mask]]:
        """The list, the rows selected by text and owners, and the rows selected by each choice."""
        spec = LISTS[question.list]
        for name in question.chosen:
            _refuse_unknown("facet", name, spec.facets)
        if len(question.text) > LONGEST_TEXT:
            raise UsageError(
                f"a text of {len(question.text):,} characters is too long", hint=f"{LONGEST_TEXT:,} at most"
            )
        base = self._matcher.rows_with(question.list, question.text)
        limit = self._limit(question)
        base = limit if base is None else base & limit
        choices = {
            name: _having(self._column(question, name), partial(_is_in, keys))
            for name, keys in question.chosen.items()
            if keys
        }
        return spec, base, choices

    def _limit(self, question: IndexQuestion) -> Mask:
        """The rows that the question is about, whatever is asked."""
        of, people, only = question.list, question.owners, question.only
        if (asked := question.suggested) is not None:
            return self._with_value(of, SUGGESTED, lambda persons: not asked.isdisjoint(persons))
        if people is not None:
            return self._with_value(of, OWNERS, lambda owners: not people.isdisjoint(owners))
        if only is not None:
            return self._only.get((of, only.name), lambda: self._about(of, only))
        return np.ones(self._length(of), dtype=np.bool_)

    def _about(self, of: ListName, only: Only) -> Mask:
        """The rows about these identities and entries."""
        mask = np.zeros(self._length(of), dtype=np.bool_)
        rows: Sequence[int] = range(self._length(of)) if of != "coverage" else ()
        if LISTS[of].borrowed:
            holders = self._file.column(of, IDENTITY)[0]
            has_one = holders != NO_ROW
            about = self._only.get(("identities", only.name), lambda: self._about("identities", only))
            mask[has_one] = about[holders[has_one]]
            rows = np.flatnonzero(~has_one).tolist() if of == "findings" else []
        for start in range(0, len(rows), _STREAMED):
            some = list(rows[start : start + _STREAMED])
            for row, cells in zip(
                some, self._cells(IndexQuestion(list=of), np.array(some, dtype=np.int64)), strict=True
            ):
                mask[row] = _is_about(of, cells, only)
        return mask

    def _length(self, of: ListName) -> int:
        return len(self._file.column(of, OWNERS)[0])

    def _with_value(self, of: ListName, name: str, is_meant: Callable[[Any], bool]) -> Mask:
        return _having(self._file.column(of, name), is_meant)

    def _column(self, question: IndexQuestion, name: str) -> tuple[Array, Sequence[Any]]:
        """A coded column, with the states that findings have by now."""
        marks = question.marks
        if marks is None or (question.list, name) != ("findings", "state"):
            return self._file.column(question.list, name)
        return self._marked.get(marks.name, lambda: self._with_marks(marks))

    def _with_marks(self, marks: Marks) -> tuple[Array, Sequence[Any]]:
        """The states of all findings, with those that replace them."""
        values = list(STATES["finding"])
        code = {value: at for at, value in enumerate(values)}
        codes, known = self._file.column("findings", "state")
        states = np.array([code[value] for value in known], dtype=np.uint8)[codes] if known else codes.astype(np.uint8)
        is_open = states == code["open"]
        rules, named = self._file.column("findings", "rule")
        of_owners = np.array([rule in marks.owner_rules for rule in named], dtype=np.bool_)[rules] if named else is_open
        holders = self._file.column("findings", IDENTITY)[0]
        rows = self._rows_of("identities", marks.identities)
        for state in dict.fromkeys(marks.identities.values()):
            of = np.array([row for key, row in rows.items() if marks.identities[key] == state], dtype=holders.dtype)
            begun = is_open & np.isin(holders, of)
            states[begun & of_owners if state == "proposed" else begun] = code[state]
        for fingerprint, row in self._rows_of("findings", marks.findings).items():
            if states[row] != code["acknowledged"]:
                states[row] = code[marks.findings[fingerprint]]
        return states, values

    def _rows_of(self, of: ListName, keys: Collection[str]) -> dict[str, int]:
        """The rows with these keys."""
        if not keys:
            return {}
        query = f"SELECT key, id FROM row_{of} WHERE key IN (SELECT value FROM json_each(?))"
        with self._file.connection() as connection:
            return dict(connection.execute(query, (msgspec.json.encode(list(keys)).decode(),)).fetchall())

    # --- order ---------------------------------------------------------

    def _order(self, of: ListName, sort: str | None, descending: bool) -> Array:
        """All rows of a list in an order."""
        own = self._own_orders.get(of, lambda: self._sorted(of, self._every(of), LISTS[of].own))
        if sort is None:
            return own[::-1] if descending else own
        _refuse_unknown("column to sort by", sort, LISTS[of].sorts)
        column = f"-{sort}" if descending else sort
        return self._orders.get((of, column), lambda: self._sorted(of, own, (column,)))

    def _sorted(self, of: ListName, rows: Array, columns: Sequence[str]) -> Array:
        """The rows sorted by these columns, descending with a minus; the sort is stable."""
        for column in reversed(columns):
            name = column.removeprefix("-")
            rows = rows[np.argsort(self._sort_keys(of, name, column != name)[rows], kind="stable")]
        return rows

    def _sort_keys(self, of: ListName, name: str, descending: bool) -> Array:
        """Sort keys of the rows for a column; unknown cells come last."""
        keys, values = self._file.column(of, name) if name != LISTS[of].in_order else (self._every(of), ())
        if not descending:
            return keys
        if name in LISTS[of].numbers:
            return np.where(keys == ABSENT, keys, -keys)
        absent = len(values) - (bool(values) and values[-1] is None) if name in LISTS[of].coded else NO_ROW
        highest: Array = keys.dtype.type(max(absent - 1, 0)) - keys  # absent ones wrap around to the largest number
        return highest

    def _every(self, of: ListName) -> Array:
        """The numbers of all rows, which are in the order of their keys."""
        return np.arange(self._length(of), dtype=np.uint32)

    # --- cells ----------------------------------------------------------

    def _stream(self, question: IndexQuestion) -> Iterator[dict[str, Any]]:
        rows = self._rows(question)
        for start in range(0, len(rows), _STREAMED):
            yield from self._cells(question, rows[start : start + _STREAMED])

    def _cells(self, question: IndexQuestion, rows: Array) -> list[dict[str, Any]]:
        """The cells of these rows with their keys."""
        of = question.list
        spec, cells = LISTS[of], self._texts(of, rows.tolist())
        if spec.borrowed:
            holders: list[int] = self._file.column(of, IDENTITY)[0][rows].tolist()
            known = iter(self._texts("identities", [holder for holder in holders if holder != NO_ROW]))
            for row, holder in zip(cells, holders, strict=True):
                if holder != NO_ROW:
                    lent = next(known)
                    row |= {
                        name: lent[spec.borrowed[name]] or lent["key"] for name in spec.texts if name in spec.borrowed
                    }
        for name in spec.numbers:
            numbers = self._file.column(of, name)[0][rows].tolist()
            for row, number in zip(cells, numbers, strict=True):
                row[name] = cell_of(number)
        for name in spec.coded:
            codes, values = self._column(question, name)
            for row, code in zip(cells, codes[rows].tolist(), strict=True):
                row[name] = values[code]
        if spec.ranks and question.is_limited:
            ranks = self._file.column(of, spec.ranks)[0]
            among = np.sort(ranks[self._limit(question)])
            for row, place in zip(cells, np.searchsorted(among, ranks[rows]).tolist(), strict=True):
                row[spec.ranks] = place + 1
        return cells

    def _texts(self, of: ListName, wanted: Sequence[int]) -> list[dict[str, Any]]:
        """The text cells of these rows with their keys."""
        found: dict[int, dict[str, Any]] = {}
        with self._file.connection() as connection:
            for start in range(0, len(wanted), _STREAMED):
                found |= read_texts(connection, of, wanted[start : start + _STREAMED])
        return [found[row] for row in wanted]

    # --- cursors -------------------------------------------------------

    def _cursor(self, question: IndexQuestion, offset: int) -> str:
        cursor = _Cursor(self.scan, _digest(question), offset)
        return base64.urlsafe_b64encode(msgspec.json.encode(cursor)).decode().rstrip("=")

    def _place(self, question: IndexQuestion, cursor: str) -> int:
        known = read_cursor(cursor)
        if known.scan != self.scan or known.question != _digest(question) or known.offset < 0:
            raise UsageError("the cursor belongs to another question or scan", hint="begin without a cursor")
        return known.offset


def read_cursor(cursor: str) -> _Cursor:
    """Parse a cursor. Raises UsageError if it is invalid."""
    try:
        padded = cursor.encode() + b"=" * (-len(cursor) % 4)
        return msgspec.json.decode(base64.urlsafe_b64decode(padded), type=_Cursor)
    except (ValueError, binascii.Error, msgspec.DecodeError) as error:
        raise UsageError("the cursor is not one of an earlier page", hint="begin without a cursor") from error


def _digest(question: IndexQuestion) -> str:
    chosen = sorted((name, sorted(keys)) for name, keys in question.chosen.items() if keys)
    owners = None if question.owners is None else sorted(question.owners)
    words = question.text.lower().split()
    only = question.only and question.only.name
    asked = (question.list, words, chosen, question.sort, question.descending, owners, only)
    return hashlib.sha256(repr(asked).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _is_about(of: ListName, cells: Mapping[str, Any], only: Only) -> bool:
    """Whether a row is about one of these identities and entries."""
    match of:
        case "identities":
            return cells[KEY] in only.identities
        case "entries":
            return cells[KEY] in only.entries
        case "findings":
            return cells["about"] == "entry" and cells["entry"] in only.entries
        case "changes" if cells["subject"] == "entry":
            return cells[KEY] in only.entries
        case "changes":
            return (cells["identity"] or cells[KEY]) in only.identities
        case _:
            return cells.get("identity") in only.identities


def _having(column: tuple[Array, Sequence[Any]], is_meant: Callable[[Any], bool]) -> Mask:
    codes, values = column
    meant = np.array([is_meant(value) for value in values], dtype=np.bool_)
    return meant[codes] if len(meant) else np.zeros(len(codes), dtype=np.bool_)


def _is_in(keys: frozenset[str], value: Value) -> bool:
    return facet_key(value) in keys


def _all_of(masks: Iterable[Mask]) -> Mask:
    return reduce(np.logical_and, masks)


def _listed(values: Any, chosen: frozenset[str], most: int | None, *, by_state: bool) -> list[tuple[Value, int]]:
    listed = [(value, count) for value, count in values if count or facet_key(value) in chosen]
    if not by_state:
        listed.sort(key=lambda one: -one[1])
    if most is None or len(listed) <= most:
        return listed
    kept = {value for value, _ in listed[:most]} | {value for value, _ in listed if facet_key(value) in chosen}
    return [one for one in listed if one[0] in kept]


def _refuse_unknown(what: str, name: str, known: Sequence[str]) -> None:
    if name not in known:
        raise UsageError(f"there is no {what} {name!r}", hint=did_you_mean(name, known) or f"known: {', '.join(known)}")
