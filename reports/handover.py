"""A handover for a terminal, and as CSV, XLSX, Markdown and JSON."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import BinaryIO, TypeAlias

from reports.base import Screen
from reports.handover_table import COLUMNS, SHORT_COLUMNS, as_of, headline, held_text, place_text
from reports.json import encoded, scan_record
from reports.phrases import words
from reports.sheets import markdown_table, write_csv
from reports.terminal_page import Page
from reports.xlsx.workbook import Counts, new_workbook
from scanner.lifecycle.offboarding.records import Handover, HandoverItem, Role
from scanner.markdown import escaped
from scanner.model import ScanInfo

SCHEMA = "muster.handover/1"

Writer: TypeAlias = Callable[[Handover, ScanInfo, BinaryIO, Screen], tuple[str, ...]]
"""Writes the handover; returns notices about content that was cut."""


def _write_page(handover: Handover, scan: ScanInfo, out: BinaryIO, screen: Screen) -> tuple[str, ...]:
    page = Page(screen)
    page.line(headline(handover), "bold")
    for notice in handover.notices:
        page.line(notice, "yellow")
    page.line(as_of(scan))
    for title, belongs in _SECTIONS.items():
        items = [item for item in handover.items if belongs(item)]
        if items:
            page.heading(f"{title}: {len(items):,}")
        for item in page.shown(items):
            page.item(_LABELS[item.roles[0]], _lines(item))
        page.more(len(items), f"muster offboard {shlex.quote(handover.person.email)} -o csv:handover.csv")
    out.write(page.text.encode())
    return ()


def _is_own(item: HandoverItem) -> bool:
    return "own_account" in item.roles


_SECTIONS: Mapping[str, Callable[[HandoverItem], bool]] = {
    "No other owner": lambda item: item.urgent is True and not _is_own(item),
    "Other owners unknown": lambda item: item.urgent is None and not _is_own(item),
    "Other owners remain": lambda item: item.urgent is False and not _is_own(item),
    "Their own accounts": _is_own,
}


_LABELS: Mapping[Role, str] = {
    "own_account": "account",
    "only_one_left": "only one",
    "last_active_member": "last of",
    "owner": "owner",
    "backup_owner": "backup",
    "technical_owner": "technical",
    "built_by": "built",
    "created": "created",
    "approved": "approved",
    "tagged": "tagged",
    "mentioned": "mentioned",
}
"""The most important role, in at most nine characters."""


def _lines(item: HandoverItem) -> Iterator[str]:
    where = f" ({place})" if (place := place_text(item)) else ""
    yield f"{item.name}{where}"
    if item.identity is not None:
        yield item.identity
        yield f"privilege {item.privilege or 'unknown'}, use {words(item.usage or 'unknown')}"
    yield from item.evidence
    if held := held_text(item):
        yield f"holds {held}"
    if item.worst:
        yield item.worst
    if item.caveat:
        yield f"Note: {item.caveat}"
    if item.successor:
        yield f"Successor: {item.successor} ({item.successor_evidence})"
    yield f"Next: {item.next_step}"


def _write_csv(handover: Handover, scan: ScanInfo, out: BinaryIO, screen: Screen) -> tuple[str, ...]:
    del scan, screen
    write_csv(COLUMNS, handover.items, out)
    return ()


def _write_xlsx(handover: Handover, scan: ScanInfo, out: BinaryIO, screen: Screen) -> tuple[str, ...]:
    del screen
    lines = [("Handover", "title"), (headline(handover), "lead")]
    lines += [(notice, "lead") for notice in handover.notices]
    lines.append((as_of(scan), "plain"))
    counts = (
        Counts("By role", ("", "role", "items"), _tally("role", (item.roles[0] for item in handover.items))),
        Counts(
            "By privilege", ("", "level", "items"), _tally("privilege", (item.privilege for item in handover.items))
        ),
        Counts(
            "By successor", ("", "person", "items"), _tally("successor", (item.successor for item in handover.items))
        ),
    )
    with new_workbook(out, title="Handover", created=scan.finished_at) as workbook:
        workbook.add_summary(lines, counts)
        workbook.add_table("Handover", COLUMNS, lambda: handover.items)
    return workbook.notices


def _tally(label: str, values: Iterable[str | None]) -> list[tuple[str, str, int]]:
    """The number of items by value, the most frequent first; a missing value counts as ``none``."""
    counts = Counter(words(value or "none") for value in values)
    return [(label, value, count) for value, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))]


def _write_markdown(handover: Handover, scan: ScanInfo, out: BinaryIO, screen: Screen) -> tuple[str, ...]:
    del screen
    out.write(f"# Handover\n\n{escaped(headline(handover))}\n\n".encode())
    out.write("".join(f"- {escaped(text)}\n" for text in (*handover.notices, as_of(scan))).encode())
    if handover.items:
        out.write(b"\n" + markdown_table(SHORT_COLUMNS, handover.items).encode())
    return ()


def _write_json(handover: Handover, scan: ScanInfo, out: BinaryIO, screen: Screen) -> tuple[str, ...]:
    """One record per line, as in the other documents."""
    del screen
    head = {"schema": SCHEMA, "scan": scan_record(scan), "person": handover.person, "notices": handover.notices}
    out.write(b"{\n" + b"".join(encoded(key) + b": " + encoded(value) + b",\n" for key, value in head.items()))
    out.write(b'"items": [' + b",".join(b"\n" + encoded(item) for item in handover.items) + b"\n]\n}\n")
    return ()


WRITERS: Mapping[str, Writer] = {
    "table": _write_page,
    "csv": _write_csv,
    "xlsx": _write_xlsx,
    "markdown": _write_markdown,
    "json": _write_json,
}
"""By format."""
