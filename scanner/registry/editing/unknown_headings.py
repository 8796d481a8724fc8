"""Suggests columns for unknown headings, by their names and cells, as configuration to paste."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from itertools import islice
from typing import Any, NamedTuple

from scanner.matching.declared import environments
from scanner.matching.keys import is_bare, is_email, known, provider_key
from scanner.registry.columns import LISTS, NAMING, REGISTRY
from scanner.registry.entries import CODES
from scanner.registry.lists import PRESETS, ListSource, Preset
from scanner.registry.roster import Roster
from scanner.registry.tables import Row, read_table
from scanner.registry.tables.cells import CellError, read_text
from scanner.registry.tables.headings import Columns, holds_secret, normal
from scanner.text import either, printable

SAMPLE = 200
"""The most rows that are examined."""
_MOSTLY = 0.6
"""The share of a column's cells that must agree."""
_ALIKE = 85
"""The least similarity to a known heading, from 0 to 100."""
_SIGNATURE = 3
"""The number of a preset's own headings that identify its program."""
_CODES_COUNT = 2
"""The weight of a heading with codes, which hardly any other program has."""
_ACCOUNT = re.compile(r"\d{12}")
_STATUS = re.compile(
    r"active|inactive|retired|disabled|enabled|live|proposed|suspended|in use|decommissioned", re.IGNORECASE
)


class Suggestion(NamedTuple):
    """A heading, the suggested column, and the reason."""

    heading: str
    column: str
    why: str


def suggest_config(source: ListSource, roster: Roster | None) -> Iterator[str]:
    """Yield the list's configuration, line by line, each suggestion with its reason.

    Raises RegistryError if the file cannot be read.
    """
    assert source.path is not None
    table = read_table(source.path, lambda headings: REGISTRY.likeness(headings, NAMING), sheet=source.sheet)
    with closing(table):
        rows = [row for row in islice(table.rows, SAMPLE) if isinstance(row, Row)]
    headings = table.headings or tuple(dict.fromkeys(heading for row in rows for heading in row.headings))
    preset = source.preset or _preset(headings)
    columns = REGISTRY.explained({**(PRESETS[preset] if preset else {}), **source.columns})
    yield "[[registry]]"
    yield f"path = {_quoted(str(source.path))}"
    if table.sheet is not None:
        yield f"sheet = {_quoted(table.sheet)}"
    if preset is not None:
        yield f"preset = {_quoted(preset)}"
    found = list(_suggestions(headings, rows, columns, roster))
    if found or source.columns:
        yield "[registry.columns]"
    yield from (f"{_quoted(heading)} = {_quoted(column)}" for heading, column in source.columns.items())
    yield from (f"{_quoted(one.heading)} = {_quoted(one.column)}  # {one.why}" for one in found)
    left = [heading for heading in headings if columns.means(heading) is None and not holds_secret(heading)]
    for heading in left:
        if heading not in {one.heading for one in found}:
            yield f"# {_quoted(heading)} is kept and shown as it is"


def _quoted(text: str) -> str:
    return printable(json.dumps(text, ensure_ascii=False))


def _preset(headings: Sequence[str]) -> Preset | None:
    """Return the preset with the most of its own headings, including those of codes."""
    written = set(map(normal, headings))
    counts = {
        name: len(written & set(map(normal, table))) + _CODES_COUNT * len(written & CODES.get(name, {}).keys())
        for name, table in PRESETS.items()
    }
    best = max(counts, key=lambda name: counts[name])
    return best if counts[best] >= _SIGNATURE else None


def _suggestions(
    headings: Sequence[str], rows: Sequence[Row], columns: Columns, roster: Roster | None
) -> Iterator[Suggestion]:
    """Yield suggestions for unknown headings; a column with a single value is suggested once."""
    taken = set(columns.place(tuple(headings)).columns)
    for heading in headings:
        if columns.means(heading) is not None or holds_secret(heading):
            continue
        cells = [cell for row in rows for name, cell in zip(row.headings, row.cells, strict=True) if name == heading]
        texts = [text for cell in cells if (text := _text(cell))]
        for column, why in (*_by_name(heading), *_by_cells(texts, taken, roster)):
            if column not in taken or column in LISTS:
                taken.add(column)
                yield Suggestion(heading, column, why)
                break


def _text(cell: Any) -> str | None:
    try:
        return read_text(cell)
    except CellError:
        return None


def _by_name(heading: str) -> Iterator[tuple[str, str]]:
    from rapidfuzz import fuzz, process

    written = {normal(one): one for one in REGISTRY.headings()}
    found = process.extractOne(normal(heading), list(written), scorer=fuzz.ratio, score_cutoff=_ALIKE)
    if found is not None and (column := REGISTRY.means(written[found[0]])) is not None:
        yield column, f"like {written[found[0]]}"


def _by_cells(texts: Sequence[str], taken: set[str], roster: Roster | None) -> Iterator[tuple[str, str]]:
    """Yield what most cells look like; an owner takes precedence over a contact."""

    def is_owner(text: str) -> bool:
        return is_email(text) or (roster is not None and roster.resolve(text) is not None)

    people = "technical_owner" if "owner" in taken else "owner"
    looks: Mapping[str, tuple[str, Callable[[str], bool]]] = {
        "ids": ("identities", lambda text: not is_bare(text)),
        "people": (people, is_owner),
        "accounts": ("scope", lambda text: _ACCOUNT.fullmatch(text) is not None),
        "providers": ("provider", lambda text: provider_key(text) in known().providers),
        "statuses": ("status", lambda text: _STATUS.fullmatch(text) is not None),
        "environments": ("environment", lambda text: bool(environments(text)) and len(text.split()) == 1),
    }
    for what, (column, fits) in looks.items():
        fitting = sum(map(fits, texts))
        if texts and fitting >= _MOSTLY * len(texts):
            yield column, f"{fitting} of {len(texts)} cells {either(fitting, 'is', 'are')} {what}"
