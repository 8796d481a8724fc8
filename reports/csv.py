"""The CSV report: one view as one table, UTF-8, RFC 4180, written as it is computed."""

from __future__ import annotations

import codecs
import csv
from datetime import date, datetime
from typing import BinaryIO, ClassVar

from reports.base import Screen, View
from reports.columns import TABLES
from reports.phrases import iso
from reports.tables import Cell, harmless
from scanner.model import ScanResult


class CsvReport:
    """One table; ``all`` has no table of its own and is the inventory, which has a row for every identity."""

    name: ClassVar[str] = "csv"
    title: ClassVar[str] = "one view as a table for spreadsheets and scripts"
    default_view: ClassVar[View] = "orphans"
    extra: ClassVar[str | None] = None

    def write(self, result: ScanResult, view: View, out: BinaryIO, screen: Screen) -> tuple[str, ...]:
        """Write heading and rows; nothing is ever left out, so there are no notices."""
        del screen
        table = TABLES["inventory" if view == "all" else view]
        writer = csv.writer(codecs.getwriter("utf-8")(out))
        writer.writerow(column.name for column in table.columns)
        writer.writerows((_text(column.get(row)) for column in table.columns) for row in table.rows(result))
        return ()


def _text(cell: Cell) -> str:
    match cell:
        case None:
            return ""
        case str():
            return harmless(cell)
        case bool():
            return "yes" if cell else "no"
        case datetime():
            return iso(cell)
        case date():
            return cell.isoformat()
        case int():
            return str(cell)
