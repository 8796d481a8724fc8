"""Tables of any columns and rows as CSV and Markdown."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Sequence
from typing import Any, BinaryIO

from reports.tables import Column, harmless
from scanner.rules.wording import plain
from scanner.text import markdown_sentence, markdown_text

_SENTENCES = frozenset({"next_step", "remediation"})
"""Columns of sentences that may have commands in backticks; all others have names from outside."""


def write_csv(columns: Sequence[Column[Any]], rows: Sequence[Any], out: BinaryIO) -> None:
    """Write heading and rows as RFC 4180 in UTF-8. Unknown values are empty, and no cell is a formula."""
    writer = csv.writer(codecs.getwriter("utf-8")(out))
    writer.writerow(column.name for column in columns)
    writer.writerows((_in_spreadsheet(column, row) for column in columns) for row in rows)


def markdown_table(columns: Sequence[Column[Any]], rows: Sequence[Any]) -> str:
    """The table in GitHub's Markdown, with headings as words."""
    lines = [[markdown_text(column.name.replace("_", " ")) for column in columns], ["---"] * len(columns)]
    lines += [[_markdown_cell(column, row) for column in columns] for row in rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _markdown_cell(column: Column[Any], row: Any) -> str:
    escape = markdown_sentence if column.name in _SENTENCES else markdown_text
    return escape(plain(column.get(row)))


def _in_spreadsheet(column: Column[Any], row: Any) -> str:
    cell = column.get(row)
    if not isinstance(cell, str):
        return plain(cell)
    return harmless(cell.replace("\n", " | ") if column.type == "lines" else cell)
