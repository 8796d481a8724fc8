"""Entries without an id of their own are called after their row; rows move. What is remembered follows them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypeAlias, TypeVar

from msgspec.structs import replace

from scanner.continuity.remembered import Remembered, declares
from scanner.model import Assessment, Entry, EntryAssessment, Finding, LookAlike, MatchCandidate, RegistryVerdict
from scanner.rules.base import fingerprint

_Ids: TypeAlias = Mapping[str, str]
_Named = TypeVar("_Named", MatchCandidate, LookAlike)

_GONE = "{} of the last scan"


def followed(remembered: Remembered, entries: Sequence[Entry]) -> Remembered:
    """What the last scan knew, with the ids that its entries have today.

    A row that is no longer there as it was gives its place to no other: its old name then says that it is of old.
    """
    moved = renamed([one.entry for one in remembered.entries], entries)
    if not moved:
        return remembered
    findings = tuple(_finding(one, moved) for one in remembered.findings)
    return replace(
        remembered,
        assessments=tuple(_assessment(one, moved) for one in remembered.assessments),
        entries=tuple(_entry(one, moved) for one in remembered.entries),
        findings=findings,
        known=_known(remembered, findings),
    )


def renamed(before: Sequence[Entry], now: Sequence[Entry]) -> _Ids:
    """Row by row, the first of several alike first: the new name of each that is called otherwise now."""
    places: dict[tuple[object, ...], list[str]] = {}
    for entry in now:
        if not entry.has_own_id:
            places.setdefault(declares(entry), []).append(entry.id)
    taken = {entry.id for entry in now}
    moved = {}
    for entry in before:
        if entry.has_own_id:
            continue
        here = places.get(declares(entry))
        if here:
            moved[entry.id] = here.pop(0)
        elif entry.id in taken:
            moved[entry.id] = _GONE.format(entry.id)
    return {old: new for old, new in moved.items() if old != new}


def _assessment(one: Assessment, moved: _Ids) -> Assessment:
    registry = one.registry
    named = {registry.entry, registry.proposed, registry.look_alike.entry if registry.look_alike else None}
    named.update(registry.agreeing, registry.contradictions, (hit.entry for hit in registry.candidates))
    return one if named.isdisjoint(moved) else replace(one, registry=_registry(registry, moved))


def _registry(verdict: RegistryVerdict, moved: _Ids) -> RegistryVerdict:
    return replace(
        verdict,
        entry=None if verdict.entry is None else moved.get(verdict.entry, verdict.entry),
        proposed=None if verdict.proposed is None else moved.get(verdict.proposed, verdict.proposed),
        look_alike=None if verdict.look_alike is None else _candidate(verdict.look_alike, moved),
        agreeing=tuple(moved.get(entry, entry) for entry in verdict.agreeing),
        contradictions=tuple(moved.get(entry, entry) for entry in verdict.contradictions),
        candidates=tuple(_candidate(one, moved) for one in verdict.candidates),
    )


def _candidate(one: _Named, moved: _Ids) -> _Named:
    return replace(one, entry=moved.get(one.entry, one.entry))


def _entry(one: EntryAssessment, moved: _Ids) -> EntryAssessment:
    return replace(one, entry=replace(one.entry, id=moved.get(one.entry.id, one.entry.id)))


def _finding(one: Finding, moved: _Ids) -> Finding:
    if one.entry is None or one.identity is not None or one.entry not in moved:
        return one
    return replace(one, entry=moved[one.entry], fingerprint=fingerprint(one.rule, moved[one.entry]))


def _known(remembered: Remembered, findings: Sequence[Finding]) -> Mapping[str, datetime | None] | None:
    """A finding is as old as before, wherever its row is now; one that was held back is still not known."""
    known = remembered.known
    if known is None:
        return None
    pairs = zip(remembered.findings, findings, strict=True)
    names = {old.fingerprint: new.fingerprint for old, new in pairs if old.fingerprint in known}
    others = {name: since for name, since in known.items() if name not in names}
    return others | {new: known[old] for old, new in names.items()}
