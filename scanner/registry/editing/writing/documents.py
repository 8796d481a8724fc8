"""Edits JSON and TOML, keeping the order and, in TOML, the comments."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import tomlkit
from tomlkit.items import AoT

from scanner.registry.editing.saving import Opened
from scanner.registry.editing.writing.base import Edit, decoded, in_document, no_room, rows_in

# --- JSON and NDJSON: the order of keys and the indentation stay ---

_INDENTED = re.compile(r"\n([ \t]+)\S")


def edit_json(opened: Opened, edits: Sequence[Edit]) -> bytes:
    """Return the document with these edits. Raises RegistryError if it cannot store a new entry."""
    mark, text = decoded(opened)
    document: Any = json.loads(text) if opened.rows or text.strip() else []
    rows = rows_in(opened, document)
    for edit in edits:
        if edit.position is not None:
            row: dict[str, Any] = document if rows is None else rows[edit.position]
            _fill(opened, edit, row)
        elif rows is None:
            raise no_room(opened)
        else:
            rows.append(_fill(opened, edit, {}))
    indented = _INDENTED.search(text)
    indent = indented[1] if indented else None if opened.rows else "  "
    end = text[len(text.rstrip()) :] if text.strip() else "\n"
    return mark + (_dumped(document, text, indent) + end).encode()


def edit_ndjson(opened: Opened, edits: Sequence[Edit]) -> bytes:
    """Edits one object per line; other lines stay unchanged."""
    mark, text = decoded(opened)
    lines = text.split("\n")
    last = lines.pop()
    lines += [last] if last.strip() else []
    for edit in edits:
        if edit.position is None:
            lines.append(_dumped(_fill(opened, edit, {}), text, None))
        else:
            at = opened.rows[edit.position].line - 1
            lines[at] = _dumped(_fill(opened, edit, json.loads(lines[at])), lines[at], None)
    return mark + "".join(f"{line}\n" for line in lines).encode()


def _fill(opened: Opened, edit: Edit, row: dict[str, Any]) -> dict[str, Any]:
    for heading, value in edit.cells.items():
        written = in_document(opened, heading, value)
        row[heading] = written.isoformat() if isinstance(written, date) else written
    return row


def _dumped(data: Any, like: str, indent: str | None) -> str:
    """Return the data as JSON in the style of a text: escapes, and blanks."""
    separators = (",", ":") if indent is None and '": ' not in like and like.strip("[] \r\n") else None
    return json.dumps(data, ensure_ascii=like.isascii() and "\\u" in like, indent=indent, separators=separators)


# --- TOML with tomlkit, which keeps comments, order and layout ---

_KEY = "entry"
"""The key of entries in a new document."""


def edit_toml(opened: Opened, edits: Sequence[Edit]) -> bytes:
    """Return the document with these edits. Raises RegistryError if it cannot store a new entry."""
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
    """Return the text with a table for each row at the end."""
    if text and not text.endswith("\n"):
        text += "\n"
    tables = [f"[[{tomlkit.key(key).as_string()}]]\n{tomlkit.dumps(row)}" for row in rows]
    return "\n".join([text, *tables] if text else tables)


def _cells(opened: Opened, edit: Edit) -> dict[str, str | int | date | list[str]]:
    return {heading: in_document(opened, heading, value) for heading, value in edit.cells.items()}
