"""Edits, and what the formats share."""

from __future__ import annotations

import codecs
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from msgspec import Struct

from scanner.errors import Problem, RegistryError
from scanner.registry.editing.saving import Opened
from scanner.registry.editing.values import Value, list_items


class Edit(Struct, frozen=True, kw_only=True):
    """New cells for the row at ``position``, from 0, or for a new row at the end (None)."""

    position: int | None = None
    cells: Mapping[str, Value]
    """Cells by heading, in the order for new headings."""


def decoded(opened: Opened) -> tuple[bytes, str]:
    """Return the byte order mark, if there is one, and the text. Raises RegistryError unless it is UTF-8."""
    mark = codecs.BOM_UTF8 if opened.data.startswith(codecs.BOM_UTF8) else b""
    try:
        return mark, opened.data.removeprefix(mark).decode()
    except UnicodeDecodeError as error:
        message, fix = "is not UTF-8 text: it is read but not written", "save it as UTF-8 (in Excel: CSV UTF-8)"
        raise RegistryError(Problem(file=str(opened.path), message=message, fix=fix)) from error


def new_headings(opened: Opened, edits: Sequence[Edit]) -> tuple[str, ...]:
    """Return the headings of the edits that the file does not have."""
    needed = dict.fromkeys(heading for edit in edits for heading in edit.cells)
    return tuple(heading for heading in needed if heading not in opened.headings)


def in_document(opened: Opened, heading: str, value: Value) -> str | int | date | list[str]:
    """Return a value for a document: a list, unless this file writes single items of that column as text."""
    if not isinstance(value, tuple):
        return value
    items = list_items(value)
    if len(items) == 1 and not set(";\\\r\n") & set(items[0]) and _is_text_there(opened, heading):
        return items[0]
    return items


def _is_text_there(opened: Opened, heading: str) -> bool:
    cells = [row.cells[row.headings.index(heading)] for row in opened.rows if heading in row.headings]
    return any(isinstance(cell, str) for cell in cells) and not any(isinstance(cell, list) for cell in cells)


def rows_in(opened: Opened, document: Any) -> list[Any] | None:
    """Return the list of rows in a document: the document itself, or its only list; None if it is the row itself."""
    if isinstance(document, list):
        return document
    lists = [value for value in document.values() if isinstance(value, list)]
    rows = [value for value in lists if value and all(isinstance(item, dict) for item in value)]
    if rows or not opened.rows:
        return next(iter(rows or lists), None)
    return None


def no_room(opened: Opened) -> RegistryError:
    """Return the error for adding an entry to a document that is one entry itself."""
    return RegistryError(
        Problem(
            file=str(opened.path), message="is one entry and no list of them: none can be added", fix="make it a list"
        )
    )
