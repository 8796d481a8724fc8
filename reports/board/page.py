"""The board as one page that fits one sheet of A4: plain HTML without any script, to be read, mailed or printed.

All that comes from outside (names of teams, the scan's id) is made printable and escaped where it enters the markup.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator
from html import escape
from importlib.resources import files
from string import Template
from typing import BinaryIO, ClassVar

from reports.base import Screen, View
from reports.board import words
from reports.board.drawing import lines, share_bar
from reports.phrases import ORPHANED_MEANS
from reports.summary import Digest
from scanner.board.numbers import board
from scanner.board.records import Board, Measure, Team
from scanner.model import ScanResult
from scanner.text import printable

LONGEST_NAME = 200
FEWEST_POINTS = 2
"""A line has two ends."""
MODERATE, GOOD = 0.5, 0.9
"""Shares from which a number is no longer drawn as bad, and is drawn as good."""


class BoardPage:
    """One sheet: shares with what they are out of, orphans by age, time to resolve, trend, teams."""

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
            measures="".join(_measure(measure, digest) for measure in numbers.measures),
            orphans=f"{numbers.orphans:,}",
            ages="".join(_ages(numbers)),
            resolution=_resolution(numbers),
            trend=_trend(numbers),
            teams="".join(map(_team, numbers.teams[: words.TEAMS_SHOWN])),
            others=words.others(numbers),
            orphaned_means=_safe(ORPHANED_MEANS),
        )
        out.write(page.encode())
        return ()


# --- parts --------------------------------------------------------------------


def _measure(measure: Measure, digest: Digest) -> str:
    untold = f" <b>{words.untold(measure)}.</b>" if measure.unknown else ""
    incomplete = '<span class="incomplete">incomplete</span>' if digest.gaps and measure.name != "read" else ""
    tone = _tone(measure)
    return (
        f'<div class="measure"><h2>{words.MEASURES[measure.name].title}</h2>'
        f'<p class="share {tone}">{_safe(words.percent(measure.share))}{incomplete}</p>{share_bar(measure.share, tone)}'
        f'<p class="of">{words.fraction(measure)}</p>'
        f'<p class="note">{words.meaning(measure.name, digest.result.policy)}{untold}</p></div>'
    )


def _tone(measure: Measure) -> str:
    if measure.share is None:
        return "unknown"
    good = measure.share if measure.better == "more" else 1 - measure.share
    return "good" if good >= GOOD else "warn" if good >= MODERATE else "bad"


def _ages(numbers: Board) -> Iterator[str]:
    for age, count in numbers.orphan_ages.items():
        tone = "unknown" if age == "unknown" else "bad"
        share = count / numbers.orphans if numbers.orphans else None
        yield f"<tr><th scope='row'>{age}</th><td>{share_bar(share, tone)}</td><td class='number'>{count:,}</td></tr>"


def _resolution(numbers: Board) -> str:
    days = numbers.resolution.median_days
    shown = "unknown" if days is None else f"{days:,} <small>{'day' if days == 1 else 'days'}</small>"
    return f'<p class="share">{shown}</p><p class="note">{words.resolved(numbers.resolution)}</p>'


def _trend(numbers: Board) -> str:
    points = numbers.trend
    if len(points) < FEWEST_POINTS:
        return '<p class="note">A trend takes two scans or more in the store.</p>'
    times = [point.at for point in points]
    told = _safe(words.change(points[0], points[-1]))
    shares = {"good": [point.owned for point in points], "accent": [point.registered for point in points]}
    counts = {"warn": [float(point.orphaned) for point in points], "bad": [float(point.grave) for point in points]}
    top = max(max(values) for values in counts.values())
    last = points[-1]
    return (
        f"<div class='pair'><figure><figcaption><b class='good'>owned {_safe(words.percent(last.owned))}</b> "
        f"<b class='accent'>registered {_safe(words.percent(last.registered))}</b></figcaption>"
        f"{lines(times, shares, top=1, label='Shares of owned and registered, from 0 to 100 %')}</figure>"
        f"<figure><figcaption><b class='warn'>{last.orphaned:,} orphans</b> "
        f"<b class='bad'>{last.grave:,} {words.GRAVE} findings</b></figcaption>"
        f"{lines(times, counts, top=top, label='Numbers of orphans and grave findings')}</figure></div>"
        f'<p class="note">{told}</p>'
    )


def _team(team: Team) -> str:
    name = words.team_name(team)
    shown = name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}…"
    cells = (
        f"{team.identities:,}",
        words.percent(team.share),
        f"{team.orphaned:,}",
        f"{team.overdue:,}",
        f"{team.grave:,}",
    )
    return f'<tr><th scope="row"><bdi>{_safe(shown)}</bdi></th>{_cells(cells)}</tr>'


def _cells(texts: Iterable[str]) -> str:
    return "".join(f'<td class="number">{_safe(text)}</td>' for text in texts)


# --- markup -------------------------------------------------------------------


def _safe(text: str) -> str:
    return escape(printable(text))


def _asset(name: str) -> str:
    return (files("reports.board") / name).read_text(encoding="utf-8")


def _policy(style: str) -> str:
    """No script at all, no request, and of styles just this one."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode("ascii")
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
