"""Changes of entries made into edits of the files that hold them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from scanner.errors import Problem, RegistryError
from scanner.model import Entry, Origin
from scanner.registry.columns import REGISTRY
from scanner.registry.lists import ListSource
from scanner.registry_tools.adoption import Change
from scanner.registry_tools.opened import SHEETS, Headings, Opened, blank, open_rows
from scanner.registry_tools.saving import NewFile
from scanner.registry_tools.values import Value
from scanner.registry_tools.writing import FORMATS, Edit, edited

_NEW_IN_FOLDER = "adopted"


class Target(Struct, frozen=True, kw_only=True):
    """The registry that changes are written to: how it is read, and what it holds."""

    source: ListSource
    entries: tuple[Entry, ...] = ()

    @property
    def path(self) -> Path:
        """Where it is."""
        assert self.source.path is not None
        return self.source.path

    @property
    def new_rows_in_sheet(self) -> bool:
        """Whether new entries become rows of a sheet."""
        return self.path.suffix.lower() in SHEETS and not self.path.is_dir()


def revise(target: Target, changes: Sequence[Change]) -> list[NewFile]:
    """The files that these changes touch, as they are to be. Raises RegistryError where a format has no room."""
    by_file: dict[Path, list[Change]] = defaultdict(list)
    home = _home(target) if any(change.entry is None for change in changes) else target.path
    for change in changes:
        by_file[Path(change.entry.origin.file) if change.entry else home].append(change)
    return [_revised(target, path, by_file[path]) for path in sorted(by_file)]


def _home(target: Target) -> Path:
    """The file for new entries: in a folder, one of their own."""
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
        opened = _with_headings(path, edits, headings)
    return NewFile(path=path, data=edited(opened, edits), before=None if new else opened.data, entries=tuple(entries))


def _with_headings(path: Path, edits: Sequence[Edit], headings: Headings) -> Opened:
    needed = {heading for edit in edits for heading in edit.cells}
    return blank(path, tuple(sorted(needed, key=headings.order)))


def _by_heading(cells: Mapping[str, Value], headings: Headings, position: int | None) -> dict[str, Value]:
    """Under the file's own headings; where several mean one column, the first takes it all."""
    found: dict[str, Value] = {}
    for column, value in cells.items():
        first, *others = headings.of(column, position)
        found |= {first: value, **dict.fromkeys(others, ())}
    return {heading: found[heading] for heading in sorted(found, key=headings.order)}


def _as_entry(cells: Mapping[str, Value]) -> Entry:
    facts: dict[str, Any] = {"id": "", **cells}
    return Entry(**facts, has_own_id="id" in cells, origin=Origin(file=""))
