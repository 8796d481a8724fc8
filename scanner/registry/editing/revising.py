"""Turns changes of entries into edits of their files."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from scanner.errors import Problem, RegistryError
from scanner.model import Entry, Origin
from scanner.registry.columns import REGISTRY
from scanner.registry.editing.adoption import Change
from scanner.registry.editing.saving import SHEETS, Headings, NewFile, Opened, blank, open_rows
from scanner.registry.editing.values import Value, read_value
from scanner.registry.editing.writing import FORMATS, Edit, edited
from scanner.registry.entries import load_registry
from scanner.registry.lists import ListSource
from scanner.registry.tables.cells import CellError, shown

_NEW_IN_FOLDER = "adopted"


class Target(Struct, frozen=True, kw_only=True):
    """The registry to edit: how it is read, and its entries."""

    source: ListSource
    entries: tuple[Entry, ...] = ()

    @property
    def path(self) -> Path:
        """The path of the registry."""
        assert self.source.path is not None
        return self.source.path

    @property
    def new_rows_in_sheet(self) -> bool:
        """Whether new entries become rows of a sheet."""
        return self.path.suffix.lower() in SHEETS and not self.path.is_dir()


def revise(target: Target, changes: Sequence[Change]) -> list[NewFile]:
    """Return the changed files. Raises RegistryError if a format cannot store a change."""
    by_file: dict[Path, list[Change]] = defaultdict(list)
    home = _home(target) if any(change.entry is None for change in changes) else target.path
    for change in changes:
        by_file[Path(change.entry.origin.file) if change.entry else home].append(change)
    return [_revised(target, path, by_file[path]) for path in sorted(by_file)]


def _home(target: Target) -> Path:
    """Return the file for new entries: in a folder, a separate one."""
    if not target.path.is_dir():
        return target.path
    names = (_NEW_IN_FOLDER if number == 1 else f"{_NEW_IN_FOLDER}-{number}" for number in count(1))
    return next(path for name in names if not (path := target.path / f"{name}.yaml").exists())


def _revised(target: Target, path: Path, changes: Sequence[Change]) -> NewFile:
    if path.suffix.lower() not in FORMATS:
        raise RegistryError(
            Problem(file=str(path), message="is of no format that can be written", fix=f"use {', '.join(FORMATS)}")
        )
    columns = REGISTRY.explained(target.source.explained)
    new = not path.exists()
    opened = blank(path) if new else open_rows(path, columns, sheet=target.source.sheet)
    entries = [entry for entry in target.entries if Path(entry.origin.file) == path]
    if len(entries) != len(opened.rows):
        raise RegistryError(Problem(file=str(path), message="is kept by another tool, which has to change it"))
    positions = {entry.id: position for position, entry in enumerate(entries)}
    headings = Headings(opened, target.source)
    edits = []
    for change in changes:
        position = positions[change.entry.id] if change.entry else None
        edits.append(Edit(position=position, cells=_by_heading(change.cells, headings, position)))
        if position is None:
            entries.append(_as_entry(change.cells))
        else:
            entries[position] = msgspec.structs.replace(entries[position], **change.cells)
    if new and opened.in_sheet:
        needed = {heading for edit in edits for heading in edit.cells}
        opened = blank(path, tuple(sorted(needed, key=headings.order)))
    return NewFile(path=path, data=edited(opened, edits), before=None if new else opened.data, entries=tuple(entries))


def _by_heading(cells: Mapping[str, Value], headings: Headings, position: int | None) -> dict[str, Value]:
    """Return the cells under the file's own headings; of several headings for a column, the first."""
    found: dict[str, Value] = {}
    for column, value in cells.items():
        first, *others = headings.of(column, position)
        found |= {first: value, **dict.fromkeys(others, ())}
    return {heading: found[heading] for heading in sorted(found, key=headings.order)}


def _as_entry(cells: Mapping[str, Value]) -> Entry:
    # An empty list is an empty cell of any column.
    facts: dict[str, Any] = {"id": "", **{column: value for column, value in cells.items() if value != ()}}
    return Entry(**facts, has_own_id="id" in cells, origin=Origin(file=""))


# --- Conversion to another format: every column, known or not, under its own heading ---


class Converted(Struct, frozen=True, kw_only=True):
    """The new file, and the headings that were left out because they contain secrets."""

    file: NewFile
    secret: tuple[str, ...]


def convert(source: ListSource, out: Path, *, replaces: bytes | None = None) -> Converted:
    """Return the registry in one file in another format, without writing it; the suffix decides the format.

    ``replaces``: the present content of ``out``. Raises RegistryError with all that cannot be read or stored.
    """
    assert source.path is not None
    if out.suffix.lower() not in FORMATS:
        raise RegistryError(
            Problem(file=str(out), message="is of no format that can be written", fix=f"use {', '.join(FORMATS)}")
        )
    entries = load_registry([source]).entries
    columns = REGISTRY.explained(source.explained)
    opened = open_rows(source.path, columns, sheet=source.sheet)
    placement = columns.place(opened.headings)
    secret = {opened.headings[place] for place in placement.secret}
    kept = tuple(heading for heading in opened.headings if heading not in secret)
    problems: list[Problem] = [*_twice(opened, kept)]
    edits = []
    for row in opened.rows:
        meant = {place: column for column, places in columns.place(row.headings).columns.items() for place in places}
        cells: dict[str, Value] = {}
        for place, (heading, cell) in enumerate(zip(row.headings, row.cells, strict=True)):
            if heading in secret:
                continue
            try:
                value = read_value(meant[place], cell, source.dates) if place in meant else _unknown(cell)
            except CellError as error:
                problems.append(
                    Problem(
                        file=str(opened.path), line=row.line, field=shown(heading), message=str(error), fix=error.fix
                    )
                )
            else:
                cells |= {} if value is None else {heading: value}
        edits.append(Edit(cells=cells))
    if problems:
        raise RegistryError(*problems)
    data = edited(blank(out, kept), edits)
    file = NewFile(path=out, data=data, before=replaces, entries=entries)
    return Converted(file=file, secret=tuple(sorted(secret)))


def read_like(source: ListSource) -> ListSource:
    """Return how to read the new file: with the same headings, without options of the old format."""
    return ListSource(path=source.path, columns=source.columns, preset=source.preset)


def _twice(opened: Opened, headings: tuple[str, ...]) -> Iterator[Problem]:
    for heading, times in Counter(headings).items():
        if times > 1:
            yield Problem(
                file=str(opened.path),
                line=opened.line,
                field=shown(heading),
                message=f"is the heading of {times} columns",
                fix="give each a heading of its own",
            )


def _unknown(cell: Any) -> Value | None:
    """Return an unknown column's cell as text."""
    if isinstance(cell, list):
        return "; ".join(filter(None, (str(_unknown(item) or "") for item in cell))) or None
    if isinstance(cell, dict):
        return "; ".join(f"{key}={_unknown(value) or ''}" for key, value in cell.items()) or None
    return read_value(None, cell)
