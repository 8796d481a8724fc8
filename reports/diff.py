"""A comparison of two scans for a terminal, and as CSV, Markdown and JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import groupby
from typing import BinaryIO, TypeAlias

from reports.base import Screen
from reports.diff_table import COLUMNS, SHORT_COLUMNS, became, caveats, finding_counts, headline, span, totals
from reports.json import encoded, scan_record
from reports.sheets import markdown_table, write_csv
from reports.terminal_page import LABEL, Page
from scanner.diff.records import Diff
from scanner.model import Change
from scanner.rules.wording import words
from scanner.text import counted, markdown_text

SCHEMA = "muster.diff/1"
SHOWN = 15
"""Maximum changes of each kind on the page; the others are counted."""
PLACES_SHOWN = 5

Writer: TypeAlias = Callable[[Diff, BinaryIO, Screen], tuple[str, ...]]
"""Writes the comparison; returns notices about content that was cut."""


def _write_page(diff: Diff, out: BinaryIO, screen: Screen) -> tuple[str, ...]:
    """The most important changes first, totals last."""
    page = Page(screen)
    page.line(headline(diff), "bold")
    page.line(span(diff))
    for caveat in caveats(diff):
        page.line(caveat, "yellow")
    identities = [list(rows) for _, rows in groupby(_of(diff, "identity"), lambda row: row.key)]
    for title, belongs in _SECTIONS.items():
        _section(page, title, [rows for rows in identities if belongs(rows)], _identity)
    _section(
        page, f"Findings: {', '.join(finding_counts(diff.summary))}", [[one] for one in _of(diff, "finding")], _one
    )
    _section(page, "Registry entries", [[one] for one in _of(diff, "entry")], _one)
    _places(page, [rows[0] for rows in identities if rows[0].change == "not_rechecked"])
    page.line()
    page.line(totals(diff.summary))
    out.write(page.text.encode())
    return ()


def _of(diff: Diff, subject: str) -> Iterator[Change]:
    return (change for change in diff.changes if change.subject == subject)


def _is(change: str) -> Callable[[list[Change]], bool]:
    return lambda rows: rows[0].change == change


_SECTIONS: Mapping[str, Callable[[list[Change]], bool]] = {
    "Recreated": lambda rows: any(row.change == "replaced" for row in rows),
    "Reach grew": lambda rows: _moved(rows) and any(row.reach_grew for row in rows),
    "Joined": _is("joined"),
    "Came back": _is("returned"),
    "Moved": lambda rows: _moved(rows) and not any(row.reach_grew for row in rows),
    "Left": _is("left"),
    "Forgotten by command": _is("forgotten"),
}


def _moved(rows: list[Change]) -> bool:
    return all(row.change == "moved" for row in rows)


def _section(
    page: Page, title: str, groups: list[list[Change]], lines: Callable[[list[Change]], Iterable[str]]
) -> None:
    if not groups:
        return
    page.heading(title if title.startswith("Findings") else f"{title}: {len(groups):,}")
    for rows in groups[:SHOWN]:
        page.item(rows[0].severity or words(rows[0].change), lines(rows), axis="severity" if rows[0].severity else None)
    if len(groups) > SHOWN:
        page.hint(f"and {len(groups) - SHOWN:,} more", "muster diff -o csv:diff.csv", indent=LABEL)


def _identity(rows: list[Change]) -> Iterator[str]:
    """The lines of an identity: name, kind, place, changes and next step."""
    first = rows[0]
    where = " ".join(filter(None, (words(first.kind or "identity"), "in", first.provider, first.scope)))
    yield f"{first.name} ({where})"
    yield first.key
    for row in rows:
        yield f"{became(row)}{f' ({row.caveat})' if row.caveat else ''}"
    yield from _next(rows)


def _one(rows: list[Change]) -> Iterator[str]:
    row = rows[0]
    yield f"{row.name} ({words(row.change)})" if row.subject == "finding" else f"{row.key} {row.name}"
    if row.subject == "finding":
        yield row.identity or ""
    else:
        yield became(row)
    yield from _next(rows)


def _next(rows: list[Change]) -> Iterator[str]:
    steps = list(dict.fromkeys(row.next_step for row in rows if row.next_step))
    if steps:
        yield f"Next: {' '.join(steps)}{f' Ask {rows[0].ask}.' if rows[0].ask else ''}"


def _places(page: Page, unread: list[Change]) -> None:
    """Identities that were not re-checked, counted by source and scope."""
    by_place = sorted({(row.source or "", row.scope or "") for row in unread})
    if by_place:
        page.heading(f"Not re-checked: {len(unread):,}")
    for source, scope in by_place[:PLACES_SHOWN]:
        number = sum((row.source, row.scope) == (source, scope) for row in unread)
        page.item("", [f"{number:,} of source {source}, {scope}"], first="")
    if len(by_place) > PLACES_SHOWN:
        more = f"and {counted(len(by_place) - PLACES_SHOWN, 'more place', 'more places')}"
        page.hint(more, "muster report --view coverage", indent=LABEL)


def _write_csv(diff: Diff, out: BinaryIO, screen: Screen) -> tuple[str, ...]:
    del screen
    write_csv(COLUMNS, diff.changes, out)
    return ()


def _write_markdown(diff: Diff, out: BinaryIO, screen: Screen) -> tuple[str, ...]:
    del screen
    out.write(f"# What changed\n\n{markdown_text(headline(diff))}\n\n".encode())
    out.write("".join(f"- {markdown_text(text)}\n" for text in (span(diff), *caveats(diff))).encode())
    if diff.changes:
        out.write(b"\n" + markdown_table(SHORT_COLUMNS, diff.changes).encode())
    out.write(f"\n{totals(diff.summary)}\n".encode())
    return ()


def _write_json(diff: Diff, out: BinaryIO, screen: Screen) -> tuple[str, ...]:
    """One record per line, as in the other documents."""
    del screen
    old, new = scan_record(diff.old), scan_record(diff.new)
    head = {"schema": SCHEMA, "old": old, "new": new, "summary": diff.summary, "notices": diff.notices}
    out.write(b"{\n" + b"".join(encoded(key) + b": " + encoded(value) + b",\n" for key, value in head.items()))
    out.write(b'"changes": [' + b",".join(b"\n" + encoded(change) for change in diff.changes) + b"\n]\n}\n")
    return ()


WRITERS: Mapping[str, Writer] = {
    "table": _write_page,
    "csv": _write_csv,
    "markdown": _write_markdown,
    "json": _write_json,
}
"""By format."""
