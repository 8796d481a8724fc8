"""How many were orphaned, unregistered, worsened and acknowledged in each scan, of all and by team."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal, TypeAlias, get_args

from msgspec import Struct

TrendName: TypeAlias = Literal["orphaned", "unregistered", "worsened", "acknowledged"]
TRENDS: tuple[TrendName, ...] = get_args(TrendName)
"""Identities that are orphaned or unregistered, and findings that have worsened or are acknowledged."""


class TrendScan(Struct, frozen=True, kw_only=True, gc=False):
    """A scan of a trend."""

    id: str
    started_at: datetime


class TeamTrend(Struct, frozen=True, kw_only=True, gc=False):
    """The numbers of a team, None for what has no team: by name one for each scan."""

    team: str | None
    numbers: Mapping[TrendName, tuple[int, ...]]


class Trends(Struct, frozen=True, kw_only=True, gc=False):
    """The numbers over scans, oldest first. ``whole``: of all teams, by name one for each scan.

    ``teams``: those with any number, the highest in the last scan first. Their numbers add up to the whole, but for
    findings in scans of which a part was pruned.
    """

    scans: tuple[TrendScan, ...] = ()
    whole: Mapping[TrendName, tuple[int, ...]] = {}
    teams: tuple[TeamTrend, ...] = ()
