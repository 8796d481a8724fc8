"""What is left of the latest scan when a source that is retired, or one scope of it, is forgotten. Pure.

Nothing is judged anew: verdicts on what stays are those of the latest scan, until the next one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from scanner.judging.last_known.remembered import unlisted_places
from scanner.model import (
    Assessment,
    Assignment,
    EntryAssessment,
    Finding,
    Forgotten,
    ScanInfo,
    ScanResult,
    StoredSecret,
    Workload,
)
from scanner.model.summary import summarise
from scanner.text import counted

_Placed = TypeVar("_Placed", StoredSecret, Workload, Assignment)

_PLACED: Mapping[str, tuple[str, str]] = {
    "secrets": ("stored secret", "stored secrets"),
    "workloads": ("workload", "workloads"),
    "assignments": ("right given there", "rights given there"),
}
"""Records of the result that one source alone knows, and what one and several are called."""
_CALLED: Mapping[str, tuple[str, str]] = {
    "identities": ("identity", "identities"),
    **_PLACED,
    "findings": ("finding", "findings"),
}
_NEED_SOMEBODY = ("found", "retired_but_alive")
"""States of an entry that say that something stands for it."""


class Forgetting(Struct, frozen=True, kw_only=True):
    """What is forgotten with a place, and ``after``: what is left, to be stored.

    ``ended``: how many identities and other records of the result are no more. ``entries``: how many stand for nothing
    any more. ``was_read``: the latest scan still read the place.
    """

    place: Forgotten
    ended: Mapping[str, int]
    entries: int
    was_read: bool
    after: ScanResult

    def __str__(self) -> str:
        return _told(self.place, self.ended)


def _told(place: Forgotten, ended: Mapping[str, int]) -> str:
    told = [counted(ended[name], *called) for name, called in _CALLED.items() if ended[name]]
    return f"{place}: {', '.join(told) or 'nothing but that it was looked at'}"


def forget(last: ScanResult, place: Forgotten, scan: ScanInfo) -> Forgetting:
    """The latest scan without what only that place knew. ``scan``: what the state afterwards is kept as.

    An identity that another source knows as well stays, as that source's.
    """
    identities = tuple(_known_elsewhere(last.identities, place))
    gone = {one.identity.key for one in last.identities} - {one.identity.key for one in identities}
    parted = {name: _parted(getattr(last, name), place) for name in _PLACED}
    subjects = gone.union(*(keys for _, keys in parted.values()))
    after = replace(
        last,
        scan=scan,
        coverage=tuple(one for one in last.coverage if not place.holds(one.source, one.scope)),
        identities=identities,
        entries=tuple(_without(one, gone, place) for one in last.entries),
        findings=tuple(_as_old(one) for one in last.findings if one.is_on_entry or one.subject not in subjects),
        **{name: kept for name, (kept, _) in parted.items()},
    )
    ended = {name: len(getattr(last, name)) - len(getattr(after, name)) for name in _CALLED}
    return Forgetting(
        place=place,
        ended=ended,
        entries=sum(one.state != old.state for one, old in zip(after.entries, last.entries, strict=True)),
        was_read=after.coverage != last.coverage,
        after=replace(
            after,
            summary=summarise(
                after.identities,
                after.secrets,
                after.workloads,
                after.assignments,
                after.entries,
                after.findings,
                after.coverage,
            ),
            notices=(f"forgotten by hand: {_told(place, ended)}", *_notices(last, place)),
        ),
    )


def _parted(records: Iterable[_Placed], place: Forgotten) -> tuple[tuple[_Placed, ...], set[str]]:
    """Those that stay, and the keys of those that go."""
    kept, keys = [], set()
    for one in records:
        if place.holds(one.source, one.scope):
            keys.add(one.key)
        else:
            kept.append(one)
    return tuple(kept), keys


def _known_elsewhere(assessments: Sequence[Assessment], place: Forgotten) -> Iterator[Assessment]:
    for one in assessments:
        identity = one.identity
        seen_by = dict.fromkeys((identity.source, *identity.sources))  # the best of them first
        others = tuple(source for source in seen_by if not place.holds(source, identity.scope))
        if len(others) == len(seen_by):
            yield one
        elif others:
            yield replace(one, identity=replace(identity, source=others[0], sources=others))


def _as_old(one: Finding) -> Finding:
    """What the latest scan found is no news to the state after it."""
    return replace(one, new=False, reopened=False) if one.new or one.reopened else one


def _without(one: EntryAssessment, gone: Collection[str], place: Forgotten) -> EntryAssessment:
    identities = tuple(key for key in one.identities if key not in gone)
    candidates = tuple(candidate for candidate in one.candidates if candidate.identity not in gone)
    if identities == one.identities and candidates == one.candidates:
        return one
    if identities or one.state not in _NEED_SOMEBODY:
        return replace(one, identities=identities, candidates=candidates)
    evidence = f"what stood for it was forgotten with {place}"
    return replace(one, state="not_evaluated", identities=(), candidates=candidates, evidence=evidence)


def _notices(last: ScanResult, place: Forgotten) -> Iterator[str]:
    """Those of the latest scan, but that the place is shown as last seen."""
    as_last_seen = [one for one in last.identities if not one.rechecked and _lies_in(one, place)]
    rights = [one for one in last.assignments if place.holds(one.source, one.scope)]
    over = frozenset(unlisted_places(as_last_seen, rights, last.coverage))
    return (notice for notice in last.notices if notice not in over)


def _lies_in(one: Assessment, place: Forgotten) -> bool:
    return place.holds(one.identity.source, one.identity.scope)
