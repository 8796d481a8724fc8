"""Titles and meanings of the board's numbers: one table for all formats."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from msgspec import Struct

from reports.board.numbers import total
from reports.board.records import Board, Measure, Moment, Resolution, RetiredQuarter, Team
from scanner.model import Policy
from scanner.text import counted

NO_TEAM = "none named"
TEAMS_SHOWN = 8
SEVERE = "critical and high"
_ONE_PERCENT = 0.01


class BoardWords(Struct, frozen=True):
    """``title`` is shown above the number, ``of`` after it; ``means`` says in one sentence what is counted.

    ``nothing``: the text instead of the numbers if the total is 0.
    """

    title: str
    of: str
    means: str
    nothing: str = ""


MEASURES: Mapping[str, BoardWords] = {
    "owned": BoardWords("Owned", "identities", "An active person on the roster is accountable."),
    "registered": BoardWords("Registered", "identities", "Exactly one registry entry matches."),
    "agents_owned": BoardWords("AI agents owned", "AI agents", "Of the AI agents, an active person is accountable."),
    "rotated": BoardWords("Rotated in time", "credentials", "Not older than its entry allows, else {rotation} days."),
    "long_lived": BoardWords("Short-lived", "credentials", "Valid for {max_lifetime} days or less."),
    "logged": BoardWords("Covered by logs", "identities", "Audit logs show what they do.", "no audit log was read"),
    "used_services": BoardWords(
        "Services used",
        "granted",
        "Identities may use them and, by audit logs, do.",
        "none known, or no log",
    ),
    "read": BoardWords("Read in full", "sections", "No gap: nothing stopped the scan from reading it."),
}
"""Words of measures. More is always better: a measure where less is better is shown as its complement."""

RETIRED = "Retired this quarter, with nobody harmed"
"""What the number of ``RetiredQuarter.unharmed`` is called."""

KEPT: Mapping[str, str] = {
    "owner": "Name an owner",
    "purpose": "Say what for",
    "review": "Review in date",
    "blast_radius": "Blast radius",
}
"""Words for the facts of registry entries."""


def meaning(name: str, policy: Policy) -> str:
    """The meaning of a measure, with the policy's limits."""
    return MEASURES[name].means.format(rotation=policy.rotation, max_lifetime=policy.max_lifetime)


def percent(share: float | None) -> str:
    """A share as a whole percentage; never 0 or 100 unless exact; no number if unknown."""
    if share is None:
        return "n/a"
    if 0 < share < _ONE_PERCENT:
        return "< 1 %"
    return "> 99 %" if 1 - _ONE_PERCENT < share < 1 else f"{100 * share:.0f} %"


def fraction(measure: Measure) -> str:
    """``50 of 101 identities``."""
    if not measure.known and MEASURES[measure.name].nothing:
        return MEASURES[measure.name].nothing
    return f"{measure.count:,} of {measure.known:,} {MEASURES[measure.name].of}"


def unknown_text(measure: Measure) -> str:
    """The number of unknowns as text; empty if none."""
    return f"{measure.unknown:,} more unknown" if measure.unknown else ""


class WordStep(Struct, frozen=True):
    """The change of a measure since the previous scan as text, and whether it is good."""

    text: str
    tone: Literal["good", "bad", "quiet"]


def step(measure: Measure, board: Board) -> WordStep | None:
    """The step from the previous scan to this one, with more as better; None without a previous scan."""
    before = next((one.upright for one in board.before if one.name == measure.name), None)
    if before is None:
        return None
    if before.share is None or measure.share is None:
        return WordStep(f"was {percent(before.share)}", "quiet")
    if before.share == measure.share:
        return WordStep("unchanged", "quiet")
    up = measure.share > before.share
    points = abs(round(100 * measure.share) - round(100 * before.share))
    sign, word = ("+", "up") if up else ("-", "down")
    text = f"{sign}{counted(points, 'point', 'points')}" if points else f"slightly {word}"
    return WordStep(text, "good" if up else "bad")


def resolved(resolution: Resolution) -> str:
    """Median age of resolved findings, in a sentence."""
    if resolution.median_days is None:
        return (
            f"Unknown: no finding was resolved in the scans of the last {counted(resolution.days_back, 'day', 'days')}."
        )
    many = counted(resolution.resolved, "finding", "findings")
    return f"Median age of the {many} resolved in the scans of the last {counted(resolution.days_back, 'day', 'days')}."


def retired(quarter: RetiredQuarter) -> str:
    """What was deleted at the end of a retirement in the quarter, in sentences."""
    done = quarter.unharmed + quarter.called + quarter.unknown
    told = [
        f"Deleted since {quarter.since:%Y-%m-%d}: {done:,}.",
        f"Somebody was refused: {quarter.called:,}." if quarter.called else "",
        f"Unknown, as no log would tell: {quarter.unknown:,}." if quarter.unknown else "",
        f"Under way: {quarter.under_way:,}.",
    ]
    return " ".join(filter(None, told))


def team_rows(board: Board) -> Iterator[tuple[str, Team]]:
    """The teams with the most to do, the others as one row, and all of them: the columns add up."""
    for team in board.teams[:TEAMS_SHOWN]:
        yield team.name or NO_TEAM, team
    if others := board.teams[TEAMS_SHOWN:]:
        yield counted(len(others), "more team", "more teams"), total(others)
    if board.teams:
        yield "All", total(board.teams)


def counted_here(board: Board, identities: int) -> str:
    """The identities that the shares count, as text."""
    if not board.exempt:
        return f"Shares are of all {counted(identities, 'identity', 'identities')}."
    return (
        f"Shares are of {identities - board.exempt:,} of {counted(identities, 'identity', 'identities')}. Not "
        f"counted: {board.exempt:,} exempt (people, what providers manage, and what the config exempts)."
    )


def unexplained(board: Board) -> str:
    """The number of unexplained changes of behaviour as text; unknown if no log was read."""
    if board.unexplained is None:
        return "No audit log was read, so what identities do is unknown."
    many = counted(board.unexplained, "finding", "findings")
    unclear = f"; {board.maybe_explained:,} more unknown" if board.maybe_explained else ""
    return f"Audit logs: {many} about what identities did that no known change explains{unclear}."


def beside(board: Board) -> str:
    """The numbers that the teams' rows leave out, as text; empty if none."""
    left = [
        counted(board.beside.grave, "critical or high finding", f"{SEVERE} findings") if board.beside.grave else "",
        counted(board.beside.overdue, "credential overdue for rotation", "credentials overdue for rotation")
        if board.beside.overdue
        else "",
    ]
    text = " and ".join(filter(None, left))
    return f"Not in any team: {text}, on registry entries, shared settings or exempt identities." if text else ""


def trend_differs(board: Board) -> str:
    """Why the last point of the trend differs from the cards; empty if it does not."""
    shown = {measure.name: measure for measure in board.measures}
    last = board.trend[-1]
    if percent(last.owned) == percent(shown["owned"].share) and percent(last.registered) == percent(
        shown["registered"].share
    ):
        return ""
    return "The trend also counts provisional verdicts, which the cards above leave out as unknown."


def _first_kept(board: Board) -> Moment | None:
    """The first earlier scan in the store that counted the upkeep of entries."""
    return next((point for point in board.trend[:-1] if any(share is not None for share in point.kept.values())), None)


def kept_rows(board: Board) -> Iterator[tuple[str, Measure, str]]:
    """Rows of the upkeep of entries: fact, number, and the earlier share; empty if unknown."""
    first = _first_kept(board)
    for one in board.kept:
        yield KEPT[one.name], one, percent(first.kept[one.name]) if first else ""


def kept_of(board: Board) -> str:
    """The counted entries and since when, as text; unknown without any."""
    entries, first = board.kept[0].known, _first_kept(board)
    if not entries:
        return "No registry entries, so how well they are kept is unknown."
    since = f"; was: on {first.at:%Y-%m-%d}" if first else ""
    return f"Of {counted(entries, 'registry entry that is', 'registry entries that are')} not retired{since}."


def change(before: Moment, now: Moment) -> str:
    """Changes between two scans, in a sentence."""
    known = before.unexplained is not None and now.unexplained is not None
    drift = f", unexplained findings {before.unexplained:,} to {now.unexplained:,}" if known else ""
    return (
        f"From {before.at:%Y-%m-%d} to {now.at:%Y-%m-%d}: owned {percent(before.owned)} to {percent(now.owned)}, "
        f"registered {percent(before.registered)} to {percent(now.registered)}, "
        f"orphans {before.orphaned:,} to {now.orphaned:,}, {SEVERE} findings {before.grave:,} to {now.grave:,}{drift}."
    )
