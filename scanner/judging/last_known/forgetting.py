"""Removes a retired source, or one of its scopes, from the latest scan. Pure.

Nothing is judged again: the remaining verdicts are those of the latest scan, until the next one.
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
    Exposure,
    Finding,
    Forgotten,
    ScanInfo,
    ScanResult,
    StoredSecret,
    Workload,
)
from scanner.model.summary import summarise
from scanner.text import counted

_Placed = TypeVar("_Placed", StoredSecret, Workload, Assignment, Exposure)

_PLACED: Mapping[str, tuple[str, str]] = {
    "secrets": ("stored secret", "stored secrets"),
    "workloads": ("workload", "workloads"),
    "assignments": ("right given there", "rights given there"),
    "exposures": ("leaked key", "leaked keys"),
}
"""Records that only one source can have, with the words for one and for several."""
_CALLED: Mapping[str, tuple[str, str]] = {
    "identities": ("identity", "identities"),
    **_PLACED,
    "findings": ("finding", "findings"),
}
_NEED_IDENTITY = ("found", "retired_but_alive")
"""States of an entry that require a matching identity."""


class Forgetting(Struct, frozen=True, kw_only=True):
    """What is forgotten, and ``after``: the rest, to be stored.

    ``ended``: how many identities and other records are removed. ``entries``: how many entries match nothing any more.
    ``was_read``: the latest scan read the place.
    """

    place: Forgotten
    ended: Mapping[str, int]
    entries: int
    was_read: bool
    after: ScanResult

    def __str__(self) -> str:
        return _described(self.place, self.ended)


def _described(place: Forgotten, ended: Mapping[str, int]) -> str:
    parts = [counted(ended[name], *called) for name, called in _CALLED.items() if ended[name]]
    return f"{place}: {', '.join(parts) or 'nothing but its coverage'}"


def forget(last: ScanResult, place: Forgotten, scan: ScanInfo) -> Forgetting:
    """Return the latest scan without what only this place had. ``scan``: the scan that stores the result.

    An identity that another source also has stays, as that source's.
    """
    identities = tuple(_known_elsewhere(last.identities, place))
    gone = {assessment.identity.key for assessment in last.identities} - {
        assessment.identity.key for assessment in identities
    }
    parted = {name: _parted(getattr(last, name), place) for name in _PLACED}
    subjects = gone.union(*(keys for _, keys in parted.values()))
    after = replace(
        last,
        scan=scan,
        coverage=tuple(section for section in last.coverage if not place.holds(section.source, section.scope)),
        identities=identities,
        entries=tuple(_without(entry, gone, place) for entry in last.entries),
        findings=tuple(
            _as_old(finding) for finding in last.findings if finding.is_on_entry or finding.subject not in subjects
        ),
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
            summary=replace(summarise(after), upkeep=last.summary.upkeep),
            notices=(f"forgotten by hand: {_described(place, ended)}", *_notices(last, place)),
        ),
    )


def _parted(records: Iterable[_Placed], place: Forgotten) -> tuple[tuple[_Placed, ...], set[str]]:
    """Return the records that stay, and the keys of the others."""
    kept, keys = [], set()
    for record in records:
        if place.holds(record.source, record.scope):
            keys.add(record.key)
        else:
            kept.append(record)
    return tuple(kept), keys


def _known_elsewhere(assessments: Sequence[Assessment], place: Forgotten) -> Iterator[Assessment]:
    for assessment in assessments:
        identity = assessment.identity
        seen_by = dict.fromkeys((identity.source, *identity.sources))  # the best source first
        others = tuple(source for source in seen_by if not place.holds(source, identity.scope))
        if len(others) == len(seen_by):
            yield assessment
        elif others:
            yield replace(assessment, identity=replace(identity, source=others[0], sources=others))


def _as_old(one: Finding) -> Finding:
    """Findings of the latest scan are not new after it."""
    if not (one.new or one.reopened or one.worsened):
        return one
    return replace(one, new=False, reopened=False, was=None, cause=None, by_setup=False)


def _without(one: EntryAssessment, gone: Collection[str], place: Forgotten) -> EntryAssessment:
    identities = tuple(key for key in one.identities if key not in gone)
    candidates = tuple(candidate for candidate in one.candidates if candidate.identity not in gone)
    if identities == one.identities and candidates == one.candidates:
        return one
    if identities or one.state not in _NEED_IDENTITY:
        return replace(one, identities=identities, candidates=candidates)
    evidence = f"what it matched was forgotten with {place}"
    return replace(one, state="not_evaluated", identities=(), candidates=candidates, evidence=evidence)


def _notices(last: ScanResult, place: Forgotten) -> Iterator[str]:
    """Yield the notices of the latest scan, without the notice that the place is shown as last seen."""
    as_last_seen = [
        assessment
        for assessment in last.identities
        if not assessment.rechecked and place.holds(assessment.identity.source, assessment.identity.scope)
    ]
    rights = [assignment for assignment in last.assignments if place.holds(assignment.source, assignment.scope)]
    leaks = [exposure for exposure in last.exposures if place.holds(exposure.source, exposure.scope)]
    over = frozenset(unlisted_places(as_last_seen, rights, leaks, last.coverage))
    return (notice for notice in last.notices if notice not in over)
