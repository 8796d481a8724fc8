"""Changes since the viewer's last visit, since the previous scan, and between two scans."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import lru_cache
from typing import Any

from reports.diff_table import headline
from reports.html.packing import minutes, text
from reports.html.payload import CHANGES
from scanner.app.changes import changes_between
from scanner.diff.records import Diff
from scanner.model import Change
from scanner.model.served import Visited
from scanner.serve.answers import Refusal
from scanner.serve.api.operations import OperationCall
from scanner.serve.index.questions import IndexQuestion
from scanner.serve.index.reading import ScanIndex
from scanner.store.store import Store

SHOWN = 500
_A_VISIT = timedelta(minutes=30)
"""Pages opened within this time belong to one visit."""


def news(call: OperationCall, index: ScanIndex) -> dict[str, Any]:
    """``{"last_visit", "since", "changes", "total"}``; ``last_visit`` None: compared with the previous scan."""
    visited = _last_visit(call) if call.visible.is_everything else None
    store = call.serving.store
    if visited is not None and store.has_scan(visited.scan) and visited.scan != index.scan:
        diff = _compared(store, visited.scan, index.scan)
        rows, total = _rows(diff.changes)
        return {"last_visit": visited.at, "since": minutes(diff.old.started_at), "changes": rows, "total": total}
    before = store.started_before(index.scan)
    page = index.page(call.visible.question(index, IndexQuestion(list="changes")), limit=SHOWN)
    return {
        "last_visit": None,
        "since": None if before == index.started_at else minutes(before),
        "changes": page.rows,
        "total": page.total,
    }


def between(call: OperationCall, old: str, new: str) -> dict[str, Any]:
    """``{"headline", "changes", "total"}`` of two scans. Raises Refusal, and UsageError for the wrong order."""
    call.visible.require_everything()
    store = call.serving.store
    for scan in (old, new):
        if not store.has_scan(scan):
            raise Refusal(404, "there is no such scan")
    diff = _compared(store, old, new)
    rows, total = _rows(diff.changes)
    return {"headline": headline(diff), "changes": rows, "total": total}


@lru_cache(maxsize=8)
def _compared(store: Store, old: str, new: str) -> Diff:
    return changes_between(store, old, new)


def _rows(changes: Sequence[Change]) -> tuple[list[Mapping[str, Any]], int]:
    shown = [one for one in changes if one.change != "not_rechecked"]
    return [{name: cell(one) for name, cell in CHANGES.items()} for one in shown[:SHOWN]], len(shown)


def visit(call: OperationCall, scan: str) -> None:
    """Record that the viewer opened the page, once per visit."""
    person = call.viewer.person
    now = call.serving.clock()
    if person is None:
        return
    known = call.serving.store.served.visits(person)
    if known and now - known[0].at < _A_VISIT and known[0].scan == scan:
        return
    call.serving.store.served.append(Visited(scan=text(scan) or "", by=person, at=now))


def _last_visit(call: OperationCall) -> Visited | None:
    """The time of the previous visit."""
    person = call.viewer.person
    known = call.serving.store.served.visits(person) if person else ()
    earlier = [one for one in known if call.serving.clock() - one.at >= _A_VISIT]
    return earlier[0] if earlier else None
