"""Opens the file of a registry, and replaces it: written beside, read back as a scan will, then renamed."""

from __future__ import annotations

import csv
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from io import StringIO
from itertools import chain, count
from pathlib import Path

import msgspec
from msgspec import Struct

from scanner.errors import Problem, RegistryError
from scanner.model import Entry, Origin
from scanner.registry.columns import ACCOUNT, NAMING, REGISTRY
from scanner.registry.editing.values import sheet_cell
from scanner.registry.entries import load_registry
from scanner.registry.lists import ListSource
from scanner.registry.tables import Row, Table, read_table
from scanner.registry.tables.cells import BadCell
from scanner.registry.tables.files import unreadable
from scanner.registry.tables.headings import Columns
from scanner.safe_files import AtomicFile

SHEETS = frozenset({".csv", ".tsv", ".xlsx"})
"""Suffixes of formats in which rows share one row of headings, and lists are text in a cell."""


class Opened(Struct, frozen=True, kw_only=True):
    """A file with its rows in order. ``headings``: of a sheet in order; of a document, all headings of its rows.

    ``line``: of a sheet's headings; None in a document.
    """

    path: Path
    data: bytes
    sheet: str | None = None
    headings: tuple[str, ...] = ()
    line: int | None = None
    rows: tuple[Row, ...] = ()
    last_skipped: int = 0
    """The last line after the list, such as a total."""

    @property
    def suffix(self) -> str:
        """The suffix, which decides the format."""
        return self.path.suffix.lower()

    @property
    def in_sheet(self) -> bool:
        """Whether its rows share one row of headings."""
        return self.suffix in SHEETS


def open_rows(path: Path, columns: Columns = REGISTRY, *, sheet: str | None = None) -> Opened:
    """Return the file with all its rows, or the sheet's. Raises RegistryError with every broken row."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise unreadable(path, error) from error
    table = read_table(path, lambda headings: columns.likeness(headings, NAMING), sheet=sheet)
    with closing(table):
        rows = tuple(table.rows)
    problems = [row for row in rows if isinstance(row, Problem)]
    problems += [problem for row in rows if isinstance(row, Row) for problem in _bad_cells(table, row)]
    if problems:
        raise RegistryError(*problems)
    filled = tuple(row for row in rows if isinstance(row, Row))
    used = table.headings or tuple(dict.fromkeys(chain.from_iterable(row.headings for row in filled)))
    below = max((problem.line or 0 for problem in table.skipped), default=0)
    return Opened(
        path=path, data=data, sheet=table.sheet, headings=used, line=table.line, rows=filled, last_skipped=below
    )


def _bad_cells(table: Table, row: Row) -> Iterator[Problem]:
    for heading, cell in zip(row.headings, row.cells, strict=True):
        if isinstance(cell, BadCell):
            yield Problem(
                file=table.file, sheet=table.sheet, line=row.line, field=heading, message=cell.message, fix=cell.fix
            )


def blank(path: Path, headings: tuple[str, ...] = ()) -> Opened:
    """Return a new file; a sheet gets these headings."""
    suffix = path.suffix.lower()
    data = b""
    if suffix in (".csv", ".tsv"):
        text = StringIO()
        csv.writer(text, delimiter="\t" if suffix == ".tsv" else ",", lineterminator="\n").writerow(
            map(sheet_cell, headings)
        )
        data = text.getvalue().encode()
    return Opened(path=path, data=data, headings=headings if suffix in SHEETS else (), line=1)


class Headings:
    """The heading of each column in a file: its own, else the configured one."""

    def __init__(self, opened: Opened, source: ListSource) -> None:
        self._columns = REGISTRY.explained(source.explained)
        self._opened = opened
        self._known: Mapping[str, tuple[int, ...]] = self._columns.place(opened.headings).columns
        self._explained = {column: heading for heading, column in source.explained.items()}

    def of(self, column: str, position: int | None = None) -> tuple[str, ...]:
        """Return the headings of a column in a row, the one to write to first; without a position, of a new row."""
        own = self._opened.headings if position is None else self._opened.rows[position].headings
        if places := self._columns.place(own).columns.get(column):
            return tuple(own[place] for place in places)
        if column in self._known:
            return (self._opened.headings[self._known[column][0]],)
        if column == "identities" and position is None and ACCOUNT in self._known:
            return self.of(ACCOUNT)
        return (self._explained.get(column, column),)

    def order(self, heading: str) -> tuple[int, int]:
        """Sort headings in the file's order; new ones come last, in the order of the registry's columns."""
        if heading in self._opened.headings:
            return self._opened.headings.index(heading), 0
        column = self._columns.means(heading)
        return len(self._opened.headings), REGISTRY.names.index(column) if column in REGISTRY.names else 0


# --- Replacing files: written beside, read back, and renamed once all of them are right ---

_NOWHERE = Origin(file="")


class NewFile(Struct, frozen=True, kw_only=True):
    """The new content of a file. ``before``: its present content; None if it is new.

    ``entries``: what must be read from it.
    """

    path: Path
    data: bytes
    before: bytes | None
    entries: tuple[Entry, ...]


def save(files: Sequence[NewFile], source: ListSource, *, backups: bool = False) -> list[Path]:
    """Replace all files, or none. Links are followed and permissions kept. ``source``: how they are read.

    Returns the ``backups``: a copy of each replaced file, beside it; earlier ones are never overwritten. Raises
    RegistryError if a file would not read back as intended, or has changed since it was read.
    """
    with ExitStack() as undo:
        written = [(file, _write_beside(file.path, file.data, _mode(file), undo)) for file in files]
        for file, new_file in written:
            _check(file, new_file.path, source)
        for file, _ in written:
            if _now(file.path) != file.before:
                raise _refused(file, "was changed meanwhile; nothing was written", "run the command again")
        kept = {}
        for file in files:
            if backups and file.before is not None:
                # ``registry.csv.bak``, with a number if that exists.
                names = (file.path.with_name(f"{file.path.name}.bak{number or ''}") for number in count())
                backup = next(name for name in names if not os.path.lexists(name))
                kept[backup] = _write_beside(backup, file.before, _mode(file), undo)
        for new_file in (*kept.values(), *(new_file for _, new_file in written)):
            new_file.put_in_place()
    return list(kept)


def _mode(file: NewFile) -> int:
    return 0o600 if file.before is None else stat.S_IMODE(file.path.stat().st_mode)


def _write_beside(path: Path, data: bytes, mode: int, undo: ExitStack) -> AtomicFile:
    """Return a hidden name, so that the file is not read as one more file of a folder."""
    new_file = AtomicFile(path, mode=mode)
    undo.callback(new_file.close)
    new_file.file.write(data)
    new_file.file.flush()
    os.fsync(new_file.file.fileno())
    return new_file


def _check(file: NewFile, new_file: Path, source: ListSource) -> None:
    """Read the new file as a scan will, and compare: content that a format cannot store stops here."""
    try:
        read = load_registry([msgspec.structs.replace(source, path=new_file)]).entries
    except RegistryError as error:
        problems = [msgspec.structs.replace(problem, file=str(file.path)) for problem in error.problems]
        raise RegistryError(*problems, hint="nothing was written") from error
    if len(read) != len(file.entries) or not all(map(_same, read, file.entries)):
        raise _refused(file, "would not be read back as the same entries; nothing was written", None)


def _same(one: Entry, other: Entry) -> bool:
    """Return whether two entries are equal except for their place."""
    both_named = one.has_own_id and other.has_own_id
    said, meant = (
        msgspec.structs.replace(entry, origin=_NOWHERE, registry="", id=entry.id if both_named else "", has_own_id=True)
        for entry in (one, other)
    )
    return said == meant


def _now(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise unreadable(path, error) from error


def _refused(file: NewFile, message: str, fix: str | None) -> RegistryError:
    return RegistryError(Problem(file=str(file.path), message=message, fix=fix))
