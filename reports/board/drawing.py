"""Small SVG drawings: a share, and a number over time. The markup contains only numbers, no untrusted text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby

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
