"""The log of decisions, for a terminal, as JSON and as CSV."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from io import BytesIO
from itertools import islice
from typing import Any, BinaryIO, TypeAlias

import msgspec
from msgspec import Struct

from reports.base import Screen
from reports.csv import Utf8
from reports.json import encoded
from reports.tables import harmless
from reports.terminal_page import TerminalPage
from scanner.model.decisions import DecisionHead, LoggedDecision

SCHEMA = "muster.decisions/1"
SHOWN = 30
"""Maximum records on the page, unless all are asked for."""
COLUMNS = (
    "n", "at", "what", "by", "known_by", "os_user", "about", "before", "after", "reason", "stated_at", "row",
    "row_sha256", "previous", "hash",
)  # fmt: skip

Record: TypeAlias = tuple[LoggedDecision, str]
"""A record with its hash."""


class ListedDecisions(Struct, frozen=True, kw_only=True):
    """The records to write, newest first, and the head of the whole log. ``most``: on the page; None: all."""

    head: DecisionHead
    records: Iterable[Record]
    most: int | None = SHOWN


Writer: TypeAlias = Callable[[ListedDecisions, BinaryIO, Screen], tuple[str, ...]]
"""Writes the log; returns notices about content that was cut."""


def fields_of(record: LoggedDecision, digest: str) -> dict[str, Any]:
    """A record as the JSON document has it: its canonical form's members, and its hash."""
    return {**msgspec.to_builtins(record), "hash": digest}


def about_in_words(record: LoggedDecision) -> str:
    """What a decision is about, on one line."""
    return ", ".join(f"{name} {value}" for name, value in sorted(record.about.items()))


def _write_page(listed: ListedDecisions, out: BinaryIO, screen: Screen) -> tuple[str, ...]:
    page, records = TerminalPage(screen), iter(listed.records)
    for record, _ in records if listed.most is None else islice(records, listed.most):
        page.item(str(record.n), _lines(record))
        page.line()
    page.line(f"{listed.head}{'; older ones with --all' if next(records, None) else ''}")
    out.write(page.text.encode())
    return ()


def _lines(record: LoggedDecision) -> Iterator[str]:
    who = record.by or record.os_user or "the configuration"
    known = record.known_by.replace("_", " ")
    yield f"{record.at}: {record.what.replace('_', ' ')} by {who} ({known})"
    for text in (about_in_words(record), record.before and f"Before: {record.before}"):
        if text:
            yield text
    if record.after:
        yield f"After: {record.after}"
    if record.reason:
        yield f"Reason: {record.reason}"
    if record.stated_at:
        yield f"An older record states {record.stated_at}"


def _write_json(listed: ListedDecisions, out: BinaryIO, screen: Screen) -> tuple[str, ...]:
    """One record per line, oldest first."""
    del screen
    head = {"schema": SCHEMA, "count": listed.head.count, "head": listed.head.head}
    out.write(b"{\n" + b",\n".join(encoded(name) + b": " + encoded(value) for name, value in head.items()))
    out.write(b',\n"decisions": [')
    out.write(b",".join(b"\n" + encoded(fields_of(*record)) for record in _oldest_first(listed)) + b"\n]\n}\n")
    return ()


def _write_csv(listed: ListedDecisions, out: BinaryIO, screen: Screen) -> tuple[str, ...]:
    del screen
    out.writelines(csv_lines(_oldest_first(listed)))
    return ()


def csv_lines(records: Iterable[Record]) -> Iterator[bytes]:
    """The lines of a CSV file. A text that a spreadsheet would take for a formula begins with an apostrophe."""

    def line(cells: Sequence[str | None]) -> bytes:
        out = BytesIO()
        csv.writer(Utf8(out)).writerow(cells)
        return out.getvalue()

    yield line(COLUMNS)
    for record, digest in records:
        fields = {**fields_of(record, digest), "about": about_in_words(record)}
        yield line([harmless(str(fields[name])) if fields.get(name) is not None else None for name in COLUMNS])


def _oldest_first(listed: ListedDecisions) -> Sequence[Record]:
    return list(listed.records)[::-1]


WRITERS: Mapping[str, Writer] = {"table": _write_page, "json": _write_json, "csv": _write_csv}
"""By format."""
