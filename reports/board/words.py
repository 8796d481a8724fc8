"""What a board's numbers are called, what they count, and why some cannot be told: one table for all formats."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from scanner.board.records import Board, Measure, Moment, Resolution, Team
from scanner.model import Policy
from scanner.text import counted

NO_TEAM = "none named"
TEAMS_SHOWN = 8
GRAVE = "critical and high"
_ONE_PERCENT = 0.01


class Words(Struct, frozen=True):
    """``title`` stands over the number, ``of`` after it; ``means`` says in one sentence what is counted."""

    title: str
    of: str
    means: str


MEASURES: Mapping[str, Words] = {
    "owned": Words("Owned", "identities", "Somebody active on the roster answers for it."),
    "registered": Words("Registered", "identities", "Exactly one registry entry stands for it."),
    "agents_owned": Words("AI agents owned", "AI agents", "Of the AI agents, somebody answers for it."),
    "rotated": Words("Rotated in time", "credentials", "Not older than its entry allows, else {rotation} days."),
    "long_lived": Words("Long-lived", "credentials", "Valid for more than {max_lifetime} days, or for ever."),
    "read": Words("Read in full", "sections", "Nothing kept us from reading it to its end."),
}


def meaning(name: str, policy: Policy) -> str:
    """What a measure counts, with the policy's limits."""
    return MEASURES[name].means.format(rotation=policy.rotation, max_lifetime=policy.max_lifetime)


def percent(share: float | None) -> str:
    """A share as a whole percentage; never 0 or 100 where it is not exactly that, and no number where there is none."""
    if share is None:
        return "n/a"
    if 0 < share < _ONE_PERCENT:
        return "< 1 %"
    return "> 99 %" if 1 - _ONE_PERCENT < share < 1 else f"{100 * share:.0f} %"


def fraction(measure: Measure) -> str:
    """``50 of 101 identities``."""
    return f"{measure.count:,} of {measure.known:,} {MEASURES[measure.name].of}"


def untold(measure: Measure) -> str:
    """Of how many more it could not be told; empty where it could of all."""
    return f"{measure.unknown:,} more could not be told" if measure.unknown else ""


def resolved(resolution: Resolution) -> str:
    """How long findings stood, in a sentence."""
    if resolution.median_days is None:
        return f"Unknown: no finding was resolved in the scans of the last {resolution.days_back} days."
    many = counted(resolution.resolved, "finding was", "findings were")
    return f"Half of them stood so long or less: {many} resolved in the scans of the last {resolution.days_back} days."


def team_name(team: Team) -> str:
    """The team, or that there is none."""
    return team.name or NO_TEAM


def others(board: Board) -> str:
    """How many teams are left out of the list; empty where none is."""
    left = len(board.teams) - TEAMS_SHOWN
    return f"and {counted(left, 'more team', 'more teams')} with less to do" if left > 0 else ""


def change(before: Moment, now: Moment) -> str:
    """What moved between two scans, in a sentence."""
    return (
        f"From {before.at:%Y-%m-%d} to {now.at:%Y-%m-%d}: owned {percent(before.owned)} to {percent(now.owned)}, "
        f"registered {percent(before.registered)} to {percent(now.registered)}, "
        f"orphans {before.orphaned:,} to {now.orphaned:,}, {GRAVE} findings {before.grave:,} to {now.grave:,}."
    )
