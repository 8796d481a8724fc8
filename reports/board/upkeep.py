"""The upkeep of the registry: completeness of its entries, and reviews in time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from reports.board.records import Measure
from scanner.model import Entry, ScanResult, Upkeep
from scanner.model.summary import upkeep

KEPT = ("owner", "purpose", "review", "blast_radius")
"""The facts that are counted for each entry."""


def kept(result: ScanResult) -> tuple[Measure, ...]:
    """A measure for each fact; without entries there is no share."""
    now = _of(result, (one.entry for one in result.entries))
    return tuple(Measure(name=name, count=getattr(now, name), known=now.entries, unknown=0) for name in KEPT)


def shares(counts: Upkeep | None) -> dict[str, float | None]:
    """The shares of one scan, 0 to 1; None where it had no entries, or did not count them."""
    return {
        name: getattr(counts, name) / counts.entries if counts is not None and counts.entries else None for name in KEPT
    }


def mean(counts: Upkeep) -> float | None:
    """The mean of the shares, 0 to 1; None without entries."""
    return sum(getattr(counts, name) for name in KEPT) / (len(KEPT) * counts.entries) if counts.entries else None


def by_team(result: ScanResult) -> Mapping[str | None, Upkeep]:
    """Upkeep by team, in its first spelling; an entry without a team counts for the team of its identities."""
    theirs = {one.identity.key: one.ownership.team for one in result.identities}
    names: dict[str | None, str | None] = {}
    entries: dict[str | None, list[Entry]] = defaultdict(list)
    for declared in result.entries:
        of_identities = (theirs.get(key) for key in declared.identities)
        team = declared.entry.team or next(filter(None, of_identities), None)
        folded = team.casefold() if team else None
        names.setdefault(folded, team)
        entries[folded].append(declared.entry)
    return {names[folded]: _of(result, its) for folded, its in entries.items()}


def summed(parts: Iterable[Upkeep]) -> Upkeep:
    """The sum of all."""
    listed = list(parts)
    return Upkeep(**{name: sum(getattr(one, name) for one in listed) for name in Upkeep.__struct_fields__})


def _of(result: ScanResult, entries: Iterable[Entry]) -> Upkeep:
    return upkeep(entries, result.policy, result.scan.started_at.date())
