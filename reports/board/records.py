"""A board's numbers as records, each with its total and its number of unknowns."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from scanner.model import Upkeep

RESOLVED_WITHIN = 90
"""Days over which the time to resolve is computed."""


class Measure(Struct, frozen=True, kw_only=True):
    """A share: ``count`` of ``known``; ``unknown`` more could not be determined.

    ``better``: which direction is good.
    """

    name: str
    count: int
    known: int
    unknown: int
    better: Literal["more", "less"] = "more"

    @property
    def share(self) -> float | None:
        """0 to 1; None if the total is 0."""
        return self.count / self.known if self.known else None

    @property
    def upright(self) -> Measure:
        """The share or its complement, so that more is better."""
        if self.better == "more":
            return self
        return replace(self, count=self.known - self.count, better="more")


class Resolution(Struct, frozen=True, kw_only=True):
    """Median age of recently resolved findings. ``median_days``: None if there are none, or the age is unknown."""

    resolved: int
    median_days: int | None
    days_back: int = RESOLVED_WITHIN


class RetiredQuarter(Struct, frozen=True, kw_only=True):
    """Retirements at whose end the identity was deleted, by a scan ``since`` the quarter's first day.

    ``unharmed``: nobody was refused, and a log would have said so; ``called``: somebody was; ``unknown``: no log would
    have said so on every day. ``under_way``: those that are not at their end.
    """

    since: date
    unharmed: int
    called: int
    unknown: int
    under_way: int


class Team(Struct, frozen=True, kw_only=True):
    """The numbers of one team; ``name`` is None for the row without a team.

    ``overdue``: credentials not rotated in time; ``grave``: critical and high findings; ``unknown``: identities of
    unknown ownership.
    """

    name: str | None
    identities: int
    owned: int
    orphaned: int
    overdue: int
    grave: int
    unknown: int
    upkeep: Upkeep = Upkeep()
    """The upkeep of its registry entries."""
    history: tuple[int, ...] = ()
    """Its orphans in each scan of the trends; empty without a history of teams."""

    @property
    def share(self) -> float | None:
        """The share that is owned, 0 to 1; None if it is unknown for all."""
        known = self.identities - self.unknown
        return self.owned / known if known else None


class Moment(Struct, frozen=True, kw_only=True):
    """The numbers of an earlier scan; shares are 0 to 1, None if the total was 0."""

    at: datetime
    owned: float | None
    registered: float | None
    orphaned: int
    grave: int
    unregistered: int = 0
    worsened: int = 0
    acknowledged: int = 0
    unexplained: int | None = None
    """Findings about a day that no known change explains; None without an audit log."""
    kept: Mapping[str, float | None] = {}
    """Shares of registry entries, as in :attr:`Board.kept`; None if not counted."""

    @property
    def entries_kept(self) -> float | None:
        """The mean of these shares; None if not counted."""
        known = [share for share in self.kept.values() if share is not None]
        return sum(known) / len(known) if known else None


class Board(Struct, frozen=True, kw_only=True):
    """One page. ``orphan_ages``: orphans by how long they have been known to be; ``trend``: oldest first.

    ``exempt``: identities that need no owner, which no share counts. ``beside``: critical and high findings, and
    credentials overdue for rotation, without a team: on registry entries, or of exempt identities. ``before``: the
    measures of the previous scan; empty if there is none. ``unexplained``: as in :class:`Moment`.
    ``maybe_explained``: findings that a change may or may not explain.
    """

    measures: tuple[Measure, ...]
    before: tuple[Measure, ...]
    exempt: int
    beside: Team
    agents: int
    orphans: int
    unexplained: int | None
    maybe_explained: int
    orphan_ages: Mapping[str, int]
    resolution: Resolution
    retired: RetiredQuarter
    kept: tuple[Measure, ...]
    """The number of registry entries that are not retired and have an owner, a purpose, and so on."""
    teams: tuple[Team, ...]
    trend: tuple[Moment, ...]
