"""Prints changes and problems for a terminal of 80 columns, without control characters."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from math import floor
from typing import Any

from msgspec.structs import replace

from scanner.errors import Problem
from scanner.redaction.redact import redact
from scanner.registry.editing.adoption import Change
from scanner.registry.editing.lint import LintReport
from scanner.registry.editing.quality import Quality, TeamQuality
from scanner.registry.editing.values import joined
from scanner.registry.tables.cells import shown
from scanner.registry.tables.headings import normal
from scanner.registry.understood import Understood
from scanner.text import counted, printable

WIDTH = 80
_COLUMN = 20
_BAR = 20
_NAME = _COLUMN - 1


def changes_text(changes: Sequence[Change], registry: str) -> Iterator[str]:
    """Yield the changes as a diff, line by line: each entry before and after."""
    for change in changes:
        if change.entry is None:
            subject = f"{registry}: new entry"
        else:
            subject = str(change.entry.origin) + (f" {change.entry.id}" if change.entry.has_own_id else "")
        yield from _wrapped(f"@@ {subject}", ", ".join(change.places), " <- " if change.places else "")
        yield from (f"  {printable(redact(note))}" for note in change.notes)
        for column, value in change.cells.items():
            old = getattr(change.entry, column) if change.entry else None
            if old not in (None, ()):
                yield from _cell("-", column, old)
            yield from _cell("+", column, value)


def cells_text(change: Change, *, old: bool = False) -> str:
    """Return a change on one line: the new values, or the ``old`` ones of the entry where it has any."""
    values = {column: getattr(change.entry, column, None) if old else value for column, value in change.cells.items()}
    return "; ".join(f"{column}: {_plain(value)}" for column, value in values.items() if value not in (None, ()))


def _plain(value: Any) -> str:
    return printable(redact(joined(value) if isinstance(value, tuple) else str(value)))


def _wrapped(head: str, tail: str, between: str) -> Iterator[str]:
    yield from textwrap.wrap(printable(f"{head}{between}{tail}"), WIDTH, subsequent_indent="   ")


def _cell(sign: str, column: str, value: Any) -> Iterator[str]:
    text = _plain(value)
    width = WIDTH - _COLUMN - 2
    parts = [text[at : at + width] for at in range(0, len(text), width)]
    for number, part in enumerate(parts):
        yield f"{sign} {column if number == 0 else '':{_COLUMN}}{part}"


def lint_text(report: LintReport) -> Iterator[str]:
    """Yield the problems, the warnings, what was understood of each table, and the completeness of each column."""
    for name, found in (("problem", report.problems), ("warning", report.warnings)):
        for places, problem in _alike(found):
            yield from _note(name, places, problem)
    problems, warnings = len(report.problems), len(report.warnings)
    yield f"{counted(problems, 'problem', 'problems')}, {counted(warnings, 'warning', 'warnings')}"
    if report.tables:
        yield ""
        yield from tables_text(report.tables)
    if report.quality is not None:
        yield ""
        yield from _quality(report.quality, report.unread_rows)
    if len(report.teams) > 1:
        yield from _teams(report.teams)


def verdict_text(report: LintReport, percent: float) -> str:
    """Return a line on whether the score reaches the required percentage."""
    if report.quality is None:
        return f"the score is unknown, and {percent:g}% were required"
    below = "below" if report.is_below(percent) else "not below"
    return f"the score is {_tenth(report.quality.score)}, {below} the {percent:g}% that were required"


def _tenth(share: float) -> str:
    """Return a share in percent, with one decimal, rounded down."""
    return f"{floor(share * 1000 + 1e-9) / 10:g}%"


def _teams(teams: Sequence[TeamQuality]) -> Iterator[str]:
    yield ""
    yield f"{'team':{_COLUMN}}{'entries':>8}{'score':>7}"
    for one in teams:
        name = printable(redact(one.team or "none named"))
        shown = name if len(name) <= _NAME else f"{name[: _NAME - 1]}…"
        yield f"{shown:{_COLUMN}}{one.entries:>8,}{one.score:>7.0%}  {'#' * round(one.score * _BAR)}"


def _alike(problems: Sequence[Problem]) -> Iterator[tuple[str, Problem]]:
    """Merge equal messages about several lines at the first of them, with all line numbers."""
    lines: dict[Problem, list[int | None]] = {}
    for problem in problems:
        lines.setdefault(replace(problem, line=None), []).append(problem.line)
    for problem, numbers in lines.items():
        yield ", ".join(_ranges([number for number in numbers if number is not None])), problem


def _ranges(numbers: Sequence[int]) -> Iterator[str]:
    """Yield ascending numbers with ranges: ``3, 5-9``."""
    for _, run in groupby(enumerate(numbers), lambda pair: pair[1] - pair[0]):
        first, *others = (number for _, number in run)
        yield f"{first}-{others[-1]}" if others else str(first)


def _note(name: str, places: str, problem: Problem) -> Iterator[str]:
    text = str(problem)
    if places:
        text = text.replace(problem.document, f"{problem.document}:{places}", 1)
    yield from textwrap.wrap(printable(redact(f"{name}: {text}")), WIDTH, subsequent_indent="    ")


def _quality(quality: Quality, unread: int) -> Iterator[str]:
    left_out = f"; {counted(unread, 'unreadable row is', 'unreadable rows are')} left out" if unread else ""
    entries = counted(quality.entries, "entry that is not retired", "entries that are not retired")
    yield f"Quality of {entries}{left_out}"
    yield f"{'column':{_COLUMN}}{'filled':>7}{'valid':>7}  {'':{_BAR}}  counts for"
    for field in quality.fields:
        counts_for = ", ".join(field.counts_for)
        shares = f"{field.filled:>7.0%}{field.valid:>7.0%}"
        yield f"{field.column:{_COLUMN}}{shares}  {'#' * round(field.valid * _BAR):{_BAR}}  {counts_for}"
    yield ""
    yield from textwrap.wrap(
        f"Score: {quality.score:.0%}, the mean share of valid cells in the columns that a registry should have "
        "(registry). Valid: an owner is on the roster and active, a date is not overdue. CIS 5.5: what CIS "
        "Controls 8.1, safeguard 5.5, requires of an inventory of service accounts.",
        WIDTH,
    )


def printed(lines: Iterable[str]) -> str:
    """Return lines as one text."""
    return "".join(f"{line.rstrip()}\n" for line in lines)


# --- What was understood of tables; usual headings and words are short ---

_WIDTH = 80
_INDENT = 16
_TABLES_NAMED = 10
_WORDS_NAMED = 20


def tables_text(tables: Sequence[Understood]) -> Iterator[str]:
    """Yield for each table its place, its columns, what its words mean, and what is not known of it, line by line."""
    for table in tables[:_TABLES_NAMED]:
        yield from _titled("table", _place(table))
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
        yield from _titled(what, ", ".join([*texts[:_WORDS_NAMED], *more]))


def _titled(what: str, text: str) -> Iterator[str]:
    line = f"{what:{_INDENT}}{printable(redact(text))}"
    yield from textwrap.wrap(line, _WIDTH, subsequent_indent=" " * _INDENT, drop_whitespace=True)
