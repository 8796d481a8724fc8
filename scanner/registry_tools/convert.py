"""A registry's file in another format: every column, known or not, under its own heading."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msgspec import Struct

from scanner.errors import Problem, RegistryError
from scanner.registry.columns import REGISTRY
from scanner.registry.entries import load_registry
from scanner.registry.lists import ListSource
from scanner.registry_tools.opened import Opened, blank, open_rows
from scanner.registry_tools.saving import NewFile
from scanner.registry_tools.values import Value, read_value
from scanner.registry_tools.writing import FORMATS, Edit, edited
from scanner.tables import Row
from scanner.tables.cells import CellError, shown


class Converted(Struct, frozen=True, kw_only=True):
    """The new file, and the headings that were left out because they say that they hold secrets."""

    file: NewFile
    secret: tuple[str, ...]


def convert(source: ListSource, out: Path, *, replaces: bytes | None = None) -> Converted:
    """The registry of one file as another one, not yet written; its ending tells the format.

    ``replaces``: what ``out`` holds now. Raises RegistryError with all that cannot be read or has no room there.
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
                problems.append(_problem(opened, row, heading, error))
            else:
                cells |= {} if value is None else {heading: value}
        edits.append(Edit(cells=cells))
    if problems:
        raise RegistryError(*problems)
    data = edited(blank(out, kept), edits)
    file = NewFile(path=out, data=data, before=replaces, entries=entries)
    return Converted(file=file, secret=tuple(sorted(secret)))


def read_like(source: ListSource) -> ListSource:
    """How the new file is read: under the same headings, without what only the old one needed."""
    return ListSource(path=source.path, columns=source.columns, preset=source.preset)


def _twice(opened: Opened, headings: tuple[str, ...]) -> Iterator[Problem]:
    for heading, times in Counter(headings).items():
        if times > 1:
            yield Problem(
                file=str(opened.path),
                line=opened.line,
                field=shown(heading),
                message=f"stands over {times} columns",
                fix="give each a heading of its own",
            )


def _unknown(cell: Any) -> Value | None:
    """A cell of a column we do not know, as the text that is shown of it."""
    if isinstance(cell, list):
        return "; ".join(filter(None, (str(_unknown(item) or "") for item in cell))) or None
    if isinstance(cell, dict):
        return "; ".join(f"{key}={_unknown(value) or ''}" for key, value in cell.items()) or None
    return read_value(None, cell)


def _problem(opened: Opened, row: Row, heading: str, error: CellError) -> Problem:
    return Problem(file=str(opened.path), line=row.line, field=shown(heading), message=str(error), fix=error.fix)
