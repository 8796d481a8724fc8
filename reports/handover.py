"""A handover for a terminal, and as CSV, XLSX, Markdown and JSON."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import BinaryIO, TypeAlias

from reports.base import Screen
from reports.json import encoded, scan_record
from reports.phrases import credential_text, joined
from reports.tables import Column, markdown_table, write_csv
from reports.terminal_page import TerminalPage
from reports.xlsx.workbook import WorkbookCounts, new_workbook
from scanner.lifecycle.offboarding.records import Handover, HandoverItem, Role
from scanner.model import Person, ScanInfo
from scanner.rules.wording import words
from scanner.text import counted, markdown_text

SCHEMA = "muster.handover/1"

Writer: TypeAlias = Callable[[Handover, ScanInfo, BinaryIO, Screen], tuple[str, ...]]
"""Writes the handover; returns notices about content that was cut."""


# --- Texts and columns ---


def _headline(handover: Handover) -> str:
    """The headline: the leaver, the last day, and the number of items."""
    items = handover.items
    if not items:
        return f"Nothing was found that {_who(handover.person)} leaves behind."
    entries = sum(item.identity is None for item in items)
    parts = (
        (len(items) - entries, "identity", "identities"),
        (entries, "entry without a match", "entries without a match"),
    )
    what = " and ".join(counted(*part) for part in parts if part[0])
    urgent = sum(item.urgent is True for item in items)
    some = "" if urgent == len(items) == 1 else "all of them " if urgent == len(items) else f"{urgent:,} of these "
    alone = f"; {some}without another owner" if urgent else ""
    return f"{_who(handover.person)} leaves behind {what}{alone}."


def called(person: Person) -> str:
    """A person's e-mail, with the name if it is known."""
    return f"{person.email} ({person.name})" if person.name else person.email


def _who(person: Person) -> str:
    return f"{called(person)}, last day {person.left_on}," if person.left_on else called(person)


def _as_of(scan: ScanInfo) -> str:
    """The day of the scan."""
    return f"As of the scan of {scan.started_at:%Y-%m-%d}."


def _roles_text(item: HandoverItem) -> str | None:
    """The person's roles, most critical first."""
    return joined(map(words, item.roles))


def _held_text(item: HandoverItem) -> str | None:
    """Public ids and dates."""
    return joined(map(credential_text, item.credentials))


def _place_text(item: HandoverItem) -> str | None:
    """The place of an item, as far as it is known."""
    return " ".join(filter(None, (item.provider, item.scope))) or None


_Item: TypeAlias = Column[HandoverItem]

_FIRST: tuple[_Item, ...] = (
    Column("urgent", lambda r: r.urgent, "No other owner; empty: unknown.", 8, "bool"),
    Column("name", lambda r: r.name, "The provider's bare name; of an entry, the identity it declares.", 28),
)
_LAST: tuple[_Item, ...] = (
    Column("successor", lambda r: r.successor, "Who could take over.", 26),
    Column("successor_evidence", lambda r: r.successor_evidence, "Why this one.", 40),
    Column("next_step", lambda r: r.next_step, "What to do first.", 60),
    Column("caveat", lambda r: r.caveat, "What is unknown or will change soon.", 40),
)
COLUMNS: tuple[_Item, ...] = (
    *_FIRST,
    Column("provider", lambda r: r.provider, "The system it lives in.", 10),
    Column("scope", lambda r: r.scope, "Account, project, cluster or namespace."),
    Column("kind", lambda r: r.kind, "The provider's kind of identity.", 12),
    Column("identity", lambda r: r.identity, "Its key; empty: an entry without a match.", 52),
    Column("entries", lambda r: joined(r.entries), "The registry entries to change.", 20),
    Column("roles", _roles_text, "The person's roles, most critical first.", 24),
    Column("evidence", lambda r: joined(r.evidence), "Where the role is recorded.", 44),
    Column("privilege", lambda r: r.privilege, "What it could do.", 12, axis="privilege"),
    Column("usage_state", lambda r: r.usage, "Whether it is used.", 12, axis="usage"),
    Column("last_used_at", lambda r: r.last_used_at, "Last use known, UTC.", 19, "datetime"),
    Column("credentials", _held_text, "Public ids and dates, no values.", 44),
    Column("answering", lambda r: joined(r.answering), "Other owners.", 26),
    *_LAST,
    Column("worst", lambda r: r.worst, "The worst that could be done with it.", 44),
)
SHORT_COLUMNS: tuple[_Item, ...] = (
    *_FIRST,
    Column("where", _place_text, ""),
    Column("roles", _roles_text, ""),
    Column("privilege", lambda r: r.privilege, ""),
    Column("use", lambda r: words(r.usage or ""), ""),
    *_LAST,
)


# --- Formats ---


def _write_page(handover: Handover, scan: ScanInfo, out: BinaryIO, screen: Screen) -> tuple[str, ...]:
    page = TerminalPage(screen)
    page.line(_headline(handover), "bold")
    for notice in handover.notices:
        page.line(notice, "yellow")
    page.line(_as_of(scan))
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
    where = f" ({place})" if (place := _place_text(item)) else ""
    yield f"{item.name}{where}"
    if item.identity is not None:
        yield item.identity
        yield f"privilege {item.privilege or 'unknown'}, use {words(item.usage or 'unknown')}"
    yield from item.evidence
    if held := _held_text(item):
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
    lines = [("Handover", "title"), (_headline(handover), "lead")]
    lines += [(notice, "lead") for notice in handover.notices]
    lines.append((_as_of(scan), "plain"))
    counts = (
        WorkbookCounts("By role", ("", "role", "items"), _tally("role", (item.roles[0] for item in handover.items))),
        WorkbookCounts(
            "By privilege", ("", "level", "items"), _tally("privilege", (item.privilege for item in handover.items))
        ),
        WorkbookCounts(
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
    out.write(f"# Handover\n\n{markdown_text(_headline(handover))}\n\n".encode())
    out.write("".join(f"- {markdown_text(text)}\n" for text in (*handover.notices, _as_of(scan))).encode())
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
