"""Writes values of registry columns: the inverse of reading cells."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, TypeAlias

from scanner.registry.columns import DAYS, ENDS, LISTS
from scanner.registry.tables.cells import CellError, read_days, read_list, read_text, read_yes_no
from scanner.registry.tables.dates import DateOrder, read_date

Value: TypeAlias = str | int | date | tuple[str, ...]
"""Text, a number, yes or no, a date, or a list of items; an empty list is an empty cell."""

_READERS: Mapping[str, Callable[[Any], Value | None]] = {
    **dict.fromkeys(LISTS, lambda cell: read_list(cell) or None),
    "max_credential_age": read_days,
    "human_in_the_loop": read_yes_no,
}

_UNWRITABLE = re.compile(r"[\0\ufffe\uffff]")
# Spreadsheets read these as formulas; Muster's reader removes the ' that is written before them.
_COULD_BE_FORMULA = re.compile(r"""(^|;)(?=[\s'"]*[=+\-@\uff1d\uff0b\uff0d\uff20])""")


def read_value(column: str | None, cell: Any, dates: DateOrder | None = None) -> Value | None:
    """Return the value in a cell of a column; None if it is empty. Unknown columns contain text.

    ``dates``: the order of day and month in 03/04/2026. Raises CellError.
    """
    return (
        read_date(cell, dates, last=column in ENDS) if column in DAYS else _READERS.get(column or "", read_text)(cell)
    )


def literal_identity(key: str) -> str:
    r"""Return the key as an entry names it, with ``*`` and ``\`` escaped.

    A backslash is only doubled where it would escape the next character.
    """
    return re.sub(r"\\(?=[*;\\])|\*", r"\\\g<0>", key)


def sheet_cell(value: Value) -> str | int | date:
    """Return a value for a cell of a spreadsheet that cannot be read as a formula."""
    match value:
        case bool():
            return "yes" if value else "no"
        case int() | date():
            return value
        case _:
            return _COULD_BE_FORMULA.sub(r"\1'", joined(value) if isinstance(value, tuple) else value)


def joined(items: tuple[str, ...]) -> str:
    r"""Return a list as one text, separated by ``;``; ``;`` in an item, and what looks like an escape, get a ``\``."""
    return "; ".join(re.sub(r"\\(?=[;\\]|\Z)|;", r"\\\g<0>", item) for item in items)


def list_items(items: tuple[str, ...]) -> list[str]:
    r"""Return the items of a real list; only a ``\`` that would be read as an escape is doubled."""
    return [re.sub(r"\\(?=[;\\])", r"\\\\", item) for item in items]


def can_be_written(value: Value, *, in_sheet: bool) -> bool:
    """Return whether a value reads back unchanged: no line breaks in a list's items, no invalid characters."""
    try:
        match value:
            case tuple():
                back = read_list(joined(value) if in_sheet else list_items(value))
                bare = tuple(item.strip() for item in value)  # in the form that matching reads
                return back == value == bare and not _UNWRITABLE.search("".join(value))
            case str():
                return read_text(value) == value and not _UNWRITABLE.search(value)
            case _:
                return True
    except CellError:
        return False
