"""The board as one page that fits one sheet of A4: plain HTML without any script, to be read, mailed or printed.

Untrusted text (names of teams, the scan's id) is made printable and escaped in the markup.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from html import escape
from importlib.resources import files
from itertools import groupby
from string import Template
from typing import BinaryIO, ClassVar

from msgspec import Struct

from reports.base import Screen, View
from reports.board import words
from reports.board.numbers import board, mean
from reports.board.records import Board, Measure, Moment, Team
from reports.limits import Number
from reports.phrases import ORPHANED_MEANS
from reports.summary import Digest
from scanner.model import ScanResult
from scanner.text import printable

LONGEST_NAME = 200
FEWEST_POINTS, SCANS_LISTED = 2, 30
"""Fewest points of a line, and most rows of the table below the lines."""


class BoardLine(Struct, frozen=True):
    """One number of the trend; its colour is that of the same state in every other report."""

    title: str
    tone: str
    value: Callable[[Moment], float | None]
    is_share: bool


LINES = (
    BoardLine("Owned", "good", lambda point: point.owned, is_share=True),
    BoardLine("Registered", "good", lambda point: point.registered, is_share=True),
    BoardLine("Entries kept", "good", lambda point: point.entries_kept, is_share=True),
    BoardLine("Orphans", "bad", lambda point: point.orphaned, is_share=False),
    BoardLine("Unregistered", "bad", lambda point: point.unregistered, is_share=False),
    BoardLine("Critical and high", "critical", lambda point: point.grave, is_share=False),
    BoardLine("Worsened", "bad", lambda point: point.worsened, is_share=False),
    BoardLine("Acknowledged", "quiet", lambda point: point.acknowledged, is_share=False),
    BoardLine("Unexplained", "bad", lambda point: point.unexplained, is_share=False),
)
"""Lines of the trend. A number that is unknown in every scan has no line, except for the first two."""


class BoardPage:
    """One sheet: shares with their totals, orphans by age, time to resolve, trend, teams."""

    name: ClassVar[str] = "html"
    title: ClassVar[str] = "One sheet for the board"
    default_view: ClassVar[View] = "all"
    extra: ClassVar[str | None] = None

    def write(self, result: ScanResult, view: View, out: BinaryIO, screen: Screen) -> tuple[str, ...]:
        """Write the page; names of teams that are too long for their column are cut there."""
        del view, screen
        numbers, digest = board(result), Digest(result)
        style = _asset("style.css")
        page = Template(_asset("template.html")).substitute(
            policy=_policy(style),
            style=style,
            headline=_safe(digest.headline),
            caveats="".join(f"<li>{_safe(caveat)}</li>" for caveat in digest.caveats),
            scanned=f"{result.scan.finished_at:%Y-%m-%d %H:%M} UTC",
            scan=_safe(result.scan.id),
            counted=_safe(f"{words.counted_here(numbers, len(result.identities))} {words.unexplained(numbers)}"),
            measures="".join(_measure(measure.upright, numbers, digest) for measure in numbers.measures),
            orphans=f"{numbers.orphans:,}",
            ages="".join(_ages(numbers)),
            resolution=_resolution(numbers),
            retired_title=words.RETIRED,
            retired=f"{numbers.retired.unharmed:,}",
            retired_of=_safe(words.retired(numbers.retired)),
            kept="".join(_kept(numbers)),
            kept_of=_safe(words.kept_of(numbers)),
            trend=_trend(numbers),
            teams="".join(_team(*row) for row in words.team_rows(numbers)),
            beside=_safe(words.beside(numbers)),
            orphaned_means=_safe(ORPHANED_MEANS),
        )
        out.write(page.encode())
        return ()


# --- parts --------------------------------------------------------------------


_NUMBERS: Mapping[str, tuple[Number, ...]] = {
    "owned": ("ownership",),
    "registered": ("registry",),
    "agents_owned": ("agents", "ownership"),
    "rotated": ("credentials",),
    "long_lived": ("credentials",),
    "logged": ("identities",),
    "used_services": ("identities", "privilege"),
}
"""The numbers that a measure depends on; how much was read depends on none."""


def _measure(measure: Measure, numbers: Board, digest: Digest) -> str:
    unknown = f" <b>{words.unknown_text(measure)}.</b>" if measure.unknown else ""
    gaps = next((digest.limited[one] for one in _NUMBERS.get(measure.name, ()) if one in digest.limited), None)
    incomplete = f'<span class="incomplete" title="not read in full: {_safe(gaps)}">incomplete</span>' if gaps else ""
    since = digest.result.since
    step = words.step(measure, numbers) if since else None
    moved = (
        f'<p class="step {step.tone}">{_safe(step.text)} since {since.started_at:%Y-%m-%d}</p>'
        if step and since
        else ""
    )
    return (
        f'<div class="measure"><h2>{words.MEASURES[measure.name].title}</h2>'
        f'<p class="share">{_safe(words.percent(measure.share))}{incomplete}</p>{share_bar(measure.share)}'
        f'<p class="of">{words.fraction(measure)}</p>{moved}'
        f'<p class="note">{words.meaning(measure.name, digest.result.policy)}{unknown}</p></div>'
    )


def _ages(numbers: Board) -> Iterator[str]:
    for age, count in numbers.orphan_ages.items():
        tone = "unknown" if age == "unknown" else "bad"
        share = count / numbers.orphans if numbers.orphans else None
        yield f"<tr><th scope='row'>{age}</th><td>{count_bar(share, tone)}</td><td class='number'>{count:,}</td></tr>"


def _kept(numbers: Board) -> Iterator[str]:
    for title, one, was in words.kept_rows(numbers):
        known = f" <small>was {_safe(was)}</small>" if was else ""
        shown = f"{_safe(words.percent(one.share))}{known}"
        yield f"<tr><th scope='row'>{title}</th><td>{share_bar(one.share)}</td><td class='number'>{shown}</td></tr>"


def _resolution(numbers: Board) -> str:
    days = numbers.resolution.median_days
    shown = "unknown" if days is None else f"{days:,} <small>{'day' if days == 1 else 'days'}</small>"
    return f'<p class="share">{shown}</p><p class="note">{words.resolved(numbers.resolution)}</p>'


def _trend(numbers: Board) -> str:
    points = numbers.trend
    if len(points) < FEWEST_POINTS:
        return '<p class="note">A trend takes two scans or more in the store.</p>'
    shown = (one for one in LINES if any(one.value(point) is not None for point in points) or one in LINES[:2])
    lines = list(shown)
    drawn = "".join(_line(one, points) for one in lines)
    why = words.trend_differs(numbers)
    text = _safe(f"{words.change(points[0], points[-1])} {why}")
    return f"<div class='lines4'>{drawn}</div><p class=\"note\">{text}</p>{_nights(lines, points)}"


def _nights(lines: Sequence[BoardLine], points: Sequence[Moment]) -> str:
    """The numbers of the lines as a table, the latest scan first."""
    heads = "".join(f'<th scope="col">{one.title}</th>' for one in lines)
    listed = points[: -SCANS_LISTED - 1 : -1]
    rows = "".join(
        f'<tr><th scope="row">{point.at:%Y-%m-%d}</th>'
        + "".join(f"<td>{_safe(_shown(one, one.value(point)))}</td>" for one in lines)
        + "</tr>"
        for point in listed
    )
    which = "" if len(listed) == len(points) else f" of the last {len(listed)}"
    return (
        f'<details class="nights"><summary>The numbers{which}, scan by scan</summary><div tabindex="0" role="region" '
        f'aria-label="The numbers, scan by scan"><table><thead><tr><th scope="col">Scan</th>{heads}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div></details>"
    )


def _shown(one: BoardLine, value: float | None) -> str:
    return words.percent(value) if one.is_share or value is None else f"{value:,}"


def _line(one: BoardLine, points: Sequence[Moment]) -> str:
    values = [one.value(point) for point in points]
    top = 1 if one.is_share else max(1, *(value or 0 for value in values))
    shown = [_shown(one, value) for value in (values[-1], top)]
    drawn = line(
        [point.at for point in points],
        values,
        tone=one.tone,
        top=top,
        labels=("0 %" if one.is_share else "0", _safe(shown[1])),
        title=f"{one.title}, {_safe(shown[0])} at the end",
    )
    return f"<figure><figcaption>{one.title} <b class='{one.tone}'>{_safe(shown[0])}</b></figcaption>{drawn}</figure>"


def _team(name: str, team: Team) -> str:
    shown = name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}…"
    before = (f"{team.identities:,}", words.percent(team.share))
    after = (f"{team.overdue:,}", f"{team.grave:,}", words.percent(mean(team.upkeep)))
    first, last = ("".join(f'<td class="number">{_safe(cell)}</td>' for cell in cells) for cells in (before, after))
    orphaned = f'<td class="number past">{team.orphaned:,}{_past(team)}</td>'
    return f'<tr><th scope="row"><bdi>{_safe(shown)}</bdi></th>{first}{orphaned}{last}</tr>'


def _past(team: Team) -> str:
    """A team's orphans over the scans: what they were in the first one, and a line."""
    if len(team.history) < FEWEST_POINTS:
        return ""
    return f" <small>was {team.history[0]:,}</small>{spark(team.history)}"


# --- markup -------------------------------------------------------------------


def _safe(text: str) -> str:
    return escape(printable(text))


def _asset(name: str) -> str:
    return (files("reports.board") / name).read_text(encoding="utf-8")


def _policy(style: str) -> str:
    """The Content-Security-Policy: no script, no request, only this style."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode("ascii")
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


# --- Small SVG drawings: a share, and a number over time. The markup contains only numbers, no untrusted text ---

WIDTH, HEIGHT = 180, 80
LEFT, RIGHT, TOP, BOTTOM = 36, 6, 6, 16
"""Margins of the plot for the labels of its axes."""


def share_bar(share: float | None) -> str:
    """A bar filled with the good share, the rest in the bad colour; empty if there is no share."""
    parts = "" if share is None else _part("good", 0, share) + _part("bad", share, 1 - share)
    return f'<svg class="bar" viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">{parts}</svg>'


def count_bar(share: float | None, tone: str) -> str:
    """A bar filled so far."""
    part = _part(tone, 0, share) if share else ""
    return f'<svg class="bar" viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">{part}</svg>'


def _part(tone: str, start: float, width: float) -> str:
    return f'<rect class="{tone}" x="{100 * start:.2f}" width="{100 * width:.2f}" height="1"/>' if width > 0 else ""


def line(
    times: Sequence[datetime],
    values: Sequence[float | None],
    *,
    tone: str,
    top: float,
    labels: tuple[str, str],
    title: str,
) -> str:
    """A line with its axes, from 0 to ``top``, which ``labels`` name; unknown values leave a gap."""
    first, span = times[0].timestamp(), max((times[-1] - times[0]).total_seconds(), 1)
    plot = WIDTH - LEFT - RIGHT
    across = [LEFT + plot * (moment.timestamp() - first) / span for moment in times]
    drawn = "".join(f'<polyline class="{tone}" points="{points}"/>' for points in _runs(across, values, top or 1))
    last = values[-1]
    end = (
        ""
        if last is None
        else f'<circle class="{tone}" cx="{across[-1]:.1f}" cy="{_down(last, top or 1):.1f}" r="2.5"/>'
    )
    grid = "".join(
        f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        for y in (_down(part, 1) for part in (0, 0.5, 1))
    )
    axis = (
        f'<text x="{LEFT - 4}" y="{TOP + 4}" text-anchor="end">{labels[1]}</text>'
        f'<text x="{LEFT - 4}" y="{HEIGHT - BOTTOM}" text-anchor="end">{labels[0]}</text>'
        f'<text x="{LEFT}" y="{HEIGHT - 3}">{times[0]:%Y-%m-%d}</text>'
        f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 3}" text-anchor="end">{times[-1]:%Y-%m-%d}</text>'
    )
    opened = f'<svg class="lines" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{title}">'
    return f"{opened}{grid}{axis}{drawn}{end}</svg>"


def spark(values: Sequence[int]) -> str:
    """A line of a few millimetres beside its first and last number."""
    top, step = max(1, *values), 60 / max(len(values) - 1, 1)
    points = " ".join(f"{place * step:.1f},{13 - 12 * value / top:.1f}" for place, value in enumerate(values))
    return f'<svg class="spark bad" viewBox="0 0 60 14" aria-hidden="true"><polyline points="{points}"/></svg>'


def _runs(across: Sequence[float], values: Sequence[float | None], top: float) -> Iterator[str]:
    points = zip(across, values, strict=True)
    for known, run in groupby(points, lambda point: point[1] is not None):
        if known:
            yield " ".join(f"{x:.1f},{_down(y, top):.1f}" for x, y in run if y is not None)


def _down(value: float, top: float) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * min(value / top, 1)
