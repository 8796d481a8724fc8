"""Prints what was understood of tables, for a terminal of 80 columns; usual headings and words are short."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence

from scanner.redaction.redact import redact
from scanner.registry.tables.cells import shown
from scanner.registry.tables.headings import normal
from scanner.registry.understood import Understood
from scanner.text import counted, printable

_WIDTH = 80
_INDENT = 16
_TABLES_NAMED = 10
_WORDS_NAMED = 20


def tables_text(tables: Sequence[Understood]) -> Iterator[str]:
    """Yield for each table its place, its columns, what its words mean, and what is not known of it, line by line."""
    for table in tables[:_TABLES_NAMED]:
        yield from _wrapped("table", _place(table))
        columns = (_pair(heading, column) for heading, column in table.columns.items())
        yield from _named("  columns", list(columns))
        for column, words in table.values.items():
            if any(normal(word) != normal(meaning) for word, meaning in words.items()):
                yield from _named(f"  {column}", [_pair(word, meaning) for word, meaning in words.items()])
        yield from _named("  not known", list(_unknown(table.unknown_headings, table.unknown_values)))
    left = len(tables) - _TABLES_NAMED
    if left > 0:
        yield f"… and {counted(left, 'other table', 'other tables')}"


def _place(table: Understood) -> str:
    place = table.file if table.sheet is None else f"{table.file}[{table.sheet}]"
    if table.line is not None:
        place += f", headings in row {table.line}"
    return place + (f", {counted(table.set_aside, 'row', 'rows')} set aside" if table.set_aside else "")


def _pair(written: str, meaning: str) -> str:
    """Return the text alone where it is the usual word, else also what it means."""
    return shown(written) if normal(written) == normal(meaning) else f"{shown(written)} = {meaning}"


def _unknown(headings: Sequence[str], values: Mapping[str, Mapping[str, int]]) -> Iterator[str]:
    yield from (f"the column {shown(heading)}" for heading in headings)
    for column, words in values.items():
        yield from (f"{column} {word} ({counted(count, 'cell', 'cells')})" for word, count in words.items())


def _named(what: str, texts: Sequence[str]) -> Iterator[str]:
    if texts:
        more = [f"and {len(texts) - _WORDS_NAMED} more"] if len(texts) > _WORDS_NAMED else []
        yield from _wrapped(what, ", ".join([*texts[:_WORDS_NAMED], *more]))


def _wrapped(what: str, text: str) -> Iterator[str]:
    line = f"{what:{_INDENT}}{printable(redact(text))}"
    yield from textwrap.wrap(line, _WIDTH, subsequent_indent=" " * _INDENT, drop_whitespace=True)
