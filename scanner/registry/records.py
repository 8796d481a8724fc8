"""Reads declared lists row by row: finds the files, maps the headings, and notes each problem with its place."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from msgspec import Struct

from scanner.errors import Problem, RegistryError, did_you_mean, with_fix
from scanner.languages import worded
from scanner.model import FileEnd, Origin, UnreadCells
from scanner.model.coverage import PEOPLE, REGISTRY
from scanner.redaction.redact import redact
from scanner.registry.columns import ENDS, day_order
from scanner.registry.formats.declaration import Document, ListReader
from scanner.registry.formats.documents import FORMATS, Declared, read_foreign
from scanner.registry.lists import Format, ListSource, find_files
from scanner.registry.tables import Row, Table, read_table
from scanner.registry.tables.cells import CellError, read_text, shown
from scanner.registry.tables.dates import AmbiguousDate, read_date
from scanner.registry.tables.headings import Columns, Fields, normal
from scanner.registry.understood import Understood, Words
from scanner.registry.vocabulary import own_words

_CLOSE = 0.8
"""The least similarity of a misspelt heading, from 0 to 1."""
_HEADINGS_NAMED = 8
_LIST_OF: Mapping[Declared, str] = {"entries": REGISTRY, "people": PEOPLE}
_ONE_COUNTS = "remove one, or explain under columns in the config which one counts"


class Notes:
    """Problems found in lists. ``problems`` end the run, after all have been collected; ``warnings`` do not.

    ``of_rows``: the problems that concern a single row. ``lost``: those of them where nothing of the row could be read.
    ``understood``: each table, after its last row. ``ends``: how each file ended that may be read if it was cut.
    """

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []
        self.of_rows: list[Problem] = []
        self.lost: list[Problem] = []
        self.understood: list[Understood] = []
        self.ends: list[FileEnd] = []

    def of_row(self, *problems: Problem) -> None:
        """Note a problem of one row; its other cells can be read."""
        self.problems.extend(problems)
        self.of_rows.extend(problems)

    def lose(self, problem: Problem) -> None:
        """Note a row that cannot be read at all."""
        self.of_row(problem)
        self.lost.append(problem)

    @contextmanager
    def noting(self) -> Iterator[None]:
        """A context manager: an error in a file only ends the reading of that file."""
        try:
            yield
        except RegistryError as error:
            self.problems.extend(error.problems)

    @property
    def of_rows_alone(self) -> bool:
        """Whether every problem concerns a single row, and none a whole list."""
        return len(self.problems) == len(self.of_rows)

    def raise_problems(self) -> None:
        """Raise RegistryError with all problems, if there are any."""
        if self.problems:
            raise RegistryError(*self.problems)


class Record(Struct, frozen=True):
    """One row: its place, its fields and its list.

    ``stand_in``: an id that the file's format gives the row, whatever the order of rows. ``format``: of a file of
    another tool. ``brings_headings``: the row has its own headings, as in JSON. ``own``: by column, what the list's own
    words mean. ``words``: of its table, with what they were taken for.
    """

    origin: Origin
    fields: Fields
    source: ListSource
    stand_in: str | None = None
    format: Format | None = None
    brings_headings: bool = False
    own: Mapping[str, Mapping[str, str]] = {}
    words: Words | None = None

    def day(self, column: str) -> date | None:
        """Return the date in a column, in the list's order of day and month; the earliest if it has several."""
        days = [self._day(column, heading, cell) for heading, cell in self.fields.cells(column)]
        return min((day for day in days if day is not None), default=None)

    def _day(self, column: str, heading: str, cell: Any) -> date | None:
        try:
            return read_date(cell, self.source.dates or day_order(heading), last=column in ENDS)
        except AmbiguousDate as error:
            setting = "or set dates = day-first or month-first in the config"
            self.fields.wrong(column, str(error), f"{error.fix}, {setting}", heading=heading)
        except CellError as error:
            self.fields.wrong(column, str(error), error.fix, heading=heading)
        return None

    def own_meaning(self, column: str, written: str) -> str | None:
        """Return what the list's own ``values`` say that a word of a column means."""
        words = self.own.get(column)
        return words.get(worded(written)) if words else None

    def takes(self, column: str, written: str, meaning: str | None) -> None:
        """Note what a word of a column was taken for; None: its meaning is unknown."""
        if self.words is not None:
            self.words.note(column, written, meaning)

    def hides(self, columns: Collection[str]) -> bool:
        """Whether a cell of these columns could not be read so far, or it is unclear which of several counts."""
        return self.fields.hides(columns)

    @property
    def wrong_cells(self) -> list[Problem]:
        """The invalid cells read so far, and, in a row with its own headings, two cells for one column."""
        clashes = self.fields.clashes if self.brings_headings else ()
        return [
            *(self.problem(_clash(*clash), field=shown(clash[2]), fix=_ONE_COUNTS) for clash in clashes),
            *(
                self.problem(str(error), field=error.heading and shown(error.heading), fix=error.fix)
                for error in self.fields.errors
            ),
        ]

    def problem(self, message: str, *, field: str | None = None, fix: str | None = None) -> Problem:
        """Return a problem of this row."""
        origin = self.origin
        return Problem(file=origin.file, sheet=origin.sheet, line=origin.row, field=field, message=message, fix=fix)


def read_records(
    lists: Sequence[ListSource], columns: Columns, needed: Collection[str], declared: Declared, notes: Notes
) -> Iterator[Record]:
    """Yield every row of every list, in order. Tables come before files in the formats of other tools.

    ``needed``: columns of which a sheet must have at least one. Unreadable cells are noted after the row has been used.
    """
    for source in lists:
        _check_given(source, columns, notes)
        reader = _Reader(source, columns.explained(_explained(source, columns)), needed, declared, notes)
        for record in reader.records():
            yield record
            notes.of_row(*record.wrong_cells)


def _explained(source: ListSource, columns: Columns) -> Mapping[str, str]:
    """Return the list's own headings, limited to the columns of this kind of list: a preset is for registries."""
    return {heading: column for heading, column in source.explained.items() if column in columns.names}


def _check_given(source: ListSource, columns: Columns, notes: Notes) -> None:
    for heading, column in source.columns.items():
        if column not in columns.names:
            notes.problems.append(
                Problem(
                    file=source.name,
                    field=f"columns.{heading}",
                    message=f"there is no column {shown(column)}",
                    fix=_nearest(column, columns) or f"use one of {', '.join(columns.names)}",
                )
            )


def _nearest(word: str, columns: Columns) -> str | None:
    # Stricter than elsewhere: most unknown headings are no misspellings.
    return did_you_mean(normal(word), columns.names, likeness=_CLOSE)


class _Reader:
    """Reads one list."""

    def __init__(
        self, source: ListSource, columns: Columns, needed: Collection[str], declared: Declared, notes: Notes
    ) -> None:
        self._source = source
        self._columns = columns
        self._needed = needed
        self._declared = declared
        self._notes = notes
        self._own = own_words(source.values)

    def records(self) -> Iterator[Record]:
        if self._source.path is None:
            from scanner.registry.sql import read_query

            with self._notes.noting():
                yield from self._rows(read_query(self._source))
            return
        files: list[Path] = []
        with self._notes.noting():
            files = find_files(self._source.path)
        yield from self._files(files)

    def _files(self, files: Sequence[Path]) -> Iterator[Record]:
        foreign: dict[Format, list[Document]] = {}
        sheet = self._source.sheet
        for file in files:
            with self._notes.noting():
                found = read_foreign(file, self._source.format) if sheet is None else None
                if found is None:
                    yield from self._rows(read_table(file, self._likeness, sheet=sheet))
                else:
                    name, documents = found
                    foreign.setdefault(name, []).extend(documents)
        for name, documents in foreign.items():
            yield from self._declarations(name, documents)

    def _likeness(self, headings: Sequence[str]) -> int:
        return self._columns.likeness(headings, self._needed)

    def _rows(self, table: Table) -> Iterator[Record]:
        with closing(table):
            headings = _Headings(table, self._columns, self._notes)
            if table.headings is not None:
                if not self._likeness(table.headings):
                    self._notes.problems.append(_no_headings(table, self._needed))
                    return
                headings.note(table.headings, table.line)
            words = Words()
            for row in table.rows:
                if isinstance(row, Problem):
                    self._notes.lose(row)
                    continue
                headings.note(row.headings, row.line)
                origin = Origin(file=table.file, sheet=table.sheet, row=row.line)
                own = table.headings is None
                yield Record(
                    origin, Fields(row, self._columns), self._source, brings_headings=own, own=self._own, words=words
                )
            self._notes.warnings += [*table.warnings, *table.skipped]
            self._notes.understood.append(headings.understood(table, words))
            if (end := table.ending.of(_LIST_OF[self._declared], table.file)) is not None:
                self._notes.ends.append(end)

    def _declarations(self, name: Format, documents: Sequence[Document]) -> Iterator[Record]:
        reader: ListReader | None = getattr(FORMATS[name], self._declared)
        if reader is None:
            message = f"is {FORMATS[name].title}, which declares no {self._declared}"
            self._notes.problems.append(Problem(file=self._source.name, message=message))
            return
        declarations = list(reader(documents))
        for one in declarations:
            row = Row(one.document.line, tuple(one.fields), tuple(one.fields.values()))
            origin = Origin(file=one.document.file, row=one.document.line)
            yield Record(origin, Fields(row, self._columns), self._source, one.stand_in, name, own=self._own)
        if not declarations:
            message = f"holds no {self._declared} ({FORMATS[name].title})"
            self._notes.warnings.append(Problem(file=self._source.name, message=message))


def _no_headings(table: Table, needed: Collection[str]) -> Problem:
    headings = [shown(heading) for heading in (table.headings or ())[:_HEADINGS_NAMED]]
    found, first = ", ".join(headings), headings[0] if headings else ""
    meant = "identities" if "identities" in needed else min(needed)
    return Problem(
        file=table.file,
        sheet=table.sheet,
        line=table.line,
        message=f"no heading means {' or '.join(sorted(needed))}; found: {found}",
        fix=f'explain yours in the config, as in columns = {{ "{first}" = "{meant}" }}',
    )


class _Headings:
    """Notes problems with the headings of one table: each set of headings once, an unknown heading once per table."""

    def __init__(self, table: Table, columns: Columns, notes: Notes) -> None:
        self._file, self._sheet = table.file, table.sheet
        self._above_all = table.headings is not None
        self._columns = columns
        self._notes = notes
        self._seen: set[tuple[str, ...]] = set()
        self._noted: set[str] = set()
        self._means: dict[str, str] = {}
        self._unknown: list[str] = []

    def note(self, headings: tuple[str, ...], line: int | None) -> None:
        """Note two headings for one column as a problem, unless each row has its own.

        An unknown heading is a warning.
        """
        if headings in self._seen:
            return
        self._seen.add(headings)
        placement = self._columns.place(headings)
        for column, positions in placement.columns.items():
            self._means.update((headings[position], column) for position in positions)
        if self._above_all:
            for clash in placement.clashes:
                message, field = _clash(*clash), shown(clash[2])
                self._notes.problems.append(
                    Problem(
                        file=self._file, sheet=self._sheet, line=line, field=field, message=message, fix=_ONE_COUNTS
                    )
                )
        for positions, message in (
            (placement.secret, "may hold secrets and is not read"),
            (placement.unknown, "is unknown; it is kept and shown as it is"),
        ):
            for heading in (headings[position] for position in positions):
                if heading not in self._noted:
                    self._noted.add(heading)
                    self._unknown.append(heading)
                    # Not "Password: may hold …": redaction would mask the word after the colon.
                    text = f'the column "{shown(heading.rstrip(" :*"))}" {message}'
                    fix = _nearest(heading, self._columns)
                    self._notes.warnings.append(
                        Problem(file=self._file, sheet=self._sheet, line=line, message=text, fix=fix)
                    )

    def understood(self, table: Table, words: Words) -> Understood:
        """Return what was understood of the table, after its last row."""
        return Understood(
            file=table.file,
            sheet=table.sheet,
            line=table.line,
            columns=self._means,
            values=words.values,
            unknown_headings=tuple(self._unknown),
            unknown_values=words.unknown,
            set_aside=len(table.skipped),
        )


def _clash(column: str, first: str, second: str) -> str:
    return f"{shown(first)} and {shown(second)} both mean {column}"


def why(problem: Problem) -> str:
    """Return the problem as text, without its place."""
    field = f"{problem.field}: " if problem.field else ""
    return with_fix(f"{field}{problem.message}", problem.fix)


def unread_columns(record: Record, columns: Sequence[str]) -> tuple[str, ...]:
    """Return the columns with an unreadable cell."""
    if not record.fields.errors and not record.fields.clashes:
        return ()
    return tuple(column for column in columns if record.hides((column,)))


def unread_cells(record: Record, columns: tuple[str, ...]) -> UnreadCells:
    """Return the unreadable cells of a row that counts."""
    return UnreadCells(origin=record.origin, columns=columns, why=tuple(map(why, record.wrong_cells)))


def extra(record: Record) -> dict[str, str]:
    """Return the unknown columns as text; what looks like a secret is masked."""
    return {heading: redact(text) for heading, cell in record.fields.unknown() if (text := _as_text(cell))}


def _as_text(cell: Any) -> str | None:
    if isinstance(cell, list):
        return "; ".join(filter(None, map(_as_text, cell)))
    if isinstance(cell, dict):
        return "; ".join(f"{key}={_as_text(value) or ''}" for key, value in cell.items())
    try:
        return read_text(cell)
    except CellError:
        return str(cell)
