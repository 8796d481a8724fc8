"""The CSV report: one view as one table, UTF-8, RFC 4180, written as it is computed."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from io import BytesIO
from typing import Any, BinaryIO, ClassVar

from reports.base import Screen, View
from reports.columns import TABLES
from reports.tables import Column, harmless
from scanner.model import ScanResult
from scanner.processes import ahead, batched
from scanner.rules.wording import iso

BATCH = 100
"""Rows written at once."""


class CsvReport:
    """One table. The view ``all`` is the inventory, which has a row for every identity."""

    name: ClassVar[str] = "csv"
    title: ClassVar[str] = "one view as a table for spreadsheets and scripts"
    default_view: ClassVar[View] = "orphans"
    extra: ClassVar[str | None] = None
    streams: ClassVar[bool] = True

    def write(self, result: ScanResult, view: View, out: BinaryIO, screen: Screen) -> tuple[str, ...]:
        """Write heading and rows. Nothing is cut, so there are no notices."""
        del screen
        table = TABLES["inventory" if view == "all" else view]

        def text_of(rows: Sequence[Any]) -> bytes:
            batch = BytesIO()
            csv.writer(Utf8(batch)).writerows(written(table.columns, rows))
            return batch.getvalue()

        csv.writer(Utf8(out)).writerow(column.name for column in table.columns)
        out.writelines(ahead(text_of, batched(table.rows(result), BATCH)))
        return ()


def written(columns: Sequence[Column[Any]], rows: Iterable[Any]) -> Iterator[list[str | None]]:
    """The cells of each row as text. Unknown values are None, and no text is a formula."""
    cells = [column.get for column in columns]
    return ([None if (cell := get(row)) is None else _WRITTEN[type(cell)](cell) for get in cells] for row in rows)


class Utf8:
    """A text interface to a stream of bytes. A codec's writer takes three times as long for each row."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out

    def write(self, text: str) -> None:
        self._out.write(text.encode())


_WRITTEN: Mapping[type, Callable[[Any], str]] = {
    str: harmless,
    bool: lambda cell: "yes" if cell else "no",
    int: str,
    datetime: iso,
    date: date.isoformat,
}
"""Writers by type of cell: in a million rows with thirty cells each, isinstance() checks take seconds."""
