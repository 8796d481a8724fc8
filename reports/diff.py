"""A comparison of two scans for a terminal, and as CSV, Markdown and JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain, groupby
from typing import BinaryIO, TypeAlias

from reports.base import Screen
from reports.diff_table import COLUMNS, SHORT_COLUMNS, became, caveats, finding_counts, headline, span, totals
from reports.json import encoded, scan_record
from reports.tables import markdown_table, write_csv
from reports.terminal_page import LABEL, TerminalPage
from scanner.diff.records import Diff
from scanner.model import Change
from scanner.rules.wording import words
from scanner.text import counted, few, markdown_text

SCHEMA = "muster.diff/1"
SHOWN = 15
"""Maximum changes of each kind on the page; the others are counted."""
PLACES_SHOWN = 5
NAMED = 5
"""Maximum identities of a group that are named on the page."""

Writer: TypeAlias = Callable[[Diff, BinaryIO, Screen], tuple[str, ...]]
"""Writes the comparison; returns notices about content that was cut."""


def _write_page(diff: Diff, out: BinaryIO, screen: Screen) -> tuple[str, ...]:
    """The most important changes first, totals last."""
    page = TerminalPage(screen)
    page.line(headline(diff), "bold")
    page.line(span(diff))
    for caveat in caveats(diff):
        page.line(caveat, "yellow")
    identities = [list(rows) for _, rows in groupby(_of(diff, "identity"), lambda row: row.key)]
    worse = [row for row in diff.changes if row.change == "worsened"]
    _section(page, "Appeared without an entry", [rows for rows in identities if rows[0].appeared], _identity)
    _section(page, "Worse", [[row] for row in worse], _one)
    for title, belongs in _SECTIONS.items():
        _section(page, title, [rows for rows in identities if belongs(rows) and not rows[0].appeared], _identity)
    others = [[row] for row in _of(diff, "finding") if row.change != "worsened"]
    _section(page, f"Findings: {', '.join(finding_counts(diff.summary))}", others, _one)
    _section(page, "Registry entries", [[one] for one in _of(diff, "entry")], _one)
    _places(page, [rows[0] for rows in identities if rows[0].change == "not_rechecked"])
    page.line()
    page.line(totals(diff.summary))
    out.write(page.text.encode())
    return ()


def _of(diff: Diff, subject: str) -> Iterator[Change]:
    return (change for change in diff.changes if change.subject == subject)


def _is(change: str) -> Callable[[list[Change]], bool]:
    return lambda rows: rows[0].change == change and not rows[0].became_admin


_SECTIONS: Mapping[str, Callable[[list[Change]], bool]] = {
    "Became admin": lambda rows: rows[0].became_admin,
    "Recreated": lambda rows: not rows[0].became_admin and any(row.change == "replaced" for row in rows),
    "Reach grew": lambda rows: _moved(rows) and any(row.reach_grew for row in rows),
    "Joined": _is("joined"),
    "Came back": _is("returned"),
    "Moved": lambda rows: _moved(rows) and not any(row.reach_grew for row in rows),
    "Left": _is("left"),
    "Forgotten by command": _is("forgotten"),
}


def _moved(rows: list[Change]) -> bool:
    return all(row.change == "moved" and not row.became_admin for row in rows)


def groups_of(changes: Iterable[Change]) -> list[list[list[Change]]]:
    """The changes, each a list of rows of one subject, in groups of one cause: another's change, or the same change.

    The groups stand in the order of their first change.
    """
    groups: dict[object, list[list[Change]]] = {}
    for _, rows in groupby((one for one in changes if one.subject != "entry"), lambda row: row.key):
        its = list(rows)
        groups.setdefault(_alike(its), []).append(its)
    return list(groups.values())


def _alike(rows: list[Change]) -> object:
    """What changes of one cause have in common; joined and recreated identities, and findings, stand for themselves."""
    first = rows[0]
    if first.change == "worsened":
        return first.rule, first.before, first.after, first.cause
    if first.subject == "finding" or first.change not in ("moved", "left", "returned"):
        return first.key
    caused = next((row.cause for row in rows if row.cause), None)
    if caused is not None:
        return "caused", caused
    return first.change, tuple((row.aspect, row.before, row.after) for row in rows), first.source, first.scope


def group_text(group: list[list[Change]]) -> str:
    """What several identities have in common, as one sentence."""
    first = group[0]
    if first[0].change == "worsened":
        number = counted(len(group), "finding is", "findings are")
        return f"{number} worse, {first[0].before} -> {first[0].after}, because {first[0].cause}"
    number = counted(len(group), "identity", "identities")
    caused = next((row.cause for row in first if row.cause), None)
    return f"{number}: {f'reach grew, because {caused}' if caused else '; '.join(map(became, first))}"


def _section(
    page: TerminalPage, title: str, changed: list[list[Change]], lines: Callable[[list[Change]], Iterable[str]]
) -> None:
    """One item for each change; changes of one cause are one item."""
    if not changed:
        return
    page.heading(title if title.startswith("Findings") else f"{title}: {len(changed):,}")
    groups = groups_of(chain.from_iterable(changed)) if changed[0][0].subject != "entry" else [[one] for one in changed]
    for group in groups[:SHOWN]:
        first = group[0][0]
        text = lines(group[0]) if len(group) == 1 else _together(group)
        page.item(first.severity or words(first.change), text, axis="severity" if first.severity else None)
    if left := sum(map(len, groups[SHOWN:])):
        page.hint(f"and {left:,} more", "muster diff -o csv:diff.csv", indent=LABEL)


def _together(group: list[list[Change]]) -> Iterator[str]:
    first = group[0][0]
    if first.subject == "finding":
        yield first.name
    yield group_text(group)
    yield few([rows[0].identity or rows[0].name for rows in group], NAMED, ", ")
    steps = list(dict.fromkeys(row.next_step for rows in group for row in rows if row.next_step))
    if steps:
        yield f"Next: {steps[0]}"


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
    if row.subject != "finding" or row.change == "worsened":
        yield became(row)
    yield from _next(rows)


def _next(rows: list[Change]) -> Iterator[str]:
    steps = list(dict.fromkeys(row.next_step for row in rows if row.next_step))
    if steps:
        yield f"Next: {' '.join(steps)}{f' Ask {rows[0].ask}.' if rows[0].ask else ''}"


def _places(page: TerminalPage, unread: list[Change]) -> None:
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


_OF_FINDINGS = ("worsened", "new", "reopened", "resolved")


def _finding(row: Change) -> dict[str, str | None]:
    """A changed finding. ``was``: its former severity, if it has worsened, and ``cause``: why."""
    worse = row.change == "worsened"
    return {
        "fingerprint": row.key,
        "rule": row.rule,
        "title": row.name,
        "identity": row.identity,
        "severity": row.severity,
        "was": row.before if worse else None,
        "cause": row.cause,
        "next_step": row.next_step,
    }


def _write_json(diff: Diff, out: BinaryIO, screen: Screen) -> tuple[str, ...]:
    """One record per line, as in the other documents."""
    del screen
    old, new = scan_record(diff.old), scan_record(diff.new)
    groups = [group for group in groups_of(diff.changes) if len(group) > 1]
    head = {
        "schema": SCHEMA,
        "old": old,
        "new": new,
        "summary": diff.summary,
        "notices": diff.notices,
        "appeared": [row.key for row in diff.changes if row.appeared],
        "findings": {name: [_finding(row) for row in diff.changes if row.change == name] for name in _OF_FINDINGS},
        "groups": [{"text": group_text(group), "keys": [rows[0].key for rows in group]} for group in groups],
    }
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
