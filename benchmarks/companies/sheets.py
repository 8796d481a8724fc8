"""Writes a company's lists as files, as they are kept there: titles, cover sheets, sections, blank and ruled rows."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, TypeAlias

import xlsxwriter
from msgspec.structs import replace

from benchmarks.companies.company import Company, Row
from benchmarks.companies.dates import Dated
from benchmarks.companies.estate import inventory
from benchmarks.companies.words import RegistryWords

_SECTION_EVERY = 60
_RULED = "-----"
Cells: TypeAlias = Sequence[object]

_SOURCE = """
[[source]]
name = "lists"
type = "file"
path = "inventory.csv"
"""
_MEANS = {
    "number": "id",
    "first": "first_name",
    "last": "last_name",
    "mail": "email",
    "login": "aliases",
    "left": "left_on",
}
_MEANS_ENTRY = {"identity": "identities", "reviewed": "last_reviewed"}


def write(company: Company, folder: Path, *, explained: bool) -> Mapping[int, int]:
    """Write inventory, registry, roster and config there; by the line of the registry, the number of its row.

    ``explained``: the config says what each heading means.
    """
    words = company.words
    (folder / "inventory.csv").write_text(_delimited(list(inventory(company.principals)), ","), encoding="utf-8")
    rows = list(_registry_rows(company))
    numbered = [number for number, _ in rows]
    lines = _write(folder / words.registry.file, [cells for _, cells in rows], words.registry)
    _write(folder / words.roster.file, list(_roster_rows(company)), None)
    lists = (
        ("registry", words.registry.file, words.registry.headings, _MEANS_ENTRY),
        ("people", words.roster.file, words.roster.headings, _MEANS),
    )
    tables = [f'[[{name}]]\npath = "{file}"\n' + explained * _columns(name, *rest) for name, file, *rest in lists]
    (folder / "config.toml").write_text("\n".join((*tables, _SOURCE)), encoding="utf-8")
    return {line: number for line, number in zip(lines, numbered, strict=True) if number is not None}


def plain(company: Company) -> Company:
    """The company with statuses and dates as Muster's docs have them, so that names can be measured by themselves."""

    def row_of(row: Row) -> Row:
        day = _iso(row.end.means)
        return replace(
            row,
            cells={**row.cells, "status": row.status, "reviewed": "", "expires": day},
            end=Dated(day, row.end.kind if day else "empty", row.end.means),
        )

    return replace(
        company,
        rows=tuple(map(row_of, company.rows)),
        roster=tuple(
            {**row, "status": "active" if one.standing == "resting" else one.standing, "left": _iso(one.left)}
            for one, row in zip(company.staff, company.roster, strict=True)
        ),
    )


def _iso(day: date | None) -> str:
    return day.isoformat() if day else ""


def _columns(name: str, headings: Mapping[str, str], means: Mapping[str, str]) -> str:
    given = (f'"{heading}" = "{means.get(column, column)}"' for column, heading in headings.items())
    return "\n".join((f"[{name}.columns]", *given, ""))


def _registry_rows(company: Company) -> Iterator[tuple[int | None, Cells]]:
    """Each with the number of the row, None for what is no row of the list."""
    words = company.words.registry
    yield from ((None, (title,)) for title in words.title)
    yield None, ()
    yield None, tuple(words.headings.values())
    sections = iter(words.sections)
    for number, row in enumerate(company.rows):
        if number % _SECTION_EVERY == _SECTION_EVERY // 2 and (section := next(sections, None)):
            yield None, ()
            yield None, (section,)
        yield number, tuple(row.cells[column] for column in words.headings)
    yield None, (_RULED,) * len(words.headings)
    yield None, (words.total, len(company.rows))


def _roster_rows(company: Company) -> Iterator[Cells]:
    words = company.words.roster
    yield from ((title,) for title in words.title)
    yield ()
    yield tuple(words.headings.values())
    yield from (tuple(row.values()) for row in company.roster)


def _write(path: Path, rows: Sequence[Cells], words: RegistryWords | None) -> Sequence[int]:
    """Write the rows; the line of each in the file."""
    if path.suffix == ".xlsx":
        _workbook(path, rows, words)
        return range(1, len(rows) + 1)
    path.write_text(_delimited(rows, ";"), encoding="utf-8-sig")
    lines, line = [], 1
    for cells in rows:
        lines.append(line)
        line += 1 + sum(str(cell).count("\n") for cell in cells)
    return lines


def _delimited(rows: Sequence[Cells], delimiter: str) -> str:
    """Every row as wide as the widest, as spreadsheets export them."""
    out = io.StringIO()
    width = max(map(len, rows))
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\n")
    writer.writerows((*cells, *("",) * (width - len(cells))) for cells in rows)
    return out.getvalue()


def _workbook(path: Path, rows: Sequence[Cells], words: RegistryWords | None) -> None:
    """A workbook with a cover before the sheet, where the company has one."""
    with xlsxwriter.Workbook(path, {"strings_to_urls": False, "strings_to_formulas": False}) as book:
        dated = book.add_format({"num_format": "dd.mm.yyyy"})
        if words is not None and words.cover:
            name, *lines = words.cover
            cover = book.add_worksheet(name)
            for number, line in enumerate(lines):
                cover.write_string(number + 2, 1, line)
        sheet = book.add_worksheet(None if words is None else words.sheet)
        for at, cells in enumerate(rows):
            for column, cell in enumerate(cells, start=0 if words is None else words.offset):
                if isinstance(cell, date):
                    sheet.write_datetime(at, column, cell, dated)
                elif isinstance(cell, int):
                    sheet.write_number(at, column, cell)
                elif cell != "":
                    sheet.write_string(at, column, str(cell))
        if words is not None:
            _legend(book.add_worksheet(words.legend), words)


def _legend(sheet: Any, words: RegistryWords) -> None:
    """A sheet that says what the status words are for, under two of the same headings."""
    rows = [(words.headings["status"], words.headings["purpose"])]
    rows += [(word, status) for status, written in words.statuses.items() for word in written]
    for at, cells in enumerate(rows):
        for column, cell in enumerate(cells):
            sheet.write_string(at, column, cell)
