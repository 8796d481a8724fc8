"""The formats of the board: its page, a text of 80 columns, and its numbers for programs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, BinaryIO, ClassVar

from msgspec.structs import asdict

from reports.base import Report, Screen, View
from reports.board import words
from reports.board.numbers import board, mean
from reports.board.page import BoardPage
from reports.board.records import Board, Measure, Team
from reports.json import encoded
from reports.summary import Digest
from reports.terminal_page import Heading, TerminalPage
from scanner.model import ScanResult
from scanner.text import counted

# --- For a terminal: the same numbers as on its page ---

_TEAMS = (
    Heading("Team", 0),
    Heading("Identities", 10),
    Heading("Owned", 6),
    Heading("Orphaned", 8),
    Heading("Overdue", 7),
    Heading("High+", 5),
    Heading("Entries kept", 12),
)
_KEPT = (Heading("", 16), Heading("Share", 6), Heading("Entries", 7), Heading("Was", 0))
_SHARES = (Heading("", 16), Heading("Share", 6), Heading("Of", 21), Heading("Unknown", 7))


class BoardText:
    """Shares, ages, time to resolve, retirements, trend, teams."""

    name: ClassVar[str] = "table"
    title: ClassVar[str] = "the board's numbers for a terminal"
    default_view: ClassVar[View] = "all"
    extra: ClassVar[str | None] = None

    def write(self, result: ScanResult, view: View, out: BinaryIO, screen: Screen) -> tuple[str, ...]:
        """Write the page as UTF-8."""
        del view
        page, numbers, digest = TerminalPage(screen), board(result), Digest(result)
        page.line(digest.headline, "bold")
        for caveat in digest.caveats:
            page.line(caveat, "yellow")
        page.line()
        _shares(page, numbers, digest)
        _orphans(page, numbers)
        _kept(page, numbers)
        if len(numbers.trend) > 1:
            page.heading("Trend")
            page.line(f"{words.change(numbers.trend[0], numbers.trend[-1])} {words.trend_differs(numbers)}".rstrip())
        _teams(page, numbers)
        out.write(page.text.encode())
        return ()


def _shares(page: TerminalPage, numbers: Board, digest: Digest) -> None:
    since = digest.result.since
    change = Heading(f"Since {since.started_at:%Y-%m-%d}" if since else "", 0)
    page.table((*_SHARES, change), (_share(measure.upright, numbers) for measure in numbers.measures))
    page.line(words.counted_here(numbers, len(digest.result.identities)))
    page.line(words.unexplained(numbers))


def _share(measure: Measure, numbers: Board) -> tuple[str, ...]:
    step = words.step(measure, numbers)
    shown = (words.percent(measure.share), words.fraction(measure), f"{measure.unknown:,}", step.text if step else "")
    return (words.MEASURES[measure.name].title, *shown)


def _orphans(page: TerminalPage, numbers: Board) -> None:
    page.heading(counted(numbers.orphans, "orphan", "orphans"))
    page.counts("Known for", (f"{count:,} {age}" for age, count in numbers.orphan_ages.items() if count))
    days = numbers.resolution.median_days
    shown = "unknown" if days is None else counted(days, "day", "days")
    page.item("Resolved", [f"in {shown}" if days is not None else shown, words.resolved(numbers.resolution)])
    page.heading(words.RETIRED)
    page.line(f"{numbers.retired.unharmed:,}. {words.retired(numbers.retired)}")


def _kept(page: TerminalPage, numbers: Board) -> None:
    page.heading("Registry")
    if numbers.kept[0].known:
        rows = (
            (title, words.percent(one.share), f"{one.count:,}", was) for title, one, was in words.kept_rows(numbers)
        )
        page.table(_KEPT, rows)
    page.line(words.kept_of(numbers))


def _teams(page: TerminalPage, numbers: Board) -> None:
    if not numbers.teams:
        return
    page.heading("By team")
    page.table(_TEAMS, (_team(*row) for row in words.team_rows(numbers)))
    if beside := words.beside(numbers):
        page.line(beside)
    page.line(f"Overdue: credentials not rotated in time. High+: {words.SEVERE} findings.")
    page.line("Entries kept: the mean of the shares under Registry.")


def _team(name: str, team: Team) -> tuple[str, ...]:
    counts = (f"{count:,}" for count in (team.orphaned, team.overdue, team.grave))
    return (name, f"{team.identities:,}", words.percent(team.share), *counts, words.percent(mean(team.upkeep)))


# --- For programs, ``muster.board/1`` ---

SCHEMA = "muster.board/1"
SCAN = ("id", "started_at", "finished_at", "version")
"""Fields of the scan in the document, without its inputs, such as the config."""


class BoardDocument:
    """One JSON document: every number that the page shows, and all teams."""

    name: ClassVar[str] = "json"
    title: ClassVar[str] = "the board's numbers for programs"
    default_view: ClassVar[View] = "all"
    extra: ClassVar[str | None] = None

    def write(self, result: ScanResult, view: View, out: BinaryIO, screen: Screen) -> tuple[str, ...]:
        """Write the document on one line."""
        del view, screen
        numbers: dict[str, Any] = asdict(board(result))
        scan = {name: getattr(result.scan, name) for name in SCAN}
        out.write(encoded({"schema": SCHEMA, "scan": scan, "gaps": len(Digest(result).gaps), **numbers}) + b"\n")
        return ()


BOARD_FORMATS: Mapping[str, type[Report]] = {one.name: one for one in (BoardText, BoardPage, BoardDocument)}
"""Reports by format."""
