"""Lists: rows found by the index, as the records of reports."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from reports.json import encoded
from scanner.serve.answers import Refusal
from scanner.serve.api.operations import OperationCall, Reply
from scanner.serve.api.queries import given, question_of
from scanner.serve.api.rows import SHOWN, read
from scanner.serve.index.questions import ListName
from scanner.serve.index.reading import ScanIndex


def index_of(call: OperationCall, scan: str | None) -> ScanIndex:
    """The index of the requested scan. Raises Refusal if there is none."""
    catalog = call.serving.catalog
    latest = catalog.latest()
    if latest is None:
        what = catalog.underway or "the first scan is not ready yet"
        raise Refusal(503, str(what), hint="try again in a minute", headers={"retry-after": "5"})
    if scan is None or scan == latest.scan:
        return latest
    if scan not in {one.id for one in call.serving.store.scans()}:
        raise Refusal(404, "there is no such scan", hint="/api/v1/scans lists them")
    return catalog.of(scan)


def list_of(name: ListName) -> Callable[[OperationCall], Reply]:
    """The operation that answers with a page of that list."""

    def answer(call: OperationCall) -> Reply:
        query = call.query
        index = index_of(call, given(query.scan))
        question = call.visible.question(index, question_of(name, query))
        page = index.page(question, limit=query.limit, after=given(query.cursor))
        part, rows = read(call.visible, name, index.scan, list(zip(page.keys, page.rows, strict=True)))
        items = (SHOWN[name].json(part, row) for row in rows)
        return Reply(body=page_of(items, total=page.total, next=page.next, scan=index.scan))

    return answer


def page_of(items: Iterable[bytes], **rest: Any) -> bytes:
    """A page of records that are JSON already."""
    return b'{"items":[' + b",".join(items) + b"]," + encoded(rest)[1:]
