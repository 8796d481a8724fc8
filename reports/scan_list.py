"""The list of scans, for a terminal and as JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import BinaryIO, TypeAlias

from msgspec import Struct
from msgspec.structs import asdict

from reports.base import Screen
from reports.json import encoded
from reports.terminal_page import TerminalPage
from scanner.model import Forgotten, Summary
from scanner.text import counted

SCHEMA = "muster.history/1"
REASONS = 5
"""Maximum lines of a reason on the page."""


class ListedScan(Struct, frozen=True, kw_only=True):
    """A scan in the list. ``joined``, ``changed``, ``left``: numbers of identities; None for the oldest scan.

    ``forgot``: no real scan, but the removal of that place, with the number of ``forgotten`` identities.
    """

    id: str
    started_at: datetime
    finished_at: datetime
    version: str
    summary: Summary
    joined: int | None = None
    changed: int | None = None
    left: int | None = None
    forgotten: int = 0
    forgot: Forgotten | None = None


class ListedRun(Struct, frozen=True, kw_only=True):
    """A run without a result. ``ended_at``: None if it was killed."""

    id: str
    started_at: datetime
    ended_at: datetime | None
    reason: str


class ReportListed(Struct, frozen=True, kw_only=True):
    """The scans and the runs that failed, each newest first."""

    scans: Sequence[ListedScan] = ()
    failed: Sequence[ListedRun] = ()


Writer: TypeAlias = Callable[[ReportListed, BinaryIO, Screen], tuple[str, ...]]
"""Writes the list; returns notices about content that was cut."""


def _write_page(listed: ReportListed, out: BinaryIO, screen: Screen) -> tuple[str, ...]:
    page = TerminalPage(screen)
    rows: list[ListedScan | ListedRun] = [*listed.scans]
    for run in reversed(listed.failed):  # scans keep the order in which they were stored: a clock may go backwards
        place = next((at for at, row in enumerate(rows) if row.started_at <= run.started_at), len(rows))
        rows.insert(place, run)
    for number, row in enumerate(rows):
        if number:
            page.line()
        page.line(row.id, "bold")
        if isinstance(row, ListedRun):
            page.line(f"  {row.started_at:%Y-%m-%d %H:%M} UTC, failed: nothing was stored", "red")
            for line in row.reason.splitlines()[:REASONS]:
                page.line(f"  {line.strip()}")
            continue
        page.line(f"  {row.started_at:%Y-%m-%d %H:%M} UTC, {_happened(row)}")
        page.line(f"  {', '.join(_identities(row))}; {', '.join(_findings(row.summary))}")
        page.line(f"  {_gaps(row.summary)}", "yellow" if row.summary.gaps else "")
    if not rows:
        page.line("No scan is in the store.")
    out.write(page.text.encode())
    return ()


def _happened(scan: ListedScan) -> str:
    if scan.forgot is not None:
        return f"{scan.forgot} forgotten by command"
    minutes, seconds = divmod(round((scan.finished_at - scan.started_at).total_seconds()), 60)
    return f"took {minutes} min {seconds} s" if minutes else f"took {seconds} s"


def _identities(scan: ListedScan) -> Iterator[str]:
    yield counted(scan.summary.identities, "identity", "identities")
    for what in ("joined", "changed", "left", "forgotten"):
        if number := getattr(scan, what):
            yield f"{number:,} {what}"


def _findings(summary: Summary) -> Iterator[str]:
    severities = ", ".join(f"{number:,} {severity}" for severity, number in summary.findings.items() if number)
    total = counted(sum(summary.findings.values()), "finding", "findings")
    yield f"{total} ({severities})" if severities else total
    for number, what in (
        (summary.worsened, "worse"),
        (summary.new_findings, "new"),
        (summary.reopened_findings, "of these reopened"),
        (summary.resolved_findings, "resolved"),
    ):
        if number:
            yield f"{number:,} {what}"


def _gaps(summary: Summary) -> str:
    if not summary.gaps:
        return "read in full"
    unread = f"{counted(summary.gaps, 'section', 'sections')} not read in full"
    return f"{unread}, {summary.not_rechecked:,} not re-checked" if summary.not_rechecked else unread


def _write_json(listed: ReportListed, out: BinaryIO, screen: Screen) -> tuple[str, ...]:
    """One scan per line."""
    del screen
    lists: Mapping[str, Sequence[Struct]] = {"scans": listed.scans, "failed": listed.failed}
    out.write(b'{\n"schema": ' + encoded(SCHEMA))
    for name, rows in lists.items():
        out.write(b",\n" + encoded(name) + b": [")
        out.write(b",".join(b"\n" + encoded(asdict(row)) for row in rows) + b"\n]")
    out.write(b"\n}\n")
    return ()


WRITERS: Mapping[str, Writer] = {"table": _write_page, "json": _write_json}
"""By format."""
