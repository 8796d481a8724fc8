"""Reads lists as rows under headings: CSV, XLSX, NDJSON, JSON, YAML and TOML.

``rows``: tables and rows · ``files``: guarded reading of bytes · ``delimited``, ``workbook``, ``documents``: the
formats · ``headings``: columns by heading · ``cells``: values of cells.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from scanner.errors import Problem, RegistryError
from scanner.registry.tables.delimited import read_delimited
from scanner.registry.tables.documents import read_json, read_ndjson, read_toml, read_yaml
from scanner.registry.tables.files import check_file
from scanner.registry.tables.rows import EmptyTable, Recognise, Row, Table, Typed, never
from scanner.registry.tables.workbook import read_workbook

__all__ = ["SUFFIXES", "EmptyTable", "Row", "Table", "read_table"]

_Reader: TypeAlias = Callable[[Path], Table]

_READERS: dict[str, _Reader] = {
    ".json": read_json,
    ".ndjson": read_ndjson,
    ".jsonl": read_ndjson,
    ".yaml": read_yaml,
    ".yml": read_yaml,
    ".toml": read_toml,
}
_DELIMITED = (".csv", ".tsv")
SUFFIXES = (*_DELIMITED, *_READERS, ".xlsx")
"""The suffixes of readable files."""


def read_table(path: Path, recognise: Recognise, *, sheet: str | None = None, typed: Typed = never) -> Table:
    """Return the rows of a file, streamed if the format allows it; the suffix decides the format.

    ``recognise``: scores how much a row looks like the headings, to find them below banners, and to find the right
    sheet of a workbook, unless ``sheet`` names it. ``typed``: whether a heading's column may have no formula.
    Raises RegistryError with file and line, also while rows are read; EmptyTable without content. A broken row
    is yielded as a Problem.
    """
    check_file(path)
    suffix = path.suffix.lower()
    if suffix == ".xlsx":
        return read_workbook(path, recognise, sheet, typed)
    if sheet is not None:
        raise RegistryError(
            Problem(file=str(path), field="sheet", message="has no sheets", fix="leave out sheet, or name an .xlsx")
        )
    if suffix in _DELIMITED:
        return read_delimited(path, recognise)
    if suffix not in _READERS:
        known = ", ".join(SUFFIXES)
        raise RegistryError(Problem(file=str(path), message="is of no format that can be read", fix=f"use {known}"))
    return _READERS[suffix](path)
