"""TOML through tomlkit, which keeps comments, order and layout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import tomlkit
from tomlkit.items import AoT

from scanner.registry_tools.opened import Opened
from scanner.registry_tools.writing.base import Edit, decoded, in_document, no_room, rows_in

_KEY = "entry"
"""What entries are called in a new document."""


def edit_toml(opened: Opened, edits: Sequence[Edit]) -> bytes:
    """The document with these edits. Raises RegistryError where it has no room for a new entry."""
    mark, text = decoded(opened)
    document = tomlkit.parse(text)
    rows = rows_in(opened, document)
    for edit in edits:
        if edit.position is not None:
            row = document if rows is None else rows[edit.position]
            row.update(_cells(opened, edit))
    added = [_cells(opened, edit) for edit in edits if edit.position is None]
    if added and rows is None and opened.rows:
        raise no_room(opened)
    if added and rows and not isinstance(rows, AoT):
        rows.extend(added)
        added = []
    if not added and rows is None and not opened.rows:
        document.append(_KEY, tomlkit.array())
    if not added:
        return mark + tomlkit.dumps(document).encode()
    key = next((key for key, value in document.items() if value is rows), _KEY)
    if not rows:
        document.pop(key, None)
    return mark + _with_tables(tomlkit.dumps(document), key, added).encode()


def _with_tables(text: str, key: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """The text with a table for each row behind it, where it stands for itself whatever comes before."""
    if text and not text.endswith("\n"):
        text += "\n"
    tables = [f"[[{tomlkit.key(key).as_string()}]]\n{tomlkit.dumps(row)}" for row in rows]
    return "\n".join([text, *tables] if text else tables)


def _cells(opened: Opened, edit: Edit) -> dict[str, str | int | date | list[str]]:
    return {heading: in_document(opened, heading, value) for heading, value in edit.cells.items()}
