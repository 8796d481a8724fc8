"""Trends by team, and of some identities, from the intervals of what every scan had."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any, TypeAlias

import msgspec
from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, Select, and_, func, or_, select

from scanner.model.trends import TRENDS, TeamTrend, TrendName, Trends, TrendScan
from scanner.store import scans, schema
from scanner.store.bodies import decode
from scanner.store.engine import plain_batches

_SCANS = 366
"""The number of scans in a trend: a year of daily scans."""
_AT_ONCE = 500
"""Keys in one query."""

Steps: TypeAlias = defaultdict[tuple[str | None, TrendName], list[int]]
"""By team and number: how much more there are in a scan than in the one before."""


class About(Struct, frozen=True):
    """What trends are of: these identities, and the findings on them and on these entries."""

    identities: Collection[str]
    entries: Collection[str] = ()


class _Owned(Struct, frozen=True):
    team: str | None = None


class _HasTeam(Struct, frozen=True):
    """The team in the body of an identity."""

    ownership: _Owned = _Owned()


class _IsAcknowledged(Struct, frozen=True):
    """Whether the body of a finding has an acknowledgement."""

    acknowledged: dict[str, Any] | None = None


class _HasRisen(Struct, frozen=True):
    """Whether the body of a finding's sighting has a lower severity before."""

    was: str | None = None


_teams = msgspec.json.Decoder(_HasTeam)
_acknowledged = msgspec.json.Decoder(_IsAcknowledged)
_risen = msgspec.json.Decoder(_HasRisen)

_identity, _finding, _sighting = schema.identity.c, schema.finding.c, schema.finding_sighting.c
_TEAM, _ACKNOWLEDGED, _WAS = '"team":', '"acknowledged":', '"was":'
"""What only bodies with that member can hold, so that the others need not be decoded."""


def trends(connection: Connection, seq: int, about: About | None = None) -> Trends:
    """The trends up to a scan, by its number; of everything, or of what a person owns now.

    Reads every version of an identity that was orphaned or unregistered: a second for 100,000. Raises DamagedRow.
    """
    stored = dict([pair for pair in scans.kept_by_number(connection) if pair[0] <= seq][-_SCANS:])
    counting = _Counting(connection, list(stored))
    counting.add_identities(None if about is None else about.identities)
    counting.add_findings(about)
    teams = counting.teams()
    if about is None:
        whole: dict[TrendName, tuple[int, ...]] = {
            name: tuple(getattr(scan.counts, name) for scan in stored.values()) for name in TRENDS
        }
    else:
        whole = {name: _summed([team.numbers[name] for team in teams], len(stored)) for name in TRENDS}
    return Trends(
        scans=tuple(TrendScan(id=scan.id, started_at=scan.started_at) for scan in stored.values()),
        whole=whole,
        teams=teams,
    )


def _summed(rows: Sequence[Sequence[int]], length: int) -> tuple[int, ...]:
    return tuple(map(sum, zip(*rows, strict=True))) if rows else (0,) * length


class _Counting:
    """Adds up intervals. ``seqs``: the numbers of the scans, ascending."""

    def __init__(self, connection: Connection, seqs: list[int]) -> None:
        self._connection, self._seqs = connection, seqs
        self._steps: Steps = defaultdict(lambda: [0] * (len(seqs) + 1))

    def add_identities(self, keys: Collection[str] | None) -> None:
        """Count the orphaned and unregistered ones, of these or of all."""
        columns = (_identity.first_scan, _identity.until_scan, _identity.ownership_state, _identity.registry_state)
        lacking = or_(_identity.ownership_state == "orphaned", _identity.registry_state == "unregistered")
        has_team = _identity.body.contains(_TEAM, autoescape=True)
        for some in _of(_identity.key, keys):
            alike = select(*columns, func.count()).where(lacking, ~has_team, some).group_by(*columns)
            for *row, number in self._rows(alike):
                self._add_states(None, number, *row)
            for body, *row in self._rows(select(_identity.body, *columns).where(lacking, has_team, some)):
                self._add_states(_team_of(body), 1, *row)

    def _add_states(self, team: str | None, number: int, first: int, until: int | None, owned: str, known: str) -> None:
        if owned == "orphaned":
            self._add(team, "orphaned", first, until, number)
        if known == "unregistered":
            self._add(team, "unregistered", first, until, number)

    def add_findings(self, about: About | None) -> None:
        """Count the acknowledged and worsened ones, on these identities and entries or on all."""
        found: list[tuple[TrendName, int, int | None, str | None]] = []
        for some in _on(about):
            version = (_finding.first_scan, _finding.until_scan, _finding.identity)
            given = select(_finding.body, *version).where(_finding.body.contains(_ACKNOWLEDGED, autoescape=True), some)
            for body, *row in self._rows(given):
                if decode(_acknowledged, body, "finding").acknowledged is not None:
                    found.append(("acknowledged", *row))
            seen = and_(
                _finding.key == _sighting.key,
                _finding.first_scan <= _sighting.first_scan,
                or_(_finding.until_scan.is_(None), _finding.until_scan > _sighting.first_scan),
            )
            columns = (_sighting.body, _sighting.first_scan, _sighting.until_scan, _finding.identity)
            rose = select(*columns).where(seen, _sighting.body.contains(_WAS, autoescape=True), some)
            for body, *row in self._rows(rose):
                if decode(_risen, body, "sighting of a finding").was is not None:
                    found.append(("worsened", *row))
        teams = self._teams_of({identity for *_, identity in found if identity is not None})
        for name, first, until, identity in found:
            for team, since, to in _apart(first, until, teams.get(identity or "", ())):
                self._add(team, name, since, to, 1)

    def teams(self) -> tuple[TeamTrend, ...]:
        """The numbers of each team."""
        names = {team for team, _ in self._steps}
        made = (
            TeamTrend(team=team, numbers={name: tuple(accumulate(self._steps[team, name][:-1])) for name in TRENDS})
            for team in names
        )
        shown = [one for one in made if any(map(any, one.numbers.values()))]
        return tuple(sorted(shown, key=lambda one: (*(-one.numbers[name][-1] for name in TRENDS), one.team or "")))

    def _add(self, team: str | None, name: TrendName, first: int, until: int | None, number: int) -> None:
        steps = self._steps[team, name]
        start = bisect_left(self._seqs, first)
        end = len(self._seqs) if until is None else bisect_left(self._seqs, until)
        steps[start] += number
        steps[end] -= number

    def _teams_of(self, keys: Collection[str]) -> Mapping[str, Sequence[tuple[int, int | None, str | None]]]:
        """By key, the versions of an identity with their team."""
        found: defaultdict[str, list[tuple[int, int | None, str | None]]] = defaultdict(list)
        columns = (_identity.key, _identity.first_scan, _identity.until_scan, _identity.body)
        for some in _of(_identity.key, keys):
            for key, first, until, body in self._rows(select(*columns).where(some)):
                found[key].append((first, until, _team_of(body)))
        return found

    def _rows(self, query: Select[Any]) -> Iterator[tuple[Any, ...]]:
        for batch in plain_batches(self._connection, query):
            yield from map(tuple, batch)


def _team_of(body: str) -> str | None:
    return decode(_teams, body, "identity").ownership.team if _TEAM in body else None


def _apart(
    first: int, until: int | None, versions: Iterable[tuple[int, int | None, str | None]]
) -> Iterator[tuple[str | None, int, int | None]]:
    """The parts of an interval by the team of that time; without one where no version is known."""
    at = first
    for begun, ended, team in sorted(versions, key=lambda version: version[0]):
        start, end = max(at, begun), min((end for end in (until, ended) if end is not None), default=None)
        if end is not None and end <= start:
            continue
        if start > at:
            yield None, at, start
        yield team, start, end
        if end is None or end == until:
            return
        at = end
    yield None, at, until


def _of(column: ColumnElement[str], keys: Collection[str] | None) -> Iterator[ColumnElement[bool]]:
    """Conditions that together choose these keys, or all."""
    if keys is None:
        yield column.is_not(None)
        return
    wanted = sorted(keys)
    for start in range(0, len(wanted), _AT_ONCE):
        yield column.in_(wanted[start : start + _AT_ONCE])


def _on(about: About | None) -> Iterator[ColumnElement[bool]]:
    if about is None:
        yield _finding.key.is_not(None)
        return
    yield from _of(_finding.identity, about.identities)
    for some in _of(_finding.entry, about.entries):
        yield and_(_finding.identity.is_(None), some)
