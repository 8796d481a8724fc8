"""How the page's data is packed: tables as columns, columns as dictionaries, blocks as base64 of gzip of JSON.

A column that repeats itself is stored as its distinct values and, for each row, the number of one of them; which makes
a hundred thousand rows small enough to open at once. ``data.js`` decodes it.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias, TypeVar

import msgspec

from scanner.rules.wording import plain
from scanner.text import printable

Row = TypeVar("Row")
Columns: TypeAlias = Mapping[str, Callable[[Row], Any]]
"""A table's columns: name, and how to get the cell from a row."""

LONGEST_TEXT = 10_000
"""Maximum characters of one value on the page, so that no name fills the page."""

_LEVEL = 6
"""The level of gzip; 9 takes three times as long for two per cent.

``Z_FILTERED`` ignores short matches, which are random in counts and fingerprints, and saves a twentieth.
"""
_GZIP = 31
_WORTH_JOINING = 100


def table(columns: Columns[Row], rows: Sequence[Row]) -> dict[str, Any]:
    """``{"length", "columns": {name: column}}``."""
    packed = {name: column([cell(row) for row in rows]) for name, cell in columns.items()}
    return {"length": len(rows), "columns": packed}


def column(values: Sequence[Any]) -> dict[str, Any]:
    """``{"steps"}`` for numbers, ``{"values"}`` if codes would save nothing, else ``{"values", "codes"}``.

    ``{"width", "joined"}`` instead of distinct values that are texts of one length.

    Steps lead from each number to the next: rows of an identity are adjacent, so most are 0 or 1. Other values are kept
    among them. Values must be hashable, and booleans and numbers must not share a column (``True`` and ``1`` would fall
    together).
    """
    codes: dict[Any, int] = {}
    coded = [codes.setdefault(value, len(codes)) for value in values]
    if any(type(value) is int for value in codes):
        return {"steps": list(_steps(values))}
    if len(codes) == len(values):
        width = _common_width(values)
        return {"width": width, "joined": "".join(values)} if width else {"values": values}
    return {"values": list(codes), "codes": coded}


def _common_width(values: Sequence[Any]) -> int:
    """The common length of these texts, such as fingerprints; 0 if they differ, or a browser counts differently."""
    if len(values) < _WORTH_JOINING or not all(isinstance(one, str) and one.isascii() for one in values):
        return 0
    return len(values[0]) if len(set(map(len, values))) == 1 else 0


def _steps(values: Iterable[Any]) -> Iterator[Any]:
    last = 0
    for value in values:
        if type(value) is int:
            yield value - last
            last = value
        else:
            yield value


def block(content: Any) -> str:
    """The content as text that needs no escaping anywhere in HTML; the same content gives the same text."""
    packer = zlib.compressobj(_LEVEL, wbits=_GZIP, memLevel=9, strategy=zlib.Z_FILTERED)
    return base64.b64encode(packer.compress(msgspec.json.encode(content)) + packer.flush()).decode("ascii")


# --- cells --------------------------------------------------------------------


def text(value: str | None) -> str | None:
    """The text with invisible and control characters made visible; None if empty."""
    if not value:
        return None
    if len(value) <= LONGEST_TEXT and value.isascii() and value.isprintable():
        return value  # most texts, at a fraction of the cost
    return printable(value if len(value) <= LONGEST_TEXT else f"{value[:LONGEST_TEXT]}… ({len(value):,} characters)")


def texts(values: Iterable[str]) -> tuple[str | None, ...]:
    """Several texts in one cell."""
    return tuple(map(text, values))


def pairs(facts: Mapping[str, Any]) -> tuple[tuple[str | None, str | None], ...]:
    """Names and values, both as text."""
    return tuple((text(name), text(plain(value))) for name, value in facts.items())


def pairs_by_name(facts: Mapping[str, Any]) -> tuple[tuple[str | None, str | None], ...]:
    """Like ``pairs``, sorted by name, for values that a provider lists in any order."""
    return pairs(dict(sorted(facts.items())))


def minutes(moment: datetime | None) -> int | None:
    """Minutes since 1970, UTC: precise enough, in few digits."""
    return None if moment is None else int(moment.timestamp()) // 60
