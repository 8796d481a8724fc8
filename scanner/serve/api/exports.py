"""``/export/LIST.FORMAT``: all rows of a filtered list as a file, with the columns and records of the reports."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from io import BytesIO
from itertools import chain, islice
from tempfile import TemporaryFile
from typing import Any, BinaryIO, Literal, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from reports.csv import Utf8, written
from reports.json import encoded, plain_record
from reports.xlsx.workbook import new_workbook
from scanner.model import ScanResult
from scanner.rules.wording import iso
from scanner.serve.answers import Refusal
from scanner.serve.api.lists import index_of
from scanner.serve.api.operations import OperationCall, Reply
from scanner.serve.api.queries import given, question_of
from scanner.serve.api.rows import SHOWN, IndexRow, Read, Shown, frame_of, read
from scanner.serve.index.questions import IndexQuestion, ListName

Format: TypeAlias = Literal["csv", "json", "xlsx"]
MOST_IN_WORKBOOK = 100_000
"""Maximum rows of a workbook, which is written completely before it is sent."""
_BATCH = 1_000
"""Rows that are read from the store at once."""
_PIECE = 256 * 1024
"""Bytes of a workbook that are sent at once."""
_LISTS = ("identities", "secrets", "workloads", "assignments", "exposures", "registry", "findings", "retirements")
"""Lists of ``muster.scan/1`` beside the coverage."""


class _Export(Struct, frozen=True, kw_only=True):
    """The content of a file, as the viewer may see it.

    ``frame``: the scan without its records; ``head``: its members. ``batches``: its rows, read on demand.
    """

    shown: Shown
    head: Mapping[str, Any]
    frame: ScanResult
    batches: Iterator[Read]
    total: int


def file_of(name: ListName, form: Format) -> Callable[[OperationCall], Reply]:
    """The operation that answers with that list as a file."""

    def answer(call: OperationCall) -> Reply:
        index = index_of(call, given(call.query.scan))
        visible = call.visible
        question = visible.question(index, question_of(name, call.query))
        total = index.page(question, limit=1).total
        only = None if _is_whole(question) else "Only what the filters left."
        frame = replace(frame_of(call.serving.store, index.scan), only=only)
        head, shown = visible.head(index, frame), visible.frame(frame)

        def batches() -> Iterator[Read]:
            found: Iterator[IndexRow] = zip(index.keys(question), index.rows(question), strict=True)
            while batch := list(islice(found, _BATCH)):
                yield read(visible, name, index.scan, batch, for_file=form != "json")

        export = _Export(shown=SHOWN[name], head=head, frame=shown, batches=batches(), total=total)
        file = f"muster-{name}-{index.started_at:%Y-%m-%d}.{form}"
        return Reply(body=_WRITERS[form](export), media_type=MEDIA_TYPES[form], file=file)

    return answer


def _is_whole(question: IndexQuestion) -> bool:
    return not question.text and not question.chosen and not question.is_limited


MEDIA_TYPES: Mapping[Format, str] = {
    "csv": "text/csv",
    "json": "application/json",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def _csv(export: _Export) -> Iterator[bytes]:
    columns = export.shown.columns
    yield _lines([[column.name for column in columns]])
    for _, rows in export.batches:
        yield _lines(written(columns, rows))


def _lines(rows: Iterable[Sequence[str | None]]) -> bytes:
    out = BytesIO()
    csv.writer(Utf8(out)).writerows(rows)
    return out.getvalue()


def _json(export: _Export) -> Iterator[bytes]:
    """A document of ``muster.scan/1``; its other lists are empty, except the coverage."""
    frame, key = export.frame, export.shown.key
    yield b"{\n" + b",\n".join(encoded(name) + b": " + encoded(value) for name, value in export.head.items())
    if key != "coverage":
        yield b',\n"coverage": [\n' + b",\n".join(map(plain_record, frame.coverage)) + b"\n]"
    yield b"".join(b",\n" + encoded(other) + b": []" for other in _LISTS if other != key)
    yield b",\n" + encoded(key) + b": ["
    separator = b"\n"
    for part, rows in export.batches:
        yield separator + b",\n".join(export.shown.json(part, row) for row in rows)
        separator = b",\n"
    yield b"\n]\n}\n"


def _xlsx(export: _Export) -> Iterator[bytes]:
    """The workbook, written before the first piece is sent, so that a failure becomes an error response."""
    if export.total > MOST_IN_WORKBOOK:
        raise Refusal(
            413,
            f"{export.total:,} rows are too many for a workbook",
            hint=f"filter the list to {MOST_IN_WORKBOOK:,} rows, or take CSV or JSON, which have no limit",
        )
    with ExitStack() as until_sent:
        file = until_sent.enter_context(TemporaryFile())
        _write_workbook(export, file)
        return _pieces(file, until_sent.pop_all())


def _write_workbook(export: _Export, file: BinaryIO) -> None:
    scan = export.frame.scan
    title = f"{export.shown.title}: {export.total:,}"
    lines = [(title, "title"), *((text, "plain") for text in (export.frame.only, *export.frame.notices) if text)]
    lines.append((f"Scan {scan.id}, finished {iso(scan.finished_at)}, Muster {scan.version}", "plain"))
    with new_workbook(file, title=export.shown.title, created=scan.finished_at) as workbook:
        workbook.add_summary(lines, [])
        rows = chain.from_iterable(rows for _, rows in export.batches)
        workbook.add_table(export.shown.title, tuple(export.shown.columns), lambda: rows, count=export.total)


def _pieces(file: BinaryIO, until_sent: ExitStack) -> Iterator[bytes]:
    with until_sent:
        file.seek(0)
        yield from iter(partial(file.read, _PIECE), b"")


_WRITERS: Mapping[Format, Callable[[_Export], Iterator[bytes]]] = {"csv": _csv, "json": _json, "xlsx": _xlsx}
