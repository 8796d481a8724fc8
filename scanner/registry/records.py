"""Declared lists row by row: files found, headings understood, and everything that is wrong noted with its place."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from msgspec import Struct

from scanner.errors import Problem, RegistryError, did_you_mean
from scanner.model import Origin
from scanner.redact import redact
from scanner.registry.lists import ListSource
from scanner.tables import Table, read_table
from scanner.tables.cells import CellError, read_text, shown
from scanner.tables.headings import Columns, Fields, normal

YAML_SUFFIXES = (".yaml", ".yml")


class Notes:
    """What is wrong with some lists: ``problems`` end the run, all at once; ``warnings`` do not."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []

    def raise_problems(self) -> None:
        """Raises RegistryError with every problem, if there is any."""
        if self.problems:
            raise RegistryError(*self.problems)


class Record(Struct, frozen=True):
    """One row: where it stands, and its fields."""

    origin: Origin
    fields: Fields

    def problem(self, message: str, *, field: str | None = None, fix: str | None = None) -> Problem:
        """Something wrong with this row."""
        return Problem(file=self.origin.file, line=self.origin.row, field=field, message=message, fix=fix)


def read_records(
    lists: Sequence[ListSource], columns: Columns, needed: Collection[str], notes: Notes
) -> Iterator[Record]:
    """Every row of every file, in order. A folder stands for the YAML files in it.

    ``needed``: columns of which a sheet has at least one. Unreadable cells are noted once the row has been used.
    """
    for one in lists:
        assert one.path is not None
        _check_given(one.path, columns, one.columns, notes)
        explained = columns.explained(one.columns)
        for file in _files(one.path, notes):
            yield from _file_records(file, explained, needed, notes)


def _check_given(path: Path, columns: Columns, given: Mapping[str, str], notes: Notes) -> None:
    for heading, column in given.items():
        if column not in columns.names:
            notes.problems.append(
                Problem(
                    file=str(path),
                    field=f"columns.{heading}",
                    message=f"there is no column {shown(column)}",
                    fix=_nearest(column, columns) or f"use one of {', '.join(columns.names)}",
                )
            )


def _nearest(word: str, columns: Columns) -> str | None:
    # Closer than elsewhere: most headings that nobody knows are no misspellings.
    return did_you_mean(normal(word), columns.names, likeness=0.8)


def _files(path: Path, notes: Notes) -> Sequence[Path]:
    try:
        if not path.is_dir():
            return [path]
    except OSError as error:  # a name that is too long for the file system
        notes.problems.append(Problem(file=str(path), message=error.strerror or str(error)))
        return []
    found = sorted(
        file
        for file in path.rglob("*")
        if file.suffix.lower() in YAML_SUFFIXES
        and not any(part.startswith(".") for part in file.relative_to(path).parts)
    )
    if not found:
        notes.problems.append(Problem(file=str(path), message="no YAML file is in this folder"))
    return found


def _file_records(file: Path, columns: Columns, needed: Collection[str], notes: Notes) -> Iterator[Record]:
    try:
        table = read_table(file, lambda headings: _has_any(columns, headings, needed))
        with closing(table):
            yield from _records(table, columns, needed, notes)
    except RegistryError as error:
        notes.problems.extend(error.problems)


def _has_any(columns: Columns, headings: Sequence[str], needed: Collection[str]) -> bool:
    return any(columns.means(heading) in needed for heading in headings)


def _records(table: Table, columns: Columns, needed: Collection[str], notes: Notes) -> Iterator[Record]:
    noted: set[str] = set()
    seen = {table.headings}
    if table.headings is not None:
        if not _has_any(columns, table.headings, needed):
            notes.problems.append(_no_headings(table, needed))
            return
        _note_headings(table.file, table.line, table.headings, columns, notes, noted)
    for row in table.rows:
        if isinstance(row, Problem):
            notes.problems.append(row)
            continue
        if row.headings not in seen:
            seen.add(row.headings)
            _note_headings(table.file, row.line, row.headings, columns, notes, noted)
        record = Record(Origin(file=table.file, sheet=table.sheet, row=row.line), Fields(row, columns))
        yield record
        notes.problems.extend(_cell_problem(record, error) for error in record.fields.errors)


def _cell_problem(record: Record, error: CellError) -> Problem:
    return record.problem(str(error), field=error.heading and shown(error.heading), fix=error.fix)


def _no_headings(table: Table, needed: Collection[str]) -> Problem:
    found = ", ".join(shown(heading) for heading in (table.headings or ())[:8])
    return Problem(
        file=table.file,
        line=table.line,
        message=f"no heading means {' or '.join(sorted(needed))}; found: {found}",
        fix="put the headings into the first row, or explain yours under columns in the config",
    )


def _note_headings(
    file: str, line: int | None, headings: tuple[str, ...], columns: Columns, notes: Notes, noted: set[str]
) -> None:
    """Two headings for one column are a problem; what means none is told once a file."""
    placement = columns.place(headings)
    for column, first, second in placement.clashes:
        notes.problems.append(
            Problem(
                file=file,
                line=line,
                field=shown(second),
                message=f"{shown(first)} and {shown(second)} both mean {column}",
                fix="remove one, or explain under columns in the config which one counts",
            )
        )
    for positions, message in (
        (placement.secret, "may hold secrets and is not read"),
        (placement.unknown, "is no column we know; it is kept and shown as it is"),
    ):
        for heading in (headings[position] for position in positions):
            if heading not in noted:
                noted.add(heading)
                fix = _nearest(heading, columns)
                notes.warnings.append(Problem(file=file, line=line, field=shown(heading), message=message, fix=fix))


def extra(record: Record) -> dict[str, str]:
    """The columns we do not know, as text; what has the shape of a secret is masked."""
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
