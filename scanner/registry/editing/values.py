"""What a column of the registry holds, and how that is written down: the inverse of reading cells."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, TypeAlias

from scanner.registry.columns import DAYS, LISTS
from scanner.registry.tables.cells import CellError, DateOrder, read_date, read_days, read_list, read_text, read_yes_no

Value: TypeAlias = str | int | date | tuple[str, ...]
"""Text, a number, yes or no, a day, or the items of a list; an empty list is an empty cell."""

_READERS: Mapping[str, Callable[[Any], Value | None]] = {
    **dict.fromkeys(LISTS, lambda cell: read_list(cell) or None),
    "max_credential_age": read_days,
    "human_in_the_loop": read_yes_no,
}

_UNWRITABLE = re.compile(r"[\0\ufffe\uffff]")
# A spreadsheet takes these for a formula; the reader takes away the ' that is put before them.
_COULD_BE_FORMULA = re.compile(r"""(^|;)(?=[\s'"]*[=+\-@\uff1d\uff0b\uff0d\uff20])""")


def read_value(column: str | None, cell: Any, dates: DateOrder | None = None) -> Value | None:
    """What a cell of that column says; None where it is empty. A column we do not know holds text.

    ``dates``: what 03/04/2026 is. Raises CellError.
    """
    return read_date(cell, dates) if column in DAYS else _READERS.get(column or "", read_text)(cell)


def literal_identity(key: str) -> str:
    r"""The key as an entry names it: matching takes it for itself, its ``*`` for no pattern and its ``\`` for a ``\``.

    A backslash is doubled only where it would otherwise take what follows it literally.
    """
    return re.sub(r"\\(?=[*;\\])|\*", r"\\\g<0>", key)


def sheet_cell(value: Value) -> str | int | date:
    """A value for a cell of a spreadsheet: nothing in it can be taken for a formula."""
    match value:
        case bool():
            return "yes" if value else "no"
        case int() | date():
            return value
        case _:
            return _COULD_BE_FORMULA.sub(r"\1'", joined(value) if isinstance(value, tuple) else value)


def joined(items: tuple[str, ...]) -> str:
    r"""A list as one text, parted by ``;``; an item's own ``;``, and what would be taken for an escape, get a ``\``."""
    return "; ".join(re.sub(r"\\(?=[;\\]|\Z)|;", r"\\\g<0>", item) for item in items)


def list_items(items: tuple[str, ...]) -> list[str]:
    r"""The items for a real list, where only a ``\`` that the reader would take for an escape is doubled."""
    return [re.sub(r"\\(?=[;\\])", r"\\\\", item) for item in items]


def can_be_written(value: Value, *, in_sheet: bool) -> bool:
    """Whether it comes back as the same: a list in a cell takes no line breaks, no text what is no character."""
    try:
        match value:
            case tuple():
                back = read_list(joined(value) if in_sheet else list_items(value))
                bare = tuple(item.strip() for item in value)  # as matching takes each
                return back == value == bare and not _UNWRITABLE.search("".join(value))
            case str():
                return read_text(value) == value and not _UNWRITABLE.search(value)
            case _:
                return True
    except CellError:
        return False
