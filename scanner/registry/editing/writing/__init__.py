"""Edits of a file in its own format: bytes in, bytes out, and everything that is not edited as it was."""

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
"""The endings of files that can be written."""


def edited(opened: Opened, edits: Sequence[Edit]) -> bytes:
    """The file with these edits; one without content, and with headings in a sheet, becomes a whole new file.

    Raises RegistryError where its format has no room for them.
    """
    return _EDITORS[opened.suffix](opened, edits)
