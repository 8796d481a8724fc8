"""Edits a file in its own format, bytes to bytes; everything else stays unchanged."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from scanner.registry.editing.saving import Opened
from scanner.registry.editing.writing.base import Edit
from scanner.registry.editing.writing.delimited import edit_delimited
from scanner.registry.editing.writing.documents import edit_json, edit_ndjson, edit_toml
from scanner.registry.editing.writing.workbook import edit_workbook
from scanner.registry.editing.writing.yaml import edit_yaml

__all__ = ["FORMATS", "Edit", "edited"]

_EDITORS: Mapping[str, Callable[[Opened, Sequence[Edit]], bytes]] = {
    ".csv": edit_delimited,
    ".tsv": edit_delimited,
    ".xlsx": edit_workbook,
    ".json": edit_json,
    ".ndjson": edit_ndjson,
    ".jsonl": edit_ndjson,
    ".yaml": edit_yaml,
    ".yml": edit_yaml,
    ".toml": edit_toml,
}
FORMATS = tuple(_EDITORS)
"""The suffixes of writable files."""


def edited(opened: Opened, edits: Sequence[Edit]) -> bytes:
    """Return the file with these edits; an empty one with headings becomes a new sheet.

    Raises RegistryError if its format cannot store them.
    """
    return _EDITORS[opened.suffix](opened, edits)
