"""Small drawings as SVG: a share, and lines over time. Numbers in, markup out; no text from outside is in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby

WIDTH, HEIGHT, MARGIN = 300, 84, 4


def share_bar(share: float | None, tone: str) -> str:
    """A bar filled so far; empty where there is nothing to take a share of."""
    filled = f'<rect class="{tone}" width="{100 * share:.2f}" height="1"/>' if share else ""
    return f'<svg class="bar" viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">{filled}</svg>'


def lines(times: Sequence[datetime], series: Mapping[str, Sequence[float | None]], *, top: float, label: str) -> str:
    """A line for each tone of ``series``, its values from 0 to ``top`` at these times; unknown ones leave a break."""
    first, span = times[0].timestamp(), max((times[-1] - times[0]).total_seconds(), 1)
    across = [MARGIN + (WIDTH - 2 * MARGIN) * (moment.timestamp() - first) / span for moment in times]
    drawn = "".join(
        f'<polyline class="{tone}" points="{points}"/>'
        for tone, values in series.items()
        for points in _runs(across, values, top or 1)
    )
    ends = "".join(_end(tone, across[-1], values[-1], top or 1) for tone, values in series.items())
    base = f'<line class="axis" x1="0" x2="{WIDTH}" y1="{HEIGHT - MARGIN}" y2="{HEIGHT - MARGIN}"/>'
    return (
        f'<svg class="lines" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">{base}{drawn}{ends}</svg>'
    )


def _runs(across: Sequence[float], values: Sequence[float | None], top: float) -> Iterator[str]:
    points = zip(across, values, strict=True)
    for known, run in groupby(points, lambda point: point[1] is not None):
        if known:
            yield " ".join(f"{x:.1f},{_down(y, top):.1f}" for x, y in run if y is not None)


def _end(tone: str, x: float, value: float | None, top: float) -> str:
    return "" if value is None else f'<circle class="{tone}" cx="{x:.1f}" cy="{_down(value, top):.1f}" r="2.5"/>'


def _down(value: float, top: float) -> float:
    return HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * min(value / top, 1)
