"""What an edit is, and what the formats share."""

from __future__ import annotations

import codecs
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from msgspec import Struct

from scanner.errors import Problem, RegistryError
from scanner.registry.editing.saving import Opened
from scanner.registry.editing.values import Value, list_items
from scanner.registry.tables.files import UTF_16


class Edit(Struct, frozen=True, kw_only=True):
    """New cells for the row at ``position``, counted from 0, or for a new row behind all others (None)."""

    position: int | None = None
    cells: Mapping[str, Value]
    """By heading, in the order in which new headings are to stand."""


def decoded(opened: Opened) -> tuple[bytes, str]:
    """The byte order mark that a file begins with, if it has one, and its text. Raises RegistryError for UTF-16."""
    if opened.data.startswith(UTF_16):
        message, fix = "is UTF-16 text, which is read but not written", "save it as UTF-8 (in Excel: CSV UTF-8)"
        raise RegistryError(Problem(file=str(opened.path), message=message, fix=fix))
    mark = codecs.BOM_UTF8 if opened.data.startswith(codecs.BOM_UTF8) else b""
    return mark, opened.data.removeprefix(mark).decode()


def new_headings(opened: Opened, edits: Sequence[Edit]) -> tuple[str, ...]:
    """The headings that the edits need and the file has not."""
    needed = dict.fromkeys(heading for edit in edits for heading in edit.cells)
    return tuple(heading for heading in needed if heading not in opened.headings)


def in_document(opened: Opened, heading: str, value: Value) -> str | int | date | list[str]:
    """A value for a document: a list stays one, unless this file writes a single item of that column as text."""
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
    """The list of rows in a document, as it is read: itself, or the one list in it; None where itself is the row."""
    if isinstance(document, list):
        return document
    lists = [value for value in document.values() if isinstance(value, list)]
    rows = [value for value in lists if value and all(isinstance(item, dict) for item in value)]
    if rows or not opened.rows:
        return next(iter(rows or lists), None)
    return None


def no_room(opened: Opened) -> RegistryError:
    """The error for a document that is one entry itself, where another is to be added."""
    return RegistryError(
        Problem(
            file=str(opened.path), message="is one entry and no list of them: none can be added", fix="make it a list"
        )
    )
